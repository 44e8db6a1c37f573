"""The report as HTML: one page that needs no script, beside its stylesheet or with it inside."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from exporters.report_blocks import Document

if TYPE_CHECKING:
    from jinja2 import Environment

STYLESHEET = "/report.css"


def page(document: Document) -> str:
    """For a server that gives `stylesheet()` at STYLESHEET."""
    return _environment().get_template("report.html").render(document=document, stylesheet=None, policy=None)


def alone(document: Document) -> str:
    """A file of its own, which forbids itself everything but its own stylesheet."""
    text = stylesheet()
    own = b64encode(sha256(text.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{own}'; img-src data:; base-uri 'none'; form-action 'none'"
    return _environment().get_template("report.html").render(document=document, stylesheet=text, policy=policy)


@cache
def stylesheet() -> str:
    """How it looks, on a page light or dark and on paper."""
    return _environment().get_template("report.css").render()


@cache
def _environment() -> Environment:
    """Made when a report is first asked for: a start has no need of Jinja, which is 3 MiB."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - see above

    environment = Environment(
        loader=PackageLoader("exporters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["STYLESHEET"] = STYLESHEET
    return environment

"""`probe`: one look now."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import click

from exporters.labels import shown_target
from exporters.warnings import Measured, warnings_of
from monitor.cli.looks import Look, look_json, look_text
from monitor.clock import SystemClock
from monitor.config import for_urls, load
from monitor.errors import InputError
from monitor.interfaces import Tick
from monitor.prober import probe_once
from monitor.prober.results import look_result
from monitor.probes import KINDS, ProbedCheck
from monitor.probes.trace import Trace
from monitor.wiring import looked_at, probing_options, warn_limits

PROBE_FAILED = 1
"""Exit status of `probe` when the look did not pass."""


@click.command
@click.argument("what")
@click.option(
    "-c",
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Look at a check of this file.",
)
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def probe(what: str, config_file: Path | None, as_json: bool) -> None:
    """One probe now: of a URL, or with -c FILE of a check of that name. Exit 1 when it does not pass."""
    config = for_urls([what]) if config_file is None else load(config_file, os.environ)
    check = _check_named(looked_at(config), None if config_file is None else what)
    if (refusal := KINDS[check.kind].refusal()) is not None:
        raise InputError(f"the check {check.name} is of the kind {check.kind}, and {refusal}")
    trace = Trace()
    seen = asyncio.run(probe_once(check, SystemClock(), probing_options(config), trace))
    look = Look(
        target=shown_target(KINDS[check.kind].target_of(check.settings)),
        seen=seen,
        fact=look_result(check, Tick(check.name, 0, seen.at), seen, config.location),
        hops=trace.hops,
        warnings=[
            *warnings_of(
                warn_limits(config.checks[check.name]), Measured(seen.at, seen.duration_ms, seen.certificate_expires)
            )
        ],
    )
    click.echo(look_json(look) if as_json else look_text(look))
    if seen.outcome != "pass":
        sys.exit(PROBE_FAILED)


def _check_named(checks: list[ProbedCheck], name: str | None) -> ProbedCheck:
    for check in checks:
        if name is None or check.name == name:
            return check
    known = " ".join(check.name for check in checks)
    raise InputError(f"there is no check {name!r} that is probed from here; there are: {known}")

"""Configurations as tests write them."""

from __future__ import annotations

from pathlib import Path

from monitor.config import Config, parse

HERE = Path(__file__).parent
EXAMPLE = HERE / "example.yaml"
SECRETS = (
    "ed25519",
    "probe-token",
    "instatus",
    "instatus-hook",
    "cloudflare",
    "sentry",
    "sentry-hook",
    "shopify-app",
    "crux",
    "slack-acme",
    "sentry-dsn",
)
"""The files that the example reads."""

SMALLEST = """\
services:
  - name: app
    checks:
      - {name: web, http: {url: 'https://web.example.com/'}}
"""


def decoded(text: str, folder: Path = HERE) -> Config:
    return parse(text, "minutebook.yaml", folder, {})


def checking(*checks: str, more: str = "") -> Config:
    """One service with these checks, and whatever else."""
    rows = "".join(f"      - {{{check}}}\n" for check in checks)
    return decoded(f"services:\n  - name: app\n    checks:\n{rows}{more}")


WEB = "name: web, http: {url: 'https://web.example.com/'}"
EDGE = "name: edge, http: {url: 'https://edge.example.com/'}, role: corroboration"


def canary_of(secret: str) -> str:
    """The content of a secret file: a word to look for where it must not be."""
    return f"canary-{secret}-canary"


def example_with_secrets(folder: Path) -> Path:
    """The example in a folder of its own, with every secret that it reads."""
    (folder / "secrets").mkdir()
    for name in SECRETS:
        (folder / "secrets" / name).write_text(f"{canary_of(name)}\n")
    path = folder / "minutebook.yaml"
    path.write_text(EXAMPLE.read_text())
    return path

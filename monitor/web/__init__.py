"""The faces that are served over HTTP (contracts/interface.md, "HTTP"): built from functions, nothing global.

The composition root gives a `Daemon` to `build`, and keeps `serving` open until everything else has stopped.
"""

from __future__ import annotations

from monitor.web.daemon import Access, Audience, Daemon, Pages
from monitor.web.server import Listen, build, serving
from monitor.web.tokens import Role, Token, Tokens, Wanted

__all__ = [
    "Access",
    "Audience",
    "Daemon",
    "Listen",
    "Pages",
    "Role",
    "Token",
    "Tokens",
    "Wanted",
    "build",
    "serving",
]

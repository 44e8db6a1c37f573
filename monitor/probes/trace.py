"""What the command `probe` shows beside a look's result: each connection that was made, and who answered.

Only a look that is shown is traced: it costs what a look of the daemon must not.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.facts import Phases

SHOWN = 200  # characters of what a target said

_Name: TypeAlias = Iterable[Iterable[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A target's certificate: its names as they may be shown, its end, UTC ms, and whether it was verified: else
    anybody may have made it."""

    subject: str
    issuer: str
    expires: int | None
    verified: bool


@dataclass(frozen=True, slots=True)
class Hop:
    """One connection: where to, without what may be secret in a query; what was measured; what was answered."""

    target: str
    address: str
    phases: Phases
    proxy: str | None = None
    status: int | None = None
    tls: str | None = None
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The connections of one look, in order."""

    hops: list[Hop] = field(default_factory=list)


def safe(text: str) -> str:
    """What a target sent, to be shown: printable ASCII on one line, anything else escaped, and not too long."""
    shown = "".join(
        character if " " <= character <= "~" and character != "\\" else ascii(character)[1:-1]
        for character in text[: SHOWN + 1]
    )
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 3] + "..."


def certificate_of(decoded: Mapping[str, object] | None, verified: bool) -> Certificate | None:
    """Of a certificate as `ssl` decodes it; None where none was shown."""
    if not decoded:
        return None
    ends = decoded.get("notAfter")
    expires = ssl.cert_time_to_seconds(ends) * 1000 if isinstance(ends, str) else None
    return Certificate(_name(decoded.get("subject")), _name(decoded.get("issuer")), expires, verified)


def _name(given: object) -> str:
    """A distinguished name as `CN=app.example.com, O=Example`, most particular part first."""
    if not isinstance(given, tuple):
        return ""
    parts = [f"{_SHORT.get(key, key)}={value}" for part in given for key, value in part]
    return safe(", ".join(reversed(parts)))


_SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
}
"""RFC 4514 section 3."""

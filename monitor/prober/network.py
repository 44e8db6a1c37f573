"""What this host's own network is: its addresses, and its default gateway, found in /proc."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from monitor.probes.address import literal
from monitor.probes.judge import SELF_ERRNOS

ROUTES = Path("/proc/net/route")


def default_gateway(routes: str) -> str | None:
    """The IPv4 gateway in the text of /proc/net/route."""
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == "00000000" and fields[7] == "00000000" and fields[2] != "00000000":
            return socket.inet_ntoa(struct.pack("=I", int(fields[2], 16)))
    return None


def read_default_gateway() -> str | None:
    """The gateway now; None where there is none, or no /proc."""
    try:
        return default_gateway(ROUTES.read_text(encoding="ascii"))
    except OSError:
        return None


def is_local(address: str) -> bool:
    """Whether an address is this host's own: no canary says anything about the way there. False for a name."""
    if literal(address) is None:
        return False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as unsent:
            unsent.connect((address, 9))
            return bool(literal(unsent.getsockname()[0]) == literal(address))
    except OSError:
        return False


def shortage() -> str | None:
    """What we are short of ourselves to open another socket, as a void reason; None: nothing."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as error:
        return SELF_ERRNOS.get(error.errno or 0)
    return None

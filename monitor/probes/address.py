"""Which addresses may be connected to (design/reliability.md, "SSRF"): pure, asked of the literal that is connected."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal, NamedTuple

IpVersion = Literal["any", "prefer_ipv4", "prefer_ipv6", "only_ipv4", "only_ipv6"]
"""Which addresses of a name are connected to; the preferred ones are tried first, the others soon beside them."""

_REFUSED = tuple(
    ip_network(network)
    for network in """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    ::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
    """.split()
)
"""Loopback, link-local, private, metadata, documentation, multicast and reserved networks."""

_MAPPED = ip_network("::ffff:0:0/96")
_TRANSLATED = ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ip_network("2002::/16")


@lru_cache(maxsize=4096)  # as many hosts as a large file has, each asked about many times
def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` spells, None for a name. Only the canonical spellings: no octal, no decimal."""
    try:
        return ip_address(host)
    except ValueError:
        return None


DNS_PORT = 53
_WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9a-fA-F:.]+)\]):([0-9]{1,5})", re.ASCII)


class NameServer(NamedTuple):
    """Where questions about names are sent."""

    address: str
    port: int = DNS_PORT


def name_server(text: str) -> NameServer | None:
    """`9.9.9.9`, `9.9.9.9:5353`, `2620:fe::9` or `[2620:fe::9]:5353`; None for anything else."""
    match = _WITH_PORT.fullmatch(text)
    spelled, port = (match[1] or match[2], int(match[3])) if match else (text, DNS_PORT)
    address = literal(spelled)
    return NameServer(str(address), port) if address is not None and 0 < port < 65_536 else None


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _MAPPED or address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return None


def is_private(host: str) -> bool:
    """Whether this literal is one that `allow_private_targets: false` refuses, also inside a mapped address."""
    address = ip_address(host)
    inner = _inner(address)
    return any(address in network for network in _REFUSED) or (inner is not None and is_private(str(inner)))


def vetted(addresses: tuple[str, ...], allow_private: bool) -> tuple[str, ...]:
    """The addresses that may be connected to, in the order given."""
    return addresses if allow_private else tuple(address for address in addresses if not is_private(address))


def is_loopback(address: str) -> bool:
    found = ip_address(address)
    inner = _inner(found)
    return found.is_loopback or (inner is not None and inner.is_loopback)


def is_of_version(address: str, wanted: IpVersion) -> bool:
    """Whether this literal may be used at all."""
    return wanted != ("only_ipv4" if ":" in address else "only_ipv6")


def of_version(addresses: tuple[str, ...], wanted: IpVersion) -> tuple[str, ...]:
    """The addresses that may be used, the preferred version first, otherwise in the order given."""
    if wanted == "any":
        return addresses
    usable = tuple(address for address in addresses if is_of_version(address, wanted))
    return tuple(sorted(usable, key=lambda address: (":" in address) is wanted.endswith("ipv4")))

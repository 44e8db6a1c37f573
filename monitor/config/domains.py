"""Whether two names belong together: the domain that somebody registered, as far as a name alone tells it. Pure."""

from __future__ import annotations

from ipaddress import IPv6Address

from monitor.probes.address import literal
from monitor.probes.web import ascii_host

_SECOND_LEVEL = frozenset("ac asso co com edu gob gouv gov ltd me mil net nhs nom or org plc sch school".split())
"""Labels under which a country registers names, beside those of one or two letters."""


def domain_of(host: str) -> str:
    """`shop.example.co.uk` is of `example.co.uk`; an address, in whatever spelling, is itself.

    The last two labels, or three where the last is a country's and the one before it is a class of names. Names under
    a host of many (`a.github.io`, `b.github.io`) count as one domain: they fail together. Nothing is asked: two names
    with one address are not found here.
    """
    address = literal(host)
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or address)
    if address is not None:
        return str(address)
    try:
        name = ascii_host(host)
    except ValueError:
        name = host
    labels = name.lower().rstrip(".").split(".")
    classed = len(labels) > 2 and len(labels[-1]) == 2 and (labels[-2] in _SECOND_LEVEL or len(labels[-2]) <= 2)
    return ".".join(labels[-3:] if classed else labels[-2:])


def is_of(host: str, provider: str) -> bool:
    """Whether a name shows that it is a provider's: a whole label is the provider's name."""
    return literal(host) is None and provider.lower() in host.lower().split(".")

"""What a name server says of a name: pure, whoever read its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from monitor.probes.judge import Verdict

ADDRESSES_TAKEN = 64  # of a name: an answer of 64 KB holds 4,000, and a look has 2 MB (design/faults.md, "Defaults")
LONGEST_CHAIN = 16  # CNAMEs in a row: design/faults.md row 33


class Said(NamedTuple):
    """What a server said of a name: its addresses and for how many seconds they are good, or why there are none."""

    addresses: tuple[str, ...] = ()
    seconds: int = 0
    verdict: Verdict | None = None


def said(addresses: Sequence[str], lives: Iterable[int], chain: Iterable[tuple[str, str]]) -> Said:
    """Of the addresses in the order of preference and the CNAMEs (alias, name) before them, with the seconds that each
    lives."""
    if not addresses:
        return Said(verdict=Verdict("fail", "dns_nodata"))
    if endless(chain):
        return Said(verdict=Verdict("fail", "dns_bad", f"over {LONGEST_CHAIN} CNAME records in a row"))
    return Said(_taken(dict.fromkeys(addresses)), max(min(lives), 0))


def endless(aliases: Iterable[tuple[str, str]]) -> bool:
    """Whether CNAMEs (alias, name) are more than a chain may have, or lead back to one of them."""
    chain = {alias.lower(): name.lower() for alias, name in aliases}
    return len(chain) > LONGEST_CHAIN or any(_leads_back(chain, alias) for alias in chain)


def _leads_back(chain: Mapping[str, str], alias: str) -> bool:
    name = chain[alias]
    for _ in chain:
        if name == alias:
            return True
        name = chain.get(name, "")
    return False


def _taken(addresses: Iterable[str]) -> tuple[str, ...]:
    """ADDRESSES_TAKEN of them: those of one family leave half of the places to the other."""
    preferred: list[str] = []
    others: list[str] = []
    for address in addresses:
        first = not preferred or (":" in address) == (":" in preferred[0])
        (preferred if first else others).append(address)
    preferred = preferred[: ADDRESSES_TAKEN - min(len(others), ADDRESSES_TAKEN // 2)]
    return (*preferred, *others[: ADDRESSES_TAKEN - len(preferred)])

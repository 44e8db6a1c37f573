"""How many beacons are let in: a bucket for each sender and one for all (GCRA, as ATM's: one number a bucket).

Who sent is known by HMAC(address, salt of this start), in memory only, and only of the newest senders.
"""

from __future__ import annotations

import hmac
import math
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network

SECOND_NS = 1_000_000_000

EACH_PER_SECOND, EACH_BURST = 5, 20
"""Of one address, or of one /64 of IPv6 (design/vitals.md, section 7)."""

SENDERS = 10_000
"""Remembered at once: the one that was quiet longest is forgotten first."""

ALL_BURST_SECONDS = 2
"""So many seconds' worth may come at once from all together."""


class Rates:
    """Lets in `per_minute` beacons of all senders together, in any way the buckets allow."""

    def __init__(self, per_minute: int, salt: bytes) -> None:
        self._salt = salt
        self._every_ns = 60 * SECOND_NS // per_minute
        self._burst = max(1, ALL_BURST_SECONDS * per_minute // 60)
        self._all = 0
        self._each: OrderedDict[bytes, int] = OrderedDict()

    def wait_s(self, address: str | None, now_ns: int) -> int | None:
        """None where one more is let in at `now_ns` (monotonic), else the seconds after which it will be.

        `address` None: a sender that stands for many, of which only the limit of all holds.
        """
        sender = None if address is None else self._sender(address)
        every, burst = SECOND_NS // EACH_PER_SECOND, EACH_BURST
        own = now_ns if sender is None else max(now_ns, self._each.get(sender, 0))
        total = max(now_ns, self._all)
        early = max(own - (burst - 1) * every, total - (self._burst - 1) * self._every_ns) - now_ns
        if early > 0:
            return math.ceil(early / SECOND_NS)
        self._all = total + self._every_ns
        if sender is not None:
            self._each[sender] = own + every
            self._each.move_to_end(sender)
            if len(self._each) > SENDERS:
                self._each.popitem(last=False)
        return None

    def _sender(self, address: str) -> bytes:
        parsed = ip_address(address.partition("%")[0])
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
            parsed = ip_network((parsed, 64), strict=False).network_address
        return hmac.digest(self._salt, parsed.packed, "sha256")[:16]

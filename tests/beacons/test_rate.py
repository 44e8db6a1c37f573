"""How many beacons are let in, by one sender and by all."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.beacons.rate import EACH_BURST, EACH_PER_SECOND, SECOND_NS, SENDERS, Rates

SALT = b"salt"


def let_in(rates: Rates, addresses: Sequence[str | None], now_ns: int = 0) -> int:
    return sum(rates.wait_s(address, now_ns) is None for address in addresses)


def test_one_sender_has_its_burst_and_then_its_rate() -> None:
    rates = Rates(6_000, SALT)
    assert let_in(rates, ["192.0.2.1"] * 50) == EACH_BURST
    assert rates.wait_s("192.0.2.1", 0) == 1
    assert let_in(rates, ["192.0.2.1"] * 50, SECOND_NS) == EACH_PER_SECOND
    assert let_in(rates, ["192.0.2.2"] * 50, SECOND_NS) == EACH_BURST
    assert let_in(rates, ["192.0.2.1"] * 50, 3_600 * SECOND_NS) == EACH_BURST


def test_all_together_have_two_seconds_worth_at_once_and_then_their_rate() -> None:
    rates = Rates(600, SALT)
    assert let_in(rates, [None] * 100) == 20
    assert let_in(rates, [None] * 100, SECOND_NS) == 10
    assert rates.wait_s("192.0.2.1", SECOND_NS) == 1
    minute = sum(let_in(rates, [None] * 20, (2 + second) * SECOND_NS) for second in range(60))
    assert minute == 600


def test_what_is_refused_takes_nothing_from_anybody() -> None:
    rates = Rates(6_000, SALT)
    let_in(rates, ["192.0.2.1"] * 10_000)
    assert let_in(rates, [None] * 300) == 200 - EACH_BURST


def test_one_beacon_a_minute_can_be_asked_for() -> None:
    rates = Rates(1, SALT)
    assert let_in(rates, [None] * 5) == 1
    assert rates.wait_s(None, 0) == 60
    assert let_in(rates, [None] * 5, 60 * SECOND_NS) == 1


def test_a_network_of_ipv6_is_one_sender_and_a_mapped_address_is_its_own() -> None:
    rates = Rates(60_000, SALT)
    assert let_in(rates, [f"2001:db8::{host}" for host in range(1, 60)]) == EACH_BURST
    assert let_in(rates, ["fe80::1%eth0", "2001:db8:0:1::1"]) == 2
    assert let_in(rates, ["::ffff:192.0.2.1"] * 15 + ["::ffff:192.0.2.2"] * 15) == 30


def test_the_memory_of_senders_is_bounded() -> None:
    rates = Rates(60 * 10**9, SALT)
    many = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(SENDERS + 500)]
    assert let_in(rates, many) == len(many)
    assert len(rates._each) == SENDERS

"""Money: a Decimal with its currency, rounded half up to its minor unit (contracts/commitments.md section 3). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

MINOR_DIGITS: Mapping[str, int] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
"""Digits of the minor unit where they are not two (ISO 4217, list one)."""

USUAL_DIGITS = 2


class Money(NamedTuple):
    """An exact amount and its ISO 4217 code."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def share_of(money: Money, ratio: Fraction) -> Money:
    """That part of it, at least 0, rounded half up to the minor unit of its currency."""
    digits = MINOR_DIGITS.get(money.currency, USUAL_DIGITS)
    numerator, denominator = (Fraction(money.amount) * ratio * 10**digits).as_integer_ratio()
    minor = (2 * numerator + denominator) // (2 * denominator)
    return Money(Decimal(minor).scaleb(-digits), money.currency)


def sums(amounts: Iterable[Money]) -> list[Money]:
    """One sum a currency, in order of their codes: two currencies are never added."""
    found: dict[str, Decimal] = {}
    for money in amounts:
        found[money.currency] = found.get(money.currency, Decimal(0)) + money.amount
    return [Money(found[currency], currency) for currency in sorted(found)]

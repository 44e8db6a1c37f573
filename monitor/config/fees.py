"""What a customer pays: one fee, or fees by the date from which each is in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from monitor.config.values import parse_day, parse_money
from monitor.ledger.credits import Fee
from monitor.settings import Mistake, mistaken

Fees = tuple[Fee, ...]
"""In order of their dates; one without a date is in force from the first day on."""


def parse_fees(given: object) -> Fees:
    """`499.00 USD`, or `{2025-08-01: 499.00 USD, 2026-02-01: 549.00 USD}`, all in one currency."""
    if not isinstance(given, Mapping):
        return (Fee(None, parse_money(given)),)
    fees: list[Fee] = []
    found: list[Mistake] = [] if given else [Mistake((), "expected a fee such as 499.00 USD; found none")]
    for key, value in given.items():
        try:
            fees.append(Fee(parse_day(key), parse_money(value)))
        except PydanticCustomError as error:
            found.append(Mistake((str(key),), error.message()))
            continue
        if fees[-1].money.currency != fees[0].money.currency:
            one, other = fees[0].money.currency, fees[-1].money.currency
            message = f"two currencies, {one} and {other}, for one customer; write all of its fees in one"
            found.append(Mistake((str(key),), message))
    if found:
        raise mistaken(found)
    return tuple(sorted(fees, key=lambda fee: str(fee.since)))


def _format_fees(fees: Fees) -> str | dict[str, str]:
    if fees[0].since is None:
        return str(fees[0].money)
    return {str(fee.since): str(fee.money) for fee in fees}


_MONEY_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d{1,4})? [A-Z]{3}$", "examples": ["499.00 USD"]}

FeesText = Annotated[
    Fees,
    PlainValidator(parse_fees),
    PlainSerializer(_format_fees, when_used="json"),
    WithJsonSchema(
        {"anyOf": [_MONEY_SCHEMA, {"type": "object", "minProperties": 1, "additionalProperties": _MONEY_SCHEMA}]}
    ),
]

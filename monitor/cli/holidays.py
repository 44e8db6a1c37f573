"""`holidays`: the public holidays of a place, to be pasted into a policy (contracts/commitments.md section 2).

What counts is what the policy says: an update of the library changes no month that is closed, and none that runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version

import click

from monitor.errors import InputError


@click.command
@click.argument("place")
@click.argument("years", metavar="YEAR...", type=click.IntRange(1900, 2100), nargs=-1, required=True)
def holidays(place: str, years: Sequence[int]) -> None:
    """The public holidays of PLACE, as GB-ENG, DE-BY or FR, for `support.holidays` of a policy."""
    found = _holidays_of(place, years)
    click.echo(f"holidays: # {place} {' '.join(map(str, sorted(set(years))))}, holidays {version('holidays')}")
    for day in sorted(found):
        click.echo(f"  - {day.isoformat()} # {found[day]}")


def _holidays_of(place: str, years: Sequence[int]) -> Mapping[date, str]:
    """Raises InputError for a place that the library does not know."""
    try:
        import holidays as library  # noqa: PLC0415 - optional
    except ImportError:
        raise InputError(
            "this command needs the package `holidays`, which is not installed: install `minutebook[holidays]`"
        ) from None
    country, _, part = place.partition("-")
    known = library.list_supported_countries()
    if country not in known:
        raise InputError(
            f"{place[:20]!r}: the country is not known; expected a code of ISO 3166, as GB-ENG, DE-BY or FR"
        )
    if part and part not in known[country]:
        parts = " ".join(known[country]) or "none"
        raise InputError(f"{place[:20]!r}: {country} has no such part; it has {parts}")
    found = library.country_holidays(country, subdiv=part or None, years=years, language="en_US")
    if not found:
        raise InputError(f"nothing is known of {place} in {' '.join(map(str, years))}; name later years")
    return {day: " ".join(name.split()) for day, name in found.items()}

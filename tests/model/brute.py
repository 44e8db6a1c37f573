"""A brute-force model of accounting.md, sections 1 to 8: slow, literal, and independent of the product.

Nothing here works with intervals. Every rule is a predicate about one instant; an amount is the number of
milliseconds at which its predicate holds. As nothing can change between two neighbouring instants of the
world's edges, each such slot is asked once, at its first instant, and counts with its length; `step` asks at
every multiple of a step instead, for worlds whose edges all lie on that grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tests.model.book import Book, burn, exhaustion
from tests.model.entries import corroborators, exclusions, flutter, outages, refused, unknown_inside_outage
from tests.model.excuses import CLASSES
from tests.model.log import Fact, newest_recorded
from tests.model.moments import floored, instant, over, written
from tests.model.world import World, length


def statement(world: World, month_named: str, step: int | None = None) -> dict[str, Any]:
    """The statement of one service's month, as far as statement.md and accounting.md define it."""
    month = world.month(month_named)
    cuts = world.edges(month)
    if step is not None:
        cuts = list(range(cuts[0], max(month.end, world.as_of) + step, step))
    book = Book(world, month, cuts)
    third, declared = book.excused_by("third_party"), length(book.slots, book.third_party_declared)
    return {
        "service": world.name,
        "month": month_named,
        "start": written(month.start),
        "end": written(month.end),
        "as_of": written(world.as_of),
        "accounts_ms": {
            "month": book.total,
            "up": book.ms("up"),
            "down": book.down,
            "unknown": book.unknown,
            "pending": book.pending,
            "excused": {kind: book.excused_by(kind) for kind in CLASSES},
        },
        "third_party_ms": {"corroborated": third - declared, "declared": declared},
        "bounds_ms": {
            "down_shortest": book.ms("down", "shortest"),
            "down_longest": book.ms("down", "longest"),
            "excused_shortest": book.ms("excused", "shortest"),
            "excused_longest": book.ms("excused", "longest"),
        },
        "objective": floored(month.terms.objective),
        "base_ms": book.base,
        "budget_ms": book.budget,
        "budget_bound_by": "downtime_cap" if book.capped else "objective",
        "remaining_ms": book.remaining,
        "burned": floored(None if book.budget == 0 else Fraction(book.down, book.budget)),
        "availability": book.availability(),
        "coverage": floored(over(book.unknown, book.total - book.pending)),
        "verdict": book.verdict(),
        "burn": burn(world, cuts),
        "exhaustion": exhaustion(world, cuts),
        "blips": flutter(world, book, "blip"),
        "lulls": flutter(world, book, "lull"),
        "unknown_inside_outage_ms": unknown_inside_outage(world, book, cuts),
        "outages": outages(world, book, cuts),
        "exclusions": exclusions(world, book),
        "refused": refused(world, book),
        "corroborators": corroborators(world, book),
    }


def statements(
    config: dict[str, Any], facts: Sequence[Fact], month: str, as_of: str | None, step: int | None = None
) -> list[dict[str, Any]]:
    """One statement a service, as `replay` gives them.

    `config` is the YAML as loaded, `facts` the lines as loaded, in their order; without `as_of` the newest
    `recorded_at`. `step` (ms) samples at a fixed grid instead of the world's own edges.
    Raises NoPolicyError when there are policies and none is in force.
    """
    moment = newest_recorded(facts) if as_of is None else instant(as_of)
    return [statement(World(config, service, facts, moment), month, step) for service in config["services"]]

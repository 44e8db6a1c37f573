"""What two versions of the terms differ in (accounting.md section 9: raising `fall` on the 30th must show). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.facts import Json, canonical_json

ABSENT = "absent"
"""How a member that one version does not have is spelled; a JSON text is in quotation marks, so nothing else is."""

_Change = tuple[str, str, str]


def changes(before: Json, after: Json) -> list[Json]:
    """Every member that differs, as `{"path", "before", "after"}` with canonical JSON texts, in order of the path.

    Items that have a name are compared by it, `services[app].checks[admin].fall`; others by their place.
    """
    found = _differing("", before, after)
    return [{"path": path, "before": old, "after": new} for path, old, new in found]


def _differing(path: str, before: Json, after: Json) -> Iterator[_Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _members(path, before, after, "{}.{}")
    elif isinstance(before, list) and isinstance(after, list):
        found = list(_members(path, _by_name(before), _by_name(after), "{}[{}]"))
        yield from found
        if not found and _spelled(before) != _spelled(after):  # the same items in another order
            yield path, _spelled(before), _spelled(after)
    elif (old := _spelled(before)) != (new := _spelled(after)):
        yield path, old, new


def _members(path: str, before: Mapping[str, Json], after: Mapping[str, Json], form: str) -> Iterator[_Change]:
    for name in sorted(before.keys() | after.keys()):
        inside = form.format(path, name).removeprefix(".")
        if name not in before:
            yield inside, ABSENT, _spelled(after[name])
        elif name not in after:
            yield inside, _spelled(before[name]), ABSENT
        else:
            yield from _differing(inside, before[name], after[name])


def _by_name(items: list[Json]) -> dict[str, Json]:
    """Items by what names them; by their place where not all of them have a name of their own."""
    names = [item.get("name", item.get("effective_from")) if isinstance(item, dict) else None for item in items]
    named = [name for name in names if isinstance(name, str)]
    if len(set(named)) == len(items):
        return dict(zip(named, items, strict=True))
    return {str(place): item for place, item in enumerate(items)}


def _spelled(value: Json) -> str:
    return canonical_json(value).decode()

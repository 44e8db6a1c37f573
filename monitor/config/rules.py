"""What must hold between sections: names that are unique and known, canaries that are independent, a way to evidence.

The rules read names from the file as it was written, so that they also find their mistakes in a file that does not
decode elsewhere: a person is told everything at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from monitor.config.document import Keys
from monitor.config.domains import domain_of, is_of
from monitor.config.values import closest
from monitor.facts import Json
from monitor.probes.address import name_server
from monitor.settings import Mistake, split_url


class Section(NamedTuple):
    """A mapping of the file and the keys that lead to it."""

    keys: Keys
    values: Mapping[str, Json]

    def text(self, key: str) -> str | None:
        """The text under the key, if it is one."""
        found = self.values.get(key)
        return found if isinstance(found, str) else None

    def texts(self, key: str) -> list[tuple[Keys, str]]:
        """The texts of the list under the key, and where they are."""
        found = self.values.get(key)
        members = found if isinstance(found, list) else []
        return [((*self.keys, key, place), text) for place, text in enumerate(members) if isinstance(text, str)]

    def section(self, key: str) -> Section:
        """The mapping under the key; an empty one where there is none."""
        found = self.values.get(key)
        return Section((*self.keys, key), found if isinstance(found, dict) else {})

    def sections(self, key: str) -> list[Section]:
        """The mappings in the list under the key."""
        found = self.values.get(key)
        members = found if isinstance(found, list) else []
        return [Section((*self.keys, key, place), one) for place, one in enumerate(members) if isinstance(one, dict)]


def broken_rules(values: Json) -> Iterator[Mistake]:
    """Every rule between sections that the file breaks."""
    top = Section((), values if isinstance(values, dict) else {})
    checks = [check for service in top.sections("services") for check in service.sections("checks")]
    yield from _unique(top, checks)
    yield from _own_names(top)
    yield from _known(top, checks)
    yield from _corroborated_by(top, checks)
    yield from _evidence(top)
    yield from _own_pages(top)
    yield from _independent_canaries(top, checks)
    yield from _open_credentials(checks)


# ---------------------------------------------------------------- names


def _unique(top: Section, checks: list[Section]) -> Iterator[Mistake]:
    kinds = ("services", "sources", "customers", "channels", "routine_maintenance")
    for what, sections in (("checks", checks), *((kind, top.sections(kind)) for kind in kinds)):
        seen: set[str] = set()
        for section in sections:
            name = section.text("name")
            if name in seen:
                yield Mistake((*section.keys, "name"), f"two {_plural(what)} have the name {name}; rename one of them")
            seen.add(name or "")
    dates: set[str] = set()
    for policy in top.sections("policies"):
        date = policy.text("effective_from")
        if date in dates:
            yield Mistake((*policy.keys, "effective_from"), f"two policies are effective from {date}; keep one of them")
        dates.add(date or "")


def _own_names(top: Section) -> Iterator[Mistake]:
    """What a source says stands under its name, what we say ourselves under ours: one name would be one who speaks."""
    ours = {
        top.text("location") or "local": "this daemon's own location, whose looks stand under that name",
        "routine": "what announces routine maintenance, which stands under that name",
    }
    if top.section("web_vitals").section("crux").values:
        ours["crux"] = "what Chrome's own figures stand under, and how old they are"
    for source in top.sections("sources"):
        if whose := ours.get(source.text("name") or ""):
            yield Mistake((*source.keys, "name"), f"{source.text('name')} is {whose}; rename the source")


def _plural(what: str) -> str:
    return "windows of routine maintenance" if what == "routine_maintenance" else what


def _known(top: Section, checks: list[Section]) -> Iterator[Mistake]:
    """Services and checks that other sections name."""
    services = [name for service in top.sections("services") if (name := service.text("name"))]
    names = [name for check in checks if (name := check.text("name"))]
    for source in top.sections("sources"):
        components, vantage = source.section("components"), source.section("vantage_of")
        for component in components.values:
            yield from _unknown(components.texts(component), "service", services)
        texts = [((*vantage.keys, key), text) for key in vantage.values if (text := vantage.text(key))]
        yield from _unknown(texts, "check", names)
    for kind in ("routine_maintenance", "customers", "channels"):
        for section in top.sections(kind):
            yield from _unknown(section.texts("services"), "service", services)


def _unknown(texts: list[tuple[Keys, str]], what: str, known: list[str]) -> Iterator[Mistake]:
    for keys, name in texts:
        if name not in known:
            near = closest(name, known) or f"; expected one of {', '.join(known[:10])}" * bool(known)
            yield Mistake(keys, f"there is no {what} {name}{near}")


# ---------------------------------------------------------------- evidence


def _corroborated_by(top: Section, checks: list[Section]) -> Iterator[Mistake]:
    """What corroborates is a check with that role."""
    if not top.values.get("policies"):
        return
    by_name = {check.text("name"): check for check in checks}
    candidates = [name for name, check in by_name.items() if name and check.text("role") == "corroboration"]
    for policy in top.sections("policies"):
        named = policy.section("third_party").section("corroborated_by")
        for provider in named.values:
            for keys, name in named.texts(provider):
                if name not in by_name:
                    near = closest(name, candidates) or "; add it with `role: corroboration`"
                    yield Mistake(keys, f"there is no check {name}{near}")
                elif name not in candidates:
                    yield Mistake(keys, f"the check {name} counts itself; give it `role: corroboration`")


def _evidence(top: Section) -> Iterator[Mistake]:
    """A provider that a service depends on has somebody who sees it fail (accounting.md section 5.2)."""
    depended: dict[str, str] = {}
    for service in top.sections("services"):
        for _, text in service.texts("depends_on"):
            depended.setdefault(text.partition("/")[0], service.text("name") or "a service")
    for policy in top.sections("policies"):
        third_party = policy.section("third_party")
        if third_party.values.get("evidence", "corroborated") != "corroborated":
            continue
        listed = third_party.values.get("providers")
        for provider, depending in depended.items():
            if provider not in third_party.section("corroborated_by").values and (
                not isinstance(listed, list) or provider in listed
            ):
                yield Mistake(
                    (*third_party.keys, "corroborated_by"),
                    f"{depending} depends on {provider}, and no check is named that sees it fail; name one with "
                    f"`role: corroboration` here, or leave {provider} out of `providers`",
                )


def _own_pages(top: Section) -> Iterator[Mistake]:
    """What a page of our own says of us excuses nothing: its incidents are told under the source's own name."""
    own = {source.text("name") for source in top.sections("sources") if source.text("provider") is None}
    for service in top.sections("services"):
        for keys, text in service.texts("depends_on"):
            provider = text.partition("/")[0]
            if provider in own:
                message = f"{provider} is a source without `provider`, a page of our own: what we say of ourselves"
                yield Mistake(keys, f"{message} excuses nothing; leave it out")


# ---------------------------------------------------------------- canaries


def _independent_canaries(top: Section, checks: list[Section]) -> Iterator[Mistake]:
    """A canary shares no domain and no address with another one, with a check or with a source, and is no provider's
    that a service depends on (design/faults.md, "Canaries")."""
    canaries = top.section("probing").sections("canaries")
    if not canaries:
        return
    taken: dict[str, tuple[str, str]] = {}
    met: set[tuple[str, object]] = set()  # ten thousand checks ask the same few
    for what, sections in (("check", checks), ("source", top.sections("sources"))):
        for section in sections:
            for keys, host in _hosts(section):
                if (host, keys[-1]) in met:
                    continue
                met.add((host, keys[-1]))
                for shared in (f"={host}", _apart(keys, host)):
                    taken.setdefault(shared, (host, f"the {what} {section.text('name')}"))
    depended = _depended_on(top)
    for place, canary in enumerate(canaries):
        asked = dict(reversed([(_apart(keys, host), (host, keys)) for keys, host in _hosts(canary)]))
        for shared, (host, keys) in asked.items():
            if shared in taken or f"={host}" in taken:
                yield Mistake(keys, _shared(host, *taken.get(f"={host}") or taken[shared]))
            for provider, whose in depended.items():
                if is_of(host, provider):
                    yield Mistake(keys, f"{host} is of {provider}, which {whose}; expected a canary that is not")
        for shared, (host, _) in asked.items():
            taken.setdefault(shared, (host, f"canary {place + 1}"))
            taken.setdefault(f"={host}", (host, f"canary {place + 1}"))


def _apart(keys: Keys, host: str) -> str:
    """What a canary may share with nobody: the domain of what is asked. Of a name that a name server is asked for only
    the very name, as that server is the canary."""
    return f"={host}" if keys[-1] == "name" else domain_of(host)


def _shared(host: str, other: str, whose: str) -> str:
    how = f"{host} is also asked by" if host == other else f"{host} shares the domain {domain_of(host)} with"
    return f"{how} {whose}; expected a canary that is independent of it"


def _depended_on(top: Section) -> dict[str, str]:
    """The providers, and who depends on each in words."""
    depended: dict[str, str] = {}
    for service in top.sections("services"):
        for _, text in service.texts("depends_on"):
            depended.setdefault(text.partition("/")[0], f"{service.text('name')} depends on")
    for source in top.sections("sources"):
        provider = source.text("provider")
        if provider:
            depended.setdefault(provider, f"the source {source.text('name')} tells of")
    return depended


CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""Headers whose value is a secret."""


def _open_credentials(checks: list[Section]) -> Iterator[Mistake]:
    """Secrets are read from a file or the environment: what stands in the configuration stands in the log as well."""
    for check in checks:
        for kind, asked in check.values.items():
            if not isinstance(asked, dict) or asked.keys().isdisjoint(("headers", "proxy")):
                continue
            for section in (check.section(kind), check.section(kind).section("proxy")):
                headers = section.section("headers")
                for header in headers.values:
                    if header.lower() in CREDENTIALS and headers.text(header) is not None:
                        message = (
                            "expected {from_file: path} or {from_env: NAME}: a secret does not stand in the file itself"
                        )
                        yield Mistake((*headers.keys, header), message)


def _hosts(section: Section) -> Iterator[tuple[Keys, str]]:
    """Names and addresses that a section of one kind asks, by the key that holds them."""
    for kind, asked in section.values.items():
        if not isinstance(asked, dict):
            continue
        for key in ("url", "host", "name", "server"):
            text = asked.get(key)
            if not isinstance(text, str):
                continue
            host = _host(text) if text and key == "url" else _without_port(text) if key == "server" else text
            if host:
                yield (*section.keys, kind, key), host.lower().rstrip(".")


def _without_port(server: str | None) -> str | None:
    found = name_server(server) if server else None
    return server if found is None else found.address


def _host(url: str) -> str | None:
    try:
        return split_url(url).host
    except ValueError:
        return None

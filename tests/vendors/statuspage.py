"""A page that speaks Statuspage's API v2, as its operators work it: they edit, backdate, rename and delete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta, timezone
from typing import Any

from aiohttp import web

from monitor.ledger.period import moment

CAP = 50
OFFSET = timezone(timedelta(hours=-5))
"""The page's own: it writes its times so."""

Object = dict[str, Any]
Said = dict[str, str]
"""A component's id to its new status."""


def written(instant: int | None) -> str | None:
    """An instant as the page writes it: ISO 8601 with milliseconds in the page's own offset."""
    return None if instant is None else moment(instant).astimezone(OFFSET).isoformat(timespec="milliseconds")


class StatusPage:
    """The state of one page. Instants in UTC ms; `now` is when somebody does something."""

    def __init__(self, components: dict[str, str]) -> None:
        self.names = components
        self.incidents: dict[str, Object] = {}
        self.maintenances: dict[str, Object] = {}
        self._updates = 0

    # -- what its operators do

    def open(self, item: str, now: int, said: Said, impact: str = "major") -> None:
        """A new incident, which is being looked into."""
        self.incidents[item] = self._notice(item, now, impact)
        self.update(item, now, "investigating", said)

    def update(self, item: str, now: int, status: str, said: Said | None = None, shown: int | None = None) -> None:
        """A new update; `shown`: what the page says that it is of, an incident begins no later than its first."""
        notice = self._of(item)
        at = now if shown is None else shown
        self._updates += 1
        notice["incident_updates"].insert(
            0,
            {
                "id": f"u{self._updates}",
                "incident_id": item,
                "status": status,
                "body": f"It is {status}.",
                "created_at": written(now),
                "updated_at": written(now),
                "display_at": written(at),
                "affected_components": [
                    {"code": code, "name": self.names[code], "old_status": "operational", "new_status": new}
                    for code, new in (said or {}).items()
                ]
                or None,
                "deliver_notifications": True,
            },
        )
        notice["status"], notice["updated_at"] = status, written(now)
        notice["resolved_at"] = written(at) if status in ("resolved", "completed") else None
        if item in self.incidents and at < notice["began"]:
            notice["began"], notice["created_at"] = at, written(at)
        notice["components"] = [self._component(code) for code in (said or {})] or notice["components"]

    def edit(self, item: str, now: int, place: int, **fields: object) -> None:
        """Changes an update in place, the newest is 0; instants among the fields are written as the page does."""
        notice = self._of(item)
        shown = {name: written(value) if isinstance(value, int) else value for name, value in fields.items()}
        notice["incident_updates"][place].update(shown, updated_at=written(now))
        notice["updated_at"] = written(now)

    def set(self, item: str, now: int, **fields: object) -> None:
        """Changes the incident or maintenance itself, without an update; as `edit`."""
        shown = {name: written(value) if isinstance(value, int) else value for name, value in fields.items()}
        self._of(item).update(shown, updated_at=written(now))

    def backfill(self, item: str, now: int, text: str) -> None:
        """An incident that is entered when it is long over."""
        self.incidents[item] = self._notice(item, now, "none")
        self.update(item, now - now % 60_000, "resolved")
        self.set(item, now, started_at=now, resolved_at=now - now % 60_000)
        self.edit(item, now, 0, body=text, created_at=now - now % 60_000)

    def plan(self, item: str, now: int, window: tuple[int, int], said: Said) -> None:
        """A maintenance that is announced now."""
        self.maintenances[item] = {
            **self._notice(item, now, "maintenance"),
            "scheduled_for": written(window[0]),
            "scheduled_until": written(window[1]),
        }
        self.update(item, now, "scheduled", said)

    def delete(self, item: str) -> None:
        """It is gone as if it had never been."""
        self.incidents.pop(item, None)
        self.maintenances.pop(item, None)

    # -- what it answers

    async def answer(self, request: web.Request) -> object | None:
        """The JSON of a path of the API; None where there is none."""
        return self.at(request.path)

    def at(self, path: str) -> object | None:
        """The same, without a request."""
        open_ones = [one for one in self.incidents.values() if one["status"] not in ("resolved", "postmortem")]
        lists = {
            "incidents.json": ("incidents", self._newest(self.incidents.values())),
            "incidents/unresolved.json": ("incidents", self._newest(open_ones)),
            "scheduled-maintenances.json": ("scheduled_maintenances", self._newest(self.maintenances.values())),
            "components.json": ("components", [self._component(code) for code in self.names]),
        }
        found = lists.get(path.removeprefix("/api/v2/"))
        return None if found is None else {"page": {"id": "p1", "name": "Provider"}, found[0]: found[1]}

    def _newest(self, notices: Iterable[Object]) -> Sequence[Object]:
        newest = sorted(notices, key=lambda one: one["began"], reverse=True)[:CAP]
        return [{name: value for name, value in one.items() if name != "began"} for one in newest]

    def _of(self, item: str) -> Object:
        return self.incidents[item] if item in self.incidents else self.maintenances[item]

    def _notice(self, item: str, now: int, impact: str) -> Object:
        return {
            "id": item,
            "name": f"Trouble {item}",
            "impact": impact,
            "began": now,
            "created_at": written(now),
            "started_at": written(now),
            "monitoring_at": None,
            "resolved_at": None,
            "shortlink": f"https://stspg.example/{item}",
            "components": [],
            "incident_updates": [],
        }

    def _component(self, code: str) -> Object:
        return {"id": code, "name": self.names[code].rpartition(" - ")[2], "group": False, "status": "operational"}

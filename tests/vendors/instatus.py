"""An Instatus page as its operators work it: its API for who has the key, its public JSON, and what it posts."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from monitor.ledger.period import MINUTE, format_instant, moment, parse_instant

KEY = "instatus-key"
PAGE = "ckpage"
Object = dict[str, Any]
LABELS = {"NOTSTARTEDYET": "Planned", "INPROGRESS": "In progress", "COMPLETED": "Completed"}


def js_date(instant: int) -> str:
    """As JavaScript writes a date."""
    return moment(instant).strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")


class InstatusPage:
    """The state of one page. Instants in UTC ms; `now` is when somebody does something."""

    def __init__(self, components: dict[str, str]) -> None:
        self.names = components
        self.statuses = dict.fromkeys(components, "OPERATIONAL")
        self.incidents: dict[str, Object] = {}
        self.maintenances: dict[str, Object] = {}
        self.now = 0
        self.refuses = False
        self.created: list[Object] = []

    # -- what its operators do

    def open(self, item: str, now: int, said: dict[str, str], impact: str = "MAJOROUTAGE") -> None:
        """A new incident; `said`: the components that it names, with their new statuses."""
        self.incidents[item] = {
            "id": item,
            "name": f"Trouble {item}",
            "started": format_instant(now),
            "impact": impact,
            "components": list(said),
            "updates": [],
        }
        self.update(item, now, "INVESTIGATING", said)

    def update(self, item: str, now: int, status: str, said: dict[str, str] | None = None) -> None:
        """A new update of an incident or a maintenance."""
        self.statuses |= said or {}
        notice = self.incidents.get(item) or self.maintenances[item]
        at = format_instant(now)
        notice["updates"].append({"id": f"{item}-{now}", "status": status, "started": at, "createdAt": at})
        notice["status"] = status
        if status == "RESOLVED":
            notice["resolved"] = at

    def plan(self, item: str, now: int, window: tuple[int, int], components: tuple[str, ...] = ()) -> None:
        """A maintenance that is announced now."""
        self.maintenances[item] = {
            "id": item,
            "name": f"Work {item}",
            "components": list(components),
            "updates": [],
            "autoStart": True,
        }
        self.move(item, window)
        self.update(item, now, "NOTSTARTEDYET")

    def move(self, item: str, window: tuple[int, int]) -> None:
        """Overwrites the window, as a PUT does: no word of it stays."""
        minutes = (window[1] - window[0]) // MINUTE
        self.maintenances[item] |= {"start": format_instant(window[0]), "duration": minutes, "window": window}

    def delete(self, item: str) -> None:
        """It is gone as if it had never been."""
        self.incidents.pop(item, None)
        self.maintenances.pop(item, None)

    # -- what it answers

    async def answer(self, request: web.Request) -> object | None:
        """The JSON of a path of the API or of the page; HTML for a path that there is not."""
        if not request.path.startswith("/v1/"):
            found = self.public(request.path)
            if found is None:
                raise web.HTTPOk(text="<!DOCTYPE html><html>Status</html>", content_type="text/html")
            return found
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            raise web.HTTPUnauthorized(text='{"error":{"code":"unauthorized"}}', content_type="application/json")
        if request.method == "POST":
            return self._create(json.loads(await request.read()))
        what = request.path.removeprefix(f"/v1/{PAGE}/")
        page, size = (int(request.query.get(name, "1")) for name in ("page", "per_page"))
        return self.listed(what)[(page - 1) * size : page * size]

    def listed(self, what: str) -> list[Object]:
        """All items of a list of the API."""
        if what == "components":
            return [{**self._component(code), "group": None, "archivedAt": None} for code in self.names]
        return [self._shown(one) for one in getattr(self, what).values()]

    def public(self, path: str) -> object | None:
        """What everybody may read: what is active, and no list where there is nothing."""
        if path == "/components.json":
            return {"components": [self._component(code) for code in self.names]}
        if path != "/summary.json":
            return None
        open_ones = [
            {**self._brief(one, "incident"), "started": js_date_of(one["started"]), "impact": one["impact"]}
            for one in self.incidents.values()
            if one["status"] != "RESOLVED"
        ]
        planned = [
            {**self._brief(one, "maintenance"), "start": js_date_of(one["start"]), "duration": str(one["duration"])}
            for one in self.maintenances.values()
            if one["status"] != "COMPLETED"
        ]
        body: Object = {"page": {"name": "Own", "url": "https://own.example", "status": "UP"}}
        return body | {
            name: found for name, found in (("activeIncidents", open_ones), ("activeMaintenances", planned)) if found
        }

    def _create(self, given: Object) -> object:
        if self.refuses:
            raise web.HTTPUnprocessableEntity(text='{"error":{"code":"bad"}}', content_type="application/json")
        self.created.append(given)
        item = f"ck{len(self.created)}"
        window = parse_instant(given["start"]), parse_instant(given["end"])
        self.plan(item, self.now, window, tuple(given["components"]))
        self.maintenances[item]["name"] = given["name"]
        return self._shown(self.maintenances[item])

    def _brief(self, one: Object, kind: str) -> Object:
        return {"name": one["name"], "status": one["status"], "url": f"https://own.example/{kind}/{one['id']}"}

    def _shown(self, one: Object) -> Object:
        hidden = ("impact", "window")  # the API tells neither
        components = [self._component(code) for code in one["components"]]
        return {**{name: value for name, value in one.items() if name not in hidden}, "components": components}

    def _component(self, code: str) -> Object:
        return {"id": code, "name": self.names[code], "status": self.statuses[code]}

    # -- what it posts

    def delivery(self, item: str, updated_at: int) -> bytes:
        """What it posts of a maintenance: human labels, other names, other times."""
        one = self.maintenances[item]
        start, end = one["window"]
        maintenance = {
            "id": item,
            "name": one["name"],
            "status": LABELS[one["status"]],
            "impact": "Under maintenance",
            "created_at": one["updates"][0]["createdAt"],
            "updated_at": format_instant(updated_at),
            "maintenance_start_date": format_instant(start),
            "maintenance_end_date": format_instant(end),
            "duration": one["duration"],
            "maintenance_updates": [
                {"id": each["id"], "status": LABELS[each["status"]], "created_at": each["createdAt"]}
                for each in one["updates"]
            ],
            "affected_components": [self._component(code) for code in one["components"]],
        }
        page = {"id": PAGE, "status_indicator": "UP", "status_description": "All systems operational"}
        return json.dumps({"meta": {"unsubscribe": "https://x"}, "page": page, "maintenance": maintenance}).encode()


def js_date_of(written: str) -> str:
    return js_date(parse_instant(written))

"""A maintenance is published on our own page and recorded in one step, beside a running daemon and without one."""

from __future__ import annotations

from pathlib import Path

from monitor.ledger.period import DAY, HOUR, format_instant
from tests.daemon.programs import Minutebook, Until, configuration, ended, now_ms, running_app
from tests.vendors.instatus import KEY, PAGE, InstatusPage
from tests.vendors.serving import served

MORE = """\
sources:
  - name: own-page
    instatus: {{url: "{url}", api_url: "{url}", page_id: {page}, api_key: {{from_file: key}}}}
    announces_maintenance: true
    components: {{App: [app]}}
    every: 1s
"""


def announcing(file: Path, hours: int = 0) -> list[str | Path]:
    start = now_ms() // HOUR * HOUR + 5 * DAY + hours * HOUR
    window = ["--start", format_instant(start), "--end", format_instant(start + HOUR)]
    named = ["--publish", "own-page", "--title", "Database upgrade", "--author", "ada"]
    return ["maintenance", "announce", *window, *named, "-c", file]


def test_what_is_published_is_one_maintenance_whoever_saw_it_first(minutebook: Minutebook, until: Until) -> None:
    page = InstatusPage({"app1": "App", "blog": "Blog"})
    page.now = now_ms()
    (minutebook.folder / "key").write_text(KEY)
    with served(page) as vendor, running_app() as app:
        file = configuration(minutebook.folder, app, MORE.format(url=vendor.url, page=PAGE))
        listed = minutebook.well("components", "own-page", "-c", file).splitlines()
        assert listed == ["id    name  state", "app1  App   operational", "blog  Blog  operational"]
        first = announcing(file)
        shown = minutebook.well(*first)
        assert shown.startswith("ck1: recorded, by ada (unauthenticated)")
        assert "excuses downtime from" in shown
        [sent] = page.created
        assert (sent["name"], sent["components"], sent["autoStart"]) == ("Database upgrade", ["app1"], True)
        assert minutebook.well(*first).startswith("ck1: stands recorded already")
        assert len(page.created) == 1
        with ended(minutebook.starting("run", "-c", file)) as daemon:
            daemon.ready()
            assert minutebook.well(*announcing(file, 2)).startswith("ck2: recorded, by ada")
            polled = "minutebook_source_last_success_timestamp_seconds"
            since = daemon.value(polled, source="own-page") or 0
            until(lambda: (daemon.value(polled, source="own-page") or 0) > since)
            assert daemon.stop() == 0
        facts = minutebook.facts("maintenance")
        assert {fact["maintenance"] for fact in facts} == {"ck1", "ck2"}
        by_hand = [fact for fact in facts if fact["source"] == "person:ada"]
        assert [fact["published_on"] for fact in by_hand] == ["own-page", "own-page"]
        assert by_hand[0]["url"] == f"{vendor.url}/maintenance/ck1"
        assert by_hand[0]["answered"]["id"] == "ck1"
        assert {(fact["start"], fact["maintenance"]) for fact in facts} == {
            (fact["start"], fact["maintenance"]) for fact in by_hand
        }


def test_what_the_page_does_not_take_is_not_recorded_and_the_mend_is_told(minutebook: Minutebook) -> None:
    page = InstatusPage({"app1": "App"})
    (minutebook.folder / "key").write_text(KEY)
    with served(page) as vendor, running_app() as app:
        file = configuration(minutebook.folder, app, MORE.format(url=vendor.url, page=PAGE))
        page.refuses = True
        done = minutebook(*announcing(file))
        assert (done.status, done.out) == (1, "")
        assert "own-page did not take it: status (status 422); nothing was recorded" in done.err
        page.refuses = False
        (minutebook.folder / "key").write_text("another")
        done = minutebook(*announcing(file))
        assert (done.status, "look at its api_key and page_id" in done.err) == (1, True)
        (minutebook.folder / "key").write_text(KEY)
        vendor.trouble = "reset"
        done = minutebook(*announcing(file))
        assert (done.status, "nothing was recorded" in done.err) == (1, True)
        vendor.trouble = None
        page.names["app1"] = "Renamed"
        done = minutebook(*announcing(file))
        assert (done.status, "own-page has no component 'App'" in done.err) == (1, True)
        words = [word for word in announcing(file) if word not in ("--title", "Database upgrade")]
        done = minutebook(*words)
        assert (done.status, "title: is missing" in done.err) == (2, True)
        done = minutebook(*announcing(file), "--url", "https://x.example")
        assert (done.status, "expected one of --url" in done.err) == (2, True)
        assert page.created == []
    assert minutebook.facts("maintenance") == []

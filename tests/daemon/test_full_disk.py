"""A full disk: what cannot be kept is refused, looks go on, nothing is booked down, and it is over by itself (A3)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.ledger.period import format_instant
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, now_ms

Start = Callable[..., Daemon]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """3 MiB of memory as a file system; making one needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False)
    if not made or made.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            return ballast


def a_ticket(number: int) -> dict[str, object]:
    return {
        "kind": "ticket",
        "ticket": str(number),
        "customer": "acme",
        "priority": "high",
        "received_at": format_instant(now_ms()),
        "first_reply_at": None,
    }


def test_a_full_disk_loses_nothing_and_is_over_by_itself(
    minutebook: Minutebook, start: Start, small_disk: Path, app: App, until: Until
) -> None:
    configuration(minutebook.folder, app, more=f"storage: sqlite:///{small_disk}/minutebook.db\n")
    token = minutebook.token(store=small_disk / "minutebook.db")
    daemon = start().ready()
    until(lambda: daemon.value("probe_success") == 1)
    ballast = fill(small_disk)
    until(lambda: daemon.value("minutebook_store_writable") == 0)
    refused = daemon.post_facts(token, [a_ticket(0)])
    assert (refused.status, refused.json["error"]) == (503, "store_unavailable")
    assert daemon.reload(token).status == 503
    asked = app.asked
    until(lambda: app.asked >= asked + 5)
    [waiting] = daemon.page().of("minutebook_queue_depth")
    assert waiting.value >= 4
    assert daemon.value("sla_service_up") != 0
    ballast.unlink()
    until(lambda: daemon.value("minutebook_store_writable") == 1, within_s=5)
    until(lambda: daemon.value("sla_service_up") == 1)
    assert daemon.post_facts(token, [a_ticket(1)]).json == {"new": 1}
    assert daemon.stop() == 0
    assert [fact["ticket"] for fact in minutebook.facts("ticket")] == ["1"]
    results = minutebook.facts("result")
    assert {result["outcome"] for result in results} <= {"pass", "void"}
    assert {result["reason"] for result in results if result["outcome"] == "void"} <= {"self_stop"}
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started", "stopped"]
    assert "the chain holds" in minutebook.well("verify")


def test_an_import_that_finds_no_room_leaves_the_store_as_it_was(
    minutebook: Minutebook, small_disk: Path, app: App
) -> None:
    configuration(minutebook.folder, app, more=f"storage: sqlite:///{small_disk}/minutebook.db\n")
    facts = minutebook.folder / "facts.jsonl"
    facts.write_text(json.dumps(a_ticket(0)) + "\n")
    minutebook.well("import", facts)
    facts.write_text("".join(json.dumps(a_ticket(number)) + "\n" for number in range(20_000)))
    refused = minutebook("import", facts)
    assert refused.status == 1
    assert "the disk is full; make room" in refused.err
    assert [fact["ticket"] for fact in minutebook.facts("ticket")] == ["0"]
    assert "the chain holds" in minutebook.well("verify")


def test_a_daemon_that_finds_no_room_says_so(minutebook: Minutebook, start: Start, small_disk: Path, app: App) -> None:
    configuration(minutebook.folder, app, more=f"storage: sqlite:///{small_disk}/minutebook.db\n")
    fill(small_disk)
    daemon = start()
    assert daemon.process.wait(20) == 1
    assert "minutebook.db" in daemon.said
    assert "disk" in daemon.said
    assert "Traceback" not in daemon.said

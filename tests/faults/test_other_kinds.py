"""What the kinds beside HTTP meet: floods and bombs within the memory of a look, and one verdict for the same bytes
however the network cuts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hpack import Encoder
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame, SettingsFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts.kinds import FAIL_REASONS
from monitor.probes.frames import BINARY, PING, TEXT, Frames, Opening
from monitor.probes.health_call import HealthCall
from monitor.probes.judge import ProbeError
from tests.faults.conftest import MOST_MEMORY, PATIENT_MS, is_down
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.probes.servers import Talk, repeats, says, serving
from tests.probes.test_grpc import ANSWER, BOMB, CONTINUED, OK, SETTINGS, data, head
from tests.probes.test_websocket import UPGRADE, agrees, floods, plain

LINE = {"steps": [{"expect": "^220 "}]}
MESSAGE = {"steps": [{"expect": "^hello$"}]}
SETTINGS_AGAIN = SettingsFrame(0, {3: 9}).serialize()
FULL = ContinuationFrame(1, bytes(16_384)).serialize()

FLOODS: dict[str, tuple[str, Talk, dict[str, Any], str]] = {
    "a line without end": ("tcp", repeats(b"", b"x" * 65_536), LINE, "tcp_content"),
    "lines without end": ("tcp", repeats(b"", b"no\n" * 20_000), LINE, "tcp_content"),
    "an HPACK bomb": (
        "grpc",
        says(SETTINGS + HeadersFrame(1, BOMB, flags=["END_HEADERS"]).serialize(), then_close=False),
        {},
        "http_protocol",
    ),
    "full continuations": ("grpc", repeats(SETTINGS + CONTINUED, FULL), {}, "http_protocol"),
    "settings without end": ("grpc", repeats(SETTINGS, SETTINGS_AGAIN * 2_000), {}, "http_protocol"),
    "a message without end": ("grpc", repeats(OK, data(bytes(16_000))), {}, "http_too_large"),
    "a head without end": ("websocket", repeats(UPGRADE + b"A: ", b"x" * 65_536), MESSAGE, "http_protocol"),
    "pieces without end": ("websocket", floods(plain(0, bytes(60_000), final=False)), MESSAGE, "ws_content"),
    "messages without end": ("websocket", floods(plain(BINARY, bytes(60_000))), MESSAGE, "ws_content"),
    "pings without end": ("websocket", floods(plain(PING, b"x" * 125)), MESSAGE, "ws_content"),
}  # fmt: skip

SOUND: dict[str, tuple[Talk, dict[str, Any]]] = {
    "tcp": (says(b"220 mail\r\n"), LINE),
    "grpc": (says(ANSWER, then_close=False), {}),
    "websocket": (agrees(plain(TEXT, b"hello")), MESSAGE),
}


def at(kind: str, port: int, given_: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    where = {"url": f"ws://127.0.0.1:{port}/"} if kind == "websocket" else {"host": "127.0.0.1", "port": port}
    return kind, {**where, **given_}


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_ends_at_once_and_takes_no_more_memory_than_a_look_may(name: str) -> None:
    kind, talk, asked, reason = FLOODS[name]
    sound, sound_asked = SOUND[kind]
    async with serving(sound, read_request=False) as healthy, serving(talk, read_request=False) as server:
        warm = (at(kind, healthy.port, sound_asked),)
        errand = Errand((at(kind, server.port, asked),), timeout_ms=PATIENT_MS, weighed=True, warm=warm)
        seen = await run_elsewhere(errand)
        for _ in range(4):
            if seen.only.reason == "self_loop":  # a machine that is short of time stood still; a look that holds the
                seen = await run_elsewhere(errand)  # loop would hold it again
    assert is_down(seen.only, reason, 1)
    assert seen.peak <= MOST_MEMORY, f"{seen.peak} bytes"


def cut(sent: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(sent) + 1) for place in places} | {len(sent)})
    return [sent[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def verdict(take: Callable[[], object]) -> object:
    """What it comes to: a value, or the reason and the words of its fault."""
    try:
        return take()
    except ProbeError as fault:
        found = fault.verdict
    assert found.reason in FAIL_REASONS
    assert (found.detail or "").isascii()
    assert (found.detail or "").isprintable()
    return found


def call_of(pieces: Iterable[bytes]) -> object:
    call = HealthCall()
    call.begin("app.example.com", False, "", 1_000)
    for piece in pieces:
        if not call.ended:
            call.feed(piece)
    if not call.ended:
        raise call.cut()
    return call.answer()


H2 = st.sampled_from(
    [
        SETTINGS,
        OK,
        ANSWER,
        CONTINUED,
        FULL,
        head([("grpc-status", "0")], "END_STREAM"),
        data(b"\0\0\0\0\2\x08\1"),
        DataFrame(1, b"").serialize() * 150,
        HeadersFrame(1, Encoder().encode([(":status", "103")])).serialize(),
    ]
)
PLACES = st.lists(st.integers(0, 1_000_000), max_size=12)


@settings(max_examples=200)
@given(st.lists(H2 | st.binary(max_size=20), max_size=10).map(b"".join), PLACES)
def test_a_call_comes_to_the_same_verdict_however_it_is_cut(sent: bytes, places: list[int]) -> None:
    whole = verdict(lambda: call_of([SETTINGS + sent]))
    assert verdict(lambda: call_of(cut(SETTINGS + sent, places))) == whole


def talk_of(pieces: Iterable[bytes]) -> object:
    opening = Opening()
    frames: Frames | None = None
    found: list[object] = []
    for piece in pieces:
        opening.received += piece
        if frames is None:
            agreed = opening.head()
            if agreed is None:
                continue
            found.append((agreed.status, dict(agreed.headers)))
            frames = Frames(opening.received)
        while (message := frames.frame()) is not None:
            found.append(message)
    if frames is None:
        raise opening.cut()
    return found


SOCKET = st.sampled_from(
    [
        UPGRADE,
        b"\r\n",
        b"HTTP/1.1 103 x\r\n\r\n",
        b"HTTP/1.1 103 x\r\n\r\n" * 9,
        b"A: b\r\n" * 60,
        b"A: " + b"x" * 20_000,
        plain(TEXT, b"hello"),
        plain(TEXT, b"he", final=False),
        plain(0, b"llo"),
        plain(PING, b""),
        plain(BINARY, bytes(40_000)),
    ]
)
STARTS = st.sampled_from([b"", UPGRADE, UPGRADE + b"\r\n"])


@settings(max_examples=200)
@given(STARTS, st.lists(SOCKET | st.binary(max_size=20), max_size=10).map(b"".join), PLACES)
def test_a_socket_comes_to_the_same_verdict_however_it_is_cut(start: bytes, rest: bytes, places: list[int]) -> None:
    sent = start + rest
    whole = verdict(lambda: talk_of([sent]))
    assert verdict(lambda: talk_of(cut(sent, places))) == whole

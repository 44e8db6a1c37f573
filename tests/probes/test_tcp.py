"""What a TCP look records of what is said over its connection: steps, STARTTLS, and servers that misbehave."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.probes import Io
from monitor.probes.dialogue import STEP_BYTES, Step, pieces
from monitor.probes.starttls import dialogues
from monitor.probes.tcp import TcpSettings
from tests.probes.kinds import TRUSTED, LookAt, authority, hear, looks_at, script, server_tls
from tests.probes.servers import Talk, hang_up, repeats, reset, says, serving, silent

__all__ = ["authority"]

SHORT_MS = 300
HOSTILE = b'"} 0\nfake 1 <script> =cmd()\n'


@pytest.fixture
def look(io: Io, tmp_path: Path) -> LookAt:
    return looks_at("tcp", io, tmp_path)


# ---------------------------------------------------------------- steps


async def test_a_dialogue_comes_about_line_by_line(look: LookAt) -> None:
    talk = script(b":irc NOTICE wait\r\nPING :12", b"34\r\n", hear(b"PONG :1234\r\n"), b":irc 001 probe\n")
    steps = [
        {"send": r"NICK probe\r\n"},
        {"expect": "^PING :([^ ]+)$", "send": r"PONG :${1}\r\n"},
        {"expect": "^:[^ ]+ 001"},
    ]
    async with serving(talk, read_request=False) as server:
        seen = await look(port=server.port, steps=steps)
    assert (seen.outcome, seen.reason) == ("pass", None)
    assert [(each.name, each.passed) for each in seen.assertions] == [
        ("steps[1].expect", True),
        ("steps[2].expect", True),
    ]
    assert seen.phases is not None
    assert None not in (seen.phases.connect, seen.phases.processing, seen.phases.transfer)
    assert seen.phases.tls is None


async def test_bytes_are_expected_as_they_are_also_in_pieces(look: LookAt) -> None:
    talk = script(hear(b"\x00\x01\xff"), b"\x10\x00", b"\xfe", b"line\n")
    steps = [{"send": r"\x00\x01\xff"}, {"expect_bytes": r"\x10\0\xfe"}, {"expect": "^line$"}]
    async with serving(talk, read_request=False) as server:
        seen = await look(port=server.port, steps=steps)
    assert seen.outcome == "pass"


async def test_what_stands_before_the_end_is_a_line(look: LookAt) -> None:
    async def zookeeper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"imok" if await reader.readexactly(4) == b"ruok" else b"no")

    async with serving(zookeeper, read_request=False) as server:
        seen = await look(port=server.port, steps=[{"send": "ruok"}, {"expect": "^imok$"}])
    assert seen.outcome == "pass"


async def test_a_secret_is_sent_and_never_shown(look: LookAt, tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("AUTH hunter2\\r\\n")
    talk = script(hear(b"AUTH hunter2\r\n"), b"+OK\r\n")
    steps = [{"send": {"from_file": "auth"}}, {"expect": r"^\+OK"}]
    async with serving(talk, read_request=False) as server:
        seen = await look(port=server.port, steps=steps)
    assert seen.outcome == "pass"
    assert "hunter2" not in repr(seen)


EXPECT = [{"expect": "^220 ", "refuse": "^[45]"}]

FAULTS: list[tuple[str, Talk, list[dict[str, str]], str]] = [
    ("silence", silent, EXPECT, "tcp_timeout"),
    ("a drip of a line", repeats(b"2", b"x", 0.02), EXPECT, "tcp_timeout"),
    ("a drip of lines", repeats(b"", b"no\n", 0.02), EXPECT, "tcp_timeout"),
    ("an endless line", repeats(b"", b"x" * 65_536), EXPECT, "tcp_content"),
    ("endless lines", repeats(b"", b"no\n" * 20_000), EXPECT, "tcp_content"),
    ("endless empty lines", repeats(b"", b"\n" * 65_536), EXPECT, "tcp_content"),
    ("endless zeros", repeats(b"", bytes(65_536)), EXPECT, "tcp_content"),
    ("a refusal", says(b"554 go away\r\n", then_close=False), EXPECT, "tcp_content"),
    ("other words and an end", says(b"hello\r\n"), EXPECT, "tcp_content"),
    ("an end", hang_up, EXPECT, "tcp_reset"),
    ("a reset", reset, EXPECT, "tcp_reset"),
    ("other bytes", says(b"SX", then_close=False), [{"expect_bytes": "SSH-2.0"}], "tcp_content"),
    ("too few bytes", says(b"SS"), [{"expect_bytes": "SSH-2.0"}], "tcp_content"),
    ("no bytes", hang_up, [{"expect_bytes": "SSH-2.0"}], "tcp_reset"),
    ("hostile bytes", says(HOSTILE), EXPECT, "tcp_content"),
    ("an echo that grows", says(b"a" * 60_000 + b"\n"), [{"expect": "(.*)", "send": "${1}${1}"}], "tcp_content"),
]


@pytest.mark.parametrize(("talk", "steps", "reason"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
async def test_a_dialogue_that_does_not_come_about_is_down(
    look: LookAt, talk: Talk, steps: list[dict[str, str]], reason: str
) -> None:
    async with serving(talk, read_request=False) as server:
        timeout = SHORT_MS if reason == "tcp_timeout" else 10_000
        seen = await look(timeout, port=server.port, steps=steps)
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert server.connections == 1
    failed = [each.name for each in seen.assertions if not each.passed]
    assert failed == [f"steps[0].{name}" for name in steps[0] if name.startswith("expect") and "send" not in steps[0]]
    said = f"{seen.detail} {seen.assertions}"
    assert not [word for word in ("script", "554", "hello", "\n") if word in said]


async def test_a_target_that_never_reads_holds_nothing_up(look: LookAt) -> None:
    steps = [{"send": "x" * STEP_BYTES}] * 20
    async with serving(silent, read_request=False) as server:
        seen = await look(port=server.port, steps=steps)
    assert seen.outcome == "pass"


# ---------------------------------------------------------------- TLS


async def test_tls_from_the_first_byte_on(look: LookAt, authority: trustme.CA) -> None:
    async with serving(script(b"* OK ready\r\n"), server_tls(authority), read_request=False) as server:
        seen = await look(port=server.port, tls=TRUSTED, steps=[{"expect": r"^\* OK"}])
        untrusted = await look(port=server.port, tls={})
    assert (seen.outcome, untrusted.reason) == ("pass", "tls_untrusted")
    assert seen.attributes is not None
    assert seen.attributes["probe_tls_version_info"] == "TLS 1.3"
    assert seen.certificate_expires is not None
    assert seen.phases is not None
    assert seen.phases.tls is not None
    measured = [phase for phase in seen.phases if phase is not None]
    assert len(measured) == 4
    assert sum(measured) <= seen.duration_ms


def mail(protocol: str, tls: ssl.SSLContext) -> Talk:
    """A server of a protocol that starts TLS when it is asked to, and greets again inside."""
    asked: dict[str, tuple[bytes | tuple[str, bytes], ...]] = {
        "smtp": (
            b"220-mail\r\n220 mail ESMTP\r\n",
            hear(b"EHLO minutebook.invalid\r\n"),
            b"250-mail\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
            hear(b"STARTTLS\r\n"),
            b"220 2.0.0 ready\r\n",
        ),
        "imap": (b"* OK [CAPABILITY IMAP4rev1] x\r\n", hear(b"a1 STARTTLS\r\n"), b"a1 OK begin\r\n"),
        "pop3": (b"+OK POP3\r\n", hear(b"STLS\r\n"), b"+OK begin\r\n"),
        "ftp": (b"220 FTP\r\n", hear(b"AUTH TLS\r\n"), b"234 go on\r\n"),
        "postgres": (hear(b"\x00\x00\x00\x08\x04\xd2\x16\x2f"), b"S"),
    }
    return script(*asked[protocol], tls, b"inside\r\n")


@pytest.mark.parametrize("protocol", list(dialogues()))
@pytest.mark.parametrize("kind", ["tcp", "tls"])
async def test_every_protocol_starts_tls(
    io: Io, tmp_path: Path, authority: trustme.CA, protocol: str, kind: str
) -> None:
    trust = {"tls": TRUSTED, "steps": [{"expect": "^inside$"}]} if kind == "tcp" else TRUSTED
    async with serving(mail(protocol, server_tls(authority)), read_request=False) as server:
        seen = await looks_at(kind, io, tmp_path)(port=server.port, starttls=protocol, **trust)
    assert (seen.outcome, seen.reason, seen.detail) == ("pass", None, None)
    assert seen.certificate_expires is not None
    assert seen.phases is not None
    assert seen.phases.tls is not None
    assert sum(phase for phase in seen.phases if phase is not None) <= seen.duration_ms


async def test_tls_is_started_by_a_step(look: LookAt, authority: trustme.CA) -> None:
    steps = [{"expect": "^hi"}, {"send": r"TLS\n"}, {"expect": "^go", "starttls": True}, {"expect": "^in$"}]
    talk = script(b"hi\n", hear(b"TLS\n"), b"go\n", server_tls(authority), b"in\n")
    async with serving(talk, read_request=False) as server:
        seen = await look(port=server.port, tls=TRUSTED, steps=steps)
    assert (seen.outcome, seen.reason) == ("pass", None)


REFUSALS = {
    "smtp": says(b"220 x\r\n250 x\r\n454 4.7.0 TLS not available\r\n", then_close=False),
    "imap": says(b"* OK x\r\na1 NO not now\r\n", then_close=False),
    "pop3": says(b"+OK x\r\n-ERR no such command\r\n", then_close=False),
    "ftp": says(b"220 x\r\n502 no such command\r\n", then_close=False),
    "postgres": says(b"N", then_close=False),
}


@pytest.mark.parametrize("protocol", list(dialogues()))
async def test_a_target_that_does_not_start_tls_is_down_at_once(look: LookAt, protocol: str) -> None:
    async with serving(REFUSALS[protocol], read_request=False) as server:
        seen = await look(port=server.port, starttls=protocol)
    assert (seen.outcome, seen.reason) == ("fail", "tcp_content")
    assert seen.assertions[-1].name.startswith(f"starttls {protocol}[")


async def test_bytes_put_before_the_handshake_are_believed_by_nobody(look: LookAt) -> None:
    """What a stranger on the way adds to the plain part would be read as the target's (CVE-2011-0411)."""
    injected = says(b"+OK x\r\n+OK begin\r\n+OK logged in\r\n", then_close=False)
    async with serving(injected, read_request=False) as server:
        seen = await look(port=server.port, starttls="pop3", tls={})
    assert (seen.outcome, seen.reason) == ("fail", "tls_protocol")


@pytest.mark.parametrize(
    ("after", "reason"), [(silent, "tls_timeout"), (hang_up, "tls_reset"), (says(b"plain\r\n"), "tls_protocol")]
)
async def test_a_handshake_that_fails_after_starttls_is_a_fault_of_tls(look: LookAt, after: Talk, reason: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK x\r\n")
        await reader.readuntil(b"STLS\r\n")
        writer.write(b"+OK begin\r\n")
        await reader.read(4096)
        await after(reader, writer)

    async with serving(talk, read_request=False) as server:
        seen = await look(SHORT_MS if reason == "tls_timeout" else 5_000, port=server.port, starttls="pop3")
    assert (seen.outcome, seen.reason) == ("fail", reason)


# ---------------------------------------------------------------- settings


@given(st.binary(max_size=200))
def test_every_byte_can_be_written(data: bytes) -> None:
    assert (
        b"".join(piece for piece in pieces("".join(f"\\x{byte:02x}" for byte in data)) if isinstance(piece, bytes))
        == data
    )


@given(st.text(st.characters(exclude_characters="\\$", exclude_categories=["Cs"]), max_size=50))
def test_a_text_without_escapes_is_itself(text: str) -> None:
    assert pieces(text) == [text.encode()]


@given(st.text(alphabet="ab\\${}123xfFrnt0 ", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = pieces(text)
    except ValueError:
        assert "\\" in text
        return
    assert all(isinstance(piece, bytes) or 1 <= piece <= 9 for piece in found)


def test_a_text_is_written_with_its_escapes() -> None:
    assert pieces(r"a\r\n\t\0\\\$\x7f${2}b") == [
        b"a", b"\r", b"", b"\n", b"", b"\t", b"", b"\0", b"", b"\\", b"", b"$", b"", b"\x7f", b"", 2, b"b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"expect": "("},
        {"expect": "x", "expect_bytes": "x"},
        {"refuse": "x"},
        {"send": r"\q"},
        {"send": "${1}"},
        {"expect": "(a)", "send": "${2}"},
        {"expect_bytes": "${1}"},
        {"expect_bytes": r"\xg0"},
        {"expect_bytes": ""},
        {"send": "x" * (STEP_BYTES + 1)},
    ],
)
def test_a_step_that_can_mean_nothing_is_refused(step: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Step.model_validate(step)


def test_tls_is_started_once() -> None:
    with pytest.raises(ValidationError):
        TcpSettings.model_validate({"host": "a.example", "port": 25, "starttls": "smtp", "steps": [{"starttls": True}]})


def test_steps_are_bounded() -> None:
    with pytest.raises(ValidationError):
        TcpSettings.model_validate({"host": "a.example", "port": 25, "steps": [{"send": "x"}] * 21})

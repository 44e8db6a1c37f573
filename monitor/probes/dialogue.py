"""A dialogue of lines or bytes over a stream: a list of steps, each of which expects, then sends, then starts TLS.

```yaml
steps:
  - {expect: "^220 ", refuse: "^[45]"}       # lines are read until one matches; one that is refused fails at once
  - {send: "EHLO probe.example.com\\r\\n"}     # sent as it is: no line end is added
  - {expect: "^250 ", refuse: "^[45]"}
  - {send: "STARTTLS\\r\\n"}
  - {expect: "^220 ", starttls: true}
  - {send: '\\x00\\x01'}                       # escapes: \\xHH \\r \\n \\t \\0 \\\\ \\$
  - {expect_bytes: 'S'}                      # the very next bytes
  - {expect: "PING :(\\\\S+)", send: "PONG :${1}\\r\\n"}
```

A line ends with LF, with or without CR before it, or where the target closes. What comes after the line or the bytes
that were expected is the next step's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from monitor.probes import judge
from monitor.probes.conversation import Conversation
from monitor.probes.judge import ProbeError
from monitor.probes.pattern import BodyPattern, Pattern
from monitor.probes.stream import BYTES_BEFORE_HANDSHAKE
from monitor.settings import Mistake, Secret, Settings, Text, shown, wrong

STEPS = 20
STEP_BYTES = 65_536
"""The most that is read, or sent, in a step."""
STEP_LINES = 1_000

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[rnt0\\$])|\$\{([1-9])\}|(\\.?)", re.DOTALL)
_NAMED = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\", "$": b"$"}


def pieces(text: str) -> list[bytes | int]:
    """A text with its escapes undone; `${1}` to `${9}` are numbers. Raises ValueError for an unknown escape."""
    found: list[bytes | int] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        escape, group, unknown = match.groups()
        if unknown is not None:
            raise ValueError(r"an unknown escape; known are \xHH \r \n \t \0 \\ \$")
        found.append(text[end : match.start()].encode())
        found.append(int(group) if group else bytes.fromhex(escape[1:]) if escape[0] == "x" else _NAMED[escape])
        end = match.end()
    return [*found, text[end:].encode()]


def _parse_bytes(given: object) -> str:
    if not isinstance(given, str) or not given:
        raise wrong(f"expected a text; found {shown(given)}")
    try:
        written = pieces(given)
    except ValueError as error:
        raise wrong(f"expected bytes as a text; found {error}") from None
    if any(isinstance(piece, int) for piece in written):
        raise wrong(r"expected bytes that are known; write \$ for a dollar")
    return given


class Expecting(Settings):
    """A step's first half: what is waited for, and what ends the waiting at once."""

    expect: Pattern | None = None
    refuse: Pattern | None = None

    def mistakes(self) -> Iterator[Mistake]:
        if self.refuse is not None and self.expect is None:
            yield Mistake(("refuse",), "nothing is refused where nothing is expected; write `expect` too")

    @cached_property
    def expected(self) -> BodyPattern | None:
        return None if self.expect is None else BodyPattern(self.expect)

    @cached_property
    def refused(self) -> BodyPattern | None:
        return None if self.refuse is None else BodyPattern(self.refuse)


class Step(Expecting):
    """Expects a line or bytes, then sends, then starts TLS; what is not written is not done."""

    expect_bytes: Annotated[str, PlainValidator(_parse_bytes), WithJsonSchema({"type": "string"})] | None = None
    send: Text | None = None
    starttls: bool = False

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        if self.expect is not None and self.expect_bytes is not None:
            yield Mistake(("expect_bytes",), "a step expects a line or bytes; make it two steps")
        if self.expect is None and self.expect_bytes is None and self.send is None and not self.starttls:
            yield Mistake((), "expected one of expect, expect_bytes, send, starttls; found none")
        if self.expect_bytes is not None and len(self.bytes_expected) > STEP_BYTES:
            yield Mistake(("expect_bytes",), f"expected at most {STEP_BYTES} bytes")
        yield from self._mistakes_of_send()

    def _mistakes_of_send(self) -> Iterator[Mistake]:
        try:
            sent = self.sent
        except ValueError as error:
            yield Mistake(("send",), f"expected a text to send; found {error}")
            return
        if sum(len(piece) for piece in sent if isinstance(piece, bytes)) > STEP_BYTES:
            yield Mistake(("send",), f"expected at most {STEP_BYTES} bytes")
        groups = self.expected.groups if self.expected is not None else 0
        for piece in sent:
            if isinstance(piece, int) and piece > groups:
                yield Mistake(("send",), f"${{{piece}}} is no group of this step's `expect`; write \\$ for a dollar")

    @cached_property
    def bytes_expected(self) -> bytes:
        return b"".join(piece for piece in pieces(self.expect_bytes or "") if isinstance(piece, bytes))

    @cached_property
    def sent(self) -> list[bytes | int]:
        """What is sent, group numbers where the expected line's own words stand."""
        given = self.send.reveal() if isinstance(self.send, Secret) else self.send
        return pieces(given or "")


class Dialogue:
    """The steps of a look over its stream, and what came that no step has taken yet."""

    __slots__ = ("_look", "_rest")

    def __init__(self, look: Conversation) -> None:
        self._look = look
        self._rest = bytearray()

    async def hold(self, steps: Sequence[Step], name: str) -> None:
        """Takes every step; `name` is what the list is called. Raises ProbeError."""
        self._look.phase = "dialogue"
        for place, step in enumerate(steps):
            await self._take(step, f"{name}[{place}]")

    async def _take(self, step: Step, name: str) -> None:
        groups: tuple[bytes, ...] = ()
        if step.expected is not None:
            self._look.awaited = f"{name}.expect"
            groups = await self._expect_line(step.expected, step.refused, self._look.awaited)
        elif step.expect_bytes is not None:
            self._look.awaited = f"{name}.expect_bytes"
            await self._expect_bytes(step.bytes_expected, self._look.awaited)
        if step.send is not None:
            sent = b"".join([piece if isinstance(piece, bytes) else groups[piece - 1] for piece in step.sent])
            if len(sent) > STEP_BYTES:
                raise judge.fail("tcp_content", f"over {STEP_BYTES} bytes to send back")
            self._look.stream.send(sent)
        if step.starttls:
            if self._rest:
                raise judge.fail("tls_protocol", BYTES_BEFORE_HANDSHAKE)
            await self._look.secure()

    async def _expect_line(self, expected: BodyPattern, refused: BodyPattern | None, name: str) -> tuple[bytes, ...]:
        """Reads lines until one matches; answers its groups."""
        self._look.attributes["probe_failed_due_to_regex"] = 0
        taken = 0
        for _ in range(STEP_LINES):
            line = await self._line(STEP_BYTES - taken, name)
            taken += len(line)
            text = line.removesuffix(b"\n").removesuffix(b"\r")
            groups = expected.groups_in(text)
            if groups is not None:
                self._look.prove(name, "a line matches")
                return groups
            if refused is not None and refused.found_in(text):
                raise self._unmatched(name, "a line matches `refuse`")
        raise self._unmatched(name, f"no match in {STEP_LINES} lines")

    async def _line(self, limit: int, name: str) -> bytes:
        """The next line with its end, or what stood before the target closed."""
        searched = 0
        while (end := self._rest.find(b"\n", searched)) < 0:
            searched = len(self._rest)
            if searched > limit:
                break
            if not await self._read():
                if not searched:
                    raise self._unmatched(name, "closed by the target before a line matched")
                end = searched - 1
                break
        if not 0 <= end < limit:
            raise self._unmatched(name, f"no match in {STEP_BYTES} bytes")
        return self._cut(end + 1)

    def _unmatched(self, name: str, words: str) -> ProbeError:
        self._look.attributes["probe_failed_due_to_regex"] = 1
        return self._look.disprove(name, "tcp_content", words)

    async def _expect_bytes(self, expected: bytes, name: str) -> None:
        while True:
            come = bytes(self._rest[: len(expected)])
            if not expected.startswith(come):
                raise self._look.disprove(name, "tcp_content", "other bytes came")
            if come == expected:
                del self._rest[: len(expected)]
                self._look.prove(name, "the bytes came")
                return
            if not await self._read():
                raise self._look.disprove(name, "tcp_content", "closed by the target before the bytes had come")

    async def _read(self) -> bool:
        """Takes the next piece; False at the target's end."""
        data = await self._look.stream.receive("dialogue")
        if not data and not self._look.has_answered:
            raise ProbeError(judge.of_end("dialogue"))
        self._look.answered()
        self._rest += data
        return bool(data)

    def _cut(self, length: int) -> bytes:
        cut = bytes(self._rest[:length])
        del self._rest[:length]
        return cut

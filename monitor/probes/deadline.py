"""The one deadline over a whole probe, at a tenth of the cost of asyncio.timeout.

Deadlines of one length end in the order in which they began, so one timer of the loop's serves all of them: a look that
ends in time, as nearly every one does, costs the loop no timer.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from weakref import WeakKeyDictionary

SHORTEST_S = 0.001
"""uvloop's timers are whole milliseconds: one that rings a little early is not set again at once."""


class Deadline:
    """Ends what is awaited in its `with` block after so many seconds: then `passed` is true after the block.

    A cancellation from elsewhere goes on, also one that comes together with the deadline's own.
    """

    __slots__ = ("_cancelling", "_queue", "_task", "passed")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101  a probe runs in a task
        self._task = task
        self._cancelling = task.cancelling()
        self._queue = _queue(loop, seconds)
        self._queue.add(self, loop)
        self.passed = False

    def end(self) -> None:
        """The time is over."""
        self.passed = True
        self._task.cancel()

    def __enter__(self) -> Deadline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not self.passed:
            self._queue.remove(self)
            return False
        return self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError)


class _Queue:
    """The deadlines of one length on one loop, the oldest first, each with the instant at which it is over."""

    __slots__ = ("_alarmed", "_seconds", "_waiting")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[Deadline, float] = {}
        self._alarmed = False

    def add(self, deadline: Deadline, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting[deadline] = loop.time() + self._seconds
        if not self._alarmed:
            self._alarmed = True
            loop.call_later(self._seconds, self._ring, loop)

    def remove(self, deadline: Deadline) -> None:
        del self._waiting[deadline]

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for deadline, over in list(self._waiting.items()):
            if over > now:
                loop.call_later(max(over - now, SHORTEST_S), self._ring, loop)
                return
            del self._waiting[deadline]
            deadline.end()
        self._alarmed = False


_QUEUES: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, _Queue]] = WeakKeyDictionary()


def _queue(loop: asyncio.AbstractEventLoop, seconds: float) -> _Queue:
    queues = _QUEUES.get(loop)
    if queues is None:
        queues = _QUEUES[loop] = {}
    queue = queues.get(seconds)
    if queue is None:
        queue = queues[seconds] = _Queue(seconds)
    return queue

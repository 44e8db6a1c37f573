"""The one deadline over a whole probe, at a third of the cost of asyncio.timeout."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadline:
    """Ends what is awaited in its `with` block after so many seconds: then `passed` is true after the block.

    A cancellation from elsewhere goes on, also one that comes together with the deadline's own.
    """

    __slots__ = ("_cancelling", "_handle", "_task", "passed")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101  a probe runs in a task
        self._task = task
        self._cancelling = task.cancelling()
        self._handle = loop.call_later(seconds, self._pass)
        self.passed = False

    def _pass(self) -> None:
        self.passed = True
        self._task.cancel()

    def __enter__(self) -> Deadline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._handle.cancel()
        if not self.passed:
            return False
        return self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError)

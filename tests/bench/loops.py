"""The loop that the benchmarks run on: uvloop where it is installed, as the daemon."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")


def run(main: Callable[[], Coroutine[object, object, T]]) -> T:
    found = importlib.util.find_spec("uvloop")
    factory = importlib.import_module("uvloop").new_event_loop if found is not None else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())

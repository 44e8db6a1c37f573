"""The poller: asks sources, finds what is new, and has it recorded before a poll counts as done."""

from __future__ import annotations

from monitor.poller.fetch import Failure, Fetcher, session
from monitor.poller.poll import Asking, Seen, poll
from monitor.poller.poller import Log, PolledSource, Poller

__all__ = ["Asking", "Failure", "Fetcher", "Log", "PolledSource", "Poller", "Seen", "poll", "session"]

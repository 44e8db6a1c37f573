"""The poller: asks sources, finds what is new, and has it recorded before a poll counts as done."""

from __future__ import annotations

from monitor.poller.fetch import Failure, Fetcher, session
from monitor.poller.poll import Seen, Told, poll
from monitor.poller.poller import Log, PolledSource, Poller

__all__ = ["Failure", "Fetcher", "Log", "PolledSource", "Poller", "Seen", "Told", "poll", "session"]

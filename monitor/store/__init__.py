"""The store of facts: an append-only log in SQLite, group-committed, hash-chained (contracts/facts.md).

For a daemon `open_store`; for the command line `open_for_reading`, `open_for_writing`, `verify_store`, and in
`monitor.store.transfer` the import and export of files.
"""

from __future__ import annotations

from monitor.store.group_commit import OpenStore, open_store
from monitor.store.opening import Reader, Writer, open_for_reading, open_for_writing, verify_store
from monitor.store.reading import Log
from monitor.store.verify import Progress, Verified

__all__ = [
    "Log",
    "OpenStore",
    "Progress",
    "Reader",
    "Verified",
    "Writer",
    "open_for_reading",
    "open_for_writing",
    "open_store",
    "verify_store",
]

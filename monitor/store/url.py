"""Where a store is: `sqlite:///relative.db` or `sqlite:////absolute/path.db` (`storage.url`)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from monitor.errors import InputError

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def store_path(url: str) -> Path:
    """The file of a store, links resolved: two names of one store are one lock. Raises InputError."""
    if url.startswith(_POSTGRES):
        raise InputError(
            "storage.url: stores in PostgreSQL come with a later release; expected sqlite:///FILE, "
            "for example sqlite:///minutebook.db"
        )
    name = unquote(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else ""
    if not name or name.endswith("/") or "\0" in name or "?" in url or "#" in url:
        raise InputError(
            f"storage.url: {url!r} is no store; expected sqlite:///FILE, for example sqlite:///minutebook.db, or "
            "sqlite:////var/lib/minutebook/minutebook.db with a fourth slash for an absolute path"
        )
    try:
        path = Path(name).resolve()
    except RuntimeError:  # Python before 3.13, of a link that 3.13 leaves as it is
        path = Path(name)
    if path.is_symlink():
        raise InputError(f"storage.url: {name!r} is a link that leads in a circle; name the file itself")
    return path

"""Facts in and out of a store as files of JSON Lines, and the chain beside them.

`export -o F.jsonl` of a whole store writes `F.jsonl.chain` too: a line for each commit group, `{"count": facts, "head":
"sha256:..."}`, and of a group that has lost results under seals (seals.py) its `digest` and the places of those that
are left, `kept`. With it `import --restore` makes the same store again, and proves that it is the same: every group
must give the head that was exported.

An import is one transaction, in groups of 10,000: a bad line on the last page leaves nothing of the file behind, and
the file is decoded once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from monitor.errors import FactError, InputError
from monitor.facts import AnyFact, Json, canonical_json, canonical_line, check_entry, decode_line, parse_json
from monitor.ledger.period import Period
from monitor.store.chain import Head
from monitor.store.log import Lost
from monitor.store.opening import Reader, Writer
from monitor.store.stamps import Stamps
from monitor.store.verify import Group, Progress

GROUP = 10_000
"""Facts a commit group of an import: few links of the chain, each proved in a moment."""

BATCH = 500
"""Facts that are decoded and written at once: few enough to stay in the processor's cache."""

LINE_BYTES = 2**24
"""The longest line that is taken: a year's components of a provider fit, a file without line ends is refused."""

_LINES_BETWEEN_TELLING = 1000
_DIGEST = re.compile("sha256:[0-9a-f]{64}", re.ASCII)


class Imported(NamedTuple):
    """How many facts a file held, and how many of them the store did not."""

    given: int
    new: int


def import_facts(store: Writer, file: Path, now: int, progress: Progress) -> Imported:
    """Records the facts of a file at `now` (UTC ms), 1 ms apart for facts of one subject, in the order given.

    `progress` is told bytes. Raises FactError with the line and the reason, StoreError, InputError for a file that
    cannot be read; nothing of the file is then stored.
    """
    stamps = Stamps()
    given = new = 0
    with _opened(file) as source, store.log.transaction():
        facts = _facts(source, file.stat().st_size, progress, lambda line: check_entry(decode_line(line, now)))
        while batch := list(islice(facts, BATCH)):
            new += len(store.log.write(stamps.stamp(batch, now)))
            given += len(batch)
            if given % GROUP == 0:
                store.log.end_group()
    return Imported(given, new)


def restore_facts(store: Writer, file: Path, progress: Progress) -> Imported:
    """Makes an exported store again, `recorded_at`, groups and heads included, in an empty one.

    Raises InputError for a store that holds facts and for a file without its chain, FactError where file and chain do
    not agree; nothing is then stored.
    """
    if store.count():
        raise InputError(
            f"{store.path}: holds {store.count()} facts; --restore needs an empty store: name another file"
        )
    chain = chain_file(file)
    with _opened(file) as source, _opened(chain) as links, store.log.transaction():
        facts = _facts(source, file.stat().st_size, progress, decode_line)
        given = 0
        for link in _links(links, chain):
            there = link.size if link.kept is None else len(link.kept)
            group = list(islice(facts, there))
            where = f"lines {given + 1} to {given + there}"
            if not _restored(store, group, link):
                raise FactError(f"{where}: some are missing or stand twice; export anew")
            if sha256_head(store.log.head) != link.head:
                raise FactError(f"{where} are not those of {chain.name}; export anew")
            given += there
        if next(facts, None) is not None:
            raise FactError(f"is not in {chain.name}; export anew", given + 1)
        store.count_gone()
    return Imported(given, given)


def _restored(store: Writer, group: Sequence[AnyFact], link: _Link) -> bool:
    if link.kept is None:
        whole = len(store.log.write(group)) == link.size
        store.log.end_group()
        return whole
    if len(group) != len(link.kept):
        return False
    store.log.write_kept(group, link.kept, Lost(link.size, link.digest))
    return True


def export_store(store: Reader, file: Path, progress: Progress) -> int:
    """Writes the whole log in its order, and its chain beside it; answers how many facts. `progress` is told facts.

    Raises StoreDamagedError at a fact that cannot be read or is not what was committed, InputError for a file that
    cannot be written; a file that stood there is then as it was.
    """
    head = store.head()
    told = written = 0
    with _written(file) as facts, _written(chain_file(file)) as links:
        for group in store.groups(head.n):
            facts.writelines(line.line + b"\n" for line in group.lines)
            links.write(_spelled(group))
            written += len(group.lines)
            if group.last_seq - told >= _LINES_BETWEEN_TELLING or group.last_seq == head.seq:
                told = group.last_seq
                progress(told, head.seq)
    return written


def _spelled(group: Group) -> bytes:
    """The link of a group; of one that has lost results also its digest, and the places of those that are left."""
    link: dict[str, Json] = {"count": group.last_seq - group.first_seq + 1, "head": f"sha256:{group.head.hex()}"}
    if group.gone:
        kept: list[Json] = [line.seq - group.first_seq for line in group.lines]
        link |= {"digest": f"sha256:{group.digest.hex()}", "kept": kept}
    return canonical_json(link) + b"\n"


def export_period(store: Reader, period: Period, as_of: int, out: BinaryIO) -> int:
    """Writes what a statement of that period is computed from, in order of recording: results with `at` in it, and
    every fact of another kind. Answers how many."""
    count = 0
    for fact in store.read(period, as_of):
        out.write(canonical_line(fact) + b"\n")
        count += 1
    return count


def chain_file(file: Path) -> Path:
    """Where the chain of an exported file stands."""
    return file.with_name(file.name + ".chain")


def sha256_head(head: Head) -> str:
    """A head as files and statements spell it."""
    return f"sha256:{head.digest.hex()}"


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        source = file.open("rb")
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    with source:
        yield source


@contextmanager
def _written(file: Path) -> Iterator[BinaryIO]:
    """A file that is put in place when it is whole."""
    beside = file.with_name(file.name + ".new")
    try:
        with beside.open("wb") as target:
            yield target
        beside.replace(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def _facts(source: BinaryIO, size: int, progress: Progress, decode: Callable[[str], AnyFact]) -> Iterator[AnyFact]:
    done = 0
    number = 0
    while line := source.readline(LINE_BYTES):
        number += 1
        done += len(line)
        try:
            yield decode(line.decode())
        except FactError as error:
            raise FactError(_too_long(line) or error.reason, number) from None
        except UnicodeDecodeError:
            raise FactError("is not UTF-8", number) from None
        if number % _LINES_BETWEEN_TELLING == 0 or done == size:
            progress(done, size)


def _too_long(line: bytes) -> str | None:
    cut = len(line) == LINE_BYTES and not line.endswith(b"\n")
    return f"is longer than {LINE_BYTES} bytes; expected one fact a line" if cut else None


class _Link(NamedTuple):
    """A line of a chain file. `kept` are the places of what is left of a group that has lost results, and `digest` is
    then the group's."""

    size: int
    head: str
    kept: Sequence[int] | None = None
    digest: bytes = b""


def _links(links: BinaryIO, chain: Path) -> Iterator[_Link]:
    for number, line in enumerate(links, 1):
        match parse_json(line):
            case {"count": int(count), "head": str(head), "digest": str(digest), "kept": list(kept)} if count > 0:
                places = [place for place in kept if type(place) is int and 0 <= place < count]
                if places != kept or sorted(set(places)) != kept or _DIGEST.fullmatch(digest) is None:
                    raise InputError(f"{chain}:{number}: expected ascending places of a group and a SHA-256")
                yield _Link(count, head, places, bytes.fromhex(digest.removeprefix("sha256:")))
            case {"count": int(count), "head": str(head)} if count > 0:
                yield _Link(count, head)
            case _:
                raise InputError(f"{chain}:{number}: expected a count and a head, as export writes them")

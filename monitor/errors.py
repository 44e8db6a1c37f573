"""The one small tree of exceptions, and the exit status that each ends a command with.

    MinutebookError                1  the daemon failed
    ├── InputError                 2  what was given is wrong: the message says where, what was expected, and the mend
    │   ├── ConfigError            2  every problem of a configuration at once
    │   ├── FactError              2  a line or a batch of facts is refused, nothing of it stored
    │   └── StoreInUseError        2  another daemon holds the store
    ├── StatementDiffersError      4  a closed statement is not what its facts give
    └── StoreError                 1  the store cannot be read or written now (full disk, no permission)
        ├── StoreDamagedError      4  pages or the hash chain do not agree
        └── StoreNewerError        5  written by a newer program

Exit statuses are those of contracts/interface.md, "Command line". A probe that fails is no exception: it is a result.
"""

from __future__ import annotations

from dataclasses import dataclass


class MinutebookError(Exception):
    """Anything that this program says about itself on purpose."""

    exit_status = 1


class InputError(MinutebookError):
    """Something that a person or a program gave us is wrong, and they can mend it."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is and what would be right. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(InputError):
    """All problems of a configuration, one a line."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class FactError(InputError):
    """A fact that contracts/facts.md does not allow. `line` counts from 1; None where there is no file."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.reason = reason
        self.line = line


class StoreInUseError(InputError):
    """A second daemon on one store; the message names the holder."""


class StatementDiffersError(MinutebookError):
    """What the facts give is not what was closed, or not what somebody says that they give."""

    exit_status = 4


class StoreError(MinutebookError):
    """The store cannot be opened, read or written now; nothing acknowledged is lost."""


class StoreDamagedError(StoreError):
    """The store is not what was written; it is left as it is, for restoring."""

    exit_status = 4


class StoreNewerError(StoreError):
    """The store's schema is newer than this program."""

    exit_status = 5

"""From a file to a configuration, or to everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from monitor.config.document import LARGEST_FILE, Document, read_document
from monitor.config.doubts import doubts
from monitor.config.model import Config
from monitor.config.problems import at_keys, problems_of
from monitor.config.rules import broken_rules
from monitor.config.schema import schema
from monitor.errors import ConfigError, Problem
from monitor.settings import Surroundings, read_start, why_unread

MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """A configuration that decodes, and what is doubtful in it."""

    config: Config
    warnings: tuple[Problem, ...]


def load(path: Path, env: Mapping[str, str]) -> Config:
    """The configuration in the file, its secrets read. Raises ConfigError with every problem, in order of place."""
    return parse(_read(path), str(path), path.parent, env)


def load_without_secrets(path: Path) -> Config:
    """The same, each secret left empty: for proving a statement where only the file is. Raises as `load` does."""
    config, _ = _decode(_read(path), str(path), Surroundings(path.parent, {}, reads_secrets=False))
    return config


def load_with_places(path: Path) -> tuple[Config, Document]:
    """The same as `load_without_secrets`, and where in the file everything stands."""
    return _decode(_read(path), str(path), Surroundings(path.parent, {}, reads_secrets=False))


def parse(text: str, name: str, folder: Path, env: Mapping[str, str]) -> Config:
    """The same from a text; `name` is what messages call it, `folder` where relative paths start."""
    config, _ = _decode(text, name, Surroundings(folder, env))
    return config


def check(path: Path, env: Mapping[str, str]) -> Checked:
    """The configuration with its warnings, for `check-config`. Raises ConfigError as `load` does."""
    config, document = _decode(_read(path), str(path), Surroundings(path.parent, env))
    return Checked(config, tuple(sorted(at_keys(doubts(config), document), key=_place)))


def _read(path: Path) -> str:
    try:
        return read_start(path, 4 * LARGEST_FILE + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"is no UTF-8 text: a byte that cannot be read stands at position {error.start}"
    except (OSError, ValueError) as error:
        message = f"cannot be read: {why_unread(error)}; give the path of a configuration with -c"
    raise ConfigError((Problem(str(path), 1, 1, "", message),))


def _decode(text: str, name: str, surroundings: Surroundings) -> tuple[Config, Document]:
    document = read_document(text, name)
    found = [*document.problems, *at_keys(broken_rules(document.values), document)]
    config: Config | None = None
    try:
        # As JSON: strict types and lists for tuples are both to be had only there.
        config = Config.model_validate_json(json.dumps(document.values), context=surroundings)
    except ValidationError as error:
        unread = {(problem.line, problem.column) for problem in document.problems}
        decoded = problems_of(error, document, schema())
        found += [problem for problem in decoded if (problem.line, problem.column) not in unread]
    if config is None or found:
        raise ConfigError(_in_order(found))
    return config, document


def _in_order(found: list[Problem]) -> tuple[Problem, ...]:
    ordered = sorted(dict.fromkeys(found), key=_place)
    if len(ordered) > MOST_PROBLEMS:
        last = ordered[MOST_PROBLEMS]
        more = f"and {len(ordered) - MOST_PROBLEMS} more problems from here on"
        ordered[MOST_PROBLEMS:] = [Problem(last.file, last.line, last.column, "", more)]
    return tuple(ordered)


def _place(problem: Problem) -> tuple[int, int, str]:
    return problem.line, problem.column, problem.message

"""`verify`: the store and its chain, or a statement from its facts, on a machine that has neither store nor network."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from monitor.cli.inputs import config_option, configuration, storage_of
from monitor.cli.progress import progress
from monitor.cli.statements import FILE, read_facts
from monitor.errors import FactError, InputError, StatementDiffersError
from monitor.facts import Json, parse_json
from monitor.ledger.closings import Closing
from monitor.proof import Checked, differences
from monitor.signing import is_signed, public_key
from monitor.store import verify_store
from monitor.store.transfer import chain_file

SHOWN = 50
"""Differences of one statement that are listed; how many there are in all is always said."""

WORDS_SHOWN = 300


@click.command
@click.argument("statement_file", metavar="[STATEMENT]", required=False, type=FILE)
@click.option("--facts", "facts_file", type=FILE, help="The facts to prove STATEMENT from, as `export` writes them.")
@click.option("--public-key", "key_file", type=FILE, help="Also hold the signature against this Ed25519 key (PEM).")
@config_option
def verify(
    statement_file: Path | None, facts_file: Path | None, key_file: Path | None, config_file: Path | None
) -> None:
    """Check the store's pages and the whole chain of its facts; or prove STATEMENT (JSON) from facts alone."""
    if statement_file is not None:
        if facts_file is None:
            raise InputError("name the facts that the statement is proved from: --facts FACTS.jsonl")
        _prove(statement_file, facts_file, key_file)
        return
    if facts_file is not None or key_file is not None:
        raise InputError("name the statement to prove: verify STATEMENT.json --facts FACTS.jsonl")
    with progress("facts") as advance:
        verified = verify_store(storage_of(configuration(config_file)), advance)
    click.echo(f"{verified.facts} facts in {verified.groups} groups; the chain holds: sha256:{verified.head.hex()}")
    for day, results, seals in verified.gone:
        click.echo(f"{day}: {results} results went under {seals} seals, which account for all that is missing")


def _prove(statement_file: Path, facts_file: Path, key_file: Path | None) -> None:
    statements = read_statements(statement_file)
    checked = _checks(facts_file, key_file)
    facts = read_facts(facts_file)
    is_proved = True
    for stated in statements:
        try:
            found = differences(stated, facts, checked)
        except InputError as error:
            raise InputError(f"{statement_file}: {error}") from None
        name = f"{stated['service']} {stated['month']} revision {stated['revision']}"
        if not found:
            click.echo(f"{name}: equal to what the facts give, {stated['digest']}")
        else:
            is_proved = False
            many = "1 difference" if len(found) == 1 else f"{len(found)} differences"
            click.echo(f"{name}: {many} from what the facts give")
            for line in found[:SHOWN]:
                click.echo(f"  {_plain(line)}")
    if not is_proved:
        sys.exit(StatementDiffersError.exit_status)


def _plain(line: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in line)
    return shown if len(shown) <= WORDS_SHOWN else f"{shown[:WORDS_SHOWN]}..."


def read_statements(path: Path) -> Sequence[Mapping[str, Json]]:
    """One statement or a list of them. Raises InputError."""
    try:
        given = parse_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except FactError as error:
        raise InputError(f"{path}: {error.reason}") from None
    if isinstance(given, dict) and isinstance(given.get("statements"), list):
        given = given["statements"]  # of a quarter, beside its review
    statements = given if isinstance(given, list) else [given]
    found = [each for each in statements if isinstance(each, dict)]
    if not found or len(found) < len(statements):
        raise InputError(f"{path}: expected a statement, or a list of them, as `statement --format json` prints")
    return found


def _checks(facts_file: Path, key_file: Path | None) -> Checked:
    """What else a closing must hold to: the key's signature, and a head of the chain that stands beside the facts."""
    key = None if key_file is None else public_key(key_file)
    heads = _heads(chain_file(facts_file))

    def checked(closing: Closing) -> str | None:
        if heads is not None and closing.head is not None and closing.head not in heads:
            return f"facts.head: {closing.head} is no head of {chain_file(facts_file).name}"
        if key is None:
            return None
        if closing.signature is None:
            return "signature: the closing has none"
        return None if is_signed(key, closing.signature, closing.digest) else "signature: is not of this key"

    return checked


def _heads(path: Path) -> frozenset[str] | None:
    """The heads in a chain file; None where there is none. Raises InputError."""
    try:
        with path.open("rb") as lines:
            return frozenset(str(json.loads(line)["head"]) for line in lines)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        raise InputError(f"{path}: is no chain as `export -o` writes it; export anew, or move it away") from None

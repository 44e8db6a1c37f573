"""The command `minutebook` (contracts/interface.md, "Command line").

Results go to standard output, everything else to standard error. Exit statuses are those of `monitor.errors`, and 3
when a verdict asked for with --fail-on-breach is a breach. Commands are imported when they are used: `--help` is quick.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType

import click

from monitor import __version__
from monitor.cli import lean
from monitor.errors import MinutebookError

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("monitor.cli.daemon:run", "Probe, record, book and expose, until stopped."),
    "ingest": ("monitor.cli.ingest:ingest", "Take beacons in, in a process of its own beside the daemon."),
    "demo": ("monitor.cli.demo:demo", "Two months of history and an app that fails on purpose, with no network."),
    "check-config": ("monitor.cli.configuration:check_config", "Check a configuration: every error with its place."),
    "probe": ("monitor.cli.probe:probe", "One probe now, with every phase."),
    "components": (
        "monitor.cli.sources:components",
        "What a page or a monitor offers, with ids, for the configuration.",
    ),
    "statement": ("monitor.cli.statements:statement", "The statement of a month, from the store."),
    "report": ("monitor.cli.reports:report", "The availability report of a month, a quarter or a year."),
    "replay": ("monitor.cli.statements:replay", "The same statement from a file of facts, without a store."),
    "import": ("monitor.cli.log:import_file", "Take in a file of facts."),
    "export": ("monitor.cli.log:export", "Write the facts of the store, one a line."),
    "backfill": ("monitor.cli.backfill:backfill", "A past month from a Prometheus that is there already."),
    "verify": ("monitor.cli.proof:verify", "Check the store and its chain, or prove a statement from its facts."),
    "close": ("monitor.cli.closings:close", "Close the statements of a month."),
    "restate": ("monitor.cli.closings:restate", "Restate what is closed, with what came since."),
    "reconcile": ("monitor.cli.reconciliation:reconcile", "Where the witnesses of a month disagree."),
    "rules": ("monitor.cli.rules:rules", "Prometheus rules for this configuration."),
    "dashboards": ("monitor.cli.dashboards:dashboards", "Grafana dashboards for this configuration."),
    "exclude": ("monitor.cli.by_hand:exclude", "Declare downtime that the promise excludes."),
    "approve": ("monitor.cli.by_hand:approve", "Approve what another person declared."),
    "revoke": ("monitor.cli.by_hand:revoke", "Revoke an exclusion, for good."),
    "maintenance": ("monitor.cli.maintenance:maintenance", "Announce, move, cancel or complete a maintenance."),
    "holidays": ("monitor.cli.holidays:holidays", "The public holidays of a place, to paste into a policy."),
    "ticket": ("monitor.cli.tickets:ticket", "Record a customer's ticket, or a CSV file of them."),
    "reading": ("monitor.cli.readings:reading", "Record what Shopify publishes of Web Vitals, or a CSV file of it."),
    "credits": ("monitor.cli.credits:show_credits", "What a month's breaches are worth to whom, and what is owed."),
    "termination": ("monitor.cli.credits:termination", "Who may terminate, since when, and why."),
    "event": ("monitor.cli.events:event", "Record a customer's announced peak, or report on one."),
    "channels": ("monitor.cli.channels:channels", "Try a channel, or see what channels are told."),
    "claim": ("monitor.cli.credits:claim", "Record, grant or refuse what a customer asks for."),
    "evidence": ("monitor.cli.evidence:make_evidence", "A customer's months in one archive that anybody can prove."),
    "policy": ("monitor.cli.policy:policy", "What binds in a month, and where it stands in the file."),
    "token": ("monitor.cli.tokens:token", "Add, list and revoke bearer tokens."),
}
"""Each command: where it is, and its line in the list."""


def _leave(number: int, frame: FrameType | None) -> None:
    """Nothing is begun yet, so nothing is left to do; an exception could get lost in what is being imported."""
    os._exit(0)


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="minutebook")
def minutebook() -> None:
    """Keeps the book of a promised uptime."""


def _open_standard_streams() -> None:
    """Where one is closed, the next file that is opened would take its place: the store, which messages are then
    written into."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def main() -> None:
    """The entry point: every expected error is one message and its exit status."""
    _open_standard_streams()
    if sys.argv[1:2] in (["run"], ["ingest"]):
        signal.signal(signal.SIGTERM, _leave)  # until the daemon listens itself
    if sys.argv[1:2] == ["run"]:
        lean.begin()
    try:
        sys.exit(minutebook.main(standalone_mode=False) or 0)
    except MinutebookError as error:
        click.echo(f"minutebook: {error}", err=True)
        sys.exit(error.exit_status)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)

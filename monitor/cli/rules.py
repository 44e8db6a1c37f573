"""`rules`: Prometheus rules for a configuration, printed or written into a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from exporters.rules import CRUX, CRUX_STALE_S, STALE_S, Wanted, rules_yaml
from exporters.sloth import sloth_yaml
from monitor import __version__
from monitor.cli.folder import folder_option, write_files
from monitor.cli.inputs import config_option, configuration
from monitor.config import Config
from monitor.config.policy import NO_POLICIES
from monitor.ledger.period import DAY, SECOND


@click.command
@config_option
@folder_option
@click.option("--runbooks", help="Where the runbooks are: the name of an alert and .md is put behind it.")
@click.option("--optional", is_flag=True, help="Also the ticket on a burn of 3 over a day.")
def rules(config_file: Path | None, folder: Path | None, runbooks: str | None, optional: bool) -> None:
    """Prometheus rules for this configuration: alerts, and recording rules under Sloth's names."""
    wanted = wanted_rules(configuration(config_file), optional=optional)
    if runbooks is not None:
        wanted = replace(wanted, runbooks=runbooks)
    files = {"minutebook.rules.yml": rules_yaml(wanted), "sloth.rules.yml": sloth_yaml(__version__)}
    if folder is None:
        click.echo("---\n".join(files.values()), nl=False)
        return
    write_files(folder, files)


def wanted_rules(config: Config | None, *, optional: bool) -> Wanted:
    """What the rules depend on; without a configuration the defaults."""
    if config is None:
        return Wanted(optional=optional)
    policies = config.policies or (NO_POLICIES,)
    return Wanted(
        notice_s=max(policy.maintenance.notice for policy in policies) // SECOND,
        final_after_s=(max(policy.availability.finalise_after for policy in policies) + DAY) // SECOND,
        sources=_sources(config),
        evidence=f"{(config.server.public_url or f'http://{config.server.listen}').rstrip('/')}/",
        optional=optional,
    )


def _sources(config: Config) -> dict[str, int]:
    """After how many seconds each is stale."""
    found = {source.name: max(STALE_S, 3 * source.every // SECOND) for source in config.sources}
    if config.web_vitals is not None and config.web_vitals.crux is not None:
        found[CRUX] = CRUX_STALE_S
    return found

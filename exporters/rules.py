"""Prometheus rules as data: what pages, what makes a ticket, what is only told, and what each means. Pure.

Burn alerts use two windows each (Google, The Site Reliability Workbook, chapter 5, table 5-8): the long one shows that
it matters, the short one that it still goes on. Their figures come from the ledger, so that what is excused or unknown
burns nothing. A rule on a series with a `month` label is bound to the month that runs: an alert of the old month ends
by disappearing (contracts/interface.md, "Metrics"). Only SlaStatementNotFinal is about the month before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from exporters.alert import Alert, Severity, Wanted
from exporters.peak_alerts import again_alerts, channel_alerts, peak_alerts
from exporters.response_alerts import response_alerts
from exporters.vital_alerts import vital_alerts

__all__ = ["Alert", "Wanted", "alert_groups", "rules_yaml"]

RUNNING = "and on (month) (sla_month_end_timestamp_seconds > time())"
"""Binds a rule to the month that runs."""

ENDED = "and on (month) (sla_month_end_timestamp_seconds <= time())"
"""Binds it to the month before."""

STALE_S = 900
"""A source that has not been read for so long, or for three of its polls where they are further apart, is stale."""

CRUX, CRUX_STALE_S = "crux", 3 * 6 * 3600
"""The same of Chrome's own figures of Web Vitals, which are asked for every 6 h (monitor.second_sources)."""


def rules_yaml(wanted: Wanted) -> str:
    """A rules file for Prometheus, the same for the same configuration."""
    groups = [
        {"name": name, "rules": [alert.rule(wanted) for alert in alerts]}
        for name, alerts in alert_groups(wanted).items()
    ]
    return _dumped({"groups": groups})


def alert_groups(wanted: Wanted) -> dict[str, Sequence[Alert]]:
    """Every alert by its group."""
    return {
        "minutebook-burn": tuple(_burn(wanted.optional)),
        "minutebook-budget": tuple(_budget()),
        "minutebook-unknown": tuple(_unknown()),
        "minutebook-monitor": (*_monitor(), *_sources(wanted.sources)),
        "minutebook-checks": tuple(_checks()),
        "minutebook-promise": tuple(_promise(wanted)),
        "minutebook-response": tuple(response_alerts()),
        "minutebook-vitals": tuple(vital_alerts()),
        "minutebook-peaks": (*peak_alerts(), *again_alerts()),
        "minutebook-channels": tuple(channel_alerts()),
    }


# ---------------------------------------------------------------- burn and budget


@dataclass(frozen=True, slots=True)
class _Tier:
    name: str
    burn: str
    long: str
    short: str
    severity: Severity
    escalation: int
    takes: str


_TIERS = (
    _Tier("SlaBurnFast", "14.4", "1h", "5m", "page", 1, "more than 51.84 s of downtime within an hour"),
    _Tier("SlaBurnSteady", "6", "6h", "30m", "page", 1, "more than 129.6 s of downtime within 6 hours"),
    _Tier("SlaBurnSlow", "1", "3d", "6h", "ticket", 1, "more than 259.2 s of downtime within 3 days"),
)
_OPTIONAL = _Tier("SlaBurnDay", "3", "1d", "2h", "ticket", 1, "more than 259.2 s of downtime within a day")


def _down(window: str) -> str:
    """What of a window was downtime, as a template."""
    asked = f'{{{{ with printf "sla_error_ratio{{service=%q,window=\\"{window}\\"}}" $labels.service | query }}}}'
    return f"{asked}{{{{ . | first | value | humanizePercentage }}}}{{{{ else }}}}an unknown part{{{{ end }}}}"


def _burn(optional: bool) -> Iterator[Alert]:
    for tier in (*_TIERS, _OPTIONAL) if optional else _TIERS:
        times = "" if tier.burn == "1" else f" {tier.burn} times"
        yield Alert(
            tier.name,
            f'sla_burn_rate{{window="{tier.long}"}} > {tier.burn}'
            f' and ignoring (window) sla_burn_rate{{window="{tier.short}"}} > {tier.burn}',
            tier.severity,
            "{{ $labels.service }} burns its budget {{ $value | humanize }} times as fast as promised",
            f"{{{{ $labels.service }}}} was down for {_down(tier.long)} of the last {tier.long} and for"
            f" {_down(tier.short)} of the last {tier.short}, of the time that counts. Over both that is more than"
            f"{times} what the promise allows, which at 99.9 % takes {tier.takes}.",
            escalation=tier.escalation,
            tier=tier.burn,
            left=True,
        )


def _budget() -> Iterator[Alert]:
    steps: tuple[tuple[str, str, Severity, int], ...] = (
        ("50", "0.5", "info", 1),
        ("75", "0.75", "ticket", 1),
        ("90", "0.9", "ticket", 2),
        ("100", "1", "ticket", 2),
    )
    for percent, ratio, severity, escalation in steps:
        yield Alert(
            "SlaBudgetUsed",
            f"sla_error_budget_burned_ratio >= {ratio} {RUNNING}",
            severity,
            f"{{{{ $labels.service }}}} has used {percent} % of the budget of {{{{ $labels.month }}}}",
            "Downtime of {{ $labels.service }} in {{ $labels.month }} has used {{ $value | humanizePercentage }} of"
            " what the promise allows.",
            escalation=escalation,
            labels={"used": percent},
            left=True,
        )
    yield Alert(
        "SlaBreached",
        f"-sla_error_budget_remaining_seconds > 0 {RUNNING}",
        "ticket",
        "{{ $labels.service }} has broken its promise for {{ $labels.month }}",
        "Downtime is {{ $value | humanizeDuration }} beyond the budget. The verdict of the month is `breached`, and"
        " what is owed for a breach is owed.",
        escalation=2,
    )
    breached = 'sla_verdict_info{verdict="breached"}'
    yield Alert(
        "SlaBreachedAgain",
        f"{breached} {RUNNING} and on (service) ({breached} {ENDED})",
        "ticket",
        "{{ $labels.service }} has broken its promise two months in a row",
        "The month before {{ $labels.month }} was breached, and so is this one.",
        escalation=3,
    )
    yield Alert(
        "SlaBudgetRunsOut",
        'sla_budget_exhaustion_timestamp_seconds{window="3d"} > time()'
        ' and ignoring (window) sla_budget_exhaustion_timestamp_seconds{window="6h"} > time()',
        "ticket",
        "The budget of {{ $labels.service }} will be used up before the month ends",
        "At the rate of the last {{ $labels.window }} it is gone at {{ $value | humanizeTimestamp }}, and at that of"
        " the last 6h it does not reach the end of the month either.",
        for_="15m",
        escalation=2,
        left=True,
    )


# ---------------------------------------------------------------- what we do not know


def _unknown() -> Iterator[Alert]:
    unknown = 'sla_account_seconds{account="unknown"}'
    ends = "max by (month) (sla_month_end_timestamp_seconds)"
    began = f"{ends} - on (month) group_right () sla_month_length_seconds"
    first_hour = f"on (service, month) ({began} > time() - 3600)"
    yield Alert(
        "SlaUnknownTime",
        f"(({unknown} - {unknown} offset 1h) > 300 or {unknown} > 300 and {first_hour}) {RUNNING}",
        "page",
        "Nobody knows how {{ $labels.service }} was for {{ $value | humanizeDuration }} of the last hour",
        "Time in which no look said anything is booked as unknown: it earns no budget, and a month with too much of it"
        " is not proved. An outage could hide there.",
        escalation=1,
    )
    yield Alert(
        "MinutebookBlind",
        "time() - min without (reason) (minutebook_void_since_timestamp_seconds) > 300",
        "page",
        "Nothing is known of check {{ $labels.check }} for {{ $value | humanizeDuration }}",
        "The daemon cannot look at {{ $labels.check }} for a fault of its own{{ range printf"
        ' "minutebook_void_since_timestamp_seconds{check=%q}" $labels.check | query }} ({{ .Labels.reason }}){{ end }}:'
        " that is unknown time, and an outage behind it would be unknown too.",
        escalation=1,
    )


# ---------------------------------------------------------------- the monitor itself


def _monitor() -> Iterator[Alert]:
    yield Alert(
        "MinutebookAbsent",
        'up{job="minutebook"} == 0 or on () absent(minutebook_evaluation_timestamp_seconds)',
        "page",
        "minutebook is not scraped: nobody watches the promise",
        "Prometheus has no figures of minutebook. It is down, or cannot be reached; since then all time is unknown.",
        for_="1m",
        escalation=1,
    )
    yield Alert(
        "MinutebookEvaluationStale",
        "time() - minutebook_evaluation_timestamp_seconds > 60",
        "page",
        "The figures of minutebook are {{ $value | humanizeDuration }} old",
        "The daemon answers, but has not evaluated for over a minute; it does so every 5 s.",
        for_="30s",
        escalation=1,
    )
    yield Alert(
        "MinutebookStoreNotWritable",
        "minutebook_store_writable == 0",
        "page",
        "minutebook cannot write its store",
        "Results wait in memory, 16 MiB of them; what is dropped is unknown time. Is the disk full?",
        for_="1m",
        escalation=1,
    )
    yield Alert(
        "MinutebookConfigNotReloaded",
        "minutebook_config_last_reload_successful == 0",
        "ticket",
        "minutebook refused its configuration",
        "The file was changed and has a mistake; the daemon goes on with the configuration before. Its log says where.",
        for_="1m",
        escalation=1,
    )
    yield Alert(
        "MinutebookClockUnsynchronized",
        "minutebook_clock_synchronized == 0",
        "ticket",
        "The clock of minutebook's machine is not synchronised",
        "The kernel says that nobody keeps its clock. Every instant in the book comes from it.",
        for_="10m",
        escalation=1,
    )
    yield Alert(
        "MinutebookWatchdog",
        "vector(1)",
        "none",
        "Alerting works",
        "Fires always. Alertmanager sends it to a receiver outside, which raises the alarm when it stops coming.",
    )


def _sources(sources: Mapping[str, int]) -> Iterator[Alert]:
    """A source that is not read excuses nothing and hides what others say."""
    series = "minutebook_source_last_success_timestamp_seconds"
    others, crux = f'{series}{{source!="{CRUX}"}}', f'{series}{{source="{CRUX}"}}'
    unnamed = f"time() - {others} > {STALE_S} or time() - {crux} > {CRUX_STALE_S}"
    rules: list[tuple[str, int, dict[str, str]]] = [(unnamed, STALE_S, {})]
    if sources:  # the label says nothing new: without it promtool takes the second rule for the first one again
        named = [(name, f'{series}{{source="{_escaped(name)}"}}', stale_s) for name, stale_s in sources.items()]
        rules = [
            (f"time() - {one} > {s} or absent({one}) and on () minutebook_build_info", s, {"source": _as_text(name)})
            for name, one, s in named
        ]
    for expr, stale_s, labels in rules:
        yield Alert(
            "MinutebookSourceStale",
            expr,
            "ticket",
            f"{{{{ $labels.source }}}} has not been read for {stale_s} s",
            "What it would have said is not in the book: incidents excuse nothing from then on, its results are"
            " unknown, its figures missing.",
            for_="5m",
            escalation=1,
            labels=labels,
        )


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _as_text(name: str) -> str:
    """In a label of a rule, which is a template."""
    return name.replace("{{", '{{ "{{" }}')


# ---------------------------------------------------------------- checks, promises


def _checks() -> Iterator[Alert]:
    yield Alert(
        "CheckCertificateEnds",
        'minutebook_check_warning{warning="certificate_days"} == 1',
        "ticket",
        "The certificate of {{ $labels.instance }} ends soon",
        "Check {{ $labels.check }} of {{ $labels.service }} warns of it; from its end on the service is down for every"
        " visitor who verifies it.",
        for_="15m",
        escalation=1,
    )
    yield Alert(
        "CheckSlow",
        'minutebook_check_warning{warning="duration"} == 1',
        "info",
        "{{ $labels.instance }} answers slowly",
        "Check {{ $labels.check }} of {{ $labels.service }} took longer than `warn.duration`. This is no downtime.",
        for_="10m",
        escalation=1,
    )


def _promise(wanted: Wanted) -> Iterator[Alert]:
    yield Alert(
        "SlaMaintenanceNoticeTooShort",
        f"sla_maintenance_notice_seconds < {wanted.notice_s}",
        "ticket",
        "The next maintenance of {{ $labels.service }} was announced too late",
        "Its notice is {{ $value | humanizeDuration }}, and the promise excuses maintenance only from"
        f" {wanted.notice_s // 3600} h on: downtime in it will count.",
        escalation=1,
    )
    yield Alert(
        "SlaStatementNotFinal",
        f"sla_statement_final == 0 and on (month) (time() - sla_month_end_timestamp_seconds > {wanted.final_after_s})"
        " and on (service, month) (sla_coverage_ratio > 0)",
        "ticket",
        "The statement of {{ $labels.service }} for {{ $labels.month }} is not closed",
        "It should have been closed by itself a day ago; until it is, late facts still change it.",
        for_="15m",
        escalation=2,
    )


def _dumped(document: object) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return text

"""The regular metrics of `/metrics` as columns: for each, what a row's value is (contracts/interface.md, "Metrics").

A value is text, or None where there is none to show: what is not known is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar, get_args

from exporters.catalogue import PHASES, SERVING_STATUSES, MetricName
from exporters.labels import pair, shown_target
from exporters.numbers import ratio, seconds
from exporters.warnings import ends_soon, is_slow
from monitor.facts import EXCLUSION_CLASSES
from monitor.ledger.decimals import Ratio
from monitor.ledger.snapshot import EXHAUSTION_WINDOWS, WINDOWS, Figures, Newest, NextMaintenance, ServiceView, Verdict

Row = TypeVar("Row")
Attributes = Mapping[str, float | str]
"""What only live metrics show of a look, by metric name, or `name/phase` (interfaces.Observation)."""


@dataclass(frozen=True, slots=True, eq=False)
class Column(Generic[Row]):
    """One line a row. `labels` are those beside the row's own; with `end` a value can bring a label of its own.

    `attribute`: the one that it shows; where no row has it, the rows need not be asked.
    """

    name: MetricName
    value: Callable[[Row], str | None]
    labels: str = ""
    end: str = "} "
    attribute: str | None = None

    def prefix(self, row_labels: str) -> str:
        """All of a line that stands before its value."""
        return f"{self.name}{{{row_labels}{self.labels}{self.end}"


@dataclass(frozen=True, slots=True, eq=False)
class Table(Generic[Row]):
    """Columns over rows of one kind, and the labels that name a row."""

    names: tuple[str, ...]
    key: Callable[[Row], tuple[object, ...]]
    columns: tuple[Column[Row], ...]
    attributes: Callable[[Row], Iterable[str]] = lambda row: ()

    def labels(self, key: tuple[object, ...]) -> str:
        return ",".join(map(pair, self.names, map(str, key)))


@dataclass(frozen=True, slots=True)
class Probe:
    """A newest result that is shown: not void, its hold not over."""

    newest: Newest
    attributes: Attributes

    @property
    def is_http(self) -> bool:
        return self.newest.result.status is not None or "probe_http_ssl" in self.attributes


def _one(truth: bool) -> str:
    return "1" if truth else "0"


def _measured(ms: float | None) -> str | None:
    """Seconds of a measured duration, to the microsecond: no clock here knows more."""
    return None if ms is None else f"{ms / 1000:.6f}"


def _status(probe: Probe) -> str | None:
    status = probe.newest.result.status
    return str(status) if status is not None else None


def _phase(index: int) -> Callable[[Probe], str | None]:
    def value(probe: Probe) -> str | None:
        phases = probe.newest.result.phases_ms
        return _measured(phases[index]) if phases is not None and probe.is_http else None

    return value


def _grpc_lookup(probe: Probe) -> str | None:
    return _lookup(probe) if "probe_grpc_ssl" in probe.attributes else None


def _lookup(probe: Probe) -> str | None:
    phases = probe.newest.result.phases_ms
    return _measured(phases.resolve) if phases is not None else None


def _expiry(probe: Probe) -> str | None:
    expires = probe.newest.result.certificate_expires
    return seconds(expires) if expires is not None else None


def _ip_protocol(probe: Probe) -> str | None:
    ip = probe.newest.result.ip
    return None if ip is None else "6" if ":" in ip else "4"


def _failed_by_content(probe: Probe) -> str | None:
    given = probe.attributes.get("probe_failed_due_to_regex")
    if given is not None:
        return _one(given == 1)
    return _one(probe.newest.result.reason == "http_content") if probe.is_http else None


def _fail_reason(probe: Probe) -> str | None:
    result = probe.newest.result
    return f"{pair('reason', result.reason or 'other')}}} 1" if result.outcome == "fail" else None


def _attribute(name: MetricName, phase: str | None = None) -> Column[Probe]:
    key = name if phase is None else f"{name}/{phase}"

    def value(probe: Probe) -> str | None:
        given = probe.attributes.get(key)
        return repr(given) if isinstance(given, int | float) else None

    return Column(name, value, "" if phase is None else f',phase="{phase}"', attribute=key)


def _ends_soon(probe: Probe) -> str | None:
    newest = probe.newest
    raised = ends_soon(newest.warn, newest.result.at, newest.result.certificate_expires)
    return None if raised is None else _one(raised)


def _slow(probe: Probe) -> str | None:
    raised = is_slow(probe.newest.warn, probe.newest.result.duration_ms)
    return None if raised is None else _one(raised)


def _tls_version(probe: Probe) -> str | None:
    given = probe.attributes.get("probe_tls_version_info")
    return f"{pair('version', given)}}} 1" if isinstance(given, str) else None


def _after_lookup(probe: Probe) -> str | None:
    if "probe_grpc_ssl" not in probe.attributes:
        return None
    phases, duration = probe.newest.result.phases_ms, probe.newest.result.duration_ms
    resolve = phases.resolve if phases is not None and phases.resolve is not None else 0
    return None if duration is None else _measured(duration - resolve)


def _serving(status: str) -> Column[Probe]:
    def value(probe: Probe) -> str | None:
        given = probe.attributes.get("probe_grpc_healthcheck_response")
        return None if given is None else _one(given == status)

    name: MetricName = "probe_grpc_healthcheck_response"
    return Column(name, value, f',serving_status="{status}"', attribute=name)


PROBES: Table[Probe] = Table(
    ("instance", "service", "check", "vantage"),
    lambda row: (
        shown_target(row.newest.target),
        row.newest.service,
        row.newest.result.check,
        row.newest.result.vantage,
    ),
    (
        Column("probe_success", lambda row: _one(row.newest.result.outcome == "pass")),
        Column("probe_duration_seconds", lambda row: _measured(row.newest.result.duration_ms)),
        Column("probe_http_status_code", _status),
        *(
            Column("probe_http_duration_seconds", _phase(index), f',phase="{phase}"')
            for index, phase in enumerate(PHASES)
        ),
        Column("probe_ssl_earliest_cert_expiry", _expiry),
        _attribute("probe_http_version"),
        Column("probe_ip_protocol", _ip_protocol),
        Column("probe_dns_lookup_time_seconds", _lookup),
        Column("probe_failed_due_to_regex", _failed_by_content),
        _attribute("probe_http_ssl"),
        _attribute("probe_http_redirects"),
        _attribute("probe_http_content_length"),
        Column("probe_tls_version_info", _tls_version, end=","),
        *(_attribute("probe_icmp_duration_seconds", phase) for phase in ("resolve", "rtt")),
        _attribute("probe_icmp_reply_hop_limit"),
        _attribute("probe_dns_answer_rrs"),
        _attribute("probe_dns_authority_rrs"),
        _attribute("probe_dns_additional_rrs"),
        _attribute("probe_dns_query_succeeded"),
        *(_attribute("probe_dns_duration_seconds", phase) for phase in ("connect", "request")),
        _attribute("probe_dns_serial"),
        *(
            Column("probe_grpc_duration_seconds", value, f',phase="{phase}"', attribute="probe_grpc_ssl")
            for phase, value in (("resolve", _grpc_lookup), ("check", _after_lookup))
        ),
        _attribute("probe_grpc_ssl"),
        _attribute("probe_grpc_status_code"),
        *map(_serving, SERVING_STATUSES),
        _attribute("probe_websocket_connection_upgraded"),
        _attribute("probe_websocket_status_code"),
        _attribute("probe_websocket_failed_due_to_regex"),
        Column("probe_fail_info", _fail_reason, end=","),
        Column("minutebook_check_warning", _ends_soon, ',warning="certificate_days"'),
        Column("minutebook_check_warning", _slow, ',warning="duration"'),
    ),
    lambda row: row.attributes,
)


def _account(account: str, klass: str, amount: Callable[[Figures], int]) -> Column[Figures]:
    return Column("sla_account_seconds", lambda row: seconds(amount(row)), f',account="{account}",class="{klass}"')


def _excused(klass: str) -> Column[Figures]:
    return _account("excused", klass, lambda row: row.accounts.excused[klass])


def _verdict(verdict: Verdict) -> Column[Figures]:
    return Column("sla_verdict_info", lambda row: "1" if row.verdict == verdict else None, f',verdict="{verdict}"')


MONTHS: Table[Figures] = Table(
    ("service", "month"),
    lambda row: (row.service, row.month),
    (
        Column("sla_objective_ratio", lambda row: ratio(Ratio(*row.objective.as_integer_ratio()))),
        Column("sla_month_length_seconds", lambda row: seconds(row.accounts.month)),
        Column("sla_statement_final", lambda row: _one(row.final)),
        *(_verdict(verdict) for verdict in get_args(Verdict)),
        Column("sla_coverage_ratio", lambda row: ratio(row.coverage)),
        _account("up", "", lambda row: row.accounts.up),
        _account("down", "", lambda row: row.accounts.down),
        *(_excused(klass) for klass in EXCLUSION_CLASSES),
        _account("unknown", "", lambda row: row.accounts.unknown),
        _account("pending", "", lambda row: row.accounts.pending),
        Column("sla_error_budget_seconds", lambda row: seconds(row.budget)),
        Column("sla_error_budget_remaining_seconds", lambda row: seconds(row.remaining)),
        Column("sla_error_budget_burned_ratio", lambda row: ratio(row.burned)),
        Column("sla_availability_ratio", lambda row: ratio(row.published), ',bound="published"'),
        Column("sla_availability_ratio", lambda row: ratio(row.gross), ',bound="gross"'),
        Column("sla_availability_ratio", lambda row: ratio(row.worst), ',bound="worst"'),
        Column("sla_availability_ratio", lambda row: ratio(row.best), ',bound="best"'),
    ),
)


def _burn(window: str) -> Column[ServiceView]:
    return Column("sla_burn_rate", lambda row: ratio(row.burn.rate.get(window)), f',window="{window}"')


def _error_ratio(window: str) -> Column[ServiceView]:
    return Column("sla_error_ratio", lambda row: ratio(row.burn.error_ratio.get(window)), f',window="{window}"')


def _exhaustion(window: str) -> Column[ServiceView]:
    def value(row: ServiceView) -> str | None:
        instant = row.burn.exhaustion.get(window)
        return seconds(instant) if instant is not None else None

    return Column("sla_budget_exhaustion_timestamp_seconds", value, f',window="{window}"')


SERVICES: Table[ServiceView] = Table(
    ("service",),
    lambda row: (row.service,),
    (
        *map(_burn, WINDOWS),
        *map(_error_ratio, WINDOWS),
        *map(_exhaustion, EXHAUSTION_WINDOWS),
        Column("sla_service_up", lambda row: None if row.up is None else _one(row.up)),
    ),
)


class Granted(NamedTuple):
    """An exclusion that is granted now; several of one class and source are one series."""

    service: str
    klass: str
    source: str


class Announced(NamedTuple):
    """The next window of a service that a source announced."""

    granted: Granted
    window: NextMaintenance


_CLASS = ("service", "class", "source")

EXCLUSIONS: Table[Granted] = Table(_CLASS, tuple, (Column("sla_exclusion_active", lambda row: "1"),))

MAINTENANCE: Table[Announced] = Table(
    _CLASS,
    lambda row: row.granted,
    (
        Column("sla_maintenance_start_timestamp_seconds", lambda row: seconds(row.window.start)),
        Column("sla_maintenance_notice_seconds", lambda row: seconds(row.window.notice)),
    ),
)

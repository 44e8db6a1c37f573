"""Every metric that minutebook exposes, in one place (contracts/interface.md, "Metrics").

A metric is written under no name but one of `MetricName`, so a misspelt one does not pass mypy. `issue` says which
later piece of work fills a metric; None: it is rendered now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MetricName = Literal[
    "probe_success",
    "probe_duration_seconds",
    "probe_http_status_code",
    "probe_http_duration_seconds",
    "probe_ssl_earliest_cert_expiry",
    "probe_http_version",
    "probe_ip_protocol",
    "probe_dns_lookup_time_seconds",
    "probe_failed_due_to_regex",
    "probe_http_ssl",
    "probe_http_redirects",
    "probe_http_content_length",
    "probe_tls_version_info",
    "probe_icmp_duration_seconds",
    "probe_icmp_reply_hop_limit",
    "probe_dns_answer_rrs",
    "probe_dns_authority_rrs",
    "probe_dns_additional_rrs",
    "probe_dns_query_succeeded",
    "probe_dns_duration_seconds",
    "probe_dns_serial",
    "probe_grpc_duration_seconds",
    "probe_grpc_ssl",
    "probe_grpc_status_code",
    "probe_grpc_healthcheck_response",
    "probe_websocket_connection_upgraded",
    "probe_websocket_status_code",
    "probe_websocket_failed_due_to_regex",
    "probe_fail_info",
    "minutebook_check_warning",
    "sla_objective_ratio",
    "sla_month_length_seconds",
    "sla_statement_final",
    "sla_verdict_info",
    "sla_coverage_ratio",
    "sla_month_end_timestamp_seconds",
    "sla_account_seconds",
    "sla_error_budget_seconds",
    "sla_error_budget_remaining_seconds",
    "sla_error_budget_burned_ratio",
    "sla_availability_ratio",
    "sla_burn_rate",
    "sla_error_ratio",
    "sla_budget_exhaustion_timestamp_seconds",
    "sla_service_up",
    "sla_exclusion_active",
    "sla_maintenance_start_timestamp_seconds",
    "sla_maintenance_notice_seconds",
    "sla_provider_component_severity",
    "sla_event_end_timestamp_seconds",
    "sla_event_error_budget_burned_ratio",
    "sla_event_error_ratio",
    "sla_event_sentry_events",
    "web_vitals_p75_seconds",
    "web_vitals_limit_seconds",
    "web_vitals_p75_score",
    "web_vitals_limit_score",
    "web_vitals_objective_ratio",
    "web_vitals_samples",
    "web_vitals_good_ratio",
    "web_vitals_verdict_info",
    "sla_response_open",
    "sla_response_waiting",
    "sla_response_oldest_due_timestamp_seconds",
    "sla_response_late",
    "sla_breaches",
    "sla_credit_ratio",
    "sla_termination_right",
    "minutebook_facts_recorded_total",
    "minutebook_slots_missed_total",
    "minutebook_probe_lag_seconds",
    "minutebook_source_last_success_timestamp_seconds",
    "minutebook_source_problems_total",
    "minutebook_hook_deliveries_total",
    "minutebook_beacons_total",
    "minutebook_vital_reports_total",
    "minutebook_hook_ignored_total",
    "minutebook_channel_deliveries_total",
    "minutebook_channel_waiting",
    "minutebook_channel_failing_since_timestamp_seconds",
    "minutebook_evaluation_timestamp_seconds",
    "minutebook_queue_depth",
    "minutebook_event_loop_lag_seconds",
    "minutebook_config_last_reload_successful",
    "minutebook_void_seconds",
    "minutebook_void_since_timestamp_seconds",
    "minutebook_canary_up",
    "minutebook_resolver_up",
    "minutebook_clock_synchronized",
    "minutebook_store_writable",
    "minutebook_build_info",
]

Unit = Literal["seconds", "ratio", "bytes", ""]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its Prometheus type, its unit ("" where it has none), its labels in the order they are written."""

    name: MetricName
    help: str
    labels: tuple[str, ...] = ()
    unit: Unit = ""
    type: Literal["gauge", "counter"] = "gauge"
    issue: str | None = None

    @property
    def header(self) -> str:
        """The HELP and TYPE lines of the text format."""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.type}\n"


_PROBE = ("instance", "service", "check", "vantage")
_MONTH = ("service", "month")
_WINDOW = ("service", "window")
_CLASS = ("service", "class", "source")
_VITAL = ("metric", "window")
_RESPONSE = ("priority", "class")

_METRICS = (
    Metric("probe_success", "Whether the newest scheduled look passed (1) or failed (0); absent when void.", _PROBE),
    Metric("probe_duration_seconds", "How long the newest look took.", _PROBE, "seconds"),
    Metric("probe_http_status_code", "Status of the last HTTP response.", _PROBE),
    Metric("probe_http_duration_seconds", "How long each phase of an HTTP look took.", (*_PROBE, "phase"), "seconds"),
    Metric("probe_ssl_earliest_cert_expiry", "When the first certificate of the chain expires, Unix time.", _PROBE),
    Metric("probe_http_version", "HTTP version of the response.", _PROBE),
    Metric("probe_ip_protocol", "IP version that was used: 4 or 6.", _PROBE),
    Metric("probe_dns_lookup_time_seconds", "How long the look-up of the name took.", _PROBE, "seconds"),
    Metric("probe_failed_due_to_regex", "Whether a look failed because of what the body, or a line, said.", _PROBE),
    Metric("probe_http_ssl", "Whether TLS was used for the last HTTP response.", _PROBE),
    Metric("probe_http_redirects", "How many redirects were followed.", _PROBE),
    Metric("probe_http_content_length", "Length of the content as the response states it.", _PROBE),
    Metric("probe_tls_version_info", "The TLS version that was agreed, always 1.", (*_PROBE, "version")),
    Metric(
        "probe_icmp_duration_seconds",
        "How long each phase of an ICMP look took.",
        (*_PROBE, "phase"),
        "seconds",
    ),
    Metric("probe_icmp_reply_hop_limit", "Hop limit of the reply.", _PROBE),
    Metric("probe_dns_answer_rrs", "Records in the answer section.", _PROBE),
    Metric("probe_dns_authority_rrs", "Records in the authority section.", _PROBE),
    Metric("probe_dns_additional_rrs", "Records in the additional section.", _PROBE),
    Metric("probe_dns_query_succeeded", "Whether the query was answered.", _PROBE),
    Metric("probe_dns_duration_seconds", "How long each phase of a DNS look took.", (*_PROBE, "phase"), "seconds"),
    Metric("probe_dns_serial", "Serial of the zone, where its SOA record was asked for.", _PROBE),
    Metric(
        "probe_grpc_duration_seconds",
        "How long each phase of a gRPC look took.",
        (*_PROBE, "phase"),
        "seconds",
    ),
    Metric("probe_grpc_ssl", "Whether TLS was used for the gRPC call.", _PROBE),
    Metric("probe_grpc_status_code", "Status of the gRPC call.", _PROBE),
    Metric(
        "probe_grpc_healthcheck_response",
        "Whether the health service gave this serving status.",
        (*_PROBE, "serving_status"),
    ),
    Metric("probe_websocket_connection_upgraded", "Whether the handshake of a WebSocket was agreed to.", _PROBE),
    Metric("probe_websocket_status_code", "HTTP status of the answer to the handshake of a WebSocket.", _PROBE),
    Metric(
        "probe_websocket_failed_due_to_regex",
        "Whether a WebSocket look failed because of what the messages said.",
        _PROBE,
    ),
    Metric("probe_fail_info", "Why the newest look failed, always 1.", (*_PROBE, "reason")),
    Metric(
        "minutebook_check_warning",
        "Whether the newest look warns of a certificate that ends soon, or of how long it took; never downtime.",
        (*_PROBE, "warning"),
    ),
    Metric("sla_objective_ratio", "The promised availability.", _MONTH, "ratio"),
    Metric("sla_month_length_seconds", "Length of the month in the policy's zone.", _MONTH, "seconds"),
    Metric("sla_statement_final", "Whether the month's statement is closed.", _MONTH),
    Metric("sla_verdict_info", "The month's verdict, always 1.", (*_MONTH, "verdict")),
    Metric("sla_coverage_ratio", "Part of the month so far in which the state was known.", _MONTH, "ratio"),
    Metric("sla_month_end_timestamp_seconds", "When the month ends, Unix time.", ("month",), "seconds"),
    Metric(
        "sla_account_seconds",
        "The month by account; all accounts add up to its length. A late fact can lower one.",
        (*_MONTH, "account", "class"),
        "seconds",
    ),
    Metric("sla_error_budget_seconds", "Downtime that the month allows.", _MONTH, "seconds"),
    Metric(
        "sla_error_budget_remaining_seconds",
        "What is left of the budget; negative when overspent.",
        _MONTH,
        "seconds",
    ),
    Metric("sla_error_budget_burned_ratio", "Downtime as a part of the budget.", _MONTH, "ratio"),
    Metric("sla_availability_ratio", "Availability of the month so far.", (*_MONTH, "bound"), "ratio"),
    Metric("sla_burn_rate", "How many times as fast as allowed the budget burns in the window.", _WINDOW),
    Metric("sla_error_ratio", "Downtime as a part of the counted time of the window.", _WINDOW, "ratio"),
    Metric(
        "sla_budget_exhaustion_timestamp_seconds",
        "When the budget will be gone at the window's rate, Unix time.",
        _WINDOW,
        "seconds",
    ),
    Metric("sla_service_up", "Whether the service is up; absent when unknown.", ("service",)),
    Metric("sla_exclusion_active", "An exclusion that is granted now, always 1.", _CLASS),
    Metric(
        "sla_maintenance_start_timestamp_seconds",
        "When the next announced maintenance starts, Unix time.",
        _CLASS,
        "seconds",
    ),
    Metric("sla_maintenance_notice_seconds", "Notice that the next maintenance was given.", _CLASS, "seconds"),
    Metric(
        "sla_provider_component_severity",
        "What a provider says of its component: 0 operational, 1 maintenance, 2 degraded, 3 partial, 4 major outage.",
        ("provider", "component"),
    ),
    Metric(
        "sla_event_end_timestamp_seconds",
        "When the announced peak that runs ends, Unix time.",
        ("event",),
        "seconds",
    ),
    Metric(
        "sla_event_error_budget_burned_ratio",
        "Downtime in the announced peak that runs, as a part of what it allows.",
        ("service", "event"),
        "ratio",
    ),
    Metric(
        "sla_event_error_ratio",
        "Downtime in the announced peak that runs, as a part of the time that counts so far.",
        ("service", "event"),
        "ratio",
    ),
    Metric(
        "sla_event_sentry_events",
        "Events that Sentry received of the app in the hours, of UTC, that the announced peak that runs touches.",
        ("event",),
    ),
    Metric("web_vitals_p75_seconds", "The promised percentile of LCP or INP, by default the 75th.", _VITAL, "seconds"),
    Metric("web_vitals_limit_seconds", "The promised limit of LCP or INP.", _VITAL, "seconds"),
    Metric("web_vitals_p75_score", "The promised percentile of CLS, by default the 75th.", _VITAL),
    Metric("web_vitals_limit_score", "The promised limit of CLS.", _VITAL),
    Metric("web_vitals_objective_ratio", "Part of the samples that must be within the limit.", _VITAL, "ratio"),
    Metric("web_vitals_samples", "Samples in the window.", _VITAL),
    Metric("web_vitals_good_ratio", "Part of the samples within the limit.", _VITAL, "ratio"),
    Metric(
        "web_vitals_verdict_info",
        "The verdict of a vital, always 1.",
        (*_VITAL, "verdict", "confidence"),
    ),
    Metric("sla_response_open", "Tickets without a first reply.", _RESPONSE),
    Metric(
        "sla_response_waiting",
        "Of these, by how much of their time is used in percent: 0, 50, 80, or 100 for late.",
        (*_RESPONSE, "used"),
    ),
    Metric(
        "sla_response_oldest_due_timestamp_seconds",
        "When the first open ticket is due, Unix time.",
        _RESPONSE,
        "seconds",
    ),
    Metric("sla_response_late", "Tickets received this month that are late, answered or not.", _RESPONSE),
    Metric(
        "sla_breaches",
        "Breaches of a commitment in the month, of all services; as closed, or as it stands now.",
        ("commitment", "month"),
    ),
    Metric(
        "sla_credit_ratio",
        "Part of the customer's fee that the month's breaches are worth, claimed or not.",
        ("customer", "month"),
        "ratio",
    ),
    Metric(
        "sla_termination_right",
        "Whether the customer had the right to terminate in the month, by what was closed.",
        ("customer", "month"),
    ),
    Metric("minutebook_facts_recorded_total", "Facts recorded since the start, by kind.", ("kind",), type="counter"),
    Metric("minutebook_slots_missed_total", "Slots of the grid in which no look was started.", type="counter"),
    Metric("minutebook_probe_lag_seconds", "How late the latest look was started.", unit="seconds"),
    Metric(
        "minutebook_source_last_success_timestamp_seconds",
        "When a source was last read, Unix time.",
        ("source",),
        "seconds",
    ),
    Metric(
        "minutebook_source_problems_total",
        "What polls of a source could not take since the start, by reason.",
        ("source", "reason"),
        type="counter",
    ),
    Metric(
        "minutebook_hook_deliveries_total",
        "What became of deliveries that sources posted, since the start.",
        ("source", "outcome"),
        type="counter",
    ),
    Metric(
        "minutebook_beacons_total", "Beacons since the start, by the status of the answer.", ("status",), type="counter"
    ),
    Metric(
        "minutebook_vital_reports_total",
        "Metrics in readable beacons since the start, by what became of them.",
        ("outcome",),
        type="counter",
    ),
    Metric(
        "minutebook_hook_ignored_total",
        "Deliveries that said nothing here since the start, by what the sender calls them.",
        ("source", "event"),
        type="counter",
    ),
    Metric(
        "minutebook_channel_deliveries_total",
        "Attempts to tell a channel since the start, by what became of them.",
        ("channel", "outcome"),
        type="counter",
    ),
    Metric("minutebook_channel_waiting", "Messages that wait for a channel.", ("channel",)),
    Metric(
        "minutebook_channel_failing_since_timestamp_seconds",
        "Since when a channel has taken nothing, Unix time; absent while it takes what it is told.",
        ("channel",),
        "seconds",
    ),
    Metric("minutebook_evaluation_timestamp_seconds", "The instant these figures are for, Unix time.", unit="seconds"),
    Metric("minutebook_queue_depth", "Facts waiting to be committed."),
    Metric("minutebook_event_loop_lag_seconds", "How late the event loop last woke up.", unit="seconds"),
    Metric("minutebook_config_last_reload_successful", "Whether the configuration was accepted the last time."),
    Metric(
        "minutebook_void_seconds",
        "Time this month that void results cover: our own fault, not the service's.",
        ("check", "reason"),
        "seconds",
    ),
    Metric(
        "minutebook_void_since_timestamp_seconds",
        "Since when this daemon has known nothing of a check, Unix time; absent while it knows. To page on.",
        ("check", "reason"),
        "seconds",
    ),
    Metric("minutebook_canary_up", "Whether a canary that counts sang when it was last asked.", ("canary",)),
    Metric("minutebook_resolver_up", "Whether a name server answered when it was last asked.", ("resolver",)),
    Metric("minutebook_clock_synchronized", "Whether the kernel says that the clock is synchronised."),
    Metric("minutebook_store_writable", "Whether the last commit to the store succeeded."),
    Metric("minutebook_build_info", "Version of minutebook and of Python, always 1.", ("version", "python")),
)

CATALOGUE: Mapping[MetricName, Metric] = {metric.name: metric for metric in _METRICS}
"""By name, in the order in which a page shows them."""

PHASES: tuple[str, ...] = ("resolve", "connect", "tls", "processing", "transfer")
"""Values of the `phase` label: those of facts.Phases, and blackbox_exporter's."""

SERVING_STATUSES: tuple[str, ...] = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
"""Values of the `serving_status` label: those of grpc.health.v1."""

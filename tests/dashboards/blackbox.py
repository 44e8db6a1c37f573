"""What the well-known public dashboards for blackbox_exporter ask Prometheus for, by panel, once everything is chosen.

grafana.com 7587 ("Prometheus Blackbox Exporter") and 13659 ("Blackbox Exporter (HTTP prober)"), written down from
published copies of them.
"""

from __future__ import annotations

from collections.abc import Mapping

_7587 = {
    "Global Probe Duration": 'probe_duration_seconds{instance=~"$target"}',
    "Status": 'probe_success{instance=~"$target"}',
    "HTTP Duration": 'probe_http_duration_seconds{instance=~"$target"}',
    "HTTP Status Code": 'probe_http_status_code{instance=~"$target"}',
    "HTTP Version": 'probe_http_version{instance=~"$target"}',
    "SSL": 'probe_http_ssl{instance=~"$target"}',
    "SSL Expiry": 'probe_ssl_earliest_cert_expiry{instance=~"$target"} - time()',
    "Average Probe Duration": 'avg(probe_duration_seconds{instance=~"$target"})',
    "Average DNS Lookup": 'avg(probe_dns_lookup_time_seconds{instance=~"$target"})',
}
_CHOSEN = 'job=~"$job", instance=~"$instance"'
_13659 = {
    "Status": f"probe_success{{{_CHOSEN}}}",
    "SSL": f"probe_http_ssl{{{_CHOSEN}}} > 0",
    "SSL Cert Expiry (days)": f"(probe_ssl_earliest_cert_expiry{{{_CHOSEN}}} - time()) / 3600 / 24",
    "Code": f"probe_http_status_code{{{_CHOSEN}}} > 0",
    "Probe Duration (s)": f"avg_over_time(probe_duration_seconds{{{_CHOSEN}}}[1m])",
    "TLS Version": f"probe_tls_version_info{{{_CHOSEN}}}",
    "DNS Lookup Duration (s)": f"avg_over_time(probe_dns_lookup_time_seconds{{{_CHOSEN}}}[1m])",
    "HTTP Probe Duration": f"sum(probe_http_duration_seconds{{{_CHOSEN}}}) by (instance)",
    "HTTP Probe Phases Duration": f"probe_http_duration_seconds{{{_CHOSEN}}}",
}


def _everything(expr: str) -> str:
    return expr.replace("$target", ".+").replace("$instance", ".+").replace("$job", ".+")


ASKED: Mapping[str, str] = {
    f"{dashboard}: {panel}": _everything(expr)
    for dashboard, panels in (("7587", _7587), ("13659", _13659))
    for panel, expr in panels.items()
}

"""What the well-known public dashboards and alerts for blackbox_exporter ask Prometheus for, once everything is chosen.

grafana.com 7587 ("Prometheus Blackbox Exporter") and 13659 ("Blackbox Exporter (HTTP prober)"), written down from
published copies of them, and that of the blackbox-exporter-mixin (github.com/adinhodovic/blackbox-exporter-mixin,
dashboards_out). The mixin also draws `probe_icmp_duration_seconds` by phase, which only icmp checks have:
tests/faces/test_names_beside_blackbox.py holds it to blackbox_exporter's own.

Alerts are those of awesome-prometheus-alerts (dist/rules/blackbox/blackbox-exporter.yml) and of the mixin
(prometheus_alerts.yaml), less the limits that nothing here exceeds. Two are left out: that blackbox_exporter could not
reload, and slow pings, which only icmp checks have.
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
_JOB = 'job=~"$job"'
_MIXIN = {
    "Status Map": f"probe_success{{{_JOB}}}",
    "Probes": f"count(probe_success{{{_JOB}}})",
    "Probes Success": f"(count(probe_success{{{_JOB}}} == 1) OR vector(0)) / count(probe_success{{{_JOB}}})",
    "Probes SSL": f"count(probe_http_ssl{{{_JOB}}} == 1) / count(probe_http_version{{{_JOB}}})",
    "Probe Average Duration": f"avg(probe_duration_seconds{{{_JOB}}})",
    "Uptime, Probe Success": f"probe_success{{{_CHOSEN}}}",
    "Latest Response Code": f"probe_http_status_code{{{_CHOSEN}}}",
    "SSL": f"probe_http_ssl{{{_CHOSEN}}}",
    "SSL Version": f"probe_tls_version_info{{{_CHOSEN}}}",
    "SSL Certificate Expiry": f"probe_ssl_earliest_cert_expiry{{{_CHOSEN}}} - time()",
    "Redirects": f"probe_http_redirects{{{_CHOSEN}}}",
    "HTTP Version": f"probe_http_version{{{_CHOSEN}}}",
    "Average Latency": f"probe_duration_seconds{{{_CHOSEN}}}",
    "Average Latency of names": f"probe_dns_lookup_time_seconds{{{_CHOSEN}}}",
    "Probe Duration, HTTP": f"sum(probe_http_duration_seconds{{{_CHOSEN}}}) by (instance)",
    "Probe Duration, all": f"sum(probe_duration_seconds{{{_CHOSEN}}}) by (instance)",
    "Probe Phases": f"sum(probe_http_duration_seconds{{{_CHOSEN}}}) by (phase)",
}

_ALERTS = {
    "BlackboxProbeFailed": "probe_success == 0",
    "BlackboxSlowProbe": "avg_over_time(probe_duration_seconds[1m])",
    "BlackboxProbeHttpFailure": "probe_http_status_code <= 199 OR probe_http_status_code >= 400",
    "BlackboxSslCertificate": "round((last_over_time(probe_ssl_earliest_cert_expiry[10m]) - time()) / 86400, 0.1)",
    "BlackboxProbeSlowHttp": "avg_over_time(probe_http_duration_seconds[1m])",
    "BlackboxLowUptime30d": f"avg_over_time(probe_success{{{_JOB}}}[30d]) * 100 < 99.9",
    "BlackboxSslCertificateWillExpireSoon": f"probe_ssl_earliest_cert_expiry{{{_JOB}}} - time() > 0",
}


def _everything(expr: str) -> str:
    return expr.replace("$target", ".+").replace("$instance", ".+").replace("$job", ".+")


ASKED: Mapping[str, str] = {
    f"{dashboard}: {panel}": _everything(expr)
    for dashboard, panels in (
        ("7587", _7587),
        ("13659", _13659),
        ("blackbox-exporter-mixin", _MIXIN),
        ("alerts", _ALERTS),
    )
    for panel, expr in panels.items()
}

"""Probes: what a check can look at. A new kind is one file beside this one and one line in KINDS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from monitor.probes import dns, grpc, heartbeat, http, icmp, tcp, tls_only, websocket
from monitor.probes.kind import Io, Missed, Probe, ProbedCheck, ProbeKind

AnyKind: TypeAlias = (
    ProbeKind[http.HttpSettings]
    | ProbeKind[tcp.TcpSettings]
    | ProbeKind[tls_only.TlsOnlySettings]
    | ProbeKind[grpc.GrpcSettings]
    | ProbeKind[websocket.WebSocketSettings]
    | ProbeKind[dns.DnsSettings]
    | ProbeKind[icmp.IcmpSettings]
    | ProbeKind[heartbeat.HeartbeatSettings]
)

KINDS: Mapping[str, AnyKind] = {
    "http": ProbeKind(http.HttpSettings, http.target, http.host, http.probe),
    "tcp": ProbeKind(tcp.TcpSettings, tcp.target, tcp.host, tcp.probe),
    "tls": ProbeKind(tls_only.TlsOnlySettings, tls_only.target, tls_only.host, tls_only.probe),
    "grpc": ProbeKind(grpc.GrpcSettings, grpc.target, grpc.host, grpc.probe),
    "websocket": ProbeKind(websocket.WebSocketSettings, websocket.target, websocket.host, websocket.probe),
    "dns": ProbeKind(dns.DnsSettings, dns.target, dns.host, dns.probe),
    "icmp": ProbeKind(icmp.IcmpSettings, icmp.target, icmp.host, icmp.probe, icmp.refusal),
    "heartbeat": ProbeKind(heartbeat.HeartbeatSettings, heartbeat.target, heartbeat.host),
}
"""Kind, as the configuration names it, to what it is."""

__all__ = ["KINDS", "AnyKind", "Io", "Missed", "Probe", "ProbeKind", "ProbedCheck"]

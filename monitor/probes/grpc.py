"""gRPC: what the health service (grpc.health.v1, Check) says of a service, over HTTP/2 with or without TLS.

```yaml
grpc: {host: app.example.com, port: 50051}                               # h2c, the server as a whole
grpc: {host: app.example.com, port: 443, service: shop.Cart, tls: {}}    # TLS, with h2 agreed on by ALPN
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from importlib import import_module

from pydantic import Field

from monitor.interfaces import Observation, Tick
from monitor.probes import judge
from monitor.probes.conversation import Conversation, converse
from monitor.probes.endpoint import Endpoint, HostAndPort, host, host_and_port, target
from monitor.probes.kind import Io
from monitor.probes.tls_settings import TlsSettings
from monitor.settings import Mistake

__all__ = ["GrpcSettings", "host", "probe", "target"]

# `health_call` is imported where it is used: h2 is 5 MiB and 70 ms that only a file with a gRPC check or canary pays,
# and it pays them when it is decoded.


class GrpcSettings(HostAndPort):
    service: str = Field("", max_length=1_000)
    tls: TlsSettings | None = None

    def mistakes(self) -> Iterator[Mistake]:
        import_module("monitor.probes.health_call")
        yield from super().mistakes()

    @cached_property
    def endpoint(self) -> Endpoint:
        return self.endpoint_of(None if self.tls is None else self.tls.policy(("h2",)), self.tls)

    @cached_property
    def authority(self) -> str:
        """Whom the request is for: the name that is verified, where the file says one."""
        named = self.tls.server_name if self.tls is not None else None
        return named if named is not None else host_and_port(self.spelled_host, self.port)


async def probe(settings: GrpcSettings, tick: Tick, io: Io) -> Observation:
    """One look: passes when the call ends with status OK, and the service is SERVING."""
    return await converse(settings.endpoint, io, partial(_talk, settings, io.timeout_ms))


async def _talk(settings: GrpcSettings, timeout_ms: int, look: Conversation) -> None:
    from monitor.probes.health_call import HealthCall  # noqa: PLC0415

    look.attributes["probe_grpc_ssl"] = 0 if settings.tls is None else 1
    if settings.tls is not None:
        await look.secure()
        if look.stream.protocol != "h2":
            raise judge.fail("tls_protocol", "HTTP/2 was not agreed on by ALPN")
    look.phase = "headers"
    call = HealthCall()
    look.stream.send(call.begin(settings.authority, settings.tls is not None, settings.service, timeout_ms))
    try:
        while not call.ended:
            received = await look.stream.receive(look.phase)
            if not received:
                raise call.cut()
            look.stream.send(call.feed(received))
            if call.status:
                look.answered()
                look.phase = "body"
    finally:
        look.status = call.status if call.status not in (0, 200) else None
    answer = call.answer()
    look.attributes["probe_grpc_status_code"] = answer.code
    if answer.serving is None:
        raise look.disprove("service", "grpc_status", answer.words)
    look.attributes["probe_grpc_healthcheck_response"] = answer.serving
    if answer.serving != "SERVING":
        raise look.disprove("service", "grpc_not_serving", answer.serving)
    look.prove("service", answer.serving)

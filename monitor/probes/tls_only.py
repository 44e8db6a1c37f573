"""TLS: a handshake and a certificate, no byte of anything else.

```yaml
tls: {host: app.example.com, port: 443}
tls: {host: mail.example.com, port: 25, starttls: smtp, min_version: TLS13}
tls: {host: grpc.example.com, port: 443, alpn: [h2]}    # none of these agreed on is a fail
```

The other keys are those of `tls` sections (probes/tls_settings.py).
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import Annotated

from pydantic import Field

from monitor.interfaces import Observation, Tick
from monitor.probes.conversation import Conversation, converse
from monitor.probes.dialogue import Dialogue
from monitor.probes.endpoint import Endpoint, HostAndPort, host, target
from monitor.probes.kind import Io
from monitor.probes.starttls import StartTls, dialogues
from monitor.probes.tls_settings import TlsSettings

__all__ = ["TlsOnlySettings", "host", "probe", "target"]

Protocol = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]
"""A protocol's name as ALPN has it (RFC 7301): 1 to 255 bytes."""


class TlsOnlySettings(HostAndPort, TlsSettings):
    starttls: StartTls | None = None
    alpn: list[Protocol] = Field(default_factory=list, max_length=10)

    @cached_property
    def endpoint(self) -> Endpoint:
        return self.endpoint_of(self.policy(tuple(self.alpn)), self)


async def probe(settings: TlsOnlySettings, tick: Tick, io: Io) -> Observation:
    """One look: passes when the handshake is complete, the certificate holds, and ALPN came to what is asked for."""
    return await converse(settings.endpoint, io, partial(_talk, settings))


async def _talk(settings: TlsOnlySettings, look: Conversation) -> None:
    if settings.starttls is None:
        await look.secure()
    else:
        await Dialogue(look).hold(dialogues()[settings.starttls], f"starttls {settings.starttls}")
    if settings.alpn:
        if look.stream.protocol not in settings.alpn:
            raise look.disprove("alpn", "tls_protocol", "none of the protocols was agreed on")
        look.prove("alpn", f"agreed on {look.stream.protocol}")

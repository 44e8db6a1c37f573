"""TCP: a connection to host and port within the deadline, and what is said over it.

```yaml
tcp: {host: app.example.com, port: 443}                 # a connection, no byte sent
tcp: {host: imap.example.com, port: 993, tls: {}}       # TLS from the first byte on
tcp:
  host: mail.example.com
  port: 25
  starttls: smtp                                        # smtp, imap, pop3, ftp, postgres; or a step with starttls: true
  tls: {ca_file: certs/internal-ca.pem}                 # the terms of TLS
  steps:                                                # probes/dialogue.py
    - {send: "EHLO probe.example.com\\r\\n", expect: ...}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial

from pydantic import Field

from monitor.interfaces import Observation, Tick
from monitor.probes.conversation import Conversation, converse
from monitor.probes.dialogue import STEPS, Dialogue, Step
from monitor.probes.endpoint import Endpoint, HostAndPort, host, target
from monitor.probes.kind import Io
from monitor.probes.starttls import StartTls, dialogues
from monitor.probes.tls_settings import TlsSettings
from monitor.settings import Mistake

__all__ = ["TcpSettings", "host", "probe", "target"]


class TcpSettings(HostAndPort):
    starttls: StartTls | None = None
    tls: TlsSettings | None = None
    steps: list[Step] = Field(default_factory=list, max_length=STEPS)

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        begun = self.starttls is not None
        for place, step in enumerate(self.steps):
            if step.starttls and begun:
                yield Mistake(("steps", place, "starttls"), "TLS is started once; expected one starttls")
            begun = begun or step.starttls

    @cached_property
    def starts_tls(self) -> bool:
        """Whether TLS begins in the middle, not with the first byte."""
        return self.starttls is not None or any(step.starttls for step in self.steps)

    @cached_property
    def endpoint(self) -> Endpoint:
        if self.tls is None and not self.starts_tls:
            return self.endpoint_of(None, None)
        tls = self.tls or TlsSettings()
        return self.endpoint_of(tls.policy(()), tls)


async def probe(settings: TcpSettings, tick: Tick, io: Io) -> Observation:
    """One look: passes when the connection is made, and every step has come about."""
    return await converse(settings.endpoint, io, partial(_talk, settings))


async def _talk(settings: TcpSettings, look: Conversation) -> None:
    if settings.tls is not None and not settings.starts_tls:
        await look.secure()
    if not settings.steps and settings.starttls is None:
        return
    dialogue = Dialogue(look)
    if settings.starttls is not None:
        await dialogue.hold(dialogues()[settings.starttls], f"starttls {settings.starttls}")
    await dialogue.hold(settings.steps, "steps")

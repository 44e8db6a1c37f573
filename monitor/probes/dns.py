"""DNS: a question to a name server.

```yaml
dns: {name: app.example.com, type: A, server: 1.1.1.1}   # type A, server: the configured resolvers
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from monitor.probes.address import literal
from monitor.settings import Mistake, Settings


class DnsSettings(Settings):
    name: str = Field(min_length=1)
    type: Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    server: str | None = None

    def mistakes(self) -> Iterator[Mistake]:
        if self.server is not None and literal(self.server) is None:
            yield Mistake(("server",), "expected a name server's address, such as 9.9.9.9")


def target(settings: DnsSettings) -> str:
    return settings.name if settings.server is None else f"{settings.name}@{settings.server}"


def host(settings: DnsSettings) -> str:
    return settings.server or settings.name

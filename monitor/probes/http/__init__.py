"""HTTP: one request a hop over a fresh connection, every phase measured, redirects followed within bounds.

```yaml
http:
  url: https://app.example.com/health
  method: GET
  headers: {Authorization: {from_file: secrets/probe-token}}   # never sent to another host
  expect: {status: [200, 300-399], body_matches: '"status":\\s*"ok"'}   # default: 200-299, any body
  redirects: {limit: 5, hosts: [login.example.com]}             # other hosts, or host:port, that may be followed to
```
"""

from __future__ import annotations

from monitor.probes.http.look import probe
from monitor.probes.http.settings import HttpSettings


def target(settings: HttpSettings) -> str:
    return settings.url


def host(settings: HttpSettings) -> str:
    return settings.first.host


__all__ = ["HttpSettings", "host", "probe", "target"]

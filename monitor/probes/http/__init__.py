"""HTTP: one request a hop over a fresh connection, every phase measured, redirects followed within bounds.

```yaml
http:
  url: https://app.example.com/health
  method: POST
  headers: {X-Api-Key: {from_file: secrets/api-key}}            # never sent to another host or port
  auth: {bearer: {from_file: secrets/probe-token}}              # or user and password; as the headers
  body: '{"query": "{ shop { name } }"}'                        # or a secret; never taken to another host or port
  compression: [gzip, deflate]                                  # default: identity
  ip_version: prefer_ipv6                                       # any, prefer_ipv4, only_ipv4, only_ipv6
  proxy: {url: "http://proxy.example.com:3128"}                 # with headers and auth of its own
  expect: {status: [200, 300-399], json: ['$.status == "ok"']}  # monitor/probes/http/expect.py; default: 200-299
  redirects: {limit: 5, hosts: [login.example.com], to_http: false}
  tls: {ca_file: certs/internal-ca.pem}                         # monitor/probes/tls_settings.py
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

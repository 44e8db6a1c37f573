"""TLS as a check asks for it: whom it trusts, who it says it is, and which name is verified. Kinds share this section.

```yaml
tls:
  ca_file: certs/internal-ca.pem           # trusted instead of the system's certificate authorities
  certificate: certs/probe.pem             # ours, for a target that asks: the chain, our own first
  key: {from_file: secrets/probe-key}      # its private key, without a passphrase
  server_name: app.internal                # what is sent as SNI and verified; default: the host
  min_version: TLS12                       # TLS12, TLS13
  max_version: TLS13
```

There is no switch that turns verification off: what is not verified proves nothing.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from monitor.probes.tls import TlsPolicy, TlsVersion, show_certificate, trust_only
from monitor.probes.web import ascii_host
from monitor.settings import Mistake, Secret, SecretText, Settings, Surroundings, read_start, shown, why_unread, wrong

PEM_BYTES = 1_000_000  # Debian's bundle of all certificate authorities has 220,000

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class Certificates:
    """The certificates of a file, PEM, and where it is; without any where the configuration is read without secrets."""

    place: str
    pem: str = field(repr=False)


def parse_certificates(given: object, info: ValidationInfo) -> Certificates:
    """Reads the certificates of a PEM file, once."""
    if isinstance(given, Certificates):
        return given
    if not isinstance(given, str) or not given:
        raise wrong(f"expected the path of a file with certificates in PEM; found {shown(given)}")
    if not isinstance(info.context, Surroundings):
        raise wrong("can only be read where the folder is known")
    if not info.context.reads_secrets:
        return Certificates(given, "")
    path = info.context.folder / given
    try:
        content = read_start(path, PEM_BYTES + 1)
    except (OSError, ValueError) as error:
        raise wrong(f"cannot read {path}: {why_unread(error)}; put the certificates there, in PEM") from None
    if len(content) > PEM_BYTES:
        raise wrong(f"the file {path} is over {PEM_BYTES // 1_000_000} MB: it holds something else")
    pem = "\n".join(_CERTIFICATE.findall(content.decode("utf-8", "replace")))
    if not pem or not _is_readable(pem):
        raise wrong(f"the file {path} does not hold certificates in PEM; expected -----BEGIN CERTIFICATE-----")
    return Certificates(given, pem)


@lru_cache(maxsize=16)
def _is_readable(pem: str) -> bool:
    try:
        trust_only(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pem)
    except (ssl.SSLError, ValueError):
        return False
    return True


CertificateFile = Annotated[
    Certificates,
    PlainValidator(parse_certificates),
    PlainSerializer(lambda file: file.place, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "minLength": 1, "examples": ["certs/internal-ca.pem"]}),
]
"""The path of a PEM file: the type of a field that holds its certificates."""


class TlsSettings(Settings):
    """Whom a check trusts, who it says it is, and which name is verified."""

    ca_file: CertificateFile | None = None
    certificate: CertificateFile | None = None
    key: SecretText | None = None
    server_name: str | None = None
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion | None = None

    def mistakes(self) -> Iterator[Mistake]:
        if self.max_version is not None and self.max_version < self.min_version:
            yield Mistake(("max_version",), f"is below min_version; expected at least {self.min_version}")
        if self.server_name is not None:
            try:
                ascii_host(self.server_name)
            except ValueError as error:
                yield Mistake(("server_name",), f"expected a host name or an address; {error}")
        if self.certificate is None and self.key is not None:
            yield Mistake(("key",), "a key without its certificate; write `certificate` too")
        elif self.certificate is not None and self.key is None:
            yield Mistake(("certificate",), "a certificate without its key; write `key: {from_file: path}` too")
        elif self.certificate is not None and self.key is not None:
            yield from _wrong_key(self.certificate, self.key)

    def policy(self, protocols: tuple[str, ...]) -> TlsPolicy:
        """What contexts are made for, with what is offered by ALPN. To be kept, not made for every look."""
        return TlsPolicy(
            authorities=self.ca_file.pem if self.ca_file else None,
            certificate=self.certificate.pem if self.certificate else None,
            key=self.key,
            min_version=self.min_version,
            max_version=self.max_version,
            protocols=protocols,
        )

    def name_of(self, host: str) -> str:
        """What is sent as SNI and verified of a target at this host."""
        return host if self.server_name is None else ascii_host(self.server_name)


def _wrong_key(certificate: Certificates, key: Secret) -> Iterator[Mistake]:
    if not certificate.pem or not key.reveal():
        return  # read without secrets
    try:
        show_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate.pem, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            yield Mistake(("key",), f"is not the key of the first certificate in {certificate.place}")
        elif error.reason == "EE_KEY_TOO_SMALL":
            yield Mistake(("certificate",), "its key is too short for TLS today; expected RSA of 2048 bits or more")
        else:
            yield Mistake(("key",), "expected a private key in PEM: -----BEGIN PRIVATE KEY-----")
    except ValueError:
        yield Mistake(("key",), "has a passphrase; write the key without one, readable by this user alone")

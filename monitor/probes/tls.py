"""TLS over memory, so that a probe sees each step: its own handshake, certificate, records and errors.

A context costs 31 ms to make (design/performance.md): one is shared by all probes of one policy. Every certificate is
verified; there is no switch to turn that off.
"""

from __future__ import annotations

import _ssl
import errno
import os
import ssl
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast

from monitor.probes import judge
from monitor.probes.chain_limit import CHAIN_BYTES, take_large_chains
from monitor.probes.judge import ProbeError
from monitor.probes.validity import ends
from monitor.settings import Secret

TlsVersion = Literal["TLS12", "TLS13"]

HTTP_1 = ("http/1.1",)
"""What is offered by ALPN where HTTP/1.1 alone is spoken."""

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CERTIFICATES_KEPT = 10_000
_CERTIFICATE_BYTES_KEPT = 8_192  # four times what is usual: what a target sends must not fill the memory
_READ = 65_536
_BARE_BYTES = CHAIN_BYTES + 16 * 1024  # of handshakes, tickets and the like: the largest chain, and what is around it
_BYTES_A_BYTE = 100  # of records around what they carry: one-byte records need 22 to 85
_PEM = b"-----BEGIN "
_SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


class TlsFloodError(ssl.SSLError):
    """The target sends TLS without end that carries nothing."""

    reason = f"over {_BARE_BYTES} bytes of TLS that carry nothing"


class TlsPolicy(NamedTuple):
    """What a context is made for: whom it trusts instead of the system's certificate authorities, and the certificate
    that it shows (PEM text), its key, the versions, and what ALPN offers (nothing: no ALPN)."""

    authorities: str | None = None
    certificate: str | None = None
    key: Secret | None = None
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion | None = None
    protocols: tuple[str, ...] = HTTP_1

    def anonymous(self) -> TlsPolicy:
        """The same without our certificate: what another host is shown."""
        return self._replace(certificate=None, key=None)


class Agreed(NamedTuple):
    """What a handshake came to: the version, as ssl spells it, and when the first certificate of the verified chain
    ends, UTC ms."""

    version: str | None
    expires: int | None


class Tls:
    """The contexts by policy, and when the certificates seen so far end."""

    def __init__(self) -> None:
        self._contexts: dict[TlsPolicy, ssl.SSLContext] = {}
        self._expiries: OrderedDict[bytes, int | None] = OrderedDict()

    def context(self, policy: TlsPolicy) -> ssl.SSLContext:
        """The shared context: TLS 1.2 and newer, verification and host names on. Raises ProbeError without any
        certificate authorities, and where we are short of what it takes to read them: the next look tries again."""
        context = self._contexts.get(policy)
        if context is None:
            try:
                context = self._contexts[policy] = _context(policy)
            except OSError as error:
                if error.errno not in _SHORT or isinstance(error, ssl.SSLError):
                    raise
                raise ProbeError(judge.of_os_error(error, "tls")) from error
        return context

    def session(self, policy: TlsPolicy, host: str) -> TlsSession:
        return TlsSession(self.context(policy), host, self._expiries)


def _context(policy: TlsPolicy) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    take_large_chains(context)
    context.minimum_version = _VERSIONS[policy.min_version]
    if policy.max_version is not None:
        context.maximum_version = _VERSIONS[policy.max_version]
    # Each probe makes one whole handshake, and no second one in the same connection.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    if policy.protocols:
        context.set_alpn_protocols(list(policy.protocols))
    if policy.authorities is None:
        missing = missing_authorities()
        if missing is not None:
            raise judge.void("self_ca", "no certificate authorities here")
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        trust_only(context, policy.authorities)
    if policy.certificate is not None and policy.key is not None:
        show_certificate(context, policy.certificate, policy.key)
    return context


def trust_only(context: ssl.SSLContext, authorities: str) -> None:
    """Trusts these certificates, PEM, and no other. Raises ssl.SSLError for what is none."""
    context.load_verify_locations(cadata=authorities)


def show_certificate(context: ssl.SSLContext, certificate: str, key: Secret) -> None:
    """Shows this certificate to a target that asks for one. Raises ssl.SSLError, or ValueError for a key with a
    passphrase. OpenSSL reads files only: this one is in memory alone, and gone at the end."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(f"{certificate}\n{key.reveal()}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_passphrase)
    finally:
        os.close(descriptor)


def _no_passphrase() -> str:
    raise ValueError("a passphrase is asked for")


def missing_authorities() -> str | None:
    """Where certificate authorities were looked for in vain; None: there are some. Without any, refuse the start
    (faults.md row 50): every target would look untrusted."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile and _has_certificates(Path(paths.cafile)):
        return None
    if paths.capath and any(_has_certificates(file) for file in Path(paths.capath).glob("*.[0-9]*")):  # by their hash
        return None
    file = os.environ.get(paths.openssl_cafile_env) or paths.openssl_cafile
    folder = os.environ.get(paths.openssl_capath_env) or paths.openssl_capath
    return f"{file}, {folder}"


def _has_certificates(file: Path) -> bool:
    try:
        return _PEM in file.read_bytes()
    except OSError as error:
        if error.errno in _SHORT:
            raise
        return False


class TlsSession:
    """One connection's TLS, without a socket. Every method may raise ssl.SSLError, which says what the target did."""

    __slots__ = ("_carried", "_expiries", "_incoming", "_outgoing", "_received", "_tls", "ended")

    def __init__(self, context: ssl.SSLContext, host: str, expiries: OrderedDict[bytes, int | None]) -> None:
        self._expiries = expiries
        self._received = self._carried = 0  # bytes from the target, and of them what is plain
        self.ended = False
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self, received: bytes = b"") -> bool:
        """One step with what came in; True once it is complete. What is to be sent waits in `outgoing`."""
        self._take(received)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._refuse_flood()
            return False
        return True

    def outgoing(self) -> bytes:
        return self._outgoing.read()

    def encrypt(self, plain: bytes) -> bytes:
        self._tls.write(plain)
        return self._outgoing.read()

    def decrypt(self, received: bytes = b"") -> bytes:
        """The plain bytes that what came in completes; none may be. A close_notify gives none, and sets `ended`."""
        self._take(received)
        pieces = []
        try:
            while piece := self._tls.read(_READ):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        plain = b"".join(pieces) if len(pieces) != 1 else pieces[0]
        self._carried += len(plain)
        self._refuse_flood()
        return plain

    def _take(self, received: bytes) -> None:
        if received:
            self._incoming.write(received)
            self._received += len(received)

    def _refuse_flood(self) -> None:
        if self._received > _BARE_BYTES + _BYTES_A_BYTE * self._carried:
            raise TlsFloodError

    def protocol(self) -> str | None:
        """What ALPN came to; None: nothing."""
        return self._tls.selected_alpn_protocol()

    def certificate(self) -> Mapping[str, object] | None:
        """What the target showed, verified or not, as `ssl` decodes it; None: nothing, or a name in it is no text."""
        try:
            shown = self._below.get_unverified_chain()
            return shown[0].get_info() if shown else None
        except (ssl.SSLError, ValueError):
            return None

    def agreed(self) -> Agreed:
        """To be asked as soon as the handshake is complete: a later alert takes it back."""
        encoded = self._tls.getpeercert(binary_form=True)
        if encoded is None:
            return Agreed(self._tls.version(), None)
        if len(encoded) > _CERTIFICATE_BYTES_KEPT:
            return Agreed(self._tls.version(), self._expires())
        if encoded not in self._expiries:
            self._expiries[encoded] = self._expires()  # decoding costs more than the rest of a look
            if len(self._expiries) > _CERTIFICATES_KEPT:
                self._expiries.popitem(last=False)
        return Agreed(self._tls.version(), self._expiries[encoded])

    def _expires(self) -> int | None:
        found = [ends(certificate.public_bytes(_ssl.ENCODING_DER)) for certificate in self._below.get_verified_chain()]
        return min((end for end in found if end is not None), default=None)

    @property
    def _below(self) -> _Chained:
        """`ssl` itself has no chain before Python 3.13, and later none of a handshake that failed."""
        return cast(_Chained, getattr(self._tls, "_sslobj"))  # noqa: B009


class _Certificate(Protocol):
    def get_info(self) -> Mapping[str, object]: ...

    def public_bytes(self, encoding: int, /) -> bytes: ...


class _Chained(Protocol):
    """What is below an ssl.SSLObject, in every Python from 3.10 on."""

    def get_verified_chain(self) -> Sequence[_Certificate]: ...

    def get_unverified_chain(self) -> Sequence[_Certificate] | None: ...

"""Certificates that no authority should issue, made for servers on loopback: odd keys, digests, dates, names, sizes."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

DAY = timedelta(days=1)
HERE = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def weak_key() -> Key:
    return rsa.generate_private_key(65_537, 1024)  # noqa: S505  weak on purpose


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and who issued it."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@dataclass(frozen=True)
class Request:
    """What is asked of an issuer: by default a sound certificate for 127.0.0.1, two days valid."""

    name: str = "127.0.0.1"
    authority: bool = False
    names: x509.ExtensionType = field(default_factory=lambda: HERE)
    days: int = 1  # that it holds from now on
    padding: int = 0  # bytes of an extension that says nothing
    revocations: str | None = None  # where its issuer says what it revoked


def issue(issuer: Issued | None, request: Request, key: Key | None = None) -> Issued:
    """A certificate of this issuer, or one that signs itself."""
    key = key or new_key()
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, request.name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + request.days * DAY)
        .add_extension(x509.BasicConstraints(ca=request.authority, path_length=None), critical=True)
    )
    if not request.authority:
        builder = builder.add_extension(request.names, critical=False)
    if request.revocations:
        places = [x509.DistributionPoint([x509.UniformResourceIdentifier(request.revocations)], None, None, None)]
        builder = builder.add_extension(x509.CRLDistributionPoints(places), critical=False)
    if request.padding:
        private = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")
        builder = builder.add_extension(x509.UnrecognizedExtension(private, bytes(request.padding)), critical=False)
    signing = issuer.key if issuer else key
    return Issued(builder.sign(signing, hashes.SHA256()), key)


_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b0500")  # RFC 8017 appendix A.2.4, as an AlgorithmIdentifier
_SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d0101050500")


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)


def signed_with_sha1(issued: Issued, key: rsa.RSAPrivateKey) -> Issued:
    """The same certificate with a signature that no library makes any more; `key` is its issuer's."""
    signed = issued.certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  weak on purpose
    whole = signed + _der(0x30, _SHA1_WITH_RSA) + _der(0x03, b"\0" + signature)
    return Issued(x509.load_der_x509_certificate(_der(0x30, whole)), issued.key)


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def authority(name: str = "authority", key: Key | None = None) -> Issued:
    return issue(None, Request(name, authority=True), key)


def revocation_list(issuer: Issued, *revoked: Issued) -> bytes:
    """What the issuer takes back, DER."""
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(now - DAY).next_update(now + DAY)
    for each in revoked:
        serial = each.certificate.serial_number
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build()
        )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def served(folder: Path, leaf: Issued, *chain: Issued) -> ssl.SSLContext:
    """A server's context that shows this leaf and the chain behind it, however weak."""
    pem = folder / "served.pem"
    pem.write_bytes(leaf.key_pem + leaf.pem + b"".join(each.pem for each in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(pem)
    return context

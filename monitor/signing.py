"""Ed25519 signatures of closed statements (RFC 8032), over the ASCII text of a statement's `digest`.

The only importer of `cryptography`, which is needed where a `signing_key` is configured or a signature is checked.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import InputError
from monitor.settings import Secret, read_start, why_unread

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PREFIX = "ed25519:"
KEY_BYTES = 16 * 1024
_MAKE = "`openssl genpkey -algorithm ed25519 -out FILE` makes one"


def signer(key: Secret | None) -> Callable[[str], str] | None:
    """Signs with the private key of the configuration, PKCS 8 in PEM; None without one. Raises InputError."""
    if key is None:
        return None
    private = _private(key)

    def sign(digest: str) -> str:
        return PREFIX + b64encode(private.sign(digest.encode("ascii"))).decode()

    return sign


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. Raises InputError."""
    try:
        pem = read_start(path, KEY_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {why_unread(error)}") from None
    _needed()
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - optional
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - optional
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - optional

    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise InputError(
            f"{path}: is no public Ed25519 key in PEM; `openssl pkey -in KEY -pubout -out {path}` makes one"
        )
    return found


def is_signed(key: Ed25519PublicKey, signature: str, digest: str) -> bool:
    """Whether the signature is that key's, of that digest."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - optional

    try:
        key.verify(b64decode(signature.removeprefix(PREFIX), validate=True), digest.encode())
    except (InvalidSignature, ValueError):
        return False
    return signature.startswith(PREFIX)


def _private(key: Secret) -> Ed25519PrivateKey:
    _needed()
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - optional
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - optional
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - optional

    try:
        found = load_pem_private_key(key.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise InputError(f"signing_key: {key.origin[1]} holds no private Ed25519 key in PEM, without password; {_MAKE}")
    return found


def _needed() -> None:
    try:
        import cryptography  # noqa: F401, PLC0415 - optional
    except ImportError:
        raise InputError(
            "signatures need the package `cryptography`, which is not installed: install `minutebook[sign]`"
        ) from None

"""When a certificate ends, from its bytes alone: as a library reads it, whatever its names are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.probes.validity import ends

KEY = ec.generate_private_key(ec.SECP256R1())
BEGINS = datetime(1951, 1, 1, tzinfo=UTC)


def certificate(last: datetime, serial: int = 1, name: str = "app.example.com") -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), serial, BEGINS, last)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@settings(max_examples=50)
@given(
    st.datetimes(datetime(1951, 1, 2), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  its zone stands beside
    st.integers(1, 2**158),
    st.text("a\0é€", min_size=1, max_size=60),
)
@example(datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), 1, "the last of two digits")
@example(datetime(2050, 1, 1, tzinfo=UTC), 1, "the first of four")
def test_it_ends_when_it_says(last: datetime, serial: int, name: str) -> None:
    whole = last.replace(microsecond=0)
    assert ends(certificate(whole, serial, name)) == int(whole.timestamp()) * 1000


SOUND = certificate(datetime(2030, 1, 1, tzinfo=UTC))


@given(st.binary(max_size=200) | st.integers(0, len(SOUND)).map(lambda place: SOUND[:place]))
def test_what_is_no_certificate_has_no_end(der: bytes) -> None:
    found = ends(der)
    assert found is None or der == SOUND[: len(der)]


@pytest.mark.parametrize("told", [b"300101000000+", b"300101000060Z", b"301301000000Z", b"3001010000 0Z"])
def test_an_end_that_is_no_instant_is_none(told: bytes) -> None:
    assert ends(SOUND.replace(b"300101000000Z", told)) is None

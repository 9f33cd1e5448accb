"""What goes over the wire, against RFC 8291's own example and an independent reading of the standards."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.alerts.channels.push_crypto import (
    PLAIN_MAX,
    Receiver,
    authorization,
    base64url,
    encrypt,
    private_key,
    unbase64,
)
from support.push_service import Phone, b64, check_vapid

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
RECEIVER_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard() -> None:
    """RFC 8291, appendix A: the same keys, salt and text give the same bytes."""
    receiver = Receiver.read(RECEIVER, AUTH)
    body = encrypt(PLAIN, receiver, salt=unbase64(SALT), own=private_key(unbase64(SENDER)), padded_to=0)
    assert base64url(body) == BODY


def test_the_reader_of_the_tests_reads_the_example() -> None:
    """The other half of the tests is measured by the same example."""
    phone = Phone("rfc", "http://127.0.0.1", private_key(unbase64(RECEIVER_PRIVATE)), unbase64(AUTH))
    assert b64(phone.point) == RECEIVER
    assert phone.read(unbase64(BODY)) == PLAIN


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=PLAIN_MAX))
def test_what_is_encrypted_is_read_and_its_length_tells_little(plain: bytes) -> None:
    """Any message comes back whole; its length on the wire is one of a few, and one record holds it."""
    phone = Phone("any", "http://127.0.0.1")
    body = encrypt(plain, Receiver.read(b64(phone.point), b64(phone.auth)))
    if not plain.endswith(b"\x00"):  # the reader takes padding off by its zeros
        assert phone.read(body) == plain
    assert len(body) <= 4096
    assert (len(body) - 86 - 17) % 512 == 0 or len(body) == 4096


def test_two_pushes_of_one_text_share_nothing() -> None:
    """Salt and sender's key are drawn anew for each."""
    phone = Phone("any", "http://127.0.0.1")
    receiver = Receiver.read(b64(phone.point), b64(phone.auth))
    one, other = encrypt(b"kald", receiver), encrypt(b"kald", receiver)
    assert one[:16] != other[:16]
    assert one[21:86] != other[21:86]


def test_what_is_too_long_is_refused() -> None:
    """One record holds 3,993 bytes; more is an error, not a cut."""
    phone = Phone("any", "http://127.0.0.1")
    receiver = Receiver.read(b64(phone.point), b64(phone.auth))
    assert len(encrypt(b"x" * PLAIN_MAX, receiver)) == 4096
    with pytest.raises(ValueError, match="at most 3993"):
        encrypt(b"x" * (PLAIN_MAX + 1), receiver)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        (RECEIVER, "AAAA"),
        (RECEIVER[:-4], AUTH),
        (base64url(b"\x04" + bytes(64)), AUTH),  # no point of the curve
        ("æøå", AUTH),
        (RECEIVER, "not base64 at all!"),
        ("", ""),
    ],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    """A phone that sends nonsense gets a ValueError, never a push."""
    with pytest.raises(ValueError, match=r"."):
        Receiver.read(p256dh, auth)


def test_the_signature_is_for_one_service_and_a_while() -> None:
    """RFC 8292: audience, expiry within a day, contact, and the key it was made with."""
    key = ec.generate_private_key(ec.SECP256R1())
    now_s = 1_780_000_000
    header = authorization(key, "https://push.example.net", "mailto:teknik@example.org", now_s)
    said, public = check_vapid(header, "https://push.example.net", now_s)
    assert said == {
        "aud": "https://push.example.net",
        "exp": now_s + 43_200,
        "sub": "mailto:teknik@example.org",
    }
    assert len(unbase64(public)) == 65
    assert json.dumps(said)

"""Web Push messages: encrypted for one phone (RFC 8291, RFC 8188), signed by this gateway (RFC 8292).

The push service in between sees where a message goes, how urgent and how long it is, never what it says; the
length is rounded up, so that it does not tell either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096  # a push service must take a body of so many bytes (RFC 8030, section 7.2); one record
POINT_BYTES, AUTH_BYTES, SALT_BYTES, SCALAR_BYTES = 65, 16, 16, 32
HEADER_BYTES = SALT_BYTES + 4 + 1 + POINT_BYTES
TAG_BYTES = 16
PLAIN_MAX = RECORD_BYTES - HEADER_BYTES - TAG_BYTES - 1
"""The most that one message may say, in bytes."""
PADDED_TO = 512  # a length is rounded up to a multiple of it
TOKEN_LIFE_S = 12 * 3600  # of a signature; 24 h at most (RFC 8292, section 2)


def unbase64(text: str) -> bytes:
    """Read base64url, with or without padding. Raises ValueError."""
    try:
        return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("no base64url") from error


def base64url(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Receiver:
    """What a phone has given so that only it can read: its public key and a secret (RFC 8291, section 2)."""

    p256dh: bytes
    """A point of P-256, uncompressed, 65 bytes."""
    auth: bytes = field(repr=False)
    """16 bytes."""

    @classmethod
    def read(cls, p256dh: str, auth: str) -> Receiver:
        """Read both from base64url. Raises ValueError where they are no such keys."""
        point, secret = unbase64(p256dh), unbase64(auth)
        if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
            raise ValueError("a key of 65 bytes and a secret of 16, in base64url")
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        return cls(point, secret)


def encrypt(
    plain: bytes,
    receiver: Receiver,
    *,
    salt: bytes | None = None,
    own: ec.EllipticCurvePrivateKey | None = None,
    padded_to: int = PADDED_TO,
) -> bytes:
    """Encrypt one message; content coding `aes128gcm`. Raises ValueError where it is longer than PLAIN_MAX.

    `salt` and `own` (the sender's key of this one message) are drawn anew unless a test gives them.
    """
    if len(plain) > PLAIN_MAX:
        raise ValueError(f"a message of {len(plain)} bytes, at most {PLAIN_MAX}")
    salt = salt or os.urandom(SALT_BYTES)
    own = own or ec.generate_private_key(ec.SECP256R1())
    point = public_point(own)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver.p256dh)
    shared = _hmac(receiver.auth, own.exchange(ec.ECDH(), theirs))
    secret = _hmac(shared, b"WebPush: info\0" + receiver.p256dh + point + b"\x01")
    key = _hmac(salt, secret)
    content_key = _hmac(key, b"Content-Encoding: aes128gcm\0\x01")[:16]
    nonce = _hmac(key, b"Content-Encoding: nonce\0\x01")[:12]
    room = min(-(-len(plain) // padded_to) * padded_to, PLAIN_MAX) if padded_to else len(plain)
    padded = plain + b"\x02" + b"\0" * (max(room, len(plain)) - len(plain))
    head = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([POINT_BYTES]) + point
    return head + AESGCM(content_key).encrypt(nonce, padded, None)


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give the public key of a private one: the point, uncompressed."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def private_key(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    """Make a private key of P-256 from its 32 bytes. Raises ValueError."""
    if len(scalar) != SCALAR_BYTES:
        raise ValueError("a private key of 32 bytes")
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())


def authorization(key: ec.EllipticCurvePrivateKey, origin: str, contact: str, now_s: int) -> str:
    """Sign for one push service: the value of `Authorization` (RFC 8292, section 3).

    `origin` is the service's; `contact` a mailto: or https: address by which its people reach ours.
    """
    claims = {"aud": origin, "exp": now_s + TOKEN_LIFE_S, "sub": contact}
    signed = ".".join(
        base64url(json.dumps(part, separators=(",", ":")).encode())
        for part in ({"typ": "JWT", "alg": "ES256"}, claims)
    )
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(SCALAR_BYTES, "big") + s.to_bytes(SCALAR_BYTES, "big")
    return f"vapid t={signed}.{base64url(raw)}, k={base64url(public_point(key))}"


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()

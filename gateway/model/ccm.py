"""AES-CCM as advertisements use it: a short tag, and a nonce built from the frame. RFC 3610."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.model.decoding import KeyWrong, Truncated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

CIPHERS_MAX = 2048  # kept cipher objects, one a key; past it the oldest is made anew when it is needed
_ciphers: dict[tuple[bytes, int], AESCCM] = {}


@cache
def _library() -> tuple[type[AESCCM], type[Exception]]:
    """Load the cipher library, which takes some ten milliseconds: only where there is something to open."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    return AESCCM, InvalidTag


def prepare() -> None:
    """Load the cipher library before the first frame: it takes longer than a driver may."""
    _library()


def decrypt_ccm(
    key: bytes, nonce: bytes, data: bytes, tag_length: int = 4, associated: bytes | None = None
) -> bytes:
    """Open `data`, which ends with its tag. Raises KeyWrong if the tag does not fit, Truncated without one.

    The cipher object of a key is kept: making it costs as much again as opening a frame.
    """
    if len(data) < tag_length:
        raise Truncated(len(data), tag_length - len(data), 0)
    made, invalid = _library()
    cipher = _ciphers.get((key, tag_length))
    if cipher is None:
        if len(_ciphers) >= CIPHERS_MAX:
            del _ciphers[next(iter(_ciphers))]
        cipher = _ciphers[key, tag_length] = made(key, tag_length)
    try:
        return cipher.decrypt(nonce, data, associated)
    except invalid:
        raise KeyWrong from None

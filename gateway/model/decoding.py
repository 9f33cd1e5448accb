"""Why a frame could not be decoded, or not wholly: one class for each code that a driver may raise.

    DecodeError
    ├── Truncated     it ends before it should
    ├── Malformed     it contradicts its own format
    ├── Unsupported   a version, type or object this driver does not know
    ├── KeyMissing    it is encrypted and no key is recorded
    └── KeyWrong      the recorded key does not open it, or it came in clear although there is one

What a driver yielded before it raised stands. Messages name bytes and what was expected, never a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeVar

Word = TypeVar("Word")


class DecodeError(Exception):
    """A fault of one frame; `code` is the word that `velgate decode` prints."""

    code: ClassVar[str] = "malformed"


class Truncated(DecodeError):
    """The frame ends too early."""

    code = "truncated"

    def __init__(self, offset: int, wanted: int, had: int) -> None:
        """Say where, how many bytes were wanted there, and how many were left."""
        self.offset, self.wanted, self.had = offset, wanted, had
        super().__init__(f"at byte {offset}: {wanted} more expected, {had} there")


class Malformed(DecodeError):
    """The frame contradicts its format."""

    code = "malformed"


class Unsupported(DecodeError):
    """The frame is of a kind that this driver does not know."""

    code = "unsupported"


class KeyMissing(DecodeError):
    """The frame is encrypted and the device has no key."""

    code = "key_missing"

    def __init__(self, message: str = "encrypted, and no key is recorded for this device") -> None:
        """Say what is missing."""
        super().__init__(message)


class KeyWrong(DecodeError):
    """The device's key does not fit this frame."""

    code = "key_wrong"

    def __init__(self, message: str = "the recorded key does not open this frame") -> None:
        """Say what does not fit."""
        super().__init__(message)


def known(table: Mapping[int, Word], code: int, what: str = "code") -> Word:
    """Look a code up. Raises Unsupported, naming what would have been known."""
    try:
        return table[code]
    except KeyError:
        choices = ", ".join(f"{entry:#04x}" for entry in sorted(table))
        raise Unsupported(f"{what} {code:#04x}; known: {choices}") from None

"""The key by which push services know this gateway (VAPID, RFC 8292): made once, kept in the state folder.

A phone's subscription belongs to it: with another key every phone has to subscribe anew.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from gateway.alerts.channels.push_crypto import (
    SCALAR_BYTES,
    base64url,
    private_key,
    public_point,
    unbase64,
)

FILE = "push.key"
"""In the state folder, mode 0600: the private key, 32 bytes in base64url."""


@dataclass(frozen=True, slots=True)
class PushKey:
    """The pair of keys."""

    scalar: str = field(repr=False)
    """The private one, base64url."""
    public: str
    """The public one, base64url: what a page subscribes with."""


def push_key(state: Path) -> PushKey:
    """Read the key, or make it the first time. Blocks. Raises OSError, or ValueError for what is no key."""
    path = state / FILE
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        text = _made(path)
    except UnicodeDecodeError as error:
        raise ValueError("no key") from error
    return PushKey(text, base64url(public_point(private_key(unbase64(text)))))


def _made(path: Path) -> str:
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    text = base64url(number.to_bytes(SCALAR_BYTES, "big"))
    handle, name = tempfile.mkstemp(prefix=FILE, dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # somebody else was faster: theirs is the key
            os.link(name, path)
    finally:
        Path(name).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path.read_text("ascii").strip()

"""What others' libraries say when they fail, without radio addresses, for a log or an alert."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"(?:[0-9A-Fa-f]{2}[:_-]){5}[0-9A-Fa-f]{2}")
"""A Bluetooth address, as people write it or as BlueZ does in its object paths."""


def said(error: BaseException) -> str:
    """Give the text of an error, or its kind where it has none. It names no device by its address."""
    return ADDRESS.sub("(address)", str(error)) or type(error).__name__

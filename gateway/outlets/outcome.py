"""The three things that can become of a delivery: taken, not now, never.

Taken needs no word. `OutletDown` stops the cursor until the server answers again; a `Refused` row is set
aside with its reason, and the cursor moves on.
"""

from __future__ import annotations

from dataclasses import dataclass


class OutletDown(Exception):
    """The server cannot take anything now. `retry_after_s` is its own wish, if it said one."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        """Say why, in one sentence for the technician, without a key or a name."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that the server will never take."""

    seq: int
    id: str
    reason: str
    device: str | None = None
    quantity: str | None = None

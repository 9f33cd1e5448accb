"""Alerts as stored; the form is that of `documents`."""

from __future__ import annotations

from gateway.journal.documents import decode, encode
from gateway.model.alert import Alert


def encode_alert(alert: Alert) -> bytes:
    """Write every field of an alert as JSON, in UTF-8."""
    return encode(alert)


def decode_alert(document: bytes) -> Alert:
    """Read an alert, of whichever version. Raises ValueError where it has no id or is no alert at all."""
    alert = decode(Alert, document)
    if not alert.id:
        raise ValueError("a stored alert has an id")
    return alert

"""Channels as data: ways to reach somebody outside the staff page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, SecretStr

from gateway.settings.alerting import Table
from gateway.settings.span import Span


class Channel(Table):
    """A way to reach somebody outside the staff page."""

    kind: Literal["webhook", "mqtt"]
    """A signed `webhook`, or `mqtt` on the home's own broker."""
    url: str | None = None
    """Where a webhook posts to."""
    secret: SecretStr | None = None
    """What a webhook is signed with; the receiver has the same."""
    detail: Literal["full", "short"] = "full"
    """`short` tells place and urgency only: for whoever is outside the home."""
    timeout: Span = timedelta(seconds=10)
    """How long an answer may take."""
    options: dict[str, Any] = Field(default_factory=dict)
    """`topic`: where a channel of kind mqtt publishes, instead of `…/notice/NAME`."""

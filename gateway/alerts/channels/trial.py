"""A trial message through one channel: the same way as an alert's, marked as a trial, and what came of it.

Goes past the outbox, so that it waits for no alert and no alert waits for it. The last one of each channel is
kept: a channel that nobody has tried for a month is one that nobody knows to work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from gateway.alerts.channels.base import Channel, ChannelDown, Message, Taken
from gateway.model.catalogue import Catalogue
from gateway.model.clock import Clock, Instant, iso

log = logging.getLogger(__name__)

MEMO = "channel/trial/"  # and the channel's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a trial."""

    channel: str
    at: Instant
    taken: Taken | None
    """None: it did not go out."""
    reason: str | None
    """Why not, in one English sentence for the technician."""
    lasting: bool
    """Trying again will not help; somebody has to mend something."""
    took_ms: int

    @property
    def ok(self) -> bool:
        """Whether it went out."""
        return self.taken is not None

    def document(self) -> dict[str, Any]:
        """Give it as the API, the terminal and the journal have it."""
        return {
            "channel": self.channel,
            "ok": self.ok,
            "state": self.taken or "failed",
            "reason": self.reason,
            "lasting": self.lasting,
            "ms": self.took_ms,
            "time": iso(self.at.wall_ns),
        }


def trial_message(now: Instant, *, house: str, language: str, words: Catalogue) -> Message:
    """Put a trial into words. `velgate/trial/1`: a machine that receives it needs to do nothing."""
    texts: Mapping[str, str] = {**words.both("channel_test.text", house=house)}
    key = f"trial/{uuid4()}"
    return Message(
        key=key,
        about="trial",
        person=None,
        language=language,
        text=texts[language],
        texts=texts,
        document={
            "schema": "velgate/trial/1",
            "id": key,
            "about": "trial",
            "time": iso(now.wall_ns),
            "clock": now.quality.value,
            "priority": "medium",
            "label": house,
            "test": True,
            "text": dict(texts),
            "language": language,
        },
        subject=words.text("channel_test.subject", language, house=house),
    )


async def try_channel(channel: Channel, message: Message, clock: Clock) -> Tried:
    """Send a trial, for as long as the channel's own timeout. Raises nothing but cancellation."""
    at = clock.now()
    taken: Taken | None = None
    reason, lasting = None, False
    seconds = channel.timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            taken = await channel.send(message)
    except TimeoutError:
        reason = f"no answer within {seconds:g} s"
    except ChannelDown as down:
        reason, lasting = down.reason, down.lasting
    except Exception as error:
        log.exception("channel %s raised", channel.name)
        reason = f"it raised {type(error).__name__}"
    took_ms = (clock.now().mono_ns - at.mono_ns) // 1_000_000
    return Tried(channel=channel.name, at=at, taken=taken, reason=reason, lasting=lasting, took_ms=took_ms)

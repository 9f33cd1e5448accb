"""Everything that Apprise speaks, as a channel: mail, SMS gateways, Teams, Matrix, ntfy and many more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from gateway.alerts.channels.base import Message, Taken
from gateway.alerts.channels.courier import Courier

KIND = "apprise"


@dataclass(frozen=True, kw_only=True)
class AppriseChannel:
    """One Apprise URL.

    No service that it reaches knows a key, so a repeat after a crash says itself that it may be one.
    """

    name: str
    url: str = field(repr=False)
    courier: Courier
    timeout: timedelta
    short: bool = True
    knows_key: bool = False

    async def send(self, message: Message) -> Taken:
        """Send it once, by the sending process."""
        answer = await self.courier.send(
            self.name,
            KIND,
            {"url": self.url},
            {
                "text": message.text,
                "subject": message.subject,
                "priority": str(message.document.get("priority", "technical")),
            },
            self.timeout.total_seconds(),
        )
        return answer.taken

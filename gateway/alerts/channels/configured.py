"""Makes the channels that the configuration names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.alerts.channels.apprise import AppriseChannel
from gateway.alerts.channels.base import Channel, ChannelDown, Message, Taken
from gateway.alerts.channels.courier import Courier
from gateway.alerts.channels.digest import DigestChannel
from gateway.alerts.channels.http import Url
from gateway.alerts.channels.mqtt import MqttChannel, Publish
from gateway.alerts.channels.webhook import WebhookChannel
from gateway.model.clock import Clock
from gateway.settings.channels import Channel as Configured
from gateway.settings.models import Settings

BY_COURIER = frozenset({"apprise", "web_push"})
"""Kinds of channel that the sending process sends for."""


@dataclass(frozen=True, kw_only=True)
class BrokenChannel:
    """A channel that cannot work as it is configured: each attempt fails, so that it is heard of."""

    name: str
    reason: str
    timeout: timedelta
    short: bool = True
    knows_key: bool = True

    async def send(self, message: Message) -> Taken:
        """Fail."""
        raise ChannelDown(self.reason)


def configured_channels(
    settings: Settings, clock: Clock, publish: Publish | None, courier: Courier | None = None
) -> dict[str, Channel]:
    """Make every channel. `publish` leads to the home's broker, None where there is none.

    `courier` sends by the sending process, which is started here where a channel needs it.
    """
    made = {
        name: _one(name, each, settings, clock, publish, courier) for name, each in settings.channel.items()
    }
    if courier is not None:
        kinds = {each.kind for each in settings.channel.values()} & BY_COURIER
        courier.wanted(bool(kinds), kinds)
    return made


def _one(
    name: str,
    each: Configured,
    settings: Settings,
    clock: Clock,
    publish: Publish | None,
    courier: Courier | None,
) -> Channel:
    short = each.short
    match each.kind:
        case "apprise":
            if courier is None or each.apprise_url is None:
                reason = "no apprise_url is configured" if courier else "there is no sending process here"
                return BrokenChannel(name=name, reason=reason, timeout=each.timeout)
            by_apprise = AppriseChannel(
                name=name,
                url=each.apprise_url.get_secret_value(),
                courier=courier,
                timeout=each.timeout,
                short=short,
            )
            return DigestChannel(channel=by_apprise, at=each.digest) if each.digest else by_apprise
        case "web_push":  # made by `push_channels`, where there is somebody who knows the phones
            return BrokenChannel(name=name, reason="nothing is pushed from here", timeout=each.timeout)
        case "webhook":
            try:
                url = Url.parse(each.url or "")
            except ValueError as error:
                return BrokenChannel(name=name, reason=f"its url is not {error}", timeout=each.timeout)
            secret = each.secret.get_secret_value().encode() if each.secret else None
            return WebhookChannel(
                name=name, url=url, secret=secret, clock=clock, timeout=each.timeout, short=short
            )
        case "mqtt":
            if publish is None:
                return BrokenChannel(name=name, reason="no broker is configured", timeout=each.timeout)
            site = settings.site
            usual = f"velgate/v1/{site.municipality}/{site.home}/notice/{name}"
            return MqttChannel(
                name=name,
                topic=str(each.options.get("topic", usual)),
                publish=publish,
                timeout=each.timeout,
                short=short,
            )

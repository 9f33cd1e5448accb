"""Channels as data: ways to reach somebody outside the staff page."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from gateway.settings.apprise_schemes import SCHEMES, scheme_of
from gateway.settings.push_services import PUSH_SERVICES
from gateway.settings.span import Span
from gateway.settings.values import LocalTime, Table

IN_THE_HOME = (".local", ".lan", ".internal", ".home.arpa", ".localhost")
"""Ends of host names that no name server of the world answers (RFC 6762, RFC 8375, RFC 6761)."""

DIGEST = "digest"
"""The way of a channel that gathers: nobody is reached by it before its time of day."""


class Channel(Table):
    """A way to reach somebody outside the staff page."""

    kind: Literal["webhook", "mqtt", "apprise", "web_push"]
    """A signed `webhook`, `mqtt` on the home's own broker, `apprise`: mail, SMS, Teams and whatever else
    an Apprise URL names, or `web_push` to the phones on which people have allowed it."""
    url: str | None = None
    """Where a webhook posts to."""
    secret: SecretStr | None = None
    """What a webhook is signed with; the receiver has the same."""
    apprise_url: SecretStr | None = None
    """Where a channel of kind apprise sends to, such as `mailtos://…` or `smseagle://…`. It holds passwords,
    so it stands in `secrets.toml`."""
    detail: Literal["full", "short"] | None = None
    """`short` tells place and urgency only: for whoever is outside the home. Without it, `apprise` is short
    unless its host is in the home (a private address, or a name that ends in `.local`, `.lan`, `.internal`)
    or it is a digest, `web_push` is short (others may see the phone), and the other kinds are `full`."""
    timeout: Span = timedelta(seconds=10)
    """How long an answer may take."""
    digest: LocalTime | None = None
    """A time of day: a mail channel that gathers technical alerts and tells them once a day, at this time.
    For technical alerts only."""
    contact: str | None = None
    """For web_push: a `mailto:` or `https:` address at which the people of a push service reach whoever runs
    this gateway. It is told to them with each push; of an office, not of a person."""
    services: tuple[str, ...] = PUSH_SERVICES
    """For web_push: hosts of the push services that a phone may use. `*.HOST` is every host below it."""
    options: dict[str, Any] = Field(default_factory=dict)
    """`topic`: where a channel of kind mqtt publishes, instead of `…/notice/NAME`."""

    @property
    def short(self) -> bool:
        """Whether it is told place and urgency only."""
        if self.detail is not None:
            return self.detail == "short"
        if self.kind == "web_push":
            return True
        return self.kind == "apprise" and self.digest is None and not self.in_the_home

    @property
    def in_the_home(self) -> bool:
        """Whether an Apprise URL names a host that nobody outside the home answers for."""
        url = self.apprise_url.get_secret_value() if self.apprise_url else ""
        try:
            host = (urlsplit(url).hostname or "").rstrip(".")
        except ValueError:
            return False
        try:
            return ip_address(host).is_private
        except ValueError:
            return host == "localhost" or host.endswith(IN_THE_HOME)

    @property
    def way(self) -> str:
        """What kind of way it is: its kind, the service that Apprise speaks to, or a digest."""
        if self.digest is not None:
            return DIGEST
        if self.kind == "apprise" and self.apprise_url is not None:
            return SCHEMES.get(scheme_of(self.apprise_url.get_secret_value()) or "", self.kind)
        return self.kind

    @model_validator(mode="after")
    def _gathers(self) -> Channel:
        if self.digest is not None and self.kind != "apprise":
            raise ValueError('digest beside kind = "apprise" only: what is gathered goes out as a mail')
        return self

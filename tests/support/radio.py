"""What the tests of the radio share: settings in one line, and a list that frames are put into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.model.clock import Clock
from gateway.model.frames import Advertisement, Frame, GattValue, Message
from gateway.model.trouble import Trouble
from gateway.settings.models import Settings

SITE = {"municipality": "kommune-a", "home": "solhjem", "gateway": "gw-1"}


def settings(**sections: Any) -> Settings:
    """Make settings of the smallest home, with these sections beside."""
    return Settings.model_validate({"site": SITE, "place": {"room-1": {}}, **sections})


def over_mqtt(login: Mapping[str, Any], topics: Mapping[str, str], **mqtt: Any) -> Settings:
    """Make settings with a broker and one device a topic; `login` as `Mosquitto.login` gives it."""
    broker = {"host": login["hostname"], "port": login["port"]}
    broker |= {key: login[key] for key in ("username", "password") if key in login}
    devices = {name: {"topic": topic, "place": "room-1"} for name, topic in topics.items()}
    return settings(mqtt=broker | mqtt, device=devices)


class Heard:
    """Takes frames and troubles, and keeps them."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.troubles: list[Trouble] = []

    async def frame(self, frame: Frame) -> None:
        """Take one frame."""
        self.frames.append(frame)

    def tell(self, trouble: Trouble) -> None:
        """Take one trouble."""
        self.troubles.append(trouble)

    @property
    def messages(self) -> list[Message]:
        """The MQTT messages among them."""
        return [frame for frame in self.frames if isinstance(frame, Message)]

    @property
    def advertisements(self) -> list[Advertisement]:
        """The advertisements among them."""
        return [frame for frame in self.frames if isinstance(frame, Advertisement)]

    @property
    def values(self) -> list[GattValue]:
        """The values of characteristics among them."""
        return [frame for frame in self.frames if isinstance(frame, GattValue)]

    def standing(self, kind: str) -> list[Trouble]:
        """Give the troubles of that kind which have not ended."""
        last = {trouble.subject: trouble for trouble in self.troubles if trouble.kind == kind}
        return [trouble for trouble in last.values() if trouble.present]


def system_clock() -> Clock:
    """Give the machine's clock."""
    from gateway.health.clock import SystemClock

    return SystemClock()

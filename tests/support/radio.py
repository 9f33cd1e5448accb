"""What the tests of the radio share: settings in one line, and a list that frames are put into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gateway.health.clock import SystemClock
from gateway.health.supervise import Rooms
from gateway.model.frames import Advertisement, Frame, GattValue, Message
from gateway.model.gatt import GattPlan
from gateway.model.trouble import Trouble
from gateway.radio.bleak_bus import BleakBus
from gateway.radio.expects import Expects
from gateway.radio.gatt import GattPatience
from gateway.radio.gatt_link import LinkPatience
from gateway.radio.radio import Radio
from gateway.radio.silence import Patience
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


QUICK = Patience(
    silence_s=1.5,
    start_within_s=2.0,
    stop_within_s=0.5,
    tell_down_after_s=0.3,
    tell_failing_after_s=1.0,
    discovering_grace_s=0.3,
    power_within_s=1.0,
)
"""The patience of the tests: as in the field, forty times quicker."""

QUICK_GATT = GattPatience(
    link=LinkPatience(connect_within_s=3.0, call_within_s=1.0, let_go_within_s=1.0),
    turn_s=0.8,
    turn_for_brief_s=0.1,
    heard_recently_s=12.0,
    pause_first_s=0.1,
    pause_most_s=0.5,
    read_again_s=0.5,
    look_every_s=0.1,
)


@asynccontextmanager
async def radio_of(
    home: Settings,
    heard: Heard,
    *,
    expects: Expects = Expects(speaking=5, radio_calls=True),  # noqa: B008  (frozen)
    plans: Sequence[GattPlan] = (),
    takes: bool = True,
    may_crash: bool = False,
) -> AsyncIterator[Radio]:
    """Run a radio for the length of the block. No room of it may crash, and stopping must be quick."""
    rooms = Rooms(heard.tell)
    radio = Radio(
        home,
        clock=SystemClock(),
        tell=heard.tell,
        supervise=rooms.supervise,
        instance=lambda: "of-the-test",
        on_frame=heard.frame if takes else None,
        expects=lambda: expects,
        plans=lambda: plans,
        patience=QUICK,
        gatt_patience=QUICK_GATT,
    )
    task = asyncio.create_task(radio.run())
    try:
        yield radio
        crashed = [room for room in rooms.document() if room["restarts"]]
        assert may_crash or not crashed, crashed
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait((task,), timeout=60)
        assert task.done()
        BleakBus().drop()  # bleak leaves its connection open; the loop of the next test has another
        await asyncio.sleep(0)

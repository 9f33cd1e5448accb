"""The button at the door (R6): pressed by staff it keeps presence at its place, over BTHome or Zigbee."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.intake.intake import Intake
from gateway.model.alert import Alert, Handling
from gateway.model.frames import Advertisement, Frame, Message
from gateway.model.ids import uuid7
from gateway.model.readings import Guard, Record
from support.alarm_house import PEOPLE, AlarmHouse, open_house
from support.rule_house import home_settings

pytestmark = pytest.mark.looptime

ADDRESS = "A4:C1:38:00:00:99"
BUTTONS: dict[str, Any] = {
    "device": {
        "er-her-12": {"address": ADDRESS, "place": "room-12", "profile": "presence-button"},
        "er-her-13": {"topic": "zigbee2mqtt/er-her-13", "place": "room-13", "profile": "presence-button"},
    }
}


class Ears:
    """Intake with the shipped drivers, its events going to the alerts of a house."""

    def __init__(self, house: AlarmHouse) -> None:
        """Listen."""
        self._house = house
        self._packet = 0
        self.intake = Intake(
            house.settings, [], house.clock, uuid7, self, lambda *_: True, lambda trouble: None
        )

    async def event(self, records: list[Record], guards: list[Guard]) -> None:
        """Keep events."""
        await self._house.engine.event(records, guards)

    def routine(self, records: list[Record], guards: list[Guard]) -> None:
        """Let the rules look."""
        self._house.engine.observe(records)

    async def bthome(self, word: int = 1) -> None:
        """Press the button at room 12: BTHome v2, packet id and button event."""
        self._packet += 1
        payload = bytes.fromhex(f"4400{self._packet:02x}3a{word:02x}")
        await self._take(Advertisement(address=ADDRESS, rssi=-60, service_data={"fcd2": payload}))

    async def zigbee(self, action: str = "single", device: str = "er-her-13") -> None:
        """Press the button at room 13."""
        text = f'{{"action": "{action}"}}'.encode()
        await self._take(Message(topic=f"zigbee2mqtt/{device}", payload=text))

    async def _take(self, frame: Frame) -> None:
        await self.intake.take(frame)
        await self._house.settle()


def of(house: AlarmHouse, alert: Alert) -> Alert:
    """Give an alert as it is now."""
    return house.alert(alert.key)


async def test_a_press_keeps_presence_for_whoever_has_the_alert_there(tmp_path: Path) -> None:
    """Home and bath; the return timer gets its half hour; closing asks nobody any more."""
    async with open_house(tmp_path, PEOPLE, BUTTONS) as house:
        ears = Ears(house)
        call, bath = await house.press("kald-12"), await house.press("kald-12-bad")
        await house.does(call, "acknowledge")
        await ears.bthome()
        present = of(house, call).present
        assert present is not None
        assert (present.by, present.how) == ("KL", "button")
        taken = of(house, call).taken
        assert taken is not None
        assert taken.return_at.since(house.clock.now()).total_seconds() == pytest.approx(1800, abs=1)
        nobody = of(house, bath)
        assert nobody.handling is Handling.UNACKNOWLEDGED, "being there is not taking it"
        assert nobody.present is not None
        assert nobody.present.by == "er-her-12"
        assert "present" in await house.audit(call)
        await house.does(call, "resolve", outcome="assisted")
        assert call.key not in house.open_keys()


@pytest.mark.parametrize("action", ["single", "double", "hold"])
async def test_by_zigbee_any_press_counts_at_its_own_place_alone(tmp_path: Path, action: str) -> None:
    """Room 13 says nothing about room 12."""
    async with open_house(tmp_path, PEOPLE, BUTTONS) as house:
        ears = Ears(house)
        call = await house.press("kald-12")
        await house.allow("room-13", "presence")
        await house.says("seng-13", "tamper", True)
        await ears.zigbee(action)
        assert of(house, call).present is None
        assert house.alert("tamper/seng-13").present is not None


async def test_a_release_or_a_test_is_no_presence(tmp_path: Path) -> None:
    """Nobody is there because a button went up again, or because a technician tries it."""
    async with open_house(tmp_path, PEOPLE, BUTTONS) as house:
        ears = Ears(house)
        await house.says("seng-13", "tamper", True)
        await ears.zigbee("single_release")
        await house.engine.event([house.record("er-her-13", "button", "press", test=True)], [])
        assert house.alert("tamper/seng-13").present is None


async def test_it_raises_nothing_and_no_call_hangs_on_it(tmp_path: Path) -> None:
    """Its silence and battery are technical; its press is no call."""
    async with open_house(tmp_path, PEOPLE, BUTTONS) as house:
        ears = Ears(house)
        await ears.bthome()
        await ears.bthome(4)
        await ears.zigbee()
        assert house.open_keys() == []
        assert not any(house.engine._watched[name].calls for name in BUTTONS["device"])


async def test_what_can_mean_nothing_but_help_stays_a_call(tmp_path: Path) -> None:
    """An SOS word from a button at the door is not swallowed by its profile."""
    async with open_house(tmp_path, PEOPLE, BUTTONS) as house:
        await Ears(house).zigbee("emergency")
        assert house.open_keys() == ["help-call/er-her-13"]


async def test_it_is_kept_with_its_event_or_not_at_all(tmp_path: Path) -> None:
    """A power cut after the press: presence is there; the event and what follows from it are one commit."""
    async with open_house(tmp_path, PEOPLE, BUTTONS) as house:
        call = await house.press("kald-12")
        await Ears(house).bthome()
        await house.power_cut()
        assert of(house, call).present is not None


@pytest.mark.parametrize("means", [{"button": "help_call"}, {"button": {"long_press": "fall.detected"}}])
async def test_a_profile_that_would_make_it_the_residents_is_refused(means: dict[str, Any]) -> None:
    """One button cannot be both."""
    with pytest.raises(ValidationError, match="presence-button"):
        home_settings({"profiles": {"both": {"meets": "presence-button/1", "means": means}}})

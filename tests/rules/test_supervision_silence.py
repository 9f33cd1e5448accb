"""Silence is an alarm: silent and refused devices, batteries, the gateway's own troubles, and restarts."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway
from gateway.alerts.memory import Memory
from gateway.alerts.supervision import Supervision
from gateway.alerts.verdicts import Gone, Occurrence, Verdict
from gateway.alerts.watched import watched
from gateway.model.alert import Concern, Priority
from gateway.model.catalogue import OWN_KINDS, shipped
from gateway.model.clock import ClockQuality, Instant
from gateway.model.trouble import Trouble
from support.rule_house import DAY, RuleHouse, home_settings, no_driver

EVERY = {
    "device": {
        "kald-12": {"heard_every": "10s"},
        "klima-12": {"heard_every": "10s"},
        "uro-12": {"heard_every": "10m"},
        "uro-12-bad": {"heard_every": "0s"},
        "seng-12": {"heard_every": "0s"},
        "doer-12": {"heard_every": "0s"},
        "seng-13": {"heard_every": "0s"},
        "vand-12": {"heard_every": "0s"},
    }
}


@dataclass
class Refused:
    """Frames that were refused."""

    code: str
    since: Instant


@dataclass
class Heard:
    """What intake would say of a device."""

    last: Instant | None = None
    refused: Refused | None = None
    available: bool | None = None


@dataclass
class Night:
    """Supervision with a clock and ears, driven by hand."""

    overlay: dict[str, Any] = field(default_factory=lambda: EVERY)
    now: Instant = field(default_factory=lambda: RuleHouse(at=DAY).now)
    memory: Memory = field(default_factory=Memory)
    heard: dict[str, Heard] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start."""
        self.start()

    def start(self) -> None:
        """Start (again): what was heard is forgotten, the memory is kept."""
        settings = home_settings(self.overlay)
        self.watched = watched(settings, no_driver)
        self.supervision = Supervision(settings, self.watched, self.now)
        self.heard = {}
        self.memory = Memory.restored({k: v for k, v in Kept.of(self.memory).items() if v is not None})

    def hears(self, *devices: str) -> None:
        """Hear devices now, and believe them."""
        for device in devices:
            self.heard[device] = Heard(self.now)

    def wait(self, seconds: float, *speaking: str) -> list[str]:
        """Let time pass in steps of five seconds; some devices speak in each."""
        said: list[str] = []
        for _ in range(round(seconds / 5)):
            self.now = self.now.plus(timedelta(seconds=5))
            self.hears(*speaking)
            said += shortly(self.supervision.check(self.heard, self.now, self.memory))
        return said

    def tells(self, kind: str, subject: str, present: bool = True, **also: Any) -> list[str]:
        """Let a room tell a trouble."""
        trouble = Trouble(kind=kind, subject=subject, present=present, **also)
        return shortly(self.supervision.trouble(trouble, self.now, self.memory))


class Kept:
    """What a memory would have kept."""

    @staticmethod
    def of(memory: Memory) -> dict[str, dict[str, Any] | None]:
        """Give every memo."""
        memory.lost([*memory])
        return memory.changes()


def shortly(verdicts: list[Verdict]) -> list[str]:
    """Write verdicts for reading."""
    return [
        f"+{each.key} {each.kind} {each.priority.value}" if isinstance(each, Occurrence) else f"-{each.key}"
        for each in verdicts
        if isinstance(each, Occurrence | Gone)
    ]


SILENT_CALL = "+device-silent/kald-12 call_device.silent high"


def test_a_silent_call_button_is_high() -> None:
    """Three intervals, never under a minute; told once; over when it speaks."""
    night = Night()
    assert night.wait(55, "klima-12") == []
    assert night.wait(5, "klima-12") == [SILENT_CALL]
    assert night.wait(600, "klima-12") == []
    assert night.wait(5, "klima-12", "kald-12") == ["-device-silent/kald-12"]


def test_a_silent_sensor_is_technical_after_three_of_its_intervals() -> None:
    """Ten minutes apart: silent after thirty (and the minute in which its source may say that it is deaf)."""
    night = Night()
    assert night.wait(1855, "klima-12", "kald-12") == []
    assert night.wait(5, "klima-12", "kald-12") == ["+device-silent/uro-12 device.silent technical"]


def test_what_it_says() -> None:
    """Where, which device, since when; auto-resolving; no value of anybody in it."""
    night = Night()
    night.wait(55, "klima-12")
    night.now = night.now.plus(timedelta(seconds=5))
    night.hears("klima-12")
    (told,) = night.supervision.check(night.heard, night.now, night.memory)
    assert isinstance(told, Occurrence)
    assert told.title["da"] == "Kaldeknap svarer ikke – Bolig 12 · kald-12"
    assert told.do["da"] == "Se til beboeren, giv en anden knap"
    assert (told.concern, told.auto_resolve, told.latching) == (Concern.TECHNICAL, True, False)
    assert told.detail == "not heard for 60 s; it should speak every 10 s"


def test_what_speaks_only_when_pressed_is_not_silent() -> None:
    """No interval: supervised by its chain test."""
    night = Night({"device": {**EVERY["device"], "kald-12": {}, "klima-12": {"heard_every": "0s"}}})
    assert [each for each in night.wait(3600) if "uro" not in each] == []


def test_refused_frames_of_a_call_device_are_told_within_a_minute() -> None:
    """After a change of battery its counter begins anew: a press must not vanish, once is enough."""
    night = Night({"device": {**EVERY["device"], "kald-12": {}}})
    night.heard["kald-12"] = Heard(None, Refused("replayed", night.now))
    assert night.wait(40, "klima-12") == []
    assert night.wait(15, "klima-12") == [SILENT_CALL]
    assert night.wait(300, "klima-12") == []
    night.hears("kald-12")
    assert night.wait(5, "klima-12") == ["-device-silent/kald-12"]


def test_a_refused_call_stays_until_somebody_has_looked() -> None:
    """The call that was refused is gone, also when the next one comes through."""
    night = Night()
    night.heard["kald-12"] = Heard(None, Refused("key_wrong", night.now))
    night.now = night.now.plus(timedelta(seconds=45))
    (told,) = night.supervision.check(night.heard, night.now, night.memory)
    assert isinstance(told, Occurrence)
    assert not told.auto_resolve
    assert told.detail == "its frames are refused: key_wrong"


def test_silent_and_then_refused_is_told_again() -> None:
    """It was silent; now it speaks and is not believed: whoever took the first must know."""
    night = Night()
    assert night.wait(60, "klima-12") == [SILENT_CALL]
    night.heard["kald-12"] = Heard(None, Refused("replayed", night.now))
    assert night.wait(45, "klima-12") == [SILENT_CALL]
    assert night.wait(600, "klima-12") == []


def test_offline_by_the_word_of_its_system() -> None:
    """Zigbee2MQTT says that it cannot reach it: silent, whatever the interval."""
    night = Night()
    night.heard["vand-12"] = Heard(night.now, available=False)
    assert night.wait(5, "klima-12", "kald-12", "uro-12") == [
        "+device-silent/vand-12 device.silent technical"
    ]
    night.heard["vand-12"] = Heard(night.now, available=True)
    assert night.wait(5, "klima-12", "kald-12", "uro-12") == ["-device-silent/vand-12"]


def test_an_adapter_that_is_down_is_one_alert_not_forty() -> None:
    """What hangs on it is not judged, and has its whole time again once it is back."""
    many = {
        f"k-{n}": {"address": f"A4:C1:38:00:01:{n:02X}", "place": "room-13", "heard_every": "10s"}
        for n in range(40)
    }
    night = Night({"device": {**EVERY["device"], **many}})
    night.wait(30, "klima-12", "kald-12", "uro-12", *many)
    assert night.wait(90, "uro-12") == [], (
        "nothing of the radio is heard: it may be deaf, and has not said so yet"
    )
    assert night.tells("adapter.down", "hci0") == ["+adapter-down/hci0 adapter.down high"]
    assert night.wait(3600, "uro-12") == []
    assert night.tells("adapter.down", "hci0") == []
    assert night.tells("adapter.down", "hci0", present=False) == ["-adapter-down/hci0"]
    assert night.wait(55, "uro-12", "klima-12") == []
    assert len(night.wait(5, "uro-12", "klima-12")) == 41


def test_devices_that_a_deaf_radio_heard_last_at_different_times_are_one_trouble() -> None:
    """That one was heard five seconds after the other says nothing: both are silent since the radio is."""
    night = Night()
    night.wait(30, "klima-12", "kald-12", "uro-12")
    night.wait(5, "klima-12")
    assert night.wait(80) == []
    assert night.tells("adapter.down", "hci0") == ["+adapter-down/hci0 adapter.down high"]
    assert night.wait(600) == []


def test_a_broker_that_is_down_hides_what_hangs_on_it() -> None:
    """Messages are a source like the radio; the radio's devices are judged on."""
    night = Night()
    assert night.tells("source.down", "mqtt-in") == ["+source-down/mqtt-in source.down technical"]
    assert night.wait(3600, "klima-12") == [SILENT_CALL]
    assert night.tells("source.down", "mqtt-in", present=False) == ["-source-down/mqtt-in"]
    assert night.wait(1860, "klima-12") == ["+device-silent/uro-12 device.silent technical"]


def test_a_restart_neither_repeats_nor_forgets_who_is_silent() -> None:
    """Silence is counted anew; what was told stays told until it speaks."""
    night = Night()
    night.wait(60, "klima-12")
    night.start()
    assert night.wait(600, "klima-12", "uro-12") == []
    assert night.wait(5, "klima-12", "uro-12", "kald-12") == ["-device-silent/kald-12"]
    night.start()
    assert night.wait(55, "klima-12", "uro-12") == []
    assert night.wait(5, "klima-12", "uro-12") == [SILENT_CALL]


def test_each_power_cut_does_not_ring_for_each_device() -> None:
    """After an unsynced boot silence starts anew."""
    night = Night()
    night.wait(30, "klima-12", "kald-12", "uro-12")
    night.now = replace(night.now, boot="boot-2", mono_ns=10**9, quality=ClockQuality.UNSYNCED)
    night.start()
    assert night.wait(55) == []


def test_in_maintenance_silence_is_recorded_only() -> None:
    """Somebody is changing its battery."""
    device = {
        **EVERY["device"],
        "kald-12": {"heard_every": "10s", "maintenance_until": "2026-11-24T12:30:00Z"},
    }
    night = Night({"device": device})
    night.wait(55, "klima-12")
    night.now = night.now.plus(timedelta(seconds=5))
    night.hears("klima-12")
    (told,) = night.supervision.check(night.heard, night.now, night.memory)
    assert isinstance(told, Occurrence)
    assert told.suppressed == "maintenance"
    assert told.suppressed_until is not None


def test_a_device_that_is_removed_is_no_longer_silent() -> None:
    """Its alerts are over with the reload."""
    night = Night()
    night.wait(60, "klima-12")
    night.memory.change("battery-low/kald-12", active=True, holds=frozenset({"battery"}))
    settings = home_settings(EVERY)
    left = {name: each for name, each in night.watched.items() if name != "kald-12"}
    gone = night.supervision.configure(settings, left, night.now, night.memory)
    assert sorted(shortly(gone)) == ["-battery-low/kald-12", "-device-silent/kald-12"]
    assert night.wait(600, "klima-12", "uro-12") == []


def battery(house: RuleHouse, night: Night, device: str, quantity: str, value: float) -> list[str]:
    """Let a device tell of its battery."""
    return shortly(night.supervision.observe(house.record(device, quantity, value), night.now, night.memory))


def test_a_low_battery_by_profile_with_hysteresis() -> None:
    """A call button at 20 %, a sensor at 15; good again only 5 % higher; its type in the title."""
    house, night = RuleHouse(EVERY), Night()
    assert battery(house, night, "kald-12", "battery", 21) == []
    assert battery(house, night, "kald-12", "battery", 20) == ["+battery-low/kald-12 battery.low technical"]
    assert battery(house, night, "kald-12", "battery", 25) == []
    assert battery(house, night, "kald-12", "battery", 25.5) == ["-battery-low/kald-12"]
    assert battery(house, night, "uro-12", "battery", 16) == []
    assert battery(house, night, "nobody", "battery", 1) == []
    assert battery(house, night, "klima-12", "temperature", 1) == []
    record = house.record("klima-12", "battery", 4)
    (told,) = night.supervision.observe(record, night.now, night.memory)
    assert isinstance(told, Occurrence)
    assert told.title["da"] == "Skift batteri (CR2477) – Bolig 12 · klima-12"
    assert told.reading == record.id


def test_a_flag_and_a_percentage_are_one_condition() -> None:
    """It is over when neither says low."""
    house, night = RuleHouse(EVERY), Night()
    assert battery(house, night, "uro-12", "battery_low", True) == [
        "+battery-low/uro-12 battery.low technical"
    ]
    assert battery(house, night, "uro-12", "battery", 10) == []
    assert battery(house, night, "uro-12", "battery_low", False) == []
    assert battery(house, night, "uro-12", "battery", 100) == ["-battery-low/uro-12"]


@given(st.lists(st.floats(0, 100), max_size=60))
def test_battery_hysteresis_is_the_model(series: list[float]) -> None:
    """Down at 20, up above 25, each edge once."""
    house, night, low, expected, said = RuleHouse(EVERY), Night(), False, list[str](), list[str]()
    for value in series:
        if not low and value <= 20:
            low, expected = True, [*expected, "+"]
        elif low and value > 25:
            low, expected = False, [*expected, "-"]
        said += [each[0] for each in battery(house, night, "kald-12", "battery", value)]
    assert said == expected


def test_a_trouble_is_told_once_and_again_if_it_becomes_graver() -> None:
    """What a room says again while it lasts is no news; that calls hang on it is."""
    night = Night()
    assert night.tells("outlet.behind", "influx") == ["+outlet-behind/influx outlet.behind technical"]
    assert night.tells("outlet.behind", "influx") == []
    assert night.tells("outlet.behind", "mqtt") == ["+outlet-behind/mqtt outlet.behind technical"]
    assert night.tells("outlet.behind", "influx", calls_unheard=True) == [
        "+outlet-behind/influx outlet.behind high"
    ]
    assert night.tells("outlet.behind", "influx") == []
    assert night.tells("outlet.behind", "influx", present=False) == ["-outlet-behind/influx"]
    assert night.tells("outlet.behind", "influx", present=False) == []


def test_where_calls_hang_on_it_a_trouble_is_high() -> None:
    """A driver or an adapter with call devices, without anybody having to say so."""
    settings = home_settings({"device": {"kald-12": {"driver": "bthome"}}})
    now = RuleHouse().now
    supervision = Supervision(settings, watched(settings, no_driver), now)
    for subject, priority in (("bthome", Priority.HIGH), ("ruuvi", Priority.TECHNICAL)):
        trouble = Trouble(kind="driver.quarantined", subject=subject, present=True)
        (told,) = supervision.trouble(trouble, now, Memory())
        assert isinstance(told, Occurrence)
        assert told.priority is priority
        assert told.title["da"] == f"Driver stoppet ({subject}) – Solhjem"


def test_a_trouble_of_an_earlier_run_ends_if_nobody_tells_it_again() -> None:
    """A new process knows nothing of it: told again within three minutes, or over; not told twice."""
    night = Night()
    night.tells("outlet.behind", "influx")
    night.tells("screen.silent", "wall")
    night.start()
    assert night.tells("outlet.behind", "influx") == []
    speaking = ("klima-12", "kald-12", "uro-12")
    assert night.wait(175, *speaking) == []
    assert night.wait(5, *speaking) == ["-screen-silent/wall"]
    assert night.wait(600, *speaking) == []
    assert night.tells("outlet.behind", "influx", present=False) == ["-outlet-behind/influx"]


def test_what_may_be_lost_for_good_stays_until_somebody_has_seen_it() -> None:
    """Frames that were dropped may have been calls."""
    night = Night()
    trouble = Trouble(kind="frames.dropped", subject="radio", present=True, calls_unheard=True)
    (told,) = night.supervision.trouble(trouble, night.now, night.memory)
    assert isinstance(told, Occurrence)
    assert not told.auto_resolve


def test_a_kind_without_words_is_a_technical_fault() -> None:
    """It is told, never dropped."""
    night = Night()
    assert night.tells("flux.capacitor", "x") == ["+trouble/flux-capacitor-x trouble technical"]
    assert night.tells("flux.capacitor", "x", present=False) == ["-trouble/flux-capacitor-x"]


def test_an_unsynced_clock_is_told_after_five_minutes() -> None:
    """Not at once: every boot begins so; over as soon as it is right."""
    night = Night()
    night.now = replace(night.now, quality=ClockQuality.UNSYNCED)
    speaking = ("klima-12", "kald-12", "uro-12")
    assert night.wait(295, *speaking) == []
    assert night.wait(5, *speaking) == ["+clock-unsynced/clock clock.unsynced technical"]
    assert night.wait(60, *speaking) == []
    night.now = replace(night.now, quality=ClockQuality.SYNCED)
    assert night.wait(5, *speaking) == ["-clock-unsynced/clock"]


def test_every_kind_of_trouble_that_the_gateway_tells_has_words() -> None:
    """A sweep over the source: what a room tells must be one of our kinds."""
    told: set[str] = set()
    for path in Path(gateway.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            kinds = [word.value for word in node.keywords if name == "Trouble" and word.arg == "kind"]
            kinds += [arg for arg in node.args[:1] if name in ("begin", "_tell")]
            told |= {str(kind.value) for kind in kinds if isinstance(kind, ast.Constant)}
    assert len(told) >= 14
    assert told <= OWN_KINDS
    assert all(shipped().knows(kind) for kind in OWN_KINDS)


@pytest.mark.parametrize("kind", sorted(OWN_KINDS))
def test_every_own_kind_can_be_told(kind: str) -> None:
    """Words, policy and key, for each."""
    night = Night()
    trouble = Trouble(kind=kind, subject="x", present=True)
    (told,) = night.supervision.trouble(trouble, night.now, Memory())
    assert isinstance(told, Occurrence)
    assert told.policy in home_settings().alerts.policies
    assert all(told.title.values())

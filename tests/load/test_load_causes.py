"""One cause is one alert: a bridge, a driver set aside, a disk; and who comes back has their time anew."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.alerts.habits import Habit
from gateway.alerts.verdicts import Occurrence
from gateway.alerts.watched import bridge_of
from gateway.model.clock import ClockQuality, Instant
from gateway.model.trouble import Trouble
from gateway.radio.bridges import BRIDGES_MAX, TELL_AFTER_S, Bridges, bridge_topics
from support.load_house import Heard, Night

ZIGBEE: dict[str, Any] = {
    f"zb-{n}": {"topic": f"zigbee2mqtt/zb-{n}", "place": "room-13", "heard_every": "10s"} for n in range(40)
}
NEVER = {name: {"heard_every": "0s"} for name in ("uro-12-bad", "seng-12", "doer-12", "seng-13", "vand-12")}
QUIET: dict[str, Any] = {
    **NEVER,
    **{name: {"heard_every": "0s"} for name in ("kald-12", "klima-12", "uro-12")},
}


def test_a_bridge_that_is_offline_is_one_alert_not_forty() -> None:
    """Its devices are not judged, whatever is said of them; another bridge's are."""
    other = {"anden": {"topic": "anden/x", "place": "room-13", "heard_every": "10s"}}
    night = Night({"device": {**QUIET, **ZIGBEE, **other}})
    night.wait(30, *ZIGBEE, "anden")
    assert night.tells("source.down", "zigbee2mqtt") == ["+source-down/zigbee2mqtt source.down technical"]
    for name in ZIGBEE:
        night.heard[name] = Heard(night.now, available=False)
    assert night.wait(3600) == ["+device-silent/anden device.silent technical"]
    assert night.tells("source.down", "zigbee2mqtt", present=False) == ["-source-down/zigbee2mqtt"]
    assert night.wait(50, "anden") == ["-device-silent/anden"], "the bridge asks each of them first"
    assert night.wait(3600, "anden", *ZIGBEE) == []


def test_calls_behind_a_bridge_make_it_high() -> None:
    """A call button by Zigbee: its bridge is what a call hangs on."""
    button = {"zb-kald": {"topic": "zigbee2mqtt/zb-kald", "place": "room-13", "profile": "call-button"}}
    night = Night({"device": {**QUIET, **button}})
    assert night.tells("source.down", "zigbee2mqtt") == ["+source-down/zigbee2mqtt source.down high"]
    assert night.tells("source.down", "anden") == ["+source-down/anden source.down technical"]


def test_the_room_whose_power_is_out_is_still_each_device() -> None:
    """The others behind the bridge go on speaking: nothing says that these have one cause."""
    night = Night({"device": {**QUIET, **ZIGBEE}})
    night.wait(30, *ZIGBEE)
    dark = sorted(ZIGBEE)[:4]
    told = night.wait(120, *(name for name in ZIGBEE if name not in dark))
    assert told == [f"+device-silent/{name} device.silent technical" for name in sorted(dark, key=_place)]


def _place(name: str) -> int:
    return int(name.partition("-")[2])


def test_devices_of_a_driver_that_is_set_aside_are_not_silent() -> None:
    """Their frames come, and nobody reads them: the driver is told."""
    both = {f"k-{n}": {**each, "driver": "bthome"} for n, each in enumerate(ZIGBEE.values())}
    night = Night({"device": {**QUIET, **both}})
    night.wait(30, *both)
    assert night.tells("driver.quarantined", "bthome") == [
        "+driver-quarantined/bthome driver.quarantined technical"
    ]
    assert night.wait(600) == []
    assert night.tells("driver.quarantined", "bthome", present=False) == ["-driver-quarantined/bthome"]
    assert night.wait(55) == []


def test_a_disk_that_fills_is_one_alert_that_says_all() -> None:
    """Nearly full, readings dropped, slow, and at last no call kept: one alert, that gets graver."""
    night = Night({"device": QUIET})
    assert night.tells("disk.filling", "journal", detail="nearly full") == [
        "+disk-filling/journal disk.filling technical"
    ]
    assert night.tells("readings.dropped", "readings", detail="no room") == [
        "+disk-filling/journal readings.dropped technical"
    ]
    (told,) = night.verdicts("journal.failing", "alarms", detail="calls cannot be kept.", calls_unheard=True)
    assert isinstance(told, Occurrence)
    assert (told.key, told.rule, told.kind) == ("disk-filling/journal", "disk-filling", "journal.failing")
    assert told.priority.value == "high"
    assert told.detail == "nearly full · calls cannot be kept · no room"
    assert night.tells("journal.slow", "journal") == ["+disk-filling/journal journal.slow technical"]
    for kind, subject in (
        ("journal.failing", "alarms"),
        ("disk.filling", "journal"),
        ("journal.slow", "journal"),
    ):
        assert night.tells(kind, subject, present=False) == []
    assert night.tells("readings.dropped", "readings", present=False) == ["-disk-filling/journal"]
    assert night.tells("journal.slow", "alarms") == ["+journal-slow/alarms journal.slow technical"]


def test_a_family_outlives_a_restart() -> None:
    """A part of it that is told again keeps it open; it ends with that part."""
    night = Night({"device": QUIET})
    night.tells("disk.filling", "journal")
    night.tells("readings.dropped", "readings")
    night.start()
    assert night.tells("readings.dropped", "readings") == []
    assert night.wait(300) == [], "a part of it is told again: it goes on"
    assert night.tells("readings.dropped", "readings", present=False) == ["-disk-filling/journal"]


def test_what_outlets_lost_is_no_matter_of_the_disk() -> None:
    """Readings that an outlet never took are a trouble of their own."""
    night = Night({"device": QUIET})
    night.tells("disk.filling", "journal")
    assert night.tells("readings.dropped", "mqtt/readings") == [
        "+readings-dropped/mqtt/readings readings.dropped technical"
    ]


def test_a_bridge_is_named_alike_by_radio_and_supervision() -> None:
    """One slug for both, also of a base topic in two parts."""
    assert bridge_topics(["zigbee2mqtt/a", "zigbee2mqtt/b", "hus/Nord/c", "bare", "x/+"]) == [
        "zigbee2mqtt/bridge/state",
        "hus/Nord/bridge/state",
        "x/bridge/state",
    ]
    assert (bridge_of("hus/Nord/c"), bridge_of("bare")) == ("hus-nord", None)


@pytest.mark.looptime
@pytest.mark.parametrize("word", ['{"state":"offline"}', "offline"])
async def test_a_bridge_that_is_updated_is_no_trouble(word: str) -> None:
    """Back within 20 s nobody hears of it; later it is told, once, and taken back."""
    told: list[tuple[str, bool]] = []
    bridges = Bridges(lambda trouble: told.append((trouble.subject, trouble.present)))
    topic = "zigbee2mqtt/bridge/state"
    assert bridges.hear(topic, word.encode())
    await asyncio.sleep(TELL_AFTER_S - 1)
    bridges.hear(topic, b'{"state":"online"}')
    await asyncio.sleep(2 * TELL_AFTER_S)
    assert told == []
    bridges.hear(topic, word.encode())
    bridges.hear(topic, word.encode())
    await asyncio.sleep(TELL_AFTER_S + 1)
    assert told == [("zigbee2mqtt", True)]
    bridges.hear(topic, b"online")
    assert told[1:] == [("zigbee2mqtt", False)]


@pytest.mark.looptime
async def test_nobody_on_the_broker_can_fill_the_memory_with_bridges() -> None:
    """Nonsense is no word, and of more bridges than a home can have the rest is not kept."""
    told: list[Trouble] = []
    bridges = Bridges(told.append)
    assert not bridges.hear("zigbee2mqtt/kald-1", b"offline")
    for nonsense in (b"{", b"\xff\xfe", b"{}", b'{"state":1}', b"[]", b""):
        assert bridges.hear("x/bridge/state", nonsense)
    assert bridges.hear("Å/bridge/state", b"offline")
    for n in range(3 * BRIDGES_MAX):
        bridges.hear(f"b{n}/bridge/state", b"offline")
    await asyncio.sleep(TELL_AFTER_S + 1)
    assert len(told) == BRIDGES_MAX
    bridges.forget()
    assert len(told) == 2 * BRIDGES_MAX


# Learned intervals.


def heard_every(habit: Habit, now: Instant, gaps: list[float]) -> Instant:
    """Let a device speak at these gaps."""
    habit.heard(now)
    for gap in gaps:
        now = now.plus(timedelta(seconds=gap))
        habit.heard(now)
        habit.heard(now)  # looked at twice: the same sighting
    return now


@pytest.mark.parametrize(
    ("gaps", "every"),
    [
        ([300.0] * 15, 300),
        ([300.0, 310.0, 290.0] * 5, 310),
        ([300.0] * 14, None),
        ([10.0] * 30, None),
        ([10.0] * 400, 10),
        ([7200.0, 30.0, 30.0] * 8, None),
        ([300.0] * 20 + [4000.0] + [300.0] * 5, None),
    ],
    ids=["regular", "wobbles", "too-few", "minutes-only", "an-hour", "pressed", "stopped-between"],
)
def test_a_habit_is_learned_from_sixteen_regular_sightings_over_an_hour(
    gaps: list[float], every: float | None
) -> None:
    """Presses are not regular, and a burst of them is not an hour."""
    habit = Habit()
    heard_every(habit, Night().now, gaps)
    assert habit.every == (None if every is None else timedelta(seconds=every))


def test_what_was_only_learned_is_technical_and_says_so() -> None:
    """Also for a call button: a habit is no promise. Where its interval is stated it is high."""
    device = {**QUIET, "kald-12": {}, "klima-12": {"heard_every": "10s"}}
    night = Night({"device": device})
    assert night.watched["kald-12"].stated is False
    for _ in range(20):
        assert night.wait(295, "klima-12") == []
        assert night.wait(5, "klima-12", "kald-12") == []
    assert night.supervision.learned() == {"kald-12": timedelta(minutes=5)}
    assert night.wait(1495, "klima-12") == []
    told = night.raised(5, "klima-12")
    assert [(each.kind, each.priority.value) for each in told] == [("call_device.silent", "technical")]
    assert told[0].detail == (
        "not heard for 1500 s; it used to speak at least every 300 s (learned; nobody stated it)"
    )
    assert night.wait(5, "klima-12", "kald-12") == ["-device-silent/kald-12"]


def test_a_device_that_is_said_never_to_speak_is_not_learned() -> None:
    """`0s` is a statement."""
    night = Night({"device": {**QUIET, "klima-12": {"heard_every": "10s"}}})
    night.wait(7200, "klima-12", "kald-12")
    assert night.supervision.learned() == {}


# The gateway's own clock.


def look(night: Night) -> list[str]:
    """Look at everything once, 5 s later."""
    return night.wait(5)


def test_a_clock_that_nobody_keeps_is_told_after_a_day() -> None:
    """Holdover is right for a while; it is over when somebody keeps it again."""
    night = Night({"device": QUIET})
    night.now = replace(night.now, quality=ClockQuality.HOLDOVER)
    assert look(night) == []
    night.now = night.now.plus(timedelta(hours=23))
    assert look(night) == []
    night.now = night.now.plus(timedelta(hours=1))
    assert look(night) == ["+clock-unsynced/clock clock.unsynced technical"]
    assert look(night) == []
    night.now = replace(night.now, quality=ClockQuality.SYNCED)
    assert look(night) == ["-clock-unsynced/clock"]


@pytest.mark.parametrize(("jump_s", "told"), [(59, False), (61, True), (-61, True), (86_400 * 365, True)])
def test_a_clock_that_jumps_is_told(jump_s: int, told: bool) -> None:
    """By more than a minute, in either direction; once, and it stays until somebody has seen it."""
    night = Night({"device": QUIET})
    look(night)
    night.now = replace(night.now, wall_ns=night.now.wall_ns + jump_s * 10**9)
    assert look(night) == (["+clock-stepped/clock clock.stepped technical"] if told else [])
    assert night.wait(600) == []


def test_the_first_right_time_after_a_start_is_no_jump() -> None:
    """A Raspberry Pi wakes in the past, and the time server puts that right."""
    night = Night({"device": QUIET})
    night.now = replace(night.now, quality=ClockQuality.UNSYNCED)
    look(night)
    night.now = replace(night.now, wall_ns=night.now.wall_ns + 10**18, quality=ClockQuality.SYNCED)
    assert look(night) == []


def test_a_jump_stays_until_somebody_has_seen_it() -> None:
    """Times of day before it are wrong, and no look at the clock mends that."""
    night = Night({"device": QUIET})
    look(night)
    night.now = replace(night.now, wall_ns=night.now.wall_ns + 10**12)
    (told,) = night.raised(5)
    assert (told.auto_resolve, told.detail) == (
        False,
        "the clock jumped by +1000 s although it was right before",
    )

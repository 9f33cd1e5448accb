"""Messages of other systems: repeated states, retained ones, availability, and roots of their own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from support.intake_room import NotKept, Room

CALL = ("help_call", "press")


def pendant(**more: str) -> Room:
    """Make a room with one Zigbee device."""
    return Room({"kald-01": {"topic": "zigbee2mqtt/kald-01", "driver": "zigbee2mqtt", **more}})


async def test_a_call_that_is_said_again_with_each_message_is_one() -> None:
    """Zigbee2MQTT repeats all that it knows; only the edge is an event."""
    room = pendant()
    await room.message('{"sos": false, "battery": 90}')
    await room.message('{"sos": true, "battery": 90}', after_s=1)
    await room.message('{"sos": true, "battery": 89}', after_s=60)
    assert room.said() == [CALL]
    await room.message('{"sos": false, "battery": 89}', after_s=60)
    await room.message('{"sos": true, "battery": 89}', after_s=60)
    assert room.said() == [CALL, CALL]


async def test_a_standing_call_outlives_a_restart() -> None:
    """Neither repeated, nor missed when it began or ended meanwhile."""
    room = pendant()
    await room.message('{"sos": true}')
    room.restart()
    await room.message('{"sos": true, "battery": 50}')
    assert room.said() == [CALL]
    await room.message('{"sos": false}')
    room.restart()
    await room.message('{"sos": true}')
    assert room.said() == [CALL, CALL]


async def test_a_standing_call_that_was_not_kept_counts_again() -> None:
    """The edge is forgotten with the event."""
    room = pendant()
    room.refuses = True
    with pytest.raises(NotKept):
        await room.message('{"sos": true}')
    room.refuses = False
    await room.message('{"sos": true, "battery": 50}', after_s=1)
    assert room.said() == [CALL]


async def test_each_action_is_a_press() -> None:
    """It is said once; two within a second are two."""
    room = pendant(profile="help")
    await room.message('{"action": "single"}')
    await room.message('{"action": "single"}', after_s=0.5)
    assert room.said() == [CALL, CALL]


async def test_an_action_said_on_a_second_topic_is_the_same_press() -> None:
    """Output `attribute_and_json` says everything twice."""
    room = pendant(profile="help")
    await room.message('{"action": "single", "battery": 80}')
    await room.message("single", "zigbee2mqtt/kald-01/action", after_s=0.01)
    await room.message("80", "zigbee2mqtt/kald-01/battery", after_s=0.01)
    assert room.said() == [CALL]
    assert room.stored() == [("battery", 80)]
    await room.message("single", "zigbee2mqtt/kald-01/action", after_s=10)
    assert room.said() == [CALL, CALL]


async def test_a_retained_message_is_no_event_of_now() -> None:
    """What it says may be old: no event, no number, no sign of life; a state that differs is taken."""
    room = pendant(profile="help")
    await room.message(
        '{"action": "single", "sos": true, "temperature": 20, "contact": false}', retained=True
    )
    assert room.said() == []
    assert room.stored() == [("opening", True)]
    assert room.intake.heard()["kald-01"].last is None
    await room.message('{"sos": true}', after_s=5)
    assert room.said() == [CALL], "what began while nobody listened is told with the first live message"


async def test_availability_is_for_supervision() -> None:
    """Online is a sign of life, offline none; retained neither."""
    room = pendant()
    topic = "zigbee2mqtt/kald-01/availability"
    await room.message('{"state": "offline"}', topic, retained=True)
    assert room.intake.heard()["kald-01"].available is False
    assert room.intake.heard()["kald-01"].last is None
    await room.message('{"state": "online"}', topic, after_s=1)
    heard = room.intake.heard()["kald-01"]
    assert (heard.available, heard.last) == (True, room.now())
    await room.message('{"state": "offline"}', topic, after_s=1)
    assert room.intake.heard()["kald-01"].available is False
    assert room.calls == []


async def test_a_device_was_heard_when_the_other_system_heard_it() -> None:
    """A state that Zigbee2MQTT sends again at its own start is no sign of life."""
    room = pendant()
    now = room.now().wall_ns / 1e9
    two_hours_ago = datetime.fromtimestamp(now - 7200, UTC).isoformat()
    await room.message(f'{{"battery": 80, "last_seen": "{two_hours_ago}"}}')
    last = room.intake.heard()["kald-01"].last
    assert last is not None
    assert room.now().since(last).total_seconds() == pytest.approx(7200, abs=1)
    await room.message(f'{{"battery": 80, "last_seen": {int((now + 5) * 1000)}}}', after_s=5)
    assert room.intake.heard()["kald-01"].last == room.now()
    await room.message(f'{{"battery": 80, "last_seen": "{two_hours_ago}"}}', after_s=5)
    assert room.intake.heard()["kald-01"].last != room.now(), "and takes no later one back"
    assert room.now().since(room.intake.heard()["kald-01"].last).total_seconds() == 5  # type: ignore[arg-type]


async def test_a_root_and_a_name_of_ones_own() -> None:
    """The device's topic decides; the driver need not know its root. A name may hold a slash."""
    room = Room(
        {
            "kald-01": {"topic": "z2m/floor1/kald", "driver": "zigbee2mqtt"},
            "kald-02": {"topic": "zigbee2mqtt/floor1", "place": "room-02"},
        }
    )
    await room.message('{"action": "sos"}', "z2m/floor1/kald")
    await room.message('{"action": "sos"}', "zigbee2mqtt/floor1")
    await room.message('{"action": "sos"}', "zigbee2mqtt/floor2")
    assert [(r.device, r.place) for r in room.events] == [("kald-01", "room-01"), ("kald-02", "room-02")]
    assert room.intake.health()["unknown"] == 1


async def test_commands_and_the_bridge_are_no_sign_of_life() -> None:
    """What we or others send to a device says nothing of it."""
    room = pendant()
    await room.message('{"state": "ON"}', "zigbee2mqtt/kald-01/set")
    await room.message("", "zigbee2mqtt/kald-01")
    assert room.intake.heard()["kald-01"].last is None


async def test_a_message_that_is_malformed_is_refused() -> None:
    """Counted, and supervision hears of it."""
    room = pendant()
    await room.message("[1]")
    refused = room.intake.heard()["kald-01"].refused
    assert refused is not None
    assert refused.code == "malformed"
    await room.message('{"battery": "low", "sos": true}', after_s=1)
    assert room.said() == [CALL], "a fault beside a call does not take the call away"

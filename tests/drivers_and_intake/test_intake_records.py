"""From readings to records: what they mean here, in which unit, and which of them are kept."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.alert import Concern
from gateway.model.clock import ClockQuality
from gateway.model.meaning import read
from gateway.model.readings import Kind
from support.intake_room import ADDRESS, Room, press

SENSOR = {"klima-01": {"address": ADDRESS, "driver": "bthome", "heard_every": "60s"}}
STRAP = "180d", "2a37"


def bound(profile: dict[str, Any]) -> Room:
    """Make a room whose device has this profile."""
    return Room(
        {"kald-01": {"address": ADDRESS, "driver": "bthome", "profile": "product"}}, {"product": profile}
    )


# -- what readings mean ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (1, "press"),
        (2, "double_press"),
        (3, "triple_press"),
        (4, "long_press"),
        (5, "press"),
        (6, "press"),
        (0x80, "press"),
    ],
)
async def test_a_button_that_calls_keeps_its_word_or_counts_as_a_press(code: int, word: str) -> None:
    """A press word that a call does not have is a press, never nothing."""
    room = bound({"means": {"button": "help_call"}})
    await room.hear(press(1, code))
    assert room.said() == [("help_call", word)]


@pytest.mark.parametrize(
    ("means", "said"),
    [
        (
            {"press": "fall.detected", "long_press": "fall.cancelled"},
            {1: ("fall", "detected"), 4: ("fall", "cancelled"), 2: ("fall", "detected")},
        ),
        (
            {"press": "help_call.press", "hold_press": "help_call.long_press"},
            {0x80: ("help_call", "long_press"), 3: ("help_call", "press")},
        ),
        ({"long_press": "help_call.cancelled"}, {1: ("help_call", "press")}),
        ({"triple_press": "fall.detected"}, {1: ("button", "press"), 3: ("fall", "detected")}),
    ],
)
async def test_words_mean_what_a_profile_says_and_no_press_vanishes(
    means: dict[str, str], said: dict[int, tuple[str, str]]
) -> None:
    """A word that is not named counts as `press`."""
    room = bound({"means": {"button": means}})
    for number, (code, wanted) in enumerate(said.items()):
        await room.hear(press(number, code), 10)
        assert room.said()[-1] == wanted
    assert len(room.events) == len(said)


async def test_a_pendant_whose_press_means_a_fall() -> None:
    """A whole quantity may mean another; every press is a fall then."""
    room = bound({"means": {"button": "fall"}})
    await room.hear(press(1, 5))
    assert room.said() == [("fall", "detected")]


async def test_states_and_numbers_mean_others_of_their_kind() -> None:
    """An occupancy that is a bed's, a mass that is a person's."""
    room = bound({"means": {"occupancy": "bed_occupancy", "mass": "body_weight"}})
    await room.hear("442301" + "06ec1c")
    assert room.stored() == [("bed_occupancy", True), ("body_weight", 74.04)]


async def test_a_release_is_no_press() -> None:
    """Where a button calls, letting go of it says nothing."""
    room = Room(
        {"kald-01": {"topic": "zigbee2mqtt/kald-01", "driver": "zigbee2mqtt", "profile": "help"}},
    )
    await room.message('{"action": "release"}')
    await room.message('{"action": "hold"}', after_s=1)
    assert room.said() == [("help_call", "long_press")]


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ({"nothing": "fall"}, "means.nothing: expected a quantity"),
        ({"temperature": "help_call"}, "means.temperature: expected a quantity of its kind"),
        ({"button": "nothing"}, "means.button: expected a quantity of its kind"),
        ({"button": 5}, "means.button: expected a quantity, or a table of words"),
        ({"occupancy": {"press": "fall.detected"}}, "only events have words"),
        ({"button": {"tap": "fall.detected"}}, "means.button: expected one of press"),
        ({"button": {"press": "fall"}}, "means.button.press"),
        ({"button": {"press": "fall.broken"}}, "means.button.press"),
        ({"button": {"press": "temperature.detected"}}, "means.button.press"),
    ],
)
def test_a_meaning_that_makes_no_sense_is_named(means: dict[str, Any], words: str) -> None:
    """Which key, and what was expected."""
    with pytest.raises(ValueError, match=words):
        read(means)


# -- units, plausibility, free text ----------------------------------------------------------------------


async def test_units_become_the_quantitys_own() -> None:
    """Pounds, millimetres and millilitres."""
    room = Room(SENSOR)
    await room.hear("40" + "07b635" + "40e803" + "484a01")
    assert [(r.quantity, r.unit) for r in room.routine_records] == [
        ("mass", "kg"),
        ("distance", "m"),
        ("volume", "L"),
    ]
    assert [r.value for r in room.routine_records] == [pytest.approx(62.37, abs=0.01), 1.0, 0.33]


async def test_what_cannot_be_is_counted_and_not_stored() -> None:
    """The rest of the frame is."""
    room = Room(SENSOR)
    await room.hear("4001c802c409")
    assert room.stored() == [("temperature", 25.0)]
    assert room.intake.health()["implausible"] == {"battery": 1}
    assert room.intake.heard()["klima-01"].battery is None


async def test_what_cannot_be_in_its_meaning_is_not_stored() -> None:
    """A thermometer mapped to a body is judged as one."""
    room = bound({"means": {"temperature": "body_temperature"}})
    await room.hear("4002c409")
    await room.hear("4002ac0d", 1)
    assert room.stored() == [("body_temperature", 25.0), ("body_temperature", 35.0)]
    await room.hear("40020000", 1)
    assert room.intake.health()["implausible"] == {"body_temperature": 1}


async def test_free_text_is_dropped() -> None:
    """It may hold a name."""
    room = Room(SENSOR)
    await room.hear(b"\x40\x53\x06Hansen\x54\x02\x01\x02\x01\x32")
    assert room.stored() == [("battery", 50)]
    assert room.said() == []
    assert room.intake.health()["free_text"] == 2


# -- legal basis -----------------------------------------------------------------------------------------


async def test_personal_readings_without_a_basis_are_dropped_and_counted() -> None:
    """Presence at a place that has none; climate and the battery need none."""
    asked: list[tuple[str, Concern]] = []

    def basis(place: str, concern: Concern) -> bool:
        asked.append((place, concern))
        return False

    room = Room(SENSOR, basis=basis)
    for _ in range(3):
        await room.hear("4001320264092301", 100)
        room.after_s += 1
    assert {quantity for quantity, _ in room.stored()} == {"battery", "temperature"}
    assert set(asked) == {("room-01", Concern.PRESENCE)}
    assert room.intake.health()["no_basis"] == [{"place": "room-01", "concern": "presence", "count": 3}]
    assert not any(guard.name == "state/occupancy" for guard in room.kept.values())


async def test_a_state_is_taken_as_soon_as_there_is_a_basis() -> None:
    """Nothing of before is remembered."""
    allowed = [False]
    room = Room(SENSOR, basis=lambda _place, _concern: allowed[0])
    await room.hear("442301")
    allowed[0] = True
    await room.hear("442301", 5)
    assert room.stored() == [("occupancy", True)]
    allowed[0] = False
    await room.hear("442301", 5)
    allowed[0] = True
    await room.hear("442301", 5)
    assert room.stored() == [("occupancy", True), ("occupancy", True)]


async def test_a_call_needs_no_basis() -> None:
    """`self` is never asked for."""
    room = Room(basis=lambda _place, _concern: False)
    await room.hear(press(1))
    assert room.said() == [("help_call", "press")]


async def test_a_press_that_would_mean_a_fall_is_a_call_where_falls_have_no_basis() -> None:
    """What it would mean may not be kept; that somebody pressed is a call."""
    room = Room(
        {"kald-01": {"address": ADDRESS, "driver": "bthome", "profile": "product"}},
        {"product": {"means": {"button": "fall"}}},
        basis=lambda _place, _concern: False,
    )
    await room.hear(press(1))
    assert room.said() == [("help_call", "press")]
    assert room.intake.health()["no_basis"] == [{"place": "room-01", "concern": "fall", "count": 1}]


async def test_a_fall_that_a_device_sees_by_itself_needs_a_basis() -> None:
    """No press: without a basis it is dropped and counted."""
    room = Room(
        {"fald-02": {"topic": "zigbee2mqtt/fald-02", "driver": "zigbee2mqtt"}},
        basis=lambda _place, _concern: False,
    )
    await room.message('{"fall_status": "fall_alarm"}', "zigbee2mqtt/fald-02")
    assert room.said() == []
    assert room.intake.health()["no_basis"] == [{"place": "room-01", "concern": "fall", "count": 1}]


# -- what is new -----------------------------------------------------------------------------------------


async def test_an_unchanged_value_is_stored_once_an_interval() -> None:
    """Inside it only "last seen" moves; a change is stored at once."""
    room = Room(SENSOR)
    for number in range(61):
        await room.hear(bytes([0x40, 0x00, number, 0x01, 0x32]), 1)
    assert room.stored() == [("battery", 50), ("battery", 50)]
    last = room.intake.heard()["klima-01"].last
    assert last is not None
    assert last == room.now()
    await room.hear(bytes([0x40, 0x00, 99, 0x01, 0x31]), 1)
    assert room.stored()[2:] == [("battery", 49)]


async def test_a_state_is_an_edge_against_what_the_journal_kept() -> None:
    """After a restart an unchanged state is none, a changed one is."""
    room = Room(SENSOR)
    await room.hear("441a01")
    assert room.kept["klima-01", "state/door"].value == "true"
    room.restart(away_s=10)
    await room.hear("441a01")
    assert room.stored() == [("door", True)]
    room.restart(away_s=10)
    await room.hear("441a00")
    assert room.stored() == [("door", True), ("door", False)]
    room.restart(away_s=100)
    await room.hear("441a00")
    assert len(room.stored()) == 3, "its interval has passed"


async def test_channels_are_series_of_their_own() -> None:
    """Equal values on two channels are both kept."""
    room = Room(SENSOR)
    await room.hear("4402c40902c409" + "1a011a01")
    assert [(r.quantity, r.channel) for r in room.routine_records] == [
        ("temperature", 1),
        ("temperature", 2),
        ("door", 1),
        ("door", 2),
    ]
    assert {guard.name for guard in room.kept.values()} == {"state/door/1", "state/door/2"}


async def test_heart_beats_of_one_notification_are_samples_with_their_own_times() -> None:
    """All are kept, also equal ones; the last ends now, the others before it."""
    room = Room({"hjerte-05": {"address": ADDRESS, "driver": "gatt-heart-rate"}})
    await room.value("164a" + "0004" * 2 + "0002", *STRAP)
    rate, *beats = room.routine_records
    assert (rate.quantity, rate.value) == ("heart_rate", 74)
    assert [beat.value for beat in beats] == [1000.0, 1000.0, 500.0]
    now = room.now().wall_ns
    assert [now - beat.time_ns for beat in beats] == [1_500_000_000, 500_000_000, 0]


async def test_values_that_come_again_are_values() -> None:
    """A notification is never a repeat of the radio."""
    room = Room({"hjerte-05": {"address": ADDRESS, "driver": "gatt-heart-rate", "heard_every": "5s"}})
    for _ in range(3):
        await room.value("0647", *STRAP)
        room.after_s += 6
    assert room.stored() == [("heart_rate", 71)] * 3


# -- the record itself -----------------------------------------------------------------------------------


async def test_a_record_says_whose_where_when_and_by_which_clock() -> None:
    """Device, place, time, quality of the clock, driver and version; never an address."""
    room = Room()
    room.quality = ClockQuality.UNSYNCED
    await room.hear(press(1))
    (record,) = room.events
    assert (record.device, record.place, record.kind) == ("kald-01", "room-01", Kind.EVENT)
    assert (record.clock, record.driver) == (ClockQuality.UNSYNCED, "bthome/1.0.0")
    assert record.time_ns == room.now().wall_ns
    assert ADDRESS not in str(record.document())
    assert len({record.id for record in [*room.events, *room.routine_records]}) == 2


async def test_readings_beside_a_fault_are_kept_and_the_fault_is_counted() -> None:
    """A press in front of an object that nobody knows is a press."""
    room = Room()
    await room.hear("443a01ee00")
    assert room.said() == [("help_call", "press")]
    assert room.intake.health()["errors"] == {"unsupported": 1}
    assert room.intake.heard()["kald-01"].refused is None

"""Presses: each counts once, none is lost, whatever the radio repeats, replays or forgets."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.model.readings import Guard
from support.intake_room import ADDRESS, KEY, NotKept, Room, encrypted, press

CALL = ("help_call", "press")
PLAIN_PRESS = bytes.fromhex("443a01")  # a format that counts nothing
SERVICE = frozenset({"service_data"})
KEYED = {"kald-01": {"address": ADDRESS, "driver": "bthome", "profile": "help", "key": KEY.hex()}}


def kept(guards: list[Guard]) -> list[str]:
    """Give what guards hold, without the hardware that counted it."""
    return [guard.value.partition(" ")[2] for guard in guards]


# -- formats that number their transmissions -------------------------------------------------------------


async def test_a_burst_is_one_press() -> None:
    """A button sends one press many times over some seconds."""
    room = Room()
    for _ in range(40):
        await room.hear(press(8), 0.1)
    assert room.said() == [CALL]
    assert kept(room.calls[-1][2]) == ["8 button=press"]


async def test_an_old_press_in_a_merged_frame_is_none() -> None:
    """BlueZ brings the press back with each change of signal, however late."""
    room = Room()
    await room.hear(press(8))
    await room.hear(press(8), 10, rssi=-71, brought=frozenset())
    await room.hear(press(8), 600, rssi=-55)
    await room.hear(press(8, battery=99), 5)  # the same number with other bytes beside the press
    assert room.said() == [CALL]


@pytest.mark.parametrize("number", [9, 10, 7, 200, 0])
async def test_every_other_number_is_a_press(number: int) -> None:
    """A lower number is a changed battery, no replay: doubled, a press adds to a count."""
    room = Room()
    await room.hear(press(8))
    await room.hear(press(number), 0.2)
    assert room.said() == [CALL, CALL]


async def test_another_word_under_the_same_number_is_news() -> None:
    """A press that turns into a long press must not vanish, whatever the firmware numbers."""
    room = Room()
    await room.hear(press(8))
    await room.hear(press(8, 4), 0.5)
    assert room.said() == [CALL, ("help_call", "long_press")]


async def test_a_gap_on_a_device_that_speaks_only_when_pressed_is_told() -> None:
    """Presses that nobody heard were at least one call."""
    room = Room()
    await room.hear(press(254))
    await room.hear(press(1), 60)
    await room.hear(press(2), 60)
    await room.hear(press(150), 60)
    assert [record.missed for record in room.events] == [0, 2, 0, 0]


async def test_a_gap_on_a_device_that_beats_is_no_call() -> None:
    """Its beats are numbered too."""
    room = Room(
        {"kald-01": {"address": ADDRESS, "driver": "bthome", "profile": "help", "heard_every": "60s"}}
    )
    await room.hear(press(8))
    await room.hear(press(12), 60)
    assert [record.missed for record in room.events] == [0, 0]


async def test_two_radios_hear_one_press() -> None:
    """The slower radio brings it later, even after the next press; the better signal is kept."""
    room = Room()
    await room.hear(press(8), source="hci0", rssi=-80)
    await room.hear(press(8), 0.2, source="hci1", rssi=-55)
    await room.hear(press(9), 0.5, source="hci0", rssi=-81)
    await room.hear(press(8), 0.2, source="hci1", rssi=-56)
    await room.hear(press(9), 0.2, source="hci1", rssi=-57)
    assert room.said() == [CALL, CALL]
    assert room.intake.heard()["kald-01"].signal == -57


@pytest.mark.parametrize("boot", ["boot-1", "boot-2"])
async def test_a_restart_in_the_middle_of_a_press_neither_repeats_nor_swallows(boot: str) -> None:
    """What was accepted is known again; what was pressed meanwhile counts, with what was missed."""
    room = Room()
    await room.hear(press(8))
    room.restart(boot=boot)
    await room.hear(press(8))
    await room.hear(press(8), 0.1, rssi=-50)
    assert room.said() == [CALL]
    room.restart(boot=boot)
    await room.hear(press(11))
    assert room.said() == [CALL, CALL]
    assert room.events[-1].missed == 2


async def test_a_press_that_was_not_kept_counts_when_it_is_repeated() -> None:
    """The disk refuses; the next frame of the same burst brings the press again."""
    room = Room()
    room.refuses = True
    with pytest.raises(NotKept):
        await room.hear(press(8))
    room.refuses = False
    await room.hear(press(8), 0.1)
    await room.hear(press(8), 0.1)
    assert room.said() == [CALL]


async def test_a_press_while_another_is_being_committed() -> None:
    """The commit of one press holds up neither another press nor the recognition of repeats."""
    room = Room()
    gate = asyncio.Event()
    room.before_commit = gate.wait
    async with asyncio.TaskGroup() as group:
        group.create_task(room.hear(press(8)))
        await asyncio.sleep(0)
        group.create_task(room.hear(press(8), 0.1))
        group.create_task(room.hear(press(9), 0.1))
        await asyncio.sleep(0)
        gate.set()
    assert room.said() == [CALL, CALL]


@given(st.lists(st.tuples(st.integers(0, 255), st.floats(0, 30)), max_size=30))
@example([(1, 0.0), (0, 0.0), (1, 3.75)])
@settings(max_examples=60, deadline=None)
def test_each_change_of_number_is_exactly_one_press(presses: list[tuple[int, float]]) -> None:
    """Whatever numbers come when: as many events as there are transmissions, and a repeat adds none."""

    async def play() -> None:
        room = Room()
        wanted: list[int] = []
        recent: dict[int, float] = {}
        heard: int | None = None
        for number, pause_s in presses:
            for repeat in range(3):
                await room.hear(press(number), pause_s if repeat == 0 else 0.1)
                if number == heard:
                    continue  # a copy of what was just heard: its burst runs from the first one
                heard = number
                fresh = number not in recent or room.after_s - recent[number] > 4.0
                if fresh and (not wanted or wanted[-1] != number):
                    wanted.append(number)
                recent[number] = room.after_s
        assert len(room.events) == len(wanted)
        room.intake.close()

    asyncio.run(play())


# -- formats that count nothing --------------------------------------------------------------------------


async def test_equal_bytes_are_one_press_within_a_burst_and_another_after_it() -> None:
    """Nothing counts, so only the quiet between them tells two presses apart."""
    room = Room()
    for _ in range(30):
        await room.hear(PLAIN_PRESS, 0.1, brought=SERVICE)
    assert room.said() == [CALL]
    await room.hear(PLAIN_PRESS, 2.5, brought=SERVICE)
    assert room.said() == [CALL, CALL]


async def test_a_change_of_signal_prolongs_no_burst_and_is_no_press() -> None:
    """Frames that say that the packet itself brought nothing."""
    room = Room()
    await room.hear(PLAIN_PRESS, brought=SERVICE)
    for _ in range(10):
        await room.hear(PLAIN_PRESS, 1.0, brought=frozenset(), rssi=-70)
    assert room.said() == [CALL]
    await room.hear(PLAIN_PRESS, 0.1, brought=SERVICE)
    assert room.said() == [CALL, CALL]


async def test_rest_between_two_presses_of_equal_bytes() -> None:
    """Another frame of the device in between does not make one of them vanish after the burst."""
    room = Room()
    await room.hear(PLAIN_PRESS)
    await room.hear("443a00", 1.0)
    await room.hear(PLAIN_PRESS, 4.0)
    assert room.said() == [CALL, CALL]


async def test_a_restart_where_nothing_counts() -> None:
    """First comes what the radio remembers; afterwards equal bytes after the quiet are a press again."""
    room = Room()
    await room.hear(PLAIN_PRESS)
    room.restart(away_s=60)
    await room.hear(PLAIN_PRESS)
    assert room.said() == [CALL]
    await room.hear(PLAIN_PRESS, 3.0)
    assert room.said() == [CALL, CALL]


async def test_a_restart_after_which_the_radio_is_sure() -> None:
    """A packet that is known to have brought these bytes is a press, unless the burst is still going on."""
    room = Room()
    await room.hear(PLAIN_PRESS)
    room.restart(away_s=1)
    await room.hear(PLAIN_PRESS, brought=SERVICE)
    assert room.said() == [CALL]
    room.restart(away_s=60)
    await room.hear(PLAIN_PRESS, brought=SERVICE)
    assert room.said() == [CALL, CALL]


async def test_a_new_configuration_brings_no_old_press_back() -> None:
    """Reloading forgets what was decoded, not what was accepted."""
    room = Room()
    await room.hear(PLAIN_PRESS, brought=SERVICE)
    room.intake.reload(room.settings)
    await room.hear(PLAIN_PRESS, 10, brought=frozenset(), rssi=-70)
    assert room.said() == [CALL]


# -- encrypted formats -----------------------------------------------------------------------------------


async def test_an_encrypted_press_counts_once() -> None:
    """Equal bytes are a repeat of the radio; the same press under a higher counter is one of the device."""
    room = Room(KEYED)
    first = encrypted(press(8)[1:], 100)
    await room.hear(first)
    await room.hear(first, 0.1)
    await room.hear(first, 30)
    await room.hear(encrypted(press(9)[1:], 101), 0.1)
    await room.hear(encrypted(press(9)[1:], 102), 0.1)
    assert room.said() == [CALL, CALL]
    await room.hear(encrypted(press(9)[1:], 103), 30)
    assert room.said() == [CALL, CALL, CALL], "a new counter after the burst proves a new press"


async def test_a_replayed_frame_is_refused_also_after_a_restart() -> None:
    """The counter is kept with the event; an attacker's recording opens no door."""
    room = Room(KEYED)
    old, new = encrypted(press(8)[1:], 100), encrypted(press(9)[1:], 101)
    await room.hear(old)
    await room.hear(new, 1)
    room.restart(boot="boot-2")
    await room.hear(old)
    assert room.said() == [CALL, CALL]
    refused = room.intake.heard()["kald-01"].refused
    assert refused is not None
    assert (refused.code, refused.count) == ("replayed", 1)
    await room.hear(new)
    assert room.said() == [CALL, CALL], "an equal counter is old"


async def test_after_a_change_of_battery_the_counter_is_accepted_when_a_person_says_so() -> None:
    """Refused until then, and counted; the acceptance outlives a restart."""
    room = Room(KEYED)
    await room.hear(encrypted(press(200)[1:], 5000))
    for counter in (1, 2, 3):
        await room.hear(encrypted(press(counter)[1:], counter), 1)
    refused = room.intake.heard()["kald-01"].refused
    assert refused is not None
    assert (refused.code, refused.count) == ("replayed", 3)
    assert refused.last.since(refused.since).total_seconds() == 2
    room.intake.accept_counter("kald-01")
    room.restart()
    await room.hear(encrypted(press(4)[1:], 4))
    assert room.said() == [CALL, CALL]
    assert room.intake.heard()["kald-01"].refused is None
    await room.hear(encrypted(press(3)[1:], 3), 1)
    assert room.said() == [CALL, CALL]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (encrypted(press(8)[1:], 100, bytes(16)), "key_wrong"),
        (press(8), "key_wrong"),
        (encrypted(press(8)[1:], 100)[:6], "truncated"),
    ],
)
async def test_what_is_not_the_devices_is_refused_and_said(data: bytes, code: str) -> None:
    """Another key, a frame in clear, a cut one: no event, and supervision hears of it."""
    room = Room(KEYED)
    await room.hear(data)
    await room.hear(data, 1)
    heard = room.intake.heard()["kald-01"]
    assert room.said() == []
    assert heard.last is None
    assert heard.refused is not None
    assert (heard.refused.code, heard.refused.count) == (code, 2)
    assert room.intake.health()["errors"] == {code: 2}
    await room.hear(encrypted(press(9)[1:], 101), 1)
    assert room.said() == [CALL]
    assert room.intake.heard()["kald-01"].refused is None


async def test_a_device_without_its_key_is_refused() -> None:
    """Encrypted, and nobody gave the key."""
    room = Room()
    await room.hear(encrypted(press(8)[1:], 100))
    refused = room.intake.heard()["kald-01"].refused
    assert refused is not None
    assert refused.code == "key_missing"


async def test_a_device_that_was_paired_anew_counts_anew() -> None:
    """Another key in the configuration brings another counter."""
    room = Room(KEYED)
    await room.hear(encrypted(press(8)[1:], 5000))
    other = bytes(range(16))
    room.intake.reload(room.configured({"kald-01": {**KEYED["kald-01"], "key": other.hex()}}))
    await room.hear(encrypted(press(1)[1:], 1, other), 10)
    assert room.said() == [CALL, CALL]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_device_that_was_replaced_counts_anew(restarted: bool) -> None:
    """Another button under the same name: neither its counter nor its packet ids are those of the old one."""
    room = Room(KEYED)
    await room.hear(encrypted(press(8)[1:], 5000))
    other, address = bytes(range(16)), "A4:C1:38:99:99:99"
    new = {"kald-01": {**KEYED["kald-01"], "address": address, "key": other.hex()}}
    room.settings = room.configured(new)
    if restarted:
        room.restart()
    else:
        room.intake.reload(room.settings)
    await room.hear(encrypted(press(8)[1:], 1, other, address=address), 10, address=address)
    assert room.said() == [CALL, CALL]
    assert not any(address in guard.value or other.hex() in guard.value for guard in room.kept.values())


async def test_a_plain_device_that_was_replaced_is_heard_from_its_first_press() -> None:
    """Also where its first number happens to be the old one's last."""
    room = Room()
    await room.hear(press(8))
    room.settings = room.configured({"kald-01": {"address": "A4:C1:38:99:99:99", "profile": "help"}})
    room.restart()
    await room.hear(press(8), address="A4:C1:38:99:99:99")
    assert room.said() == [CALL, CALL]
    assert room.events[-1].missed == 0


async def test_the_counter_of_measurements_is_kept_with_them() -> None:
    """With the group where a value is stored, and once a minute where none is."""
    room = Room({"klima-01": {"address": ADDRESS, "driver": "bthome", "key": KEY.hex(), "heard_every": "1h"}})
    warm = bytes.fromhex("02c409")
    await room.hear(encrypted(warm, 1))
    assert kept(room.calls[-1][2]) == ["1"]
    for counter in range(2, 60):
        await room.hear(encrypted(warm, counter), 1)
    assert len(room.calls) == 1, "an unchanged value writes nothing"
    for counter in range(60, 70):
        await room.hear(encrypted(warm, counter), 1)
    assert [(kind, records, kept(guards)) for kind, records, guards in room.calls[1:]] == [
        ("routine", [], ["62"])
    ]
    room.restart()
    await room.hear(encrypted(warm, 61))
    assert room.intake.health()["errors"] == {"replayed": 1}

"""What the rest of the house learns from intake: who was heard, what is on the air, what does not work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from gateway.driver import Advertisement as View
from gateway.driver import Fact
from gateway.driver import quantities as q
from gateway.intake.air import SENDERS_MAX
from gateway.intake.host import DriverHost
from gateway.intake.quarantine import ASIDE_FIRST_S, FAILURES_MAX
from gateway.model.frames import Advertisement
from gateway.model.trouble import Trouble
from support.guests import frame, guest
from support.intake_room import ADDRESS, Room, press


async def test_every_configured_device_is_listed() -> None:
    """Also one that was never heard; signal and battery as last known."""
    room = Room(
        {
            "kald-01": {"address": ADDRESS, "driver": "bthome"},
            "kald-02": {"address": "A4:C1:38:10:20:31", "driver": "bthome"},
        }
    )
    await room.hear(press(1, battery=63), rssi=-72)
    heard = room.intake.heard()
    assert set(heard) == {"kald-01", "kald-02"}
    assert (heard["kald-01"].last, heard["kald-01"].signal, heard["kald-01"].battery) == (room.now(), -72, 63)
    assert heard["kald-02"].last is heard["kald-02"].signal is heard["kald-02"].refused is None


async def test_the_best_radio_counts_and_an_old_signal_fades() -> None:
    """Of the last minute; after it the last one known."""
    room = Room()
    await room.hear(press(1), rssi=-50, source="hci1")
    await room.hear(press(1), 30, rssi=-80, source="hci0")
    assert room.intake.heard()["kald-01"].signal == -50
    await room.hear(press(1), 40, rssi=-82, source="hci0")
    assert room.intake.heard()["kald-01"].signal == -82
    room.after_s += 600
    assert room.intake.heard()["kald-01"].signal == -82


async def test_a_packet_that_brought_nothing_is_a_sign_of_life() -> None:
    """The device lives, its data are of before."""
    room = Room()
    await room.hear(press(1))
    await room.hear(press(1), 30, brought=frozenset())
    assert room.intake.heard()["kald-01"].last == room.now()


async def test_unknown_senders_are_on_the_air_and_nowhere_else() -> None:
    """Strongest first, with the driver that would take them; nothing is stored."""
    room = Room()
    await room.hear(press(1), address="D0:4E:00:00:00:01", name="SBBT-002C", rssi=-40)
    await room.hear(press(1), address="D0:4E:00:00:00:02", rssi=-90, service_data={})
    await room.hear(press(1), rssi=-60)
    rows = room.intake.on_air()
    assert [(r.address[-2:], r.name, r.signal, r.driver, r.device) for r in rows] == [
        ("01", "SBBT-002C", -40, "bthome", None),
        ("30", None, -60, "bthome", "kald-01"),
        ("02", None, -90, None, None),
    ]
    assert len(room.events) == 1
    assert room.intake.health()["unknown"] == 2


async def test_phones_that_change_their_address_fill_no_memory() -> None:
    """The senders on the air are bounded."""
    room = Room()
    for number in range(SENDERS_MAX + 50):
        await room.hear("40", address=f"D0:4E:00:00:{number >> 8:02X}:{number & 255:02X}")
    assert len(room.intake.on_air()) == SENDERS_MAX


async def test_a_driver_that_is_not_there_is_told() -> None:
    """A device bound to it is deaf; calls may go unheard. The next configuration ends it."""
    room = Room({"kald-01": {"address": ADDRESS, "driver": "acme"}})
    (trouble,) = room.troubles
    assert (trouble.kind, trouble.subject, trouble.present) == ("driver.quarantined", "acme", True)
    assert trouble.calls_unheard
    await room.hear(press(1))
    assert room.events == []
    assert room.intake.health()["quarantined"] == ["acme"]
    room.intake.reload(room.configured({"kald-01": {"address": ADDRESS, "driver": "bthome"}}))
    assert [(t.subject, t.present) for t in room.troubles] == [("acme", True), ("acme", False)]
    await room.hear(press(2), 1)
    assert room.said() == [("button", "press")]


@pytest.mark.parametrize("word", ["calls", "climate"])
async def test_a_quarantined_driver_is_told_with_what_hangs_on_it(word: str) -> None:
    """High where help calls may go unheard, technical otherwise; and told again when it is back."""
    broken = [True]

    def sometimes(_view: View) -> Iterator[Fact]:
        if broken[0]:
            raise RuntimeError
        yield q.battery(50)

    loaded = guest(sometimes)
    driver = vars(loaded.driver)
    driver["reports"] = (q.help_call,) if word == "calls" else (q.temperature,)
    host = DriverHost([loaded])
    address = "D0:4E:00:00:00:01"
    room = Room({"gast-01": {"address": address, "driver": "guest"}}, host=host)
    clock = room
    host.quarantine._monotonic = lambda: clock.after_s
    for number in range(FAILURES_MAX):
        await room.intake.take(frame(bytes([number]), heard=room.now()))
    assert room.troubles == [
        Trouble(
            kind="driver.quarantined",
            subject="guest",
            present=True,
            detail="it raised RuntimeError",
            calls_unheard=word == "calls",
        )
    ]
    assert room.intake.health()["quarantined"] == ["guest"]
    broken[0] = False
    room.after_s += ASIDE_FIRST_S + 1
    await room.intake.take(frame(b"again", heard=room.now()))
    assert [(t.present, t.calls_unheard) for t in room.troubles[1:]] == [(False, False)]
    assert room.intake.health()["quarantined"] == []
    assert room.stored() == [("battery", 50)]


async def test_a_device_without_a_driver_takes_whichever_fits() -> None:
    """Its frames are looked up."""
    room = Room({"klima-01": {"address": ADDRESS}})
    await room.hear("400132")
    tag = bytes.fromhex("0512fc5394c37c0004fffc040cac364200cdcbb8334c884f")
    await room.intake.take(Advertisement(address=ADDRESS, manufacturer_data={0x0499: tag}, heard=room.now()))
    assert ("battery", 50) in room.stored()
    assert ("temperature", 24.3) in room.stored()


async def test_of_a_merged_frame_with_two_formats_the_one_that_changed_is_read() -> None:
    """A device that sends both formats of BTHome shows both at once."""
    room = Room({"klima-01": {"address": ADDRESS, "driver": "bthome"}})
    old = {"fcd2": bytes.fromhex("400132")}
    await room.hear("", service_data=old)
    await room.hear("", 1, service_data={**old, "181c": bytes.fromhex("020131")})
    await room.hear("", 1, service_data={"fcd2": bytes.fromhex("400130"), "181c": bytes.fromhex("020131")})
    assert room.stored() == [("battery", 50), ("battery", 49), ("battery", 48)]


async def test_a_frame_of_another_driver_is_nobodys() -> None:
    """A device is bound to its driver; only the battery of a connected one goes along."""
    room = Room({"hjerte-05": {"address": ADDRESS, "driver": "gatt-heart-rate"}})
    await room.hear("400132")
    await room.value("33", "180f", "2a19")
    await room.value("006e0100ff", "1809", "2a1c")
    assert room.stored() == [("battery", 51)]
    assert room.intake.health()["unclaimed"] == 2


def test_plans_for_devices_that_are_connected_to() -> None:
    """The driver's own table and the battery; none for what advertises; marked where calls hang on it."""
    room = Room(
        {
            "hjerte-05": {"address": ADDRESS, "driver": "gatt-heart-rate"},
            "termo-06": {"address": "A4:C1:38:10:20:31", "driver": "gatt-thermometer"},
            "kald-01": {"address": "A4:C1:38:10:20:32", "driver": "bthome"},
        }
    )
    plans = room.intake.gatt_plans()
    assert [(p.device, p.listen, p.read, p.brief, p.keep) for p in plans] == [
        ("hjerte-05", ("2a37",), (), False, False),
        ("hjerte-05", (), ("2a19",), False, False),
        ("termo-06", ("2a1c",), (), True, False),
        ("termo-06", (), ("2a19",), False, False),
    ]
    assert plans[1].poll_every == timedelta(hours=6)

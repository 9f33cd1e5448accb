"""What a callback brought, and what is forgotten when the air is full of strangers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bleak.backends.scanner import AdvertisementData
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.clock import NS, Instant
from gateway.radio.sightings import FORGOTTEN_AFTER_NS, KNOWN_MAX, Sightings, present_at

UUID = "0000fcd2-0000-1000-8000-00805f9b34fb"
VENDOR = "f000aa00-0451-4000-b000-000000000000"


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.mono_ns = 0

    def now(self) -> Instant:
        return Instant(self.mono_ns, self.mono_ns, "boot")


def callback(props: Mapping[str, Any]) -> AdvertisementData:
    """Make what bleak hands out for a device with these properties."""
    return AdvertisementData(
        local_name=props.get("Name"),
        manufacturer_data=props.get("ManufacturerData", {}),
        service_data=props.get("ServiceData", {}),
        service_uuids=props.get("UUIDs", []),
        tx_power=props.get("TxPower"),
        rssi=props.get("RSSI", -127),
        platform_data=("/org/bluez/hci0/dev", props),
    )


def test_both_kinds_of_data_and_long_uuids() -> None:
    """Each kind is told apart; UUIDs get their short form where they have one."""
    sightings = Sightings("hci0", Hand(), {})
    props: dict[str, Any] = {"RSSI": -60, "ServiceData": {UUID: b"a", VENDOR: b"b"}, "UUIDs": [UUID, VENDOR]}
    first = sightings.take("A", callback(props))
    assert first is not None
    assert first.service_data == {"fcd2": b"a", VENDOR: b"b"}
    assert first.service_uuids == ("fcd2", VENDOR)
    assert first.brought == {"service_data"}
    props = props | {"ManufacturerData": {0x0499: b"c"}}
    second = sightings.take("A", callback(props))
    assert second is not None
    assert second.brought == {"manufacturer_data"}
    assert second.manufacturer_data == {0x0499: b"c"}
    props = props | {"ManufacturerData": {0x0499: b"c"}, "ServiceData": {UUID: b"a"}, "UUIDs": [UUID]}
    third = sightings.take("A", callback(props))
    assert third is not None
    assert third.brought == {"service_data", "manufacturer_data"}
    assert third.service_data == {"fcd2": b"a"}
    assert third.service_uuids == ("fcd2",)
    del props["ServiceData"]
    fourth = sightings.take("A", callback(props))
    assert fourth is not None
    assert (fourth.service_data, fourth.brought) == ({}, frozenset())


def test_a_device_known_before_the_scanner_may_carry_old_data() -> None:
    """Its first callback tells nothing; of one that BlueZ has forgotten meanwhile it announces the device."""
    clock = Hand()
    devices: dict[str, dict[str, Any]] = {
        "/1": {"Address": "STRANGER", "Paired": False},
        "/2": {"Address": "BONDED", "Bonded": True},
        "/3": {},
    }
    present = present_at(devices)
    assert present == {"STRANGER": False, "BONDED": True}
    props = {"RSSI": -60, "ServiceData": {UUID: b"a"}}

    def brought(address: str, sightings: Sightings) -> frozenset[str] | None:
        frame = sightings.take(address, callback(dict(props)))
        assert frame is not None
        return frame.brought

    early = Sightings("hci0", clock, present)
    assert [brought(a, early) for a in ("STRANGER", "BONDED", "NEW")] == [None, None, {"service_data"}]
    late = Sightings("hci0", clock, present)
    clock.mono_ns += FORGOTTEN_AFTER_NS
    assert [brought(a, late) for a in ("STRANGER", "BONDED")] == [{"service_data"}, None]
    assert brought("NEW", Sightings("hci0", clock, None)) is None


def test_strangers_are_forgotten_and_residents_are_not() -> None:
    """The half that was silent longest goes; what stays is still told apart from what is new."""
    clock = Hand()
    sightings = Sightings("hci0", clock, {})
    own = {"RSSI": -60, "ServiceData": {UUID: b"a"}}
    for n in range(KNOWN_MAX * 2):
        clock.mono_ns += NS
        sightings.take(f"stranger {n}", callback({"RSSI": -90}))
        frame = sightings.take("OWN", callback(own))
        assert frame is not None
        assert frame.brought == ({"service_data"} if n == 0 else frozenset())
    assert len(sightings._known) <= KNOWN_MAX


def test_a_crowd_leaves_it_unknown_whether_a_device_is_new() -> None:
    """If even the longest silent was heard just now, BlueZ may still know it when it comes again."""
    sightings = Sightings("hci0", Hand(), {})
    for n in range(KNOWN_MAX + 1):
        sightings.take(str(n), callback({"RSSI": -90, "ServiceData": {}}))
    again = sightings.take("0", callback({"RSSI": -90, "ServiceData": {UUID: b"a"}}))
    assert again is not None
    assert again.brought is None


changes = st.dictionaries(
    st.sampled_from(["RSSI", "ServiceData", "ManufacturerData", "Connected", "UUIDs"]),
    st.integers(0, 3),
    max_size=3,
)


@given(st.lists(changes, max_size=30))
def test_new_bytes_are_always_brought(signals: list[dict[str, int]]) -> None:
    """Whatever the signals, bytes that differ from the last frame's are marked as of this packet."""
    sightings = Sightings("hci0", Hand(), {})
    props: dict[str, Any] = {"RSSI": -60}
    last = sightings.take("A", callback(props))
    assert last is not None
    make = {
        "RSSI": lambda n: -50 - n,
        "ServiceData": lambda n: {UUID: bytes([n])},
        "ManufacturerData": lambda n: {n: b"x"},
        "Connected": bool,
        "UUIDs": lambda n: [UUID] * n,
    }
    for signal in signals:
        props = props | {key: make[key](n) for key, n in signal.items()}
        frame = sightings.take("A", callback(props))
        if frame is None:
            assert set(signal) <= {"Connected", "RSSI", "UUIDs"}
            continue
        assert frame.brought is not None
        assert ("service_data" in frame.brought) == ("ServiceData" in signal)
        assert ("manufacturer_data" in frame.brought) == ("ManufacturerData" in signal)
        assert frame.service_data == last.service_data or "service_data" in frame.brought
        last = frame

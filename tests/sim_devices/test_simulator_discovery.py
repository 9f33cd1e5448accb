"""The rules of discovery apart from any bus: filters, merging, and what a load sends."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from dbus_fast import Variant
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.agenda import Agenda
from firmware_sim.air import Air, Packet
from firmware_sim.bluez.discovery import DiscoveryFilter, Heard, Reporting
from firmware_sim.bluez.names import BluezError
from firmware_sim.devices.base import Memory, Place
from firmware_sim.devices.climate import Climate
from firmware_sim.devices.load import Load, load_specs
from firmware_sim.mqtt import NoBroker

ADDRESS = "A4:C1:38:AA:00:01"


def packet(rssi: int = -60, data: bytes = b"\x40", **changes: object) -> Packet:
    """One advertisement."""
    given: dict[str, object] = {"service_data": {"fcd2": data}, **changes}
    return Packet(address=ADDRESS, rssi=rssi, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        ({}, True),
        ({"Transport": Variant("s", "le")}, True),
        ({"Transport": Variant("s", "bredr")}, False),
        ({"RSSI": Variant("n", -60)}, True),
        ({"RSSI": Variant("n", -59)}, False),
        ({"Pathloss": Variant("q", 64)}, True),
        ({"Pathloss": Variant("n", 63)}, False),
        ({"Pattern": Variant("s", "A4:C1")}, True),
        ({"Pattern": Variant("s", "Tag")}, True),
        ({"Pattern": Variant("s", "Other")}, False),
        ({"Pattern": Variant("s", "")}, True),
        ({"UUIDs": Variant("as", ["1809"])}, True),
        ({"UUIDs": Variant("as", ["fcd2"])}, False),
    ],
)
def test_a_filter(wanted: dict[str, Variant], takes: bool) -> None:
    """Each key as doc/adapter-api.txt of BlueZ 5.66 describes it."""
    heard = packet(name="Tag-1", tx_power=4, service_uuids=("1809",))
    assert DiscoveryFilter.parse(wanted).takes(heard) is takes


@pytest.mark.parametrize(
    "wanted",
    [
        {"RSSI": Variant("i", -60)},
        {"Surprise": Variant("b", True)},
        {"Transport": Variant("s", "air")},
        {"RSSI": Variant("n", -60), "Pathloss": Variant("q", 60)},
    ],
)
def test_a_filter_of_wrong_type_or_value_is_refused(wanted: dict[str, Variant]) -> None:
    """InvalidArguments, as bluetoothd answers."""
    with pytest.raises(BluezError, match="InvalidArguments"):
        DiscoveryFilter.parse(wanted)


PACKETS = st.lists(
    st.builds(packet, rssi=st.integers(-100, -30), data=st.binary(max_size=4)), min_size=1, max_size=12
)


@given(PACKETS, st.booleans())
def test_a_client_that_applies_every_change_knows_the_last_packet(
    packets: list[Packet], duplicates: bool
) -> None:
    """Whatever is left out of a signal is what the client knows already."""
    reporting = Reporting(duplicates=duplicates, rssi_delta_db=0)
    heard, known = Heard(), {}
    for each in packets:
        known.update(heard.take(each, reporting))
    assert known["RSSI"].value == packets[-1].rssi
    (data,) = known["ServiceData"].value.values()
    assert data.value == packets[-1].service_data["fcd2"]


@given(PACKETS)
def test_small_differences_of_strength_are_not_told_from_5_88_on(packets: list[Packet]) -> None:
    """Each told strength differs by 8 dB or more from the one told before it."""
    reporting = Reporting.of([DiscoveryFilter(transport="le", duplicate_data=True)], "5.88")
    heard = Heard()
    changes = [heard.take(each, reporting) for each in packets]
    told = [change["RSSI"].value for change in changes if "RSSI" in change]
    assert all(abs(a - b) >= 8 for a, b in pairwise(told))
    assert all("ServiceData" in change for change in changes)


def test_an_advertisement_too_long_for_the_air_is_refused() -> None:
    """31 octets in a legacy PDU; the name goes into the scan response."""
    assert packet(data=bytes(24), name="x" * 29).size_b() == 31
    with pytest.raises(ValueError, match="32 octets"):
        packet(data=bytes(25))


@pytest.mark.looptime
async def test_load_keeps_its_rate() -> None:
    """50 sensors at 10 frames a second are 5000 frames in ten seconds, evenly shared."""
    air, heard = Air(), []
    air.listen(heard.append)
    place = Place(air=air, agenda=Agenda(), publisher=NoBroker(), memory=Memory({}), seed=1)
    load = Load([Climate(spec, place) for spec in load_specs(50)], rate_hz=10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await load.run()
    shares = [sum(each.address == spec.address for each in heard) for spec in load_specs(50)]
    assert abs(len(heard) - 5000) <= 10
    assert max(shares) - min(shares) <= 1

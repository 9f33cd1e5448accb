"""The encoders against frames from the specifications, or computed by hand from them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.formats import battery, bthome, heart_rate, ruuvi, thermometer, zigbee2mqtt


def test_bthome_temperature_and_humidity_of_the_specification() -> None:
    """bthome.io, "Data format": 40 02 c4 09 03 bf 13 is 25.00 °C and 50.55 %."""
    objects = [bthome.HUMIDITY.encode(50.55), bthome.TEMPERATURE.encode(25.0)]
    assert bthome.plain(objects).hex() == "4002c40903bf13"  # ascending ids, whatever order was given


def test_bthome_encrypted_example_of_the_specification() -> None:
    """bthome.io, "Encryption": its address, key, counter and result."""
    data = bthome.encrypted(
        [bthome.TEMPERATURE.encode(25.06), bthome.HUMIDITY.encode(50.55)],
        key=bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932"),
        address="54:48:E6:8F:80:A5",
        counter=int.from_bytes(bytes.fromhex("00112233"), "little"),
    )
    assert data.hex() == "41a47266c95f730011223378237214"


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (bthome.PACKET_ID.encode(9), "0009"),
        (bthome.BATTERY.encode(97), "0161"),
        (bthome.TEMPERATURE.encode(-1.5), "026aff"),
        (bthome.PRESSURE.encode(1008.83), "04138a01"),
        (bthome.ILLUMINANCE.encode(13460.67), "05138a14"),
        (bthome.MASS_KG.encode(80.3), "065e1f"),
        (bthome.DEWPOINT.encode(17.38), "08ca06"),
        (bthome.ENERGY_U24.encode(1346.067), "0a138a14"),
        (bthome.VOLTAGE.encode(3.074), "0c020c"),
        (bthome.CO2.encode(1250), "12e204"),
        (bthome.ROTATION.encode(307.4), "3f020c"),
        (bthome.TEMPERATURE_TENTHS.encode(27.3), "451101"),
        (bthome.TEMPERATURE_S8_COARSE.encode(-7.7), "58ea"),
        (bthome.CURRENT_S16.encode(-6.008), "5d88e8"),
        (bthome.boolean(bthome.OPENING, True), "1101"),
        (bthome.boolean(bthome.OCCUPANCY, False), "2300"),
        (bthome.button(None) + bthome.button("press"), "3a003a01"),
        (bthome.button("hold_press"), "3a80"),
        (bthome.dimmer(3), "3c0203"),
        (bthome.dimmer(-2), "3c0102"),
        (bthome.text("Hi"), "53024869"),
        (bthome.raw(b"\x01\x02\x03"), "5403010203"),
    ],
)
def test_bthome_object(encoded: bytes, expected: str) -> None:
    """One object each, most of them the examples of the format's own table."""
    assert encoded.hex() == expected


def test_bthome_trigger_based_devices_say_so() -> None:
    """Bit 2 of the device information; bits 7 to 5 are the version."""
    assert bthome.plain([], trigger_based=True) == b"\x44"


@given(st.floats(-327.68, 327.67))
def test_bthome_temperature_is_off_by_half_a_step_at_most(celsius: float) -> None:
    """Rounded to the nearest hundredth, never cut."""
    encoded = bthome.TEMPERATURE.encode(celsius)
    assert abs(int.from_bytes(encoded[1:], "little", signed=True) / 100 - celsius) <= 0.005 + 1e-9


def test_bthome_value_that_does_not_fit_is_refused() -> None:
    """A temperature in two octets ends at 327.67."""
    with pytest.raises(ValueError, match="does not fit object 0x02"):
        bthome.TEMPERATURE.encode(400)


def test_ruuvi_valid_data_of_the_specification() -> None:
    """docs.ruuvi.com, "Data format 5": the test vector with valid data."""
    data = ruuvi.format_5(
        address="CB:B8:33:4C:88:4F",
        temperature_cel=24.3,
        humidity_percent=53.49,
        pressure_pa=100_044,
        acceleration_mg=(4, -4, 1036),
        voltage_mv=2977,
        tx_power_dbm=4,
        movements=66,
        sequence=205,
    )
    assert data.hex().upper() == "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"


def test_ruuvi_without_measurements() -> None:
    """docs.ruuvi.com, "Data format 5": the vector of invalid values, apart from its address."""
    expected = "058000FFFFFFFF800080008000FFFFFFFFFFCBB8334C884F"
    assert ruuvi.format_5(address="CB:B8:33:4C:88:4F").hex().upper() == expected


def test_heart_rate_with_contact_and_rr_intervals() -> None:
    """Flags 0x16: rate in one octet, contact supported and made, RR intervals; 0.75 s is 768/1024 s."""
    assert heart_rate.measurement(72, contact=True, rr_intervals_s=[0.75, 0.8125]).hex() == "164800034003"


def test_heart_rate_in_two_octets_with_energy() -> None:
    """Flags 0x09: rate in two octets, energy expended."""
    assert heart_rate.measurement(300, energy_kj=513).hex() == "092c010102"


def test_heart_rate_without_skin_contact() -> None:
    """Flags 0x04: contact is supported and not made."""
    assert heart_rate.measurement(0, contact=False).hex() == "0400"


def test_temperature_with_time_and_site() -> None:
    """36.4 °C is FLOAT 0xFF00016C (IEEE 11073-20601: 364 × 10⁻¹), little-endian."""
    data = thermometer.measurement(36.4, taken=datetime(2026, 11, 24, 14, 5, 9), site=thermometer.EAR)  # noqa: DTZ001
    assert data.hex() == "066c0100ffea070b180e050903"


def test_temperature_below_zero_and_none() -> None:
    """The mantissa is two's complement in 24 bits; "not a number" is 0x007FFFFF."""
    assert thermometer.measurement(-51.1, fahrenheit=True).hex() == "0101feffff"
    assert thermometer.measurement(None).hex() == "00ffff7f00"


def test_battery_level() -> None:
    """One octet of per cent; above 100 is reserved."""
    assert battery.level(87) == b"\x57"
    with pytest.raises(ValueError, match="101 %"):
        battery.level(101)


def test_zigbee_action_stands_beside_the_cached_state() -> None:
    """An action is momentary; the state comes with every message."""
    state = {**zigbee2mqtt.battery(100), "contact": True}
    assert zigbee2mqtt.message(state, action="single", linkquality=90) == (
        b'{"action":"single","battery":100,"voltage":3000,"battery_low":false,"contact":true,"linkquality":90}'
    )

"""What the simulator encodes comes back: one specification, read twice by different hands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.formats import battery, bthome, heart_rate, ruuvi, thermometer, zigbee2mqtt
from gateway.driver import Counter, Fact, Reading, Sequence
from gateway.driver import quantities as q
from gateway.intake.host import DriverHost
from gateway.model.frames import Advertisement, Frame, GattValue, Message
from support.vectors import host

ADDRESS = "A4:C1:38:10:20:30"
KEY = bytes(range(16))
many = settings(max_examples=80, deadline=None)


@pytest.fixture(scope="module")
def loaded() -> Iterator[DriverHost]:
    """The drivers, loaded once."""
    drivers = host()
    yield drivers
    drivers.close()


def decoded(loaded: DriverHost, frame: Frame, key: bytes | None = None) -> list[Fact]:
    """Decode one frame without a fault."""
    facts, fault, _ = loaded.decode(loaded.routes(frame)[0], frame, lambda _address: key)
    assert fault is None
    return facts


def advertised(data: bytes) -> Advertisement:
    """Put BTHome data on the air."""
    return Advertisement(address=ADDRESS, service_data={bthome.SERVICE_UUID: data})


def value(service: str, characteristic: str, data: bytes) -> GattValue:
    """Put a value on a characteristic."""
    return GattValue(address=ADDRESS, service=service, characteristic=characteristic, value=data)


NUMBERS = {name: entry for name, entry in vars(bthome).items() if isinstance(entry, bthome.Number)}


@pytest.mark.parametrize("name", sorted(set(NUMBERS) - {"PACKET_ID"}))
def test_every_bthome_number(loaded: DriverHost, name: str) -> None:
    """Both ends of its range, zero, and one step beside it, come back to the step."""
    entry = NUMBERS[name]
    bits = entry.size_b * 8
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if entry.signed else (0, (1 << bits) - 1)
    for steps in {low, low + 1, 0, 1, high - 1, high}:
        sent = float(steps * entry.step)
        (reading,) = decoded(loaded, advertised(bthome.plain([entry.encode(sent)])))
        assert isinstance(reading, Reading)
        assert reading.value == pytest.approx(sent, abs=float(entry.step) / 1000)


@pytest.mark.parametrize("word", [word for word in bthome.PRESSES if word])
def test_every_bthome_press_plain_and_encrypted(loaded: DriverHost, word: str) -> None:
    """With a packet id; under a counter; with the trigger bit, which the nonce holds."""
    objects = [bthome.PACKET_ID.encode(7), bthome.BATTERY.encode(90), bthome.button(word)]
    said = [Sequence(7), q.battery(90), q.button(word)]
    for trigger in (False, True):
        assert decoded(loaded, advertised(bthome.plain(objects, trigger_based=trigger))) == said
        sealed = bthome.encrypted(objects, key=KEY, address=ADDRESS, counter=99, trigger_based=trigger)
        assert decoded(loaded, advertised(sealed), KEY) == [Counter(99), *said]


@many
@given(
    st.floats(-60, 60).map(lambda t: round(t, 2)),
    st.floats(0, 100).map(lambda h: round(h, 2)),
    st.booleans(),
    st.text(max_size=8).filter(lambda text: "\0" not in text),
)
def test_bthome_objects_together(
    loaded: DriverHost, temperature: float, humidity: float, closed: bool, label: str
) -> None:
    """Numbers, booleans and text in one frame."""
    objects = [
        bthome.TEMPERATURE.encode(temperature),
        bthome.HUMIDITY.encode(humidity),
        bthome.boolean(bthome.DOOR, not closed),
        bthome.text(label),
    ]
    wanted = [q.temperature(temperature), q.humidity(humidity), q.door(not closed)]
    assert decoded(loaded, advertised(bthome.plain(objects))) == wanted + [q.text(label)] * bool(label)


@many
@given(
    st.none() | st.floats(-40, 85).map(lambda t: round(t / 0.005) * 0.005),
    st.none() | st.floats(0, 100).map(lambda h: round(h / 0.0025) * 0.0025),
    st.none() | st.integers(50_000, 110_000),
    st.tuples(*[st.none() | st.integers(-32_767, 32_767)] * 3),
    st.none() | st.integers(1600, 3646),
    st.none() | st.integers(-20, 10).map(lambda half: half * 2),
    st.none() | st.integers(0, 254),
)
def test_ruuvi_format_5(
    loaded: DriverHost,
    temperature: float | None,
    humidity: float | None,
    pressure: int | None,
    axes: Any,
    voltage: int | None,
    power: int | None,
    movements: int | None,
) -> None:
    """Each field alone or not at all: what is absent stays absent."""
    data = ruuvi.format_5(
        address=ADDRESS,
        temperature_cel=temperature,
        humidity_percent=humidity,
        pressure_pa=pressure,
        acceleration_mg=axes,
        voltage_mv=voltage,
        tx_power_dbm=power,
        movements=movements,
        sequence=5,
    )
    facts = decoded(loaded, Advertisement(address=ADDRESS, manufacturer_data={0x0499: data}))
    got = {(r.quantity, r.channel): r.value for r in facts if isinstance(r, Reading)}
    wanted = {
        ("temperature", None): temperature,
        ("humidity", None): humidity,
        ("pressure", None): None if pressure is None else pressure / 100,
        ("voltage", None): None if voltage is None else voltage / 1000,
        ("tx_power", None): power,
        ("count", None): movements,
        **{
            ("acceleration", n): None if axis is None else axis * 0.00980665 for n, axis in enumerate(axes, 1)
        },
    }
    assert facts[0] == Sequence(5, 1 << 16)
    assert got == {key: pytest.approx(each, abs=1e-9) for key, each in wanted.items() if each is not None}


@many
@given(
    st.integers(20, 300),
    st.sampled_from([None, True]),
    st.none() | st.integers(0, 65_535),
    st.lists(st.floats(0.2, 3.0), max_size=5),
)
def test_heart_rate(
    loaded: DriverHost, rate: int, contact: bool | None, energy: int | None, beats: list[float]
) -> None:
    """Wide and narrow, with and without energy and intervals."""
    data = heart_rate.measurement(rate, contact=contact, energy_kj=energy, rr_intervals_s=beats)
    facts = decoded(loaded, value(heart_rate.SERVICE, heart_rate.MEASUREMENT, data))
    assert facts[0] == q.heart_rate(rate)
    assert [f.value for f in facts[1:] if isinstance(f, Reading)] == [
        pytest.approx(beat * 1000, abs=0.49) for beat in beats
    ]


def test_heart_rate_without_contact(loaded: DriverHost) -> None:
    """Not worn: nothing."""
    data = heart_rate.measurement(71, contact=False, rr_intervals_s=[0.8])
    assert decoded(loaded, value(heart_rate.SERVICE, heart_rate.MEASUREMENT, data)) == []


@many
@given(
    st.none() | st.floats(20, 45).map(lambda t: round(t, 1)),
    st.none() | st.just(datetime(2026, 11, 24, 14)),  # noqa: DTZ001  (a thermometer's clock knows no zone)
    st.none() | st.integers(1, 9),
    st.integers(1, 3),
)
def test_thermometer(
    loaded: DriverHost, temperature: float | None, taken: datetime | None, site: int | None, decimals: int
) -> None:
    """Celsius and Fahrenheit, with and without time and site."""
    data = thermometer.measurement(temperature, taken=taken, site=site, decimals=decimals)
    wanted = [] if temperature is None else [q.body_temperature(temperature)]
    assert decoded(loaded, value(thermometer.SERVICE, thermometer.MEASUREMENT, data)) == wanted
    if temperature is not None:
        data = thermometer.measurement(round(temperature * 1.8 + 32, 2), fahrenheit=True, decimals=2)
        (reading,) = decoded(loaded, value(thermometer.SERVICE, thermometer.MEASUREMENT, data))
        assert isinstance(reading, Reading)
        assert reading.value == pytest.approx(temperature, abs=0.01)


def test_battery_level(loaded: DriverHost) -> None:
    """Every level."""
    for percent in range(101):
        data = battery.level(percent)
        assert decoded(loaded, value(battery.SERVICE, battery.LEVEL, data)) == [q.battery(percent)]


@pytest.mark.parametrize("word", zigbee2mqtt.ACTIONS)
def test_zigbee_actions(loaded: DriverHost, word: str) -> None:
    """A press beside the cached battery."""
    payload = zigbee2mqtt.message(zigbee2mqtt.battery(80), action=zigbee2mqtt.ACTIONS[word])
    facts = decoded(loaded, Message(topic="zigbee2mqtt/kald", payload=payload))
    assert set(facts) == {q.button(word), q.battery(80), q.voltage(2.9), q.battery_low(False)}
    payload = zigbee2mqtt.message({}, action=zigbee2mqtt.SOS)
    assert decoded(loaded, Message(topic="zigbee2mqtt/kald", payload=payload)) == [q.help_call("press")]

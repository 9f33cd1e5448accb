"""Any bytes at all: nothing but facts and decode errors comes out of a driver, and the host stays whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.driver import Reading, quantities
from gateway.intake.host import DriverHost
from gateway.intake.offline import OfflineDecoder
from gateway.model.frames import Advertisement, Frame, GattValue, Message
from support.vectors import answer, host, vectors

ADDRESS = "A4:C1:38:10:20:30"
KEY = bytes(16)
CODES = {"truncated", "malformed", "unsupported", "key_missing", "key_wrong"}
payloads = st.binary(max_size=64)
plausible = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def loaded() -> Iterator[DriverHost]:
    """The drivers, loaded once."""
    drivers = host()
    yield drivers
    drivers.close()


def service(uuid: str) -> st.SearchStrategy[Frame]:
    return payloads.map(lambda data: Advertisement(address=ADDRESS, service_data={uuid: data}))


def value(service_uuid: str, characteristic: str) -> st.SearchStrategy[Frame]:
    return payloads.map(
        lambda data: GattValue(
            address=ADDRESS, service=service_uuid, characteristic=characteristic, value=data
        )
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["single", "2_double", "emergency", "fall", "on_the_bed", "nan", "online"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
PROPERTIES = [
    "action", "sos", "fall_status", "fall_down_status", "status", "contact", "occupancy", "battery",
    "voltage", "pressure", "temperature", "last_seen", "linkquality", "gas",
]  # fmt: skip
messages: st.SearchStrategy[Frame] = st.builds(
    Message,
    topic=st.sampled_from(
        ["kald-1", "kald-1/availability", "kald-1/battery", "kald-1/action", "bridge/state", "a/b/set"]
    ).map("zigbee2mqtt/{}".format),
    payload=st.dictionaries(st.sampled_from(PROPERTIES), json_values, max_size=5).map(orjson.dumps)
    | json_values.map(orjson.dumps)
    | st.binary(max_size=40),
)
DRIVERS: dict[str, st.SearchStrategy[Frame]] = {
    "bthome": service("fcd2") | service("181c") | service("181e"),
    "bthome objects": st.binary(max_size=40).map(
        lambda data: Advertisement(address=ADDRESS, service_data={"fcd2": b"\x40" + data})
    ),
    "ruuvi": payloads.map(lambda data: Advertisement(address=ADDRESS, manufacturer_data={0x0499: data})),
    "ruuvi formats": st.builds(
        lambda form, data: Advertisement(address=ADDRESS, manufacturer_data={0x0499: bytes([form]) + data}),
        st.sampled_from([3, 5, 6, 0xE1]),
        st.binary(min_size=12, max_size=45),
    ),
    "gatt-heart-rate": value("180d", "2a37"),
    "gatt-thermometer": value("1809", "2a1c"),
    "gatt-battery": value("180f", "2a19"),
    "zigbee2mqtt": messages,
}


@pytest.mark.parametrize("name", DRIVERS)
def test_any_bytes_are_contained(loaded: DriverHost, name: str) -> None:
    """Whatever comes in, a driver yields readings of the vocabulary or raises a decode error."""
    assert {text.split()[0] for text in DRIVERS} == set(loaded.drivers)

    @plausible
    @given(DRIVERS[name], st.booleans())
    def check(frame: Frame, keyed: bool) -> None:
        route = loaded.routes(frame)[0]
        assert route.loaded.name == name.split(maxsplit=1)[0]
        facts, fault, _ = loaded.decode(route, frame, {ADDRESS: KEY}.get if keyed else {}.get)
        assert fault is None or fault.code in CODES, fault
        for fact in facts:
            if isinstance(fact, Reading):
                quantity = quantities.find(fact.quantity, fact.kind)
                assert quantity in route.loaded.driver.said
                assert quantity is not None
                assert quantity.in_own_unit(fact.value, fact.unit) is not None

    check()


@plausible
@given(st.binary(max_size=200) | json_values.map(orjson.dumps))
def test_any_line_gives_one_line(loaded: DriverHost, line: bytes) -> None:
    """Each line in gives exactly one line out, whatever it holds."""
    out = OfflineDecoder(loaded).line(line)
    document: dict[str, Any] = orjson.loads(out)
    assert b"\n" not in out
    assert set(document) == {"frame", "driver", "readings", "error"}


def test_bytes_flipped_in_vectors_are_contained(loaded: DriverHost) -> None:
    """Each byte of each BTHome and Ruuvi vector, set to four values: readings or a fault, no failure."""
    visited = 0
    for module in ("bthome", "ruuvi"):
        for vector in vectors(module):
            for part in ("service_data", "manufacturer_data"):
                for key, text in vector.frame.get(part, {}).items():
                    for at in range(0, len(text), 2):
                        for other in ("00", "7f", "80", "ff"):
                            frame = {**vector.frame, part: {key: text[:at] + other + text[at + 2 :]}}
                            given_line = answer(OfflineDecoder(loaded, vector.keys()), frame)
                            assert (given_line["error"] or {}).get("code") != "driver_failed", frame
                            visited += 1
    assert visited > 5000

"""Frames as JSON lines: what is written is read back, and whatever is wrong is named."""

from __future__ import annotations

import contextlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.clock import parse_iso
from gateway.model.frame_json import FrameMalformed, document_of, frame_of, load, parse_frame, time_of
from gateway.model.frames import Advertisement, Frame, GattValue, Message

short = st.integers(0, 0xFFFF).map(lambda n: f"{n:04x}")
uuids = st.one_of(short, st.uuids().map(str).filter(lambda u: not u.endswith("-0000-1000-8000-00805f9b34fb")))
addresses = st.binary(min_size=6, max_size=6).map(lambda b: ":".join(f"{o:02X}" for o in b))
advertisements = st.builds(
    Advertisement,
    address=addresses,
    rssi=st.none() | st.integers(-128, 127),
    name=st.none() | st.text(max_size=30).filter(lambda t: t.isprintable()),
    tx_power=st.none() | st.integers(-128, 127),
    service_uuids=st.lists(uuids, max_size=3).map(tuple),
    service_data=st.dictionaries(uuids, st.binary(max_size=30), max_size=3),
    manufacturer_data=st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=30), max_size=3),
    brought=st.none() | st.frozensets(st.sampled_from(["service_data", "manufacturer_data"])),
)
values = st.builds(
    GattValue, address=addresses, service=uuids, characteristic=uuids, value=st.binary(max_size=30)
)
messages = st.builds(
    Message,
    topic=st.text(min_size=1, max_size=30).filter(lambda t: t.isprintable()),
    payload=st.binary(max_size=60) | st.text(max_size=30).filter(lambda t: t.isprintable()).map(str.encode),
    retained=st.booleans(),
)


@given(st.one_of(advertisements, values, messages))
def test_what_is_written_is_read_back(frame: Frame) -> None:
    """Writing and reading give the same frame, through real JSON."""
    assert parse_frame(orjson.dumps(document_of(frame))) == frame


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
keys_of_frames = st.sampled_from(
    [
        "address",
        "rssi",
        "name",
        "service_data",
        "manufacturer_data",
        "value",
        "topic",
        "payload",
        "payload_hex",
        "service",
        "characteristic",
        "service_uuids",
        "brought",
        "time",
    ]
)
kinds = st.sampled_from(["advertisement", "gatt", "mqtt", "other", None])


@given(json_values, kinds, st.dictionaries(keys_of_frames, json_values))
def test_anything_at_all_is_a_frame_or_malformed(
    junk: object, kind: str | None, keys: dict[str, object]
) -> None:
    """No input raises anything but FrameMalformed."""
    for line in (orjson.dumps(junk), orjson.dumps({"kind": kind, **keys})):
        with contextlib.suppress(FrameMalformed):
            assert parse_frame(line)


def test_long_and_short_ids_are_one() -> None:
    """UUIDs may be long or short, company ids hex or decimal."""
    frame = frame_of(
        {
            "kind": "advertisement",
            "address": "a4:c1:38:00:00:01",
            "service_data": {"0000FCD2-0000-1000-8000-00805F9B34FB": "4002c409"},
            "manufacturer_data": {"1177": "05", "0x004C": "10"},
            "unknown": 1,
        }
    )
    assert isinstance(frame, Advertisement)
    assert frame.address == "A4:C1:38:00:00:01"
    assert frame.service_data == {"fcd2": bytes.fromhex("4002c409")}
    assert frame.manufacturer_data == {0x0499: b"\x05", 0x004C: b"\x10"}


GATT = {"kind": "gatt", "address": "A", "service": "1809", "characteristic": "2a1c"}
GATT_EMPTY = GattValue(address="A", service="1809", characteristic="2a1c", value=b"")
ADVERTISEMENT = {"kind": "advertisement", "address": "A"}


@pytest.mark.parametrize(
    ("document", "key", "readable"),
    [
        (GATT | {"value": "00 6e0100f"}, "value", GATT_EMPTY),
        (GATT | {"value": "00 00 "}, "value", GATT_EMPTY),
        (
            ADVERTISEMENT | {"service_data": {"fcd2": "40zz64"}},
            "service_data.fcd2",
            Advertisement(address="A", service_data={"fcd2": b""}),
        ),
        (
            ADVERTISEMENT | {"manufacturer_data": {"0x10000": "05"}},
            "manufacturer_data.0x10000",
            Advertisement(address="A", manufacturer_data={}),
        ),
    ],
)
def test_what_could_be_read_comes_with_the_error(
    document: dict[str, object], key: str, readable: Frame
) -> None:
    """Bytes that are no hex are named, and the rest of the frame is there to say whose it was."""
    with pytest.raises(FrameMalformed) as caught:
        frame_of(document)
    assert caught.value.key == key
    assert caught.value.frame == readable


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"{", "line"),
        (b"[1]", "line"),
        (b"{}", "kind"),
        (b'{"kind": "radio"}', "kind"),
        (b'{"kind": "advertisement"}', "address"),
        (b'{"kind": "mqtt", "topic": "a"}', "payload"),
        (b'{"kind": "advertisement", "address": "A", "rssi": 4000}', "rssi"),
        (b'{"kind": "advertisement", "address": "A", "service_uuids": "fcd2"}', "service_uuids"),
    ],
)
def test_a_wrong_line_names_its_key(line: bytes, key: str) -> None:
    """Which key is wrong is a field of the error."""
    with pytest.raises(FrameMalformed) as caught:
        parse_frame(line)
    assert caught.value.key == key


def test_the_time_of_a_line() -> None:
    """A line may say when it was heard; a time without zone is refused."""
    assert time_of({}) is None
    assert time_of({"time": "2026-11-24T14:00:00.000Z"}) == parse_iso("2026-11-24T14:00:00Z")
    for wrong in ("2026-11-24T14:00:00", 5, "yesterday"):
        with pytest.raises(FrameMalformed):
            time_of({"time": wrong})
    assert load(b'{"a": 1}') == {"a": 1}

"""The driver API: tables of fields, readers, words, special numbers, and the vocabulary itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.driver import (
    Advertisement,
    AdvertisementDriver,
    Fields,
    KeyMissing,
    KeyWrong,
    Malformed,
    Match,
    Reader,
    Sequence,
    Truncated,
    Unsupported,
    code,
    decrypt_ccm,
    flags,
    float32,
    i16,
    known,
    numbered,
    sequence,
    sfloat,
    sfloat_field,
    skip,
    u8,
    u16,
)
from gateway.driver import quantities as q
from gateway.model import frames
from gateway.model.alert import Concern
from gateway.model.quantities import ALL, by_key, find, named
from gateway.model.readings import Kind

BED = AdvertisementDriver(
    name="dorsen-bed",
    version="1.0.0",
    models=("Dorsen BD-2",),
    match=Match.company(0xFFFF, starts=b"\xbd\x02"),
    heard_every=timedelta(seconds=60),
    decode=Fields(
        sequence(),
        flags(q.bed_occupancy, None, q.tamper),
        i16(q.temperature, per=100, missing=-0x8000),
        u8(q.battery, missing=0xFF),
    ),
)


def shown(payload: bytes, key: bytes | None = None) -> Advertisement:
    """Make what a driver sees of an advertisement."""
    frame = frames.Advertisement(address="D0:4E:00:00:00:01")
    return Advertisement(frame, payload, BED.matches[0], lambda _address: key)


def test_a_table_of_fields_is_a_whole_decoder() -> None:
    """Units, scale, flags and sequence come out of the table; what is missing says nothing."""
    facts = list(BED.decode(shown(bytes.fromhex("0701c4093f"))))
    assert facts == [
        Sequence(7),
        q.bed_occupancy(True),
        q.tamper(False),
        q.temperature(25.0),
        q.battery(63),
    ]
    assert list(BED.decode(shown(bytes.fromhex("07050080ff")))) == [
        Sequence(7),
        q.bed_occupancy(True),
        q.tamper(True),
    ]
    assert BED.said == (q.bed_occupancy, q.tamper, q.temperature, q.battery)


@given(st.integers(0, 4))
def test_a_table_believes_nothing_of_a_cut_frame(length: int) -> None:
    """The length is checked first."""
    with pytest.raises(Truncated) as cut:
        list(BED.decode(shown(bytes.fromhex("0701c4093f")[:length])))
    assert (cut.value.offset, cut.value.wanted) == (length, 5 - length)


def test_fields_of_every_kind() -> None:
    """Big-endian numbers, words, special floats and bytes that nobody needs."""
    decode = Fields(
        skip(1),
        code(q.button, {0: None, 1: "press"}, channel=2),
        sfloat_field(q.spo2),
        u16(q.pressure, plus=50_000, per=100),
        order="big",
    )
    frame = shown(b"\xaa\x01\x00\x61\xc8\x7d")
    assert list(decode(frame)) == [q.button("press", channel=2), q.spo2(97.0), q.pressure(1013.25)]
    assert list(decode(shown(b"\xaa\x00\x07\xff\xc8\x7d"))) == [q.pressure(1013.25)]
    with pytest.raises(Unsupported, match=r"button code 0x09; known: 0x00, 0x01"):
        list(decode(shown(b"\xaa\x09\x00\x61\xc8\x7d")))


def test_the_reader_names_where_a_frame_ends() -> None:
    """Each read moves on; one too many says where, how much was wanted, and what was left."""
    reader = Reader(bytes.fromhex("ff fe ff 010203 feffff 04030201 fcffffff 72 00 6e0100ff 99"))
    assert (reader.i8(), reader.i16()) == (-1, -2)
    assert (reader.u24(), reader.i24()) == (0x030201, -2)
    assert (reader.u32(), reader.i32()) == (0x01020304, -4)
    assert (reader.sfloat(), reader.float32()) == (114.0, 36.6)
    assert (reader.left, reader.offset) == (1, 23)
    with pytest.raises(Truncated, match=r"at byte 23: 2 more expected, 1 there"):
        reader.u16()
    assert reader.rest() == b"\x99"
    assert Reader(b"\x01\x02", "big").u16() == 0x0102


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (0xF014, 2.0),
        (0x0072, 114.0),
        (0xF16C, 36.4),
        (0xFE01, -51.1),
        (0x0201, 513.0),
        (0x1001, 10.0),
        (0x07FF, None),
        (0x0800, None),
        (0x07FE, None),
        (0x0802, None),
        (0x0801, None),
        (0xF7FF, None),
    ],
)
def test_sfloat(raw: int, value: float | None) -> None:
    """Exponent and mantissa are two's complement; the special values are no numbers."""
    assert sfloat(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [(0xFF00016C, 36.4), (0x00000026, 38.0), (0xFE000E8C, 37.24), (0x02FFFFFF, -100.0)]
    + [(raw, None) for raw in (0x7FFFFF, 0x800000, 0x7FFFFE, 0x800002, 0x800001)],
)
def test_float32(raw: int, value: float | None) -> None:
    """The longer form, alike."""
    assert float32(raw) == value


def test_keys_are_asked_for_and_never_shown() -> None:
    """A key that is missing or too short is a fault of its own; no repr holds one."""
    key = bytes(range(16))
    assert shown(b"", key).key(16) == key
    with pytest.raises(KeyMissing):
        shown(b"").key(16)
    with pytest.raises(KeyWrong, match="12 bytes"):
        shown(b"", key[:12]).key(16)
    assert key.hex() not in repr(shown(b"\x01", key))
    with pytest.raises(KeyWrong):
        decrypt_ccm(key, bytes(13), bytes(8))
    with pytest.raises(Truncated):
        decrypt_ccm(key, bytes(13), b"\x01\x02")


def test_words_and_addresses() -> None:
    """An unknown code names what would have been known; an address that is none is malformed."""
    assert known({1: "press"}, 1) == "press"
    assert shown(b"").address_bytes == bytes.fromhex("d04e00000001")
    other = Advertisement(frames.Advertisement(address="kontor"), b"", BED.matches[0])
    with pytest.raises(Malformed):
        _ = other.address_bytes


def test_numbering_keeps_the_place_of_what_is_at_rest() -> None:
    """Equal quantities are numbered; one alone is not; a button at rest keeps its number."""
    assert numbered([(q.button, None, None), (q.button, "press", None)]) == [q.button("press", channel=2)]
    assert numbered([(q.battery, 90, None), (q.button, "press", None)]) == [q.battery(90), q.button("press")]
    assert numbered([(q.power, 5.0, None), (q.power_state, True, None)]) == [
        q.power(5.0),
        q.power_state(True),
    ]


def test_the_vocabulary_is_whole() -> None:
    """Each quantity has its words, a unit if it is measured, and a key that is unique and fits a topic."""
    assert len(ALL) > 100
    keys = [quantity.key for quantity in ALL.values()]
    assert len(set(keys)) == len(keys)
    for (name, kind), quantity in ALL.items():
        assert (name, kind) == (quantity.name, quantity.kind)
        assert find(name, kind) is quantity is by_key(quantity.key)
        assert quantity.da
        assert quantity.en
        assert (quantity.unit is not None) == (kind is Kind.MEASUREMENT)
        assert quantity.low < quantity.high
    assert [quantity.key for quantity in named("power")] == ["power", "power-state"]
    assert {q.help_call.concern, q.button.concern} == {Concern.SELF}
    assert q.heart_rate.concern.personal
    assert q.bed_occupancy.concern.personal
    assert find("power", Kind.EVENT) is None


def test_units_are_converted_and_values_judged() -> None:
    """Another unit that a format sends becomes the quantity's own; what cannot be does not fit."""
    assert q.mass.in_own_unit(100, "[lb_av]") == pytest.approx(45.359237)
    assert q.distance.in_own_unit(650, "mm") == 0.65
    assert q.volume.in_own_unit(330, "mL") == 0.33
    assert q.body_temperature.in_own_unit(98.6, "[degF]") == pytest.approx(37.0)
    assert q.mass.in_own_unit(1, "g") is None
    assert q.battery.fits(100, "%")
    assert not q.battery.fits(101, "%")
    assert not q.battery.fits(True, "%")
    assert not q.battery.fits("100", "%")
    assert not q.battery.fits(float("nan"), "%")
    assert q.motion.fits(True, None)
    assert not q.motion.fits(1, None)
    assert not q.motion.fits(True, "1")
    assert q.measurement_quality.fits("ok", None)
    assert not q.measurement_quality.fits("good", None)
    assert not q.button.fits("pressed", None)
    assert q.text.fits("anything", None)
    assert not q.text.fits(5, None)

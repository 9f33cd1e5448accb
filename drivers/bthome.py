"""BTHome, the open format of many sensors and buttons (Shelly BLU, pvvx firmware and others): v2 and v1.

Source: the BTHome format description v2 and v1, bthome.io. A frame is a list of objects, each an id and a
value; in v2 an id fixes the length of its value, so an unknown one ends the frame, in v1 every object says
its own. Encrypted frames carry a counter that must rise; plain ones may carry a packet id, equal in the
repeats of one transmission.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from drivers._bthome_objects import OBJECTS, PACKET_ID, RAW, TEXT, Number, Said, Skipped
from gateway.driver import (
    Advertisement,
    AdvertisementDriver,
    Counter,
    DecodeError,
    Fact,
    KeyWrong,
    Malformed,
    Match,
    Reader,
    Truncated,
    Unsupported,
    address_bytes,
    address_text,
    decrypt_ccm,
)
from gateway.driver import quantities as q

ENCRYPTED, HAS_ADDRESS = 0x01, 0x02  # of the device information byte; its bits 7 to 5 are the version
TAIL = 8  # counter and tag, four bytes each, behind the ciphertext
V1_PLAIN, V1_ENCRYPTED = "181c", "181e"
SIGNED_V1, FLOAT_V1, TEXT_V1, ADDRESS_V1 = 1, 2, 3, 4  # the number formats of a v1 control byte
FLOATS = {2: "<e", 4: "<f", 8: "<d"}
INTEGER_MAX = 8  # bytes


def decode(frame: Advertisement) -> Iterator[Fact]:
    """Yield what one frame says: a counter if it is encrypted, then its objects."""
    if frame.match.what == V1_ENCRYPTED:
        return decode_v1_encrypted(frame)
    return decode_v1(frame) if frame.match.what == V1_PLAIN else decode_v2(frame)


def decode_v2(frame: Advertisement) -> Iterator[Fact]:
    data = frame.payload
    if not data:
        raise Truncated(0, 1, 0)
    info = data[0]
    if info >> 5 != 2:
        raise Unsupported(f"BTHome version {info >> 5}; known: 2")
    at, address = 1, frame.address
    if info & HAS_ADDRESS:
        if len(data) < 7:
            raise Truncated(1, 6, len(data) - 1)
        at, address = 7, address_text(data[6:0:-1])
    if info & ENCRYPTED:
        if len(data) < at + 1 + TAIL:
            raise Truncated(at, 1 + TAIL, len(data) - at)
        key, counter = frame.key(16, address), data[-8:-4]
        # the information byte goes into the nonce as it was received: a changed one does not open
        nonce = address_bytes(address) + b"\xd2\xfc" + data[:1] + counter
        data = decrypt_ccm(key, nonce, data[at:-8] + data[-4:])
        yield Counter(int.from_bytes(counter, "little"))
        at = 0
    else:
        refuse_in_clear(frame, address)
    yield from objects_v2(data, at).facts()


def objects_v2(data: bytes, at: int) -> Said:
    """Walk over objects whose id fixes their length."""
    said = Said()
    end, size = at, len(data)
    while end < size:
        object_id = data[end]
        at = end + 1
        known_object = OBJECTS.get(object_id)
        if known_object is not None:
            width = known_object.width
        elif object_id in (TEXT, RAW):
            width = data[at] if at < size else 1
            at += 1
        else:
            said.mark(Unsupported(f"object {object_id:#04x} at byte {end}"))
            break
        end = at + width
        if end > size:
            said.mark(Truncated(at, width, max(size - at, 0)))
            break
        if known_object is None:
            said.text(object_id, data[at:end])
        elif isinstance(known_object, Skipped):
            if object_id == PACKET_ID:
                said.packet_id = data[at]
        else:
            said.add(known_object, int.from_bytes(data[at:end], "little", signed=known_object.signed))
    return said


def decode_v1_encrypted(frame: Advertisement) -> Iterator[Fact]:
    data = frame.payload
    if len(data) < 1 + TAIL:
        raise Truncated(0, 1 + TAIL, len(data))
    key, counter = frame.key(16), data[-8:-4]
    nonce = frame.address_bytes + b"\x1e\x18" + counter
    clear = decrypt_ccm(key, nonce, data[:-8] + data[-4:], associated=b"\x11")
    yield Counter(int.from_bytes(counter, "little"))
    yield from objects_v1(clear).facts()


def decode_v1(frame: Advertisement) -> Iterator[Fact]:
    if not frame.payload:
        raise Truncated(0, 1, 0)
    refuse_in_clear(frame, frame.address)
    yield from objects_v1(frame.payload).facts()


def refuse_in_clear(frame: Advertisement, address: str) -> None:
    """Refuse a plain frame of a device whose key is known: anybody could have sent it."""
    if frame.has_key(address) or (address != frame.address and frame.has_key()):
        raise KeyWrong("sent in clear, though a key is recorded for this device")


def objects_v1(data: bytes) -> Said:
    """Walk over objects that say their own length and number format in a control byte."""
    said = Said()
    reader = Reader(data)
    try:
        while reader.left:
            control = reader.u8()
            length, form = control & 0x1F, control >> 5
            if length == 0:
                raise Malformed(f"an object of no length at byte {reader.offset - 1}")
            body = reader.take(length)
            if form != ADDRESS_V1:
                object_v1(said, body[0], body[1:], form)
    except DecodeError as fault:
        said.mark(fault)
    return said


def object_v1(said: Said, object_id: int, value: bytes, form: int) -> None:
    """Add one object of a v1 frame; its factor is that of the same id in v2, sign and length are its own."""
    known_object = OBJECTS.get(object_id)
    if object_id in (TEXT, RAW) or form == TEXT_V1:
        said.text(RAW if object_id == RAW else TEXT, value)
    elif known_object is None:
        said.mark(Unsupported(f"object {object_id:#04x}"))
    elif not value:
        said.mark(Malformed(f"object {object_id:#04x} without a value"))
    elif isinstance(known_object, Skipped):
        if object_id == PACKET_ID:
            said.packet_id = value[0]
    elif form != FLOAT_V1 and len(value) <= INTEGER_MAX:
        said.add(known_object, int.from_bytes(value, "little", signed=form == SIGNED_V1))
    elif form != FLOAT_V1 or len(value) not in FLOATS or not isinstance(known_object, Number):
        said.mark(Malformed(f"object {object_id:#04x} as a number of {len(value)} bytes in format {form}"))
    else:
        (number,) = struct.unpack(FLOATS[len(value)], value)
        if number - number == 0:  # neither NaN nor infinite: those say that there is no value
            scaled = number if known_object.per == 1 else number * known_object.times / known_object.per
            said.readings.append((known_object.quantity, scaled, known_object.unit))


driver = AdvertisementDriver(
    name="bthome",
    version="1.0.0",
    models=("BTHome v2", "BTHome v1", "Shelly BLU", "pvvx ATC_MiThermometer"),
    match=(Match.service_data("fcd2"), Match.service_data(V1_PLAIN), Match.service_data(V1_ENCRYPTED)),
    heard_every=None,  # from a button that speaks when pressed to a sensor that never stops: the product's
    decode=decode,
    reports=tuple(
        dict.fromkeys([*(o.quantity for o in OBJECTS.values() if not isinstance(o, Skipped)), q.text, q.raw])
    ),
)

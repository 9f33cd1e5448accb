"""Reading btsnoop captures: the packets between a host and its Bluetooth controller, as Wireshark opens them.

A file is `btsnoop\\0`, version 1 and a datalink (1001 HCI without type byte, 1002 H4, 2001 Linux monitor),
then records: original and included length, flags, drops, microseconds since 0 AD, and the packet; all numbers
of the file big-endian. Only advertising reports become frames; connections are not followed.
Sources: RFC 1761 (its ancestor), btmon(1), Bluetooth Core 5.4 volume 4 part E 7.7.65.2 and 7.7.65.13, and its
supplement on AD structures.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gateway.model.bytes import Reader
from gateway.model.decoding import Truncated
from gateway.model.frames import Advertisement, short_uuid

MAGIC = b"btsnoop\0"
HCI, H4, MONITOR = 1001, 1002, 2001
HEADER = struct.Struct(">8sII")
RECORD = struct.Struct(">IIIIq")
UNIX_EPOCH_US = 0x00DCDDB30F2F8000
PACKET_MAX = 1 << 16  # bytes; a longer record is none
RECEIVED, IS_EVENT = 1, 2  # flags of datalinks 1001 and 1002
H4_EVENT, MONITOR_EVENT = 0x04, 3
LE_META, LEGACY_REPORT, EXTENDED_REPORT = 0x3E, 0x02, 0x0D
MORE_TO_COME, CUT = 1, 2  # data status of an extended report
DATA_MAX = 1650  # bytes of one advertisement, chained
PENDING_MAX = 64  # senders whose chained data is not complete yet
RSSI_UNKNOWN = 127


class BtsnoopBroken(ValueError):
    """A file that is no btsnoop capture, or stops being one; says at which byte."""


class BtsnoopReader:
    """Takes a capture in pieces, as they are read, and gives the advertisements in it."""

    def __init__(self) -> None:
        """Begin at the file's header."""
        self._rest = b""
        self._datalink: int | None = None
        self._offset = 0
        self._pending: dict[str, bytes] = {}

    def feed(self, data: bytes) -> Iterator[tuple[int, Advertisement]]:
        """Give what is complete: Unix time in ns, and the frame. Raises BtsnoopBroken for what is none."""
        self._rest += data
        at = 0
        try:
            if self._datalink is None:
                if len(self._rest) < HEADER.size:
                    return
                magic, version, self._datalink = HEADER.unpack_from(self._rest)
                if magic != MAGIC or version != 1 or self._datalink not in (HCI, H4, MONITOR):
                    raise BtsnoopBroken(
                        f"version {version}, datalink {self._datalink}; known: 1001, 1002, 2001"
                    )
                at = HEADER.size
            while len(self._rest) >= at + RECORD.size:
                _, length, flags, _, time_us = RECORD.unpack_from(self._rest, at)
                if length > PACKET_MAX:
                    raise BtsnoopBroken(f"a packet of {length} bytes at byte {self._offset + at}")
                begins, ends = at + RECORD.size, at + RECORD.size + length
                if len(self._rest) < ends:
                    return
                at = ends
                for frame in self._frames(self._rest[begins:ends], flags):
                    yield (time_us - UNIX_EPOCH_US) * 1000, frame
        finally:
            self._rest = self._rest[at:]
            self._offset += at

    def end(self) -> None:
        """Say that nothing follows. Raises BtsnoopBroken where a record was begun."""
        if self._rest:
            raise BtsnoopBroken(f"the last packet is cut, at byte {self._offset}")

    def _frames(self, packet: bytes, flags: int) -> Iterator[Advertisement]:
        if self._datalink == H4:
            if packet[:1] != bytes([H4_EVENT]):
                return
            packet = packet[1:]
        elif self._datalink == MONITOR:
            if flags & 0xFFFF != MONITOR_EVENT:
                return
        elif flags & (RECEIVED | IS_EVENT) != RECEIVED | IS_EVENT:
            return
        try:
            yield from self._reports(Reader(packet))
        except Truncated:
            return  # a report that the capture cut short: what was whole has been given

    def _reports(self, event: Reader) -> Iterator[Advertisement]:
        if event.u8() != LE_META:
            return
        event.u8()  # the length, which the record knows too
        kind, count = event.u8(), event.u8()
        for _ in range(count):
            if kind == LEGACY_REPORT:
                event.u16()  # event type, address type
                address = address_of(event.take(6))
                data = event.take(event.u8())
                yield advertisement(address, data, event.i8())
            elif kind == EXTENDED_REPORT:
                status = event.u16() >> 5 & 3
                event.u8()
                address = address_of(event.take(6))
                event.take(4)  # PHYs, set, transmit power
                rssi = event.i8()
                event.take(9)  # interval, whom it is directed to
                data = event.take(event.u8())
                whole = self._chained(address, data, status)
                if whole is not None:
                    yield advertisement(address, whole, rssi)
            else:
                return

    def _chained(self, address: str, data: bytes, status: int) -> bytes | None:
        """Join the pieces of a long advertisement; None until the last one is there."""
        whole = (self._pending.pop(address, b"") + data)[:DATA_MAX]
        if status != MORE_TO_COME:
            return whole
        if len(self._pending) >= PENDING_MAX:
            del self._pending[next(iter(self._pending))]
        self._pending[address] = whole
        return None


def address_of(raw: bytes) -> str:
    """Write an address, which lies in a packet with its last byte first."""
    return raw[::-1].hex(":").upper()


def advertisement(address: str, data: bytes, rssi: int) -> Advertisement:
    """Make a frame of AD structures: length, type, value. What is cut at the end is left out."""
    name: str | None = None
    tx_power: int | None = None
    uuids: list[str] = []
    services: dict[str, bytes] = {}
    makers: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at]:
        end = at + 1 + data[at]
        kind, value = data[at + 1 : at + 2], data[at + 2 : end]
        if end > len(data):
            break
        at = end
        match kind[0]:
            case 0x02 | 0x03:
                uuids += [uuid_of(value[n : n + 2]) for n in range(0, len(value) - 1, 2)]
            case 0x04 | 0x05:
                uuids += [uuid_of(value[n : n + 4]) for n in range(0, len(value) - 3, 4)]
            case 0x06 | 0x07:
                uuids += [uuid_of(value[n : n + 16]) for n in range(0, len(value) - 15, 16)]
            case 0x08 | 0x09:
                name = value.decode(errors="replace")
            case 0x0A if len(value) == 1:
                tx_power = int.from_bytes(value, "little", signed=True)
            case 0x16 | 0x20 | 0x21 as form if len(value) >= UUID_LENGTHS[form]:
                length = UUID_LENGTHS[form]
                services[uuid_of(value[:length])] = value[length:]
            case 0xFF if len(value) >= 2:
                makers[int.from_bytes(value[:2], "little")] = value[2:]
    return Advertisement(
        address=address,
        rssi=None if rssi == RSSI_UNKNOWN else rssi,
        name=name,
        tx_power=tx_power,
        service_uuids=tuple(uuids),
        service_data=services,
        manufacturer_data=makers,
        brought=frozenset({"service_data", "manufacturer_data"}),
    )


UUID_LENGTHS = {0x16: 2, 0x20: 4, 0x21: 16}


def uuid_of(raw: bytes) -> str:
    """Write a UUID, which lies in a packet with its last byte first; short where it has a short form."""
    digits = raw[::-1].hex()
    if len(digits) < 32:
        return digits
    return short_uuid(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")

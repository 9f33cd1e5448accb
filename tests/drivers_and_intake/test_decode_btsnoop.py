"""btsnoop captures: the three kinds, both sorts of report, and files that are cut or none."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.btsnoop import BtsnoopBroken, BtsnoopReader, advertisement

ADDRESS = "A4:C1:38:10:20:30"
RAW = bytes.fromhex("302010" + "38c1a4")
UNIX_US = 1_795_528_800_000_000
BTHOME = bytes.fromhex("0201060b16d2fc4000010132021027")  # flags, then service data of 9 bytes
NAMED = b"\x04\x09BT1\x02\x0a\xfc\x05\xff\x99\x04\x01\x02"


def legacy(*reports: tuple[bytes, int]) -> bytes:
    """Make a legacy advertising report event."""
    body = b"".join(
        b"\x00\x00" + RAW + bytes([len(data)]) + data + struct.pack("b", rssi) for data, rssi in reports
    )
    return bytes([0x3E, 2 + len(body), 0x02, len(reports)]) + body


def extended(data: bytes, rssi: int = -70, status: int = 0) -> bytes:
    """Make an extended advertising report event."""
    body = struct.pack(
        "<HB6sBBBbbHB6sB", 0x13 | status << 5, 0, RAW, 1, 0, 0xFF, 127, rssi, 0, 0, b"", len(data)
    )
    return bytes([0x3E, 2 + len(body) + len(data), 0x0D, 1]) + body + data


def capture(datalink: int, *packets: bytes, flags: int | None = None) -> bytes:
    """Make a file of event packets."""
    out = b"btsnoop\0" + struct.pack(">II", 1, datalink)
    for packet in packets:
        data = b"\x04" + packet if datalink == 1002 else packet
        mark = (3 if datalink != 2001 else 1 << 16 | 3) if flags is None else flags
        out += struct.pack(">IIIIq", len(data), len(data), mark, 0, UNIX_US + 0x00DCDDB30F2F8000) + data
    return out


@pytest.mark.parametrize("datalink", [1001, 1002, 2001])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_each_kind_of_capture_is_read_in_pieces_of_any_size(datalink: int, size: int) -> None:
    """Address, signal, service data and time come out; other packets are passed over."""
    other = bytes([0x0E, 4, 1, 0, 0, 0])  # a command that is complete
    data = capture(datalink, legacy((BTHOME, -61)), other, extended(BTHOME))
    reader = BtsnoopReader()
    frames = [each for at in range(0, len(data), size) for each in reader.feed(data[at : at + size])]
    reader.end()
    assert [(time_ns, frame.address, frame.rssi) for time_ns, frame in frames] == [
        (UNIX_US * 1000, ADDRESS, -61),
        (UNIX_US * 1000, ADDRESS, -70),
    ]
    assert all(frame.service_data == {"fcd2": BTHOME[7:]} for _, frame in frames)


def test_several_reports_and_pieces_of_a_long_one() -> None:
    """One event may hold two reports; a long advertisement comes in pieces, of which one frame is made."""
    data = capture(
        1002, legacy((BTHOME, -61), (NAMED, 127)), extended(BTHOME[:5], status=1), extended(BTHOME[5:])
    )
    frames = [frame for _, frame in BtsnoopReader().feed(data)]
    assert [frame.rssi for frame in frames] == [-61, None, -70]
    assert (frames[1].name, frames[1].tx_power, frames[1].manufacturer_data) == ("BT1", -4, {0x0499: b"\1\2"})
    assert frames[2].service_data == {"fcd2": BTHOME[7:]}


def test_structures_of_every_sort() -> None:
    """UUIDs of 16, 32 and 128 bits, alone and with data; what is cut at the end is left out."""
    long = bytes(range(16))
    frame = advertisement(
        ADDRESS,
        b"\x05\x03\x0d\x18\x0f\x18" + b"\x05\x05\x78\x56\x34\x12" + b"\x11\x07" + long
        + b"\x07\x20\x78\x56\x34\x12\xaa\xbb" + b"\x12\x21" + long + b"\xcc" + b"\x09\x16\x0a",
        -50,
    )  # fmt: skip
    uuid = "0f0e0d0c-0b0a-0908-0706-050403020100"
    assert frame.service_uuids == ("180d", "180f", "12345678", uuid)
    assert frame.service_data == {"12345678": b"\xaa\xbb", uuid: b"\xcc"}


def test_what_the_host_sent_is_no_frame() -> None:
    """Only what was received, and only events."""
    for datalink, flags in ((1001, 2), (1001, 1), (2001, 2)):
        assert list(BtsnoopReader().feed(capture(datalink, legacy((BTHOME, -61)), flags=flags))) == []


@given(st.integers(1, 80))
def test_a_cut_file_gives_what_is_whole(cut: int) -> None:
    """And says where it ends."""
    data = capture(1002, legacy((BTHOME, -61)), legacy((BTHOME, -62)))
    record = (len(data) - 16) // 2
    reader = BtsnoopReader()
    frames = list(reader.feed(data[: len(data) - min(cut, record)]))
    assert len(frames) == 1
    if cut < record:
        with pytest.raises(BtsnoopBroken, match=r"cut, at byte \d+"):
            reader.end()


@given(st.binary(max_size=300), st.sampled_from([1001, 1002, 2001, 7]))
def test_any_bytes_are_contained(data: bytes, datalink: int) -> None:
    """Frames, or BtsnoopBroken."""
    reader = BtsnoopReader()
    try:
        list(reader.feed(b"btsnoop\0" + struct.pack(">II", 1, datalink) + data))
        reader.end()
    except BtsnoopBroken:
        pass


def test_decode_reads_a_capture(tmp_path: Path) -> None:
    """As any other input: one line a frame, and one for what is broken."""
    path = tmp_path / "air.btsnoop"
    path.write_bytes(capture(2001, legacy((BTHOME, -61), (NAMED, -50)))[:-1] + b"\xce" + b"cut")
    velgate = Path(sys.executable).with_name("velgate")
    done = subprocess.run([velgate, "decode", path], capture_output=True, check=True)
    first, second, third = map(orjson.loads, done.stdout.splitlines())
    assert first["driver"] == "bthome"
    assert [reading["quantity"] for reading in first["readings"]] == ["battery", "temperature"]
    assert second["error"]["code"] == "unsupported"
    assert third["error"] == {"code": "malformed", "message": "the last packet is cut, at byte 93"}

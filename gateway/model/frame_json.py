"""Frames as JSON: the form in which `velgate decode` reads them and captures keep them.

Bytes are hex, UUIDs 16-bit or 128-bit hex, company ids `0x` hex or decimal; missing keys mean absent,
unknown keys are ignored. A payload of a message that is no UTF-8 text stands as hex under `payload_hex`.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from gateway.model.clock import iso, parse_iso
from gateway.model.frames import Advertisement, Frame, GattValue, Message, short_uuid

KINDS = "advertisement, gatt or mqtt"
RSSI_RANGE = range(-128, 128)
COMPANY_RANGE = range(0x1_0000)
COMPANY_FORM = re.compile(r"0[xX][0-9a-fA-F]{1,4}|[0-9]{1,5}", re.ASCII)


class FrameMalformed(ValueError):
    """A line that is no frame. Says which key, what was expected and what was found.

    `frame` is what could be read, with empty bytes where they were no hex, so that it can still be said
    which driver would have taken it; None where not even kind and sender are known.
    """

    def __init__(self, key: str, *, expected: str, found: str, frame: Frame | None = None) -> None:
        """Keep the parts; the text joins them."""
        self.key, self.expected, self.found, self.frame = key, expected, found, frame
        super().__init__(f"{key}: expected {expected}, found {found}")


def parse_frame(line: bytes | str) -> Frame:
    """Read one frame from one JSON object. `heard` stays None: see `time_of`. Raises FrameMalformed."""
    return frame_of(load(line))


def load(line: bytes | str) -> dict[str, Any]:
    """Read one line into a JSON object. Raises FrameMalformed."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise FrameMalformed("line", expected="one JSON object", found=f"no JSON ({error})") from None
    if not isinstance(document, dict):
        raise FrameMalformed("line", expected="one JSON object", found=_kind(document))
    return document


def frame_of(document: Mapping[str, Any]) -> Frame:
    """Make a frame of a JSON object. Raises FrameMalformed, with the readable part of the frame."""
    try:
        return _well_formed(document)
    except (KeyError, TypeError, ValueError):
        pass  # something is wrong: read it again, slowly, and say what
    reader = _Reader(document)
    match document.get("kind"):
        case "advertisement":
            frame: Frame = reader.advertisement()
        case "gatt":
            frame = reader.gatt()
        case "mqtt":
            frame = reader.message()
        case other:
            raise FrameMalformed("kind", expected=KINDS, found=_shown(other))
    if reader.first is not None:
        reader.first.frame = frame
        raise reader.first
    return frame


def check_time(document: Mapping[str, Any]) -> None:
    """Look whether `time_of` would read the time. Raises FrameMalformed."""
    try:
        if datetime.fromisoformat(document["time"]).tzinfo is not None:
            return
    except (TypeError, ValueError):
        pass  # absent or no time: the words for it stand in one place
    time_of(document)


def time_of(document: Mapping[str, Any]) -> int | None:
    """Give the Unix time in ns at which a line says it was heard, or None. Raises FrameMalformed."""
    text = document.get("time")
    if text is None:
        return None
    try:
        return parse_iso(text)
    except (TypeError, ValueError):
        raise FrameMalformed(
            "time",
            expected="an RFC 3339 time with zone, such as 2026-11-24T14:00:00.000Z",
            found=_shown(text),
        ) from None


def document_of(frame: Frame) -> dict[str, Any]:
    """Give a frame as a JSON object that `frame_of` reads back; absent things are left out."""
    out: dict[str, Any]
    match frame:
        case Advertisement():
            out = {"kind": "advertisement", "address": frame.address}
            for key in ("rssi", "name", "tx_power"):
                if (value := getattr(frame, key)) is not None:
                    out[key] = value
            if frame.service_uuids:
                out["service_uuids"] = list(frame.service_uuids)
            if frame.service_data:
                out["service_data"] = {uuid: data.hex() for uuid, data in frame.service_data.items()}
            if frame.manufacturer_data:
                out["manufacturer_data"] = {
                    f"{company:#06x}": data.hex() for company, data in frame.manufacturer_data.items()
                }
            if frame.brought is not None:
                out["brought"] = sorted(frame.brought)
        case GattValue():
            out = {"kind": "gatt", "address": frame.address, "service": frame.service}
            out |= {"characteristic": frame.characteristic, "value": frame.value.hex()}
        case Message():
            out = {"kind": "mqtt", "topic": frame.topic}
            try:
                out["payload"] = frame.payload.decode()
            except UnicodeDecodeError:
                out["payload_hex"] = frame.payload.hex()
            if frame.retained:
                out["retained"] = True
    if frame.heard is not None:
        out["time"] = iso(frame.heard.wall_ns)
    return out


def _well_formed(document: Mapping[str, Any]) -> Advertisement:
    """Make an advertisement without a word about what may be wrong: most frames of a capture are right.

    Raises KeyError, TypeError or ValueError for anything unusual, which is nothing to report yet.
    """
    if document["kind"] != "advertisement" or "brought" in document:
        raise KeyError
    get = document.get
    address, rssi, power, name = document["address"], get("rssi"), get("tx_power"), get("name")
    uuids, services, makers = get("service_uuids"), get("service_data"), get("manufacturer_data")
    if (
        address.__class__ is not str
        or not address
        or (rssi is not None and (rssi.__class__ is not int or rssi not in RSSI_RANGE))
        or (power is not None and (power.__class__ is not int or power not in RSSI_RANGE))
        or (name is not None and name.__class__ is not str)
        or (uuids is not None and uuids.__class__ is not list)
        or (services is not None and services.__class__ is not dict)
        or (makers is not None and makers.__class__ is not dict)
    ):
        raise TypeError
    return Advertisement(
        address=address.upper(),
        rssi=rssi,
        name=name,
        tx_power=power,
        service_uuids=tuple([_checked_uuid(uuid) for uuid in uuids]) if uuids else (),
        service_data={_checked_uuid(u): unhexlify(b) for u, b in services.items()} if services else {},
        manufacturer_data={_checked_company(c): unhexlify(b) for c, b in makers.items()} if makers else {},
    )


@lru_cache(maxsize=4096)  # a home has few different ones
def _checked_uuid(text: str) -> str:
    """Give a UUID in its short form. Raises ValueError."""
    short = short_uuid(text)
    digits = short.replace("-", "")
    if len(digits) in {4, 8, 32} and _is_hex(digits):
        return short
    raise ValueError


@lru_cache(maxsize=4096)
def _checked_company(text: str) -> int:
    """Give a company id. Raises ValueError."""
    if not COMPANY_FORM.fullmatch(text):
        raise ValueError
    company = int(text, 16 if text.startswith(("0x", "0X")) else 10)
    if company in COMPANY_RANGE:
        return company
    raise ValueError


class _Reader:
    """Reads the keys of one object; keeps the first thing that is wrong and goes on."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.first: FrameMalformed | None = None

    def advertisement(self) -> Advertisement:
        brought = self._document.get("brought")
        return Advertisement(
            address=self._address(),
            rssi=self._number("rssi", RSSI_RANGE),
            name=self._optional_text("name"),
            tx_power=self._number("tx_power", RSSI_RANGE),
            service_uuids=self._uuids(),
            service_data={
                uuid: self._bytes(f"service_data.{key}", data)
                for key, data in self._table("service_data").items()
                if (uuid := self._uuid(f"service_data.{key}", key)) is not None
            },
            manufacturer_data={
                company: self._bytes(f"manufacturer_data.{key}", data)
                for key, data in self._table("manufacturer_data").items()
                if (company := self._company(key)) is not None
            },
            brought=frozenset(map(str, brought)) if isinstance(brought, list) else None,
        )

    def gatt(self) -> GattValue:
        return GattValue(
            address=self._address(),
            service=self._uuid("service", self._text("service")) or "",
            characteristic=self._uuid("characteristic", self._text("characteristic")) or "",
            value=self._bytes("value", self._document.get("value", "")),
        )

    def message(self) -> Message:
        if "payload_hex" in self._document:
            payload = self._bytes("payload_hex", self._document["payload_hex"])
        else:
            payload = self._text("payload", empty=True).encode()
        return Message(
            topic=self._text("topic"), payload=payload, retained=self._document.get("retained") is True
        )

    def _wrong(self, key: str, expected: str, found: object) -> None:
        if self.first is None:
            self.first = FrameMalformed(key, expected=expected, found=_shown(found))

    def _text(self, key: str, *, empty: bool = False) -> str:
        value = self._document.get(key)
        if isinstance(value, str) and (value or empty):
            return value
        raise FrameMalformed(key, expected="a text", found=_shown(value))

    def _optional_text(self, key: str) -> str | None:
        value = self._document.get(key)
        if value is None or isinstance(value, str):
            return value
        self._wrong(key, "a text or null", value)
        return None

    def _address(self) -> str:
        return self._text("address").upper()

    def _number(self, key: str, allowed: range) -> int | None:
        value = self._document.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value in allowed:
            return value
        self._wrong(key, f"a whole number from {allowed.start} to {allowed.stop - 1}", value)
        return None

    def _table(self, key: str) -> dict[str, Any]:
        value = self._document.get(key)
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self._wrong(key, "an object", value)
        return {}

    def _uuids(self) -> tuple[str, ...]:
        value = self._document.get("service_uuids")
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(uuid, str) for uuid in value):
            read = (self._uuid("service_uuids", uuid) for uuid in value)
            return tuple(uuid for uuid in read if uuid is not None)
        self._wrong("service_uuids", "a list of UUIDs", value)
        return ()

    def _uuid(self, key: str, text: str) -> str | None:
        try:
            return _checked_uuid(text)
        except ValueError:
            self._wrong(key, "a UUID of 16, 32 or 128 bits in hex", text)
            return None

    def _company(self, text: str) -> int | None:
        try:
            return _checked_company(text)
        except ValueError:
            self._wrong(f"manufacturer_data.{text}", "a company id, such as 0x0499 or 1177", text)
            return None

    def _bytes(self, key: str, text: object) -> bytes:
        if isinstance(text, str) and _is_hex(text):
            return bytes.fromhex(text)
        self._wrong(key, "bytes as an even number of hex digits", text)
        return b""


def _is_hex(text: str) -> bool:
    if len(text) % 2 or not text.isascii():
        return False
    try:
        return len(bytes.fromhex(text)) * 2 == len(text)  # fromhex would pass over blanks
    except ValueError:
        return False


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "nothing"}
    return names.get(type(value), "a number")


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value) if len(value) <= 40 else f"{value[:37]!r}… ({len(value)} characters)"
    return _kind(value) if isinstance(value, dict | list) or value is None else repr(value)

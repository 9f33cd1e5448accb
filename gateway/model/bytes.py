"""Reading bytes: a `Reader` that walks, and `Fields`, a decoder written as a table.

Little-endian unless `order="big"`. SFLOAT and FLOAT are those of IEEE 11073-20601.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.model.decoding import Truncated, known
from gateway.model.quantity import Quantity
from gateway.model.readings import Fact, Sequence, Value

Order = Literal["little", "big"]
SFLOAT_SPECIAL = frozenset({0x07FF, 0x0800, 0x07FE, 0x0802, 0x0801})  # NaN, NRes, +INF, -INF, reserved
FLOAT_SPECIAL = frozenset({0x7FFFFF, 0x800000, 0x7FFFFE, 0x800002, 0x800001})


def signed(raw: int, *, bits: int) -> int:
    """Read an unsigned number of `bits` bits as two's complement."""
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def sfloat(raw: int) -> float | None:
    """Decode an SFLOAT: 16 bits, a signed 4-bit power of ten over a signed 12-bit mantissa.

    None for the five special values, which say why there is no number: NaN 0x07FF, NRes 0x0800,
    +INF 0x07FE, -INF 0x0802, reserved 0x0801, whatever their exponent: no number has such a mantissa.
    Examples: 0xF014 is 2.0, 0x0072 is 114. Source: IEEE 11073-20601, SFLOAT-Type.
    """
    mantissa = raw & 0x0FFF
    if mantissa in SFLOAT_SPECIAL:
        return None
    return _decimal(signed(mantissa, bits=12), signed(raw >> 12, bits=4))


def float32(raw: int) -> float | None:
    """Decode a FLOAT: 32 bits, a signed 8-bit power of ten over a signed 24-bit mantissa.

    None for the five special values, as in `sfloat`. Example: 0xFF00016E is 36.6.
    Source: IEEE 11073-20601, FLOAT-Type.
    """
    mantissa = raw & 0x00FFFFFF
    if mantissa in FLOAT_SPECIAL:
        return None
    return _decimal(signed(mantissa, bits=24), signed(raw >> 24, bits=8))


def _decimal(mantissa: int, exponent: int) -> float:
    # dividing rounds once and gives 36.6; multiplying by 0.1 gives 36.60000000000001
    return mantissa / 10**-exponent if exponent < 0 else float(mantissa * 10**exponent)


class Reader:
    """Walks over bytes. Every method raises Truncated where too few are left."""

    __slots__ = ("_data", "_order", "offset")

    def __init__(self, data: bytes, order: Order = "little") -> None:
        """Begin at the first byte."""
        self._data, self._order, self.offset = data, order, 0

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self._data) - self.offset

    def take(self, count: int) -> bytes:
        """Give the next `count` bytes."""
        end = self.offset + count
        if end > len(self._data):
            raise Truncated(self.offset, count, self.left)
        part = self._data[self.offset : end]
        self.offset = end
        return part

    def rest(self) -> bytes:
        """Give all that is left."""
        return self.take(self.left)

    def unsigned(self, count: int) -> int:
        """Give an unsigned number of `count` bytes."""
        return int.from_bytes(self.take(count), self._order)

    def signed(self, count: int) -> int:
        """Give a two's complement number of `count` bytes."""
        return int.from_bytes(self.take(count), self._order, signed=True)

    def u8(self) -> int:
        """Give one byte."""
        return self.unsigned(1)

    def i8(self) -> int:
        """Give one signed byte."""
        return self.signed(1)

    def u16(self) -> int:
        """Give an unsigned number of two bytes."""
        return self.unsigned(2)

    def i16(self) -> int:
        """Give a signed number of two bytes."""
        return self.signed(2)

    def u24(self) -> int:
        """Give an unsigned number of three bytes."""
        return self.unsigned(3)

    def i24(self) -> int:
        """Give a signed number of three bytes."""
        return self.signed(3)

    def u32(self) -> int:
        """Give an unsigned number of four bytes."""
        return self.unsigned(4)

    def i32(self) -> int:
        """Give a signed number of four bytes."""
        return self.signed(4)

    def sfloat(self) -> float | None:
        """Give an SFLOAT; None for its special values."""
        return sfloat(self.unsigned(2))

    def float32(self) -> float | None:
        """Give a FLOAT; None for its special values."""
        return float32(self.unsigned(4))


class Payload(Protocol):
    """What `Fields` needs of a frame."""

    @property
    def payload(self) -> bytes:
        """The bytes that the driver's match points at."""
        ...


@dataclass(frozen=True, slots=True)
class Field:
    """A stretch of `width` bytes and what it says. Made by the functions below."""

    width: int
    signed: bool
    facts: Callable[[int], Iterator[Fact]]
    quantities: tuple[Quantity, ...] = ()


class Fields:
    """A decoder for a layout that never changes: fields in order, from the first byte of the payload.

    The length is checked before anything is believed: a frame that is cut gives no reading at all. Bytes
    after the last field are ignored, so that a later revision may append some.
    """

    def __init__(self, *fields: Field, order: Order = "little") -> None:
        """Lay the fields out one after the other."""
        self.fields = fields
        self.order: Order = order
        self.width = sum(field.width for field in fields)
        self.quantities = tuple(dict.fromkeys(q for field in fields for q in field.quantities))

    def __call__(self, frame: Payload) -> Iterator[Fact]:
        """Decode one frame. Raises Truncated, and Unsupported for a code that is not in its table."""
        data = frame.payload
        if len(data) < self.width:
            raise Truncated(len(data), self.width - len(data), 0)
        at = 0
        for field in self.fields:
            end = at + field.width
            yield from field.facts(int.from_bytes(data[at:end], self.order, signed=field.signed))
            at = end


def _number(
    width: int,
    is_signed: bool,
    quantity: Quantity,
    per: float,
    plus: float,
    missing: int | None,
    channel: int | None,
) -> Field:
    def facts(raw: int) -> Iterator[Fact]:
        if raw != missing:
            value = raw + plus if per == 1 else (raw + plus) / per
            yield quantity(value, channel=channel)

    return Field(width, is_signed, facts, (quantity,))


def _maker(width: int, is_signed: bool) -> Callable[..., Field]:
    def make(
        quantity: Quantity,
        *,
        per: float = 1,
        plus: float = 0,
        missing: int | None = None,
        channel: int | None = None,
    ) -> Field:
        """Make the field: the value is `(raw + plus) / per`; `missing` is the raw value that says nothing."""
        return _number(width, is_signed, quantity, per, plus, missing, channel)

    return make


u8 = _maker(1, is_signed=False)
i8 = _maker(1, is_signed=True)
u16 = _maker(2, is_signed=False)
i16 = _maker(2, is_signed=True)
u24 = _maker(3, is_signed=False)
i24 = _maker(3, is_signed=True)
u32 = _maker(4, is_signed=False)
i32 = _maker(4, is_signed=True)


def sfloat_field(quantity: Quantity, *, channel: int | None = None) -> Field:
    """Make a field of two bytes, an SFLOAT; its special values say nothing."""

    def facts(raw: int) -> Iterator[Fact]:
        value = sfloat(raw)
        if value is not None:
            yield quantity(value, channel=channel)

    return Field(2, signed=False, facts=facts, quantities=(quantity,))


def flags(*quantities: Quantity | None) -> Field:
    """Make a field of one byte whose bits are states, bit 0 first; None for a bit that says nothing."""

    def facts(raw: int) -> Iterator[Fact]:
        for bit, quantity in enumerate(quantities):
            if quantity is not None:
                yield quantity(bool(raw >> bit & 1))

    return Field(1, signed=False, facts=facts, quantities=tuple(q for q in quantities if q))


def code(quantity: Quantity, words: Mapping[int, Value | None], *, channel: int | None = None) -> Field:
    """Make a field of one byte that stands for a word; None for a code that says nothing."""

    def facts(raw: int) -> Iterator[Fact]:
        word = known(words, raw, f"{quantity.name} code")
        if word is not None:
            yield quantity(word, channel=channel)

    return Field(1, signed=False, facts=facts, quantities=(quantity,))


def sequence(width: int = 1) -> Field:
    """Make a field that is equal in the repeats of one transmission."""

    def facts(raw: int) -> Iterator[Fact]:
        yield Sequence(raw, 1 << 8 * width)

    return Field(width, signed=False, facts=facts)


def skip(width: int) -> Field:
    """Make a field that nobody needs."""

    def facts(raw: int) -> Iterator[Fact]:
        yield from ()

    return Field(width, signed=False, facts=facts)

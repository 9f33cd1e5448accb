"""What goes between the gateway and a driver's child process: facts and drivers, checked on both sides.

The gateway trusts nothing that comes back: a quantity it does not know, a value of the wrong type or a
frame that is too long is a fault of the driver.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.driver import (
    AdvertisementDriver,
    Availability,
    Counter,
    Driver,
    Fact,
    GattDriver,
    Kind,
    LastSeen,
    Match,
    MessageDriver,
    Reading,
    Sequence,
    Standing,
    Where,
    Write,
    quantities,
)
from gateway.model.framing import NoSense

TYPES: dict[str, type[Driver]] = {
    "advertisement": AdvertisementDriver,
    "gatt": GattDriver,
    "message": MessageDriver,
}
CHANNEL_MAX = 255
NAME_MAX = 32  # letters of what a standing event is kept under
GATT_LISTS = ("listen", "read", "also")


def fact_to_wire(fact: Fact) -> list[Any]:
    """Write one fact."""
    match fact:
        case Reading():
            return ["reading", fact.quantity, fact.kind.value, fact.value, fact.unit, fact.channel]
        case Counter():
            return ["counter", fact.value]
        case Sequence():
            return ["sequence", fact.value, fact.modulus]
        case Standing():
            return ["standing", fact.name, fact.reading and fact_to_wire(fact.reading)]
        case Availability():
            return ["availability", fact.online]
        case LastSeen():
            return ["last_seen", fact.wall_ns]
        case other:
            raise NoSense(f"a fact of type {type(other).__name__}")


def fact_from_wire(row: object) -> Fact:
    """Read one fact. Raises NoSense for anything else."""
    match row:
        case [
            "reading",
            str(name),
            "measurement" | "state" | "event" as kind,
            bool() | int() | float() | str() as value,
            None | str() as unit,
            None | int() as channel,
        ] if quantities.find(name, Kind(kind)) and (channel is None or 0 < channel <= CHANNEL_MAX):
            return Reading(name, Kind(kind), value, unit, channel)
        case ["counter", int(value)]:
            return Counter(value)
        case ["sequence", int(value), int(modulus)]:
            return Sequence(value, modulus)
        case ["standing", str(name), None] if len(name) <= NAME_MAX:
            return Standing(name, None)
        case ["standing", str(name), inner] if len(name) <= NAME_MAX and isinstance(
            reading := fact_from_wire(inner), Reading
        ):
            return Standing(name, reading)
        case ["availability", bool(online)]:
            return Availability(online)
        case ["last_seen", int(wall_ns)]:
            return LastSeen(wall_ns)
    raise NoSense("a fact of a form that is not known")


def manifest_of(driver: Driver, file: str) -> dict[str, Any]:
    """Write what a driver is, without its function."""
    manifest: dict[str, Any] = {
        "type": next(name for name, kind in TYPES.items() if isinstance(driver, kind)),
        "file": file,
        "name": driver.name,
        "version": driver.version,
        "models": list(driver.models),
        "match": [[match.where.value, match.what, match.starts.hex()] for match in driver.matches],
        "heard_every": _seconds(driver.heard_every),
        "reports": [quantity.key for quantity in driver.said],
        "api": driver.api,
    }
    if isinstance(driver, AdvertisementDriver):
        manifest["quiet_gap"] = driver.quiet_gap.total_seconds()
    if isinstance(driver, GattDriver):
        manifest |= {name: list(getattr(driver, name)) for name in GATT_LISTS}
        manifest["setup"] = [[write.characteristic, write.value.hex()] for write in driver.setup]
        manifest["poll_every"] = _seconds(driver.poll_every)
        manifest |= {"brief": driver.brief, "companion": driver.companion}
    return manifest


def driver_of(manifest: dict[str, Any]) -> Driver:
    """Make a driver of its manifest; its `decode` is elsewhere. Raises NoSense."""
    try:
        common: dict[str, Any] = {
            "name": str(manifest["name"]),
            "version": str(manifest["version"]),
            "models": tuple(map(str, manifest["models"])),
            "match": tuple(_match(*row) for row in manifest["match"]),
            "heard_every": _span(manifest["heard_every"]),
            "reports": tuple(q for key in manifest["reports"] if (q := quantities.by_key(key))),
            "api": int(manifest["api"]),
            "decode": _elsewhere,
        }
        lists: dict[str, Any] = {name: tuple(map(str, manifest.get(name, ()))) for name in GATT_LISTS}
        kind = manifest["type"]
        if kind == "advertisement":
            return AdvertisementDriver(**common, quiet_gap=timedelta(seconds=float(manifest["quiet_gap"])))
        if kind == "gatt":
            return GattDriver(
                **common,
                **lists,
                setup=tuple(Write(str(uuid), bytes.fromhex(value)) for uuid, value in manifest["setup"]),
                poll_every=_span(manifest["poll_every"]),
                brief=bool(manifest["brief"]),
                companion=bool(manifest["companion"]),
            )
        return MessageDriver(**common)
    except (KeyError, TypeError, ValueError) as error:
        raise NoSense(f"a description of a driver that lacks or garbles {error}") from None


def _match(where: str, what: str | int, starts: str) -> Match:
    place = Where(where)
    if isinstance(what, int) != (place is Where.COMPANY):
        raise NoSense(f"a match by {where} of {what!r}")
    return Match(place, what, bytes.fromhex(starts))


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _elsewhere(_frame: object) -> list[Fact]:
    raise NoSense("this driver's function runs in a process of its own")

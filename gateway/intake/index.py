"""Which driver takes a frame: looked up by UUID, company id or topic, so that no driver is ever asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from gateway.driver import Driver, GattDriver, Match, Where
from gateway.model.frames import Advertisement, Frame, GattValue, Message
from gateway.model.matching import topic_parts
from gateway.model.problem import Finding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """A driver and where it came from."""

    driver: Driver
    file: str
    """Its source file, so that a wrong one can be named."""
    distribution: str
    shipped: bool
    """It comes with Velgate and runs in this process; any other runs in a child."""

    @property
    def name(self) -> str:
        """The driver's name."""
        return self.driver.name


class Route(NamedTuple):
    """A frame's way: the driver, the match that took it, and the payload the match points at."""

    loaded: Loaded
    match: Match
    payload: bytes


Entry = tuple[Match, Loaded]
NO_ROUTE: list[Route] = []


@dataclass(slots=True)
class Index:
    """All matches of all drivers. Entries of one key stand longest `starts` first."""

    service_data: dict[str, list[Entry]] = field(default_factory=dict)
    company: dict[int, list[Entry]] = field(default_factory=dict)
    service: dict[str, list[Entry]] = field(default_factory=dict)
    values: dict[tuple[str, str], Entry] = field(default_factory=dict)
    """By service and characteristic."""
    topics: dict[tuple[str, ...], list[Entry]] = field(default_factory=dict)
    """By the levels before the first `{name}`."""
    names: list[Entry] = field(default_factory=list)

    def routes(self, frame: Frame) -> list[Route]:
        """Give the drivers of a frame, the most specific first; usually one, or none."""
        if isinstance(frame, Advertisement):
            return self._advertisement(frame)
        if isinstance(frame, GattValue):
            entry = self.values.get((frame.service, frame.characteristic))
            return [Route(entry[1], entry[0], frame.value)] if entry else NO_ROUTE
        return self._message(frame)

    def _advertisement(self, frame: Advertisement) -> list[Route]:
        found: list[Route] = []
        for uuid, data in frame.service_data.items():
            entries = self.service_data.get(uuid)
            if entries:
                _first(found, entries, data)
        for company, data in frame.manufacturer_data.items():
            entries = self.company.get(company)
            if entries:
                _first(found, entries, data)
        if self.service:
            for uuid in frame.service_uuids:
                _first(found, self.service.get(uuid, ()), b"")
        if not found and self.names and frame.name is not None:
            name = frame.name
            found = [Route(loaded, match, b"") for match, loaded in self.names if _named(name, match)][:1]
        if len(found) > 1:
            found.sort(key=_specific, reverse=True)  # stable: service data before manufacturer data
        return found

    def _message(self, frame: Message) -> list[Route]:
        levels = tuple(frame.topic.split("/"))
        for length in range(len(levels), -1, -1):
            for match, loaded in self.topics.get(levels[:length], ()):
                if topic_parts(str(match.what), frame.topic) is not None:
                    return [Route(loaded, match, frame.payload)]
        return NO_ROUTE


def _first(found: list[Route], entries: Iterable[Entry], data: bytes) -> None:
    for match, loaded in entries:
        if data.startswith(match.starts):
            found.append(Route(loaded, match, data[len(match.starts) :]))
            return


def _specific(route: Route) -> int:
    return len(route.match.starts)


def _named(name: str, match: Match) -> bool:
    return fnmatchcase(name, str(match.what))


def build(drivers: Iterable[Loaded]) -> tuple[Index, dict[str, Loaded], list[Finding]]:
    """Build the index of drivers, earlier ones first: one whose name or match is taken is left out.

    Gives the index, the drivers by name, and a finding for each that was left out, naming both files.
    """
    index, kept, findings = Index(), dict[str, Loaded](), list[Finding]()
    taken: dict[object, Loaded] = {}
    for loaded in drivers:
        marks: dict[object, str] = {("name", loaded.name): f"the name {loaded.name}"}
        for match in loaded.driver.matches:
            for mark in _marks(loaded.driver, match):
                marks[mark] = str(match)
        clash = next((mark for mark in marks if mark in taken), None)
        if clash is not None:
            findings.append(
                Finding(
                    where=loaded.file,
                    expected=f"a match of its own, or longer first bytes than {taken[clash].file} has",
                    found=f"{marks[clash]}, which {taken[clash].file} takes too",
                    do=f"remove one of the packages {loaded.distribution} and {taken[clash].distribution}",
                )
            )
            continue
        taken |= dict.fromkeys(marks, loaded)
        kept[loaded.name] = loaded
        _enter(index, loaded)
    for entries in (*index.service_data.values(), *index.company.values()):
        entries.sort(key=lambda entry: len(entry[0].starts), reverse=True)
    index.names.sort(key=lambda entry: len(str(entry[0].what)), reverse=True)
    return index, kept, findings


def _marks(driver: Driver, match: Match) -> list[object]:
    if match.where is Where.SERVICE and isinstance(driver, GattDriver):
        return [(match.what, uuid) for uuid in (*driver.listen, *driver.read, *driver.also)]
    return [match]


def _enter(index: Index, loaded: Loaded) -> None:
    driver = loaded.driver
    for match in driver.matches:
        entry = (match, loaded)
        match match.where:
            case Where.SERVICE_DATA:
                index.service_data.setdefault(str(match.what), []).append(entry)
            case Where.COMPANY:
                index.company.setdefault(int(match.what), []).append(entry)
            case Where.SERVICE if isinstance(driver, GattDriver):
                for uuid in (*driver.listen, *driver.read, *driver.also):
                    index.values[str(match.what), uuid] = entry
            case Where.SERVICE:
                index.service.setdefault(str(match.what), []).append(entry)
            case Where.NAME:
                index.names.append(entry)
            case Where.TOPIC:
                literal = tuple(str(match.what).split("{", 1)[0].split("/")[:-1])
                index.topics.setdefault(literal, []).append(entry)

"""Frames in, readings out, without a gateway: what `velgate decode` does with one line.

Replay counters are judged within one run, plausibility of each reading; repeats are decoded again, and
nothing is converted, mapped or left out.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.driver import Counter, Kind, Reading, Standing
from gateway.intake.host import DriverHost
from gateway.intake.index import Route
from gateway.intake.outcome import Fault
from gateway.model.frame_json import FrameMalformed, check_time, frame_of, load
from gateway.model.frames import Frame
from gateway.model.quantities import ALL, find

NOTHING: list[dict[str, Any]] = []


class OfflineDecoder:
    """Decodes line after line; remembers nothing but counters."""

    def __init__(
        self, host: DriverHost, keys: Mapping[str, bytes] | None = None, only: str | None = None
    ) -> None:
        """`keys` by address, upper case; `only` names the one driver that is to be used."""
        self._host = host
        self._key_of = (keys or {}).get
        self._only = host.drivers[only] if only is not None else None
        self._counters: dict[tuple[str, str | None], tuple[int, bytes]] = {}
        self.frames = 0
        self.readings = 0
        self.by_driver: Tally[str] = Tally()
        self.by_error: Tally[str] = Tally()

    def broken(self, message: str) -> bytes:
        """Answer for input that is no frame at all."""
        return self._answer(None, NOTHING, Fault("malformed", message))

    def line(self, line: bytes) -> bytes:
        """Decode one JSON line into one JSON line, without its end. Never raises for what it reads."""
        try:
            document = load(line)
            frame = frame_of(document)
            if "time" in document:
                check_time(document)
        except FrameMalformed as error:
            route = self._route(error.frame) if error.frame is not None else None
            return self._answer(route, NOTHING, Fault("malformed", str(error)))
        return self.frame(frame)

    def frame(self, frame: Frame) -> bytes:
        """Decode one frame into one JSON line, without its end."""
        route = self._route(frame)
        if route is None:
            return self._answer(None, NOTHING, None)
        facts, fault, owner = self._host.decode(route, frame, self._key_of)
        said: list[dict[str, Any]] = []
        for fact in facts:
            if fact.__class__ is not Reading:
                if fact.__class__ is Counter:
                    counted = (route.loaded.name, owner)
                    if not self._rises(counted, fact.value, route.payload):
                        return self._answer(route, NOTHING, self._replayed)
                    continue
                if fact.__class__ is not Standing or fact.reading is None:
                    continue
                fact = fact.reading
            quantity, kind, value, unit, channel = fact
            row = find(quantity, kind)
            if row is None or not row.fits(value, unit):
                shown = "" if row is None or row.free_text else f" {value!r} {unit or ''}".rstrip()
                fault = fault or Fault("implausible", f"{quantity}{shown}")
                continue
            reading = {"quantity": quantity, "kind": KIND_WORDS[row], "value": value, "unit": unit}
            if channel is not None:
                reading["channel"] = channel
            if kind is Kind.EVENT and reading in said:
                continue  # one alarm that a frame tells twice
            said.append(reading)
        self.readings += len(said)
        return self._answer(route, said, fault)

    _replayed = Fault("replayed", "its counter does not rise: this frame, or a later one, was here before")

    def _rises(self, counted: tuple[str, str | None], value: int, payload: bytes) -> bool:
        last = self._counters.get(counted)
        if last is not None and (value < last[0] or (value == last[0] and payload != last[1])):
            return False
        self._counters[counted] = (value, payload)
        return True

    def _route(self, frame: Frame) -> Route | None:
        if self._only is not None:
            return self._host.forced(self._only, frame)
        routes = self._host.routes(frame)
        return routes[0] if routes else None

    def _answer(self, route: Route | None, readings: list[dict[str, Any]], fault: Fault | None) -> bytes:
        self.frames += 1
        name = None
        error = None
        if route is not None:
            name = route.loaded.name
            self.by_driver[name] += 1
        if fault is not None:
            self.by_error[fault.code] += 1
            error = {"code": fault.code, "message": fault.message}
        return orjson.dumps({"frame": self.frames, "driver": name, "readings": readings, "error": error})


KIND_WORDS = {row: row.kind.value for row in ALL.values()}

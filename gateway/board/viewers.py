"""Who is looking: one `Viewer` for each open event stream, with its bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.board.callers import Caller

QUEUE_MAX = 256
"""Events that may wait for one client. A slower one is cut off and comes back with Last-Event-ID (V26)."""


def encode(event: str, document: Any, seq: int | None = None) -> bytes:
    """Write one server-sent event; the data is one line, since JSON has no bare line breaks."""
    head = f"id: {seq}\n" if seq is not None else ""
    return f"{head}event: {event}\ndata: ".encode() + orjson.dumps(document) + b"\n\n"


@dataclass(eq=False, slots=True, kw_only=True)
class Viewer:
    """One client of the stream."""

    id: str
    caller: Caller
    page: bool = False
    """Whether it is a staff page that draws alerts, as opposed to a program that listens."""
    readings: bool = False
    personal: bool = False
    """Whether it may see values of `presence` and `vital`."""
    sound: bool | None = None
    """Whether its sound is free, as it said last."""
    drawing: bool | None = None
    """Whether it draws, as it said last."""
    cut: bool = False
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_MAX))

    def offer(self, event: bytes) -> None:
        """Hand over one event, or cut the client off where it is too slow."""
        if self.cut:
            return
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Let its stream end after what it is writing now."""
        self.cut = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Viewers:
    """All who look now, and which alerts their pages have said they drew."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._all: dict[str, Viewer] = {}
        self._drawn: dict[str, set[str]] = {}
        self._awaited: dict[str, asyncio.Event] = {}
        self.reading_wanted = asyncio.Event()
        """Set while somebody asked for readings."""
        self.closed = False
        self.cut_off = 0
        """How many were too slow, since the start."""

    def __len__(self) -> int:
        """Tell how many streams are open."""
        return len(self._all)

    def join(self, viewer: Viewer) -> None:
        """Add a client; one with the same id (it came back) gives way."""
        before = self._all.pop(viewer.id, None)
        if before:
            before.end()
        self._all[viewer.id] = viewer
        self._mark_wanted()

    def leave(self, viewer: Viewer) -> None:
        """Remove a client."""
        if self._all.get(viewer.id) is viewer:
            del self._all[viewer.id]
        self._mark_wanted()

    def end_all(self) -> None:
        """End every stream, for the server is about to stop; new ones are refused."""
        self.closed = True
        for viewer in self._all.values():
            viewer.end()

    def end_where(self, over: Callable[[Caller], bool]) -> None:
        """End the streams of callers who may look no longer."""
        for viewer in list(self._all.values()):
            if over(viewer.caller):
                viewer.end()

    def send(self, event: bytes) -> None:
        """Send to all."""
        for viewer in list(self._all.values()):
            self._offer(viewer, event)

    def send_inside(self, event: bytes) -> None:
        """Send what screens that visitors can see do not show."""
        for viewer in list(self._all.values()):
            if not viewer.caller.public:
                self._offer(viewer, event)

    def send_to(self, person: str, event: bytes) -> int:
        """Send to a person's own pages; gives how many there are."""
        own = [v for v in list(self._all.values()) if v.page and v.caller.person == person and not v.cut]
        for viewer in own:
            self._offer(viewer, event)
        return sum(not viewer.cut for viewer in own)

    def send_alert(self, whole: bytes, public: bytes) -> None:
        """Send an alert: whole, and to screens that visitors can see its short form."""
        for viewer in list(self._all.values()):
            self._offer(viewer, public if viewer.caller.public else whole)

    def send_reading(self, event: bytes, *, personal: bool) -> None:
        """Send a reading to who asked for readings and may see this one."""
        for viewer in list(self._all.values()):
            if viewer.readings and (viewer.personal or not personal):
                self._offer(viewer, event)

    @property
    def pages(self) -> int:
        """Tell how many staff pages are open."""
        return sum(viewer.page for viewer in self._all.values())

    @property
    def drawing(self) -> int:
        """Tell how many open staff pages have said that they draw."""
        return sum(viewer.page and bool(viewer.drawing) for viewer in self._all.values())

    def find(self, id: str | None) -> Viewer | None:  # noqa: A002  (the field's word)
        """Give a client by its id."""
        return self._all.get(id) if id else None

    def reachable(self) -> set[str]:
        """Give the persons who have a page open whose sound is free."""
        return {v.caller.person for v in self._all.values() if v.caller.person and v.page and v.sound}

    def drew(self, alert: str, viewer: str) -> bool:
        """Note that a page drew an alert; gives whether it is the first that did."""
        if viewer not in self._all:
            return False
        drawn = self._drawn.setdefault(alert, set())
        first = not drawn
        if alert in self._awaited:
            self._awaited[alert].set()
        drawn.add(viewer)
        return first

    async def until_drawn(self, alert: str) -> None:
        """Wait until a page has said that it drew an alert. Cancelling it changes nothing."""
        if self.drawn(alert):
            return
        event = self._awaited.setdefault(alert, asyncio.Event())
        try:
            await event.wait()
        finally:
            self._awaited.pop(alert, None)

    def drawn(self, alert: str) -> int:
        """Tell how many open pages drew an alert."""
        return sum(viewer in self._all for viewer in self._drawn.get(alert, ()))

    def forget(self, alert: str) -> None:
        """Drop what is known of a closed alert."""
        self._drawn.pop(alert, None)

    def _mark_wanted(self) -> None:
        if any(viewer.readings for viewer in self._all.values()):
            self.reading_wanted.set()
        else:
            self.reading_wanted.clear()

    def _offer(self, viewer: Viewer, event: bytes) -> None:
        was = viewer.cut
        viewer.offer(event)
        self.cut_off += viewer.cut and not was

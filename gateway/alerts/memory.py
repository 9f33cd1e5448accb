"""What rules and supervision remember of each condition, so that a restart neither repeats nor loses an edge.

Small: only conditions that hold, or are about to, have a slot. The engine keeps `changes()` as memos in
the same transaction as what came of them, and hands them back at start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from gateway.model.clock import ClockQuality, Instant

MEMO = "condition/"
"""The keys of its memos begin with this."""


Bucket: TypeAlias = tuple[Instant, float, float]
"""A piece of time: its beginning, the lowest and the highest value in it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One condition, by its key."""

    holds: frozenset[str] = frozenset()
    """What makes it hold now: `device/quantity/channel`, more than one where several may."""
    active: bool = False
    """It has been told: raised, and not yet said to be gone."""
    since: Instant | None = None
    """It holds since then, and counts when it has held long enough."""
    seen: Instant | None = None
    """What must not be missing was last seen then, or a little later."""
    said: str = ""
    """What was last said about it, where it is said in degrees (a priority, a number of days, a date)."""
    sights: tuple[tuple[str, Instant], ...] = ()
    """Of a combination: when each thing that must not be missing was last seen, or a little earlier."""
    lows: tuple[tuple[str, Bucket], ...] = ()
    """Of a rate: how low and how high each series was, in pieces of the time that counts."""
    due: Instant | None = None
    """Of a combination: when it is to be looked at again; its timer is set for then."""

    @property
    def combined(self) -> bool | None:
        """Whether it is of a combination; None where it does not say."""
        if self.sights or self.lows or self.due or any("#" in each for each in self.holds):
            return True
        return False if self.holds or self.seen else None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to remember."""
        return self == _EMPTY


_EMPTY = Slot()


class Memory:
    """Slots by key, and which of them have changed since they were last handed out to be kept."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._slots: dict[str, Slot] = {}
        self._changed: set[str] = set()
        self.lately: dict[str, Instant] = {}
        """When something was last there, by key, to the second; not kept."""
        self.buckets: dict[str, list[Bucket]] = {}
        """The values of a rate, by series, the newest piece included; that one is not kept yet."""

    @classmethod
    def restored(cls, memos: Mapping[str, Mapping[str, Any]]) -> Memory:
        """Begin with what was kept: the memos that begin with `MEMO`.

        One that cannot be read (of another version of Velgate) counts as nothing: a condition is then
        told twice, which is a nuisance; a gateway that does not start would be worse.
        """
        memory = cls()
        memory.adopt(memos)
        return memory

    def adopt(self, memos: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Take over what is kept, or about to be: it need not be kept again."""
        for key, document in memos.items():
            name = key.removeprefix(MEMO)
            self._slots.pop(name, None)
            if document is None:
                continue
            try:
                self._slots[name] = _read(document)
            except (KeyError, TypeError, ValueError):
                self._changed.add(name)

    def __getitem__(self, key: str) -> Slot:
        """Give the slot of a key; an empty one where there is none."""
        return self._slots.get(key, _EMPTY)

    def __iter__(self) -> Iterator[str]:
        """Give the keys that have a slot; they may be changed meanwhile."""
        return iter(tuple(self._slots))

    def __len__(self) -> int:
        """Count the slots."""
        return len(self._slots)

    def change(self, key: str, **fields: Any) -> Slot:
        """Change fields of a slot; one that becomes empty is forgotten."""
        return self.put(key, replace(self[key], **fields))

    def put(self, key: str, slot: Slot) -> Slot:
        """Set a slot, for instance back to what it was."""
        if slot != self[key]:
            self._changed.add(key)
            if slot.empty:
                del self._slots[key]
            else:
                self._slots[key] = slot
        return slot

    def forget(self, key: str) -> None:
        """Forget a key."""
        self.put(key, _EMPTY)
        self.lately.pop(key, None)

    def changes(self) -> dict[str, dict[str, Any] | None]:
        """Give the memos that have changed since the last call; None for one that is to be ended."""
        changed, self._changed = self._changed, set()
        return {
            MEMO + key: _written(self._slots[key]) if key in self._slots else None for key in sorted(changed)
        }

    def lost(self, changes: Iterable[str]) -> None:
        """Note that what `changes` gave could not be kept: it is given again."""
        self._changed.update(key.removeprefix(MEMO) for key in changes)


def _written(slot: Slot) -> dict[str, Any]:
    return {
        "holds": sorted(slot.holds),
        "active": slot.active,
        "since": _instant(slot.since),
        "seen": _instant(slot.seen),
        "said": slot.said,
        **({"sights": [[tag, _instant(at)] for tag, at in slot.sights]} if slot.sights else {}),
        **(
            {"lows": [[at, _instant(begin), low, high] for at, (begin, low, high) in slot.lows]}
            if slot.lows
            else {}
        ),
        **({"due": _instant(slot.due)} if slot.due else {}),
    }


def _read(document: Mapping[str, Any]) -> Slot:
    return Slot(
        holds=frozenset(document["holds"]),
        active=document["active"],
        since=_as_instant(document["since"]),
        seen=_as_instant(document["seen"]),
        said=document["said"],
        sights=tuple((tag, _surely(at)) for tag, at in document.get("sights", ())),
        lows=tuple((at, (_surely(begin), low, high)) for at, begin, low, high in document.get("lows", ())),
        due=_as_instant(document.get("due")),
    )


def _surely(document: list[Any]) -> Instant:
    wall_ns, mono_ns, boot, quality = document
    return Instant(wall_ns, mono_ns, boot, ClockQuality(quality))


def _instant(at: Instant | None) -> list[Any] | None:
    return None if at is None else [at.wall_ns, at.mono_ns, at.boot, at.quality.value]


def _as_instant(document: list[Any] | None) -> Instant | None:
    return None if document is None else _surely(document)

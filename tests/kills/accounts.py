"""What the campaign knows for certain, and what must hold of it after every start.

It knows of the gateway only what that has said: each state of an alert that was told as kept, each answer
200. It knows of the world what it did itself: which button was pressed when. Everything is compared by id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Alert = Mapping[str, Any]

GRACE_S = 2.0
"""A press so long before a kill was certainly heard; of a later one only the disk knows."""


class Wrong(AssertionError):
    """Something was lost, doubled, or told to nobody's use."""


@dataclass(frozen=True, slots=True)
class Press:
    """One press of a button, and when its first frame was sent (Unix seconds)."""

    device: str
    sent_s: float


@dataclass(frozen=True, slots=True)
class Telling:
    """One notification that came in; `life` is the number of the gateway's life in which it did."""

    key: str
    alert: str
    rev: int
    about: str
    life: int
    at_s: float
    """Monotonic seconds."""


@dataclass
class Accounts:
    """The books of one campaign."""

    grace_s: float = GRACE_S
    pressed: Counter[str] = field(default_factory=Counter)
    certain: Counter[str] = field(default_factory=Counter)
    """Of them those that a gateway that lived long enough must have heard."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    """The newest state of each alert that was ever said to be kept."""
    taken: set[tuple[str, int]] = field(default_factory=set)
    """States (id and `rev`) in which somebody had an alert: nobody is told of it then."""
    events: dict[str, str] = field(default_factory=dict)
    """The device of each press that the history has shown, by its id."""
    tellings: list[Telling] = field(default_factory=list)
    _life: list[Press] = field(default_factory=list)

    def press(self, press: Press) -> None:
        """Note a press."""
        self.pressed[press.device] += 1
        self._life.append(press)

    def kept(self, alert: Alert) -> None:
        """Note a state that the gateway has called kept."""
        known = self.alerts.get(alert["id"])
        if known is None or known["rev"] <= alert["rev"]:
            self.alerts[alert["id"]] = alert
        if alert["handling"] == "acknowledged":
            self.taken.add((alert["id"], alert["rev"]))

    def born(self) -> None:
        """Begin a life: what was pressed until now may have found nobody."""
        self._life.clear()

    def died(self, at_s: float) -> None:
        """End a life: what was pressed well before is certain."""
        self.certain += Counter(each.device for each in self._life if each.sent_s + self.grace_s <= at_s)
        self._life.clear()

    def expected(self) -> Counter[str]:
        """Give the presses that must be there by now, of the present life too."""
        return self.certain + Counter(each.device for each in self._life)

    # What must hold. Raises Wrong.

    def check_alerts(self, shown: Iterable[Alert]) -> None:
        """Compare with what the gateway says now of every alert it was asked about: nothing is lost."""
        now = {alert["id"]: alert for alert in shown}
        for name, known in self.alerts.items():
            alert = now.get(name)
            if alert is None:
                if known["handling"] == "resolved":
                    continue  # closed, and not asked about any more
                raise Wrong(f"alert {name} of {known['device']} was kept and is gone")
            if alert["rev"] < known["rev"] or alert["count"] < known["count"]:
                raise Wrong(f"alert {name} went back: kept {_brief(known)}, now {_brief(alert)}")
            if alert["rev"] == known["rev"] and _brief(alert) != _brief(known):
                raise Wrong(f"alert {name} differs: kept {_brief(known)}, now {_brief(alert)}")
        for alert in now.values():
            self.kept(alert)
        doubled = [key for key, n in Counter(a["key"] for a in now.values() if _open(a)).items() if n > 1]
        if doubled:
            raise Wrong(f"more than one open alert of {doubled}")

    def check_events(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take what the history shows of presses: each once by its id, and none that was not made."""
        for row in rows:
            if self.events.setdefault(row["id"], row["device"]) != row["device"]:
                raise Wrong(f"event {row['id']} is of {row['device']} and {self.events[row['id']]}")
        seen = Counter(self.events.values())
        for device, count in seen.items():
            if count > self.pressed[device]:
                raise Wrong(f"{device} was pressed {self.pressed[device]} times and counted {count} times")

    def missing(self) -> Counter[str]:
        """Give the certain presses that the history does not show yet."""
        return self.expected() - Counter(self.events.values())

    def check_counts(self) -> None:
        """Compare the counts of alerts with the history: each press is in exactly one alert, once."""
        seen = Counter(self.events.values())
        counted: Counter[str] = Counter()
        for alert in self.alerts.values():
            if alert["device"] in self.pressed and alert["concern"] == "self":
                counted[alert["device"]] += alert["count"]
        if counted != seen:
            wrong = {
                name: (counted[name], seen[name]) for name in counted | seen if counted[name] != seen[name]
            }
            raise Wrong(f"counted in alerts and shown by the history differ: {wrong}")

    def check_tellings(self) -> None:
        """Look at what was told: nothing while somebody had it, nothing twice in one life."""
        told = [each for each in self.tellings if each.about == "alert"]
        late = [each for each in told if (each.alert, each.rev) in self.taken]
        if late:
            raise Wrong(f"told although somebody had it: {late[:3]}")
        twice = [mark for mark, n in Counter((each.key, each.life) for each in told).items() if n > 1]
        if twice:
            raise Wrong(f"told twice in one life: {twice[:3]}")

    @property
    def never_heard(self) -> int:
        """How many presses were made around a kill and found nobody."""
        return self.pressed.total() - len(self.events)


def _open(alert: Alert) -> bool:
    return bool(alert["handling"] != "resolved")


def _brief(alert: Alert) -> tuple[Any, ...]:
    taken = alert["taken"]
    return alert["rev"], alert["count"], alert["handling"], taken and taken["by"], alert["outcome"]

"""A combination against a model that looks at the world every ten seconds and remembers everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.clock import NS
from support.rule_house import RuleHouse

STEP_S = 10
HELD_S = 120
ZONE = ZoneInfo("Europe/Copenhagen")
KEY = "door-unattended/room-12"
ALONE = {
    "alerts": {
        "rules": {
            "door-unattended": {"enabled": True},
            "door-opened": {"enabled": False},
            "no-motion": {"enabled": False},
        }
    }
}
DEVICES = {"doer-12": "opening", "uro-12": "motion", "uro-12-bad": "motion"}
BEGINNINGS = (
    datetime(2026, 11, 24, 21, 40, tzinfo=UTC),  # 22:40: the hours begin soon
    datetime(2026, 11, 25, 5, 40, tzinfo=UTC),  # 06:40: they end soon
    datetime(2026, 3, 29, 0, 40, tzinfo=UTC),  # the hour that is left out
)


class World:
    """What is so, second by second, and what should have been told."""

    def __init__(self, at: datetime) -> None:
        """Nobody has said anything."""
        self.at = at
        self.said: dict[str, bool] = {}
        self.since: datetime | None = None
        self.active = False
        self.told: list[tuple[str, datetime]] = []

    def look(self) -> None:
        """Look at the world now."""
        hour = self.at.astimezone(ZONE).hour
        moves = [self.said[each] for each in ("uro-12", "uro-12-bad") if each in self.said]
        night = hour >= 23 or hour < 7
        holds = night and self.said.get("doer-12", False) and bool(moves) and not any(moves)
        if not holds:
            if self.active:
                self.told.append(("-", self.at))
            self.since, self.active = None, False
            return
        self.since = self.since or self.at
        if not self.active and self.at - self.since >= timedelta(seconds=HELD_S):
            self.active = True
            self.told.append(("+", self.at))

    def wait(self, steps: int) -> None:
        """Let time pass."""
        for _ in range(steps):
            self.at += timedelta(seconds=STEP_S)
            self.look()


@given(
    st.sampled_from(BEGINNINGS),
    st.lists(
        st.tuples(st.integers(1, 60), st.sampled_from(sorted(DEVICES)), st.booleans(), st.integers(0, 5)),
        min_size=1,
        max_size=40,
    ),
)
def test_a_combination_is_the_model(begin: datetime, steps: list[tuple[int, str, bool, int]]) -> None:
    """The same edges at the same times, whatever restarts come between."""
    world, house = World(begin), RuleHouse(ALONE, at=begin)
    told: list[tuple[str, datetime]] = []

    def note(said: list[str]) -> None:
        at = datetime.fromtimestamp(house.now.wall_ns / NS, UTC)
        told.extend((each[0], at) for each in said if each[1:].startswith(KEY))

    for number, (waits, device, value, restart) in enumerate(steps):
        for _ in range(waits):
            note(house.wait(seconds=STEP_S))
        world.wait(waits)
        if restart == 0:
            note(house.restart(boot=f"boot-{number + 2}"))
        note(house.says(device, DEVICES[device], value))
        world.said[device] = value
        world.look()
    assert told == world.told

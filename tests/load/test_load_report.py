"""Which rules ring most and falsest: counted from the journal, in pages, without a person."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.alerts.load_report import FEW, Tally, busiest
from gateway.journal.journal import Journal
from gateway.journal.offline import ALERTS_A_PAGE, alert_pages
from gateway.model.alert import Alert, Concern, Handling, Outcome, Priority
from gateway.model.clock import NS
from support.alarm_house import VirtualClock
from support.inline_threads import InlineThreads
from support.load_alerts import an_alert
from support.rule_house import RuleHouse

START = RuleHouse().now
MINUTE_NS = 60 * NS


def closed(n: int, rule: str, outcome: Outcome | None, minutes: float = 0, **changes: Any) -> Alert:
    """Make an alert that was raised then and ended so."""
    raised = START.plus(timedelta(minutes=minutes))
    handling = Handling.UNACKNOWLEDGED if outcome is None else Handling.RESOLVED
    return an_alert(n, rule, raised=raised, changed=raised, outcome=outcome, handling=handling, **changes)


def tally(alerts: list[Alert]) -> dict[str, Any]:
    """Count them."""
    counted = Tally(START.wall_ns - 1, START.wall_ns + 10**18)
    counted.add(alerts)
    return counted.document()


def test_the_five_that_ring_most_and_the_five_that_ring_falsest() -> None:
    """Most by count, with the device behind it; falsest by share, and by count where a share says nothing."""
    alerts: list[Alert] = []

    def add(rule: str, outcome: Outcome | None, times: int, **changes: Any) -> None:
        alerts.extend([closed(len(alerts) + n, rule, outcome, **changes) for n in range(times)])

    add("bed-left", Outcome.FALSE_ALARM, 15, device="seng-1")
    add("bed-left", Outcome.ASSISTED, 15, device="seng-2")
    add("bed-left", Outcome.AUTO, 10, device="seng-2")
    add("door-opened", Outcome.FALSE_ALARM, 4)
    add("door-opened", Outcome.CHECKED, 36)
    add("leak", Outcome.FALSE_ALARM, 3)
    add("leak", None, 40)
    for rule in ("a", "b", "c", "d"):
        add(rule, Outcome.CHECKED, 2)
    add("help-call", Outcome.FALSE_ALARM, 99, concern=Concern.SELF)
    add("device-silent", Outcome.AUTO, 7, concern=Concern.TECHNICAL)
    add("bed-left", Outcome.FALSE_ALARM, 50, test=True)
    found = tally(alerts)
    assert [(row["rule"], row["count"], row["device"]) for row in found["most"]] == [
        ("leak", 43, "doer-12"),
        ("bed-left", 40, "seng-2"),
        ("door-opened", 40, "doer-12"),
        ("a", 2, "doer-12"),
        ("b", 2, "doer-12"),
    ]
    assert found["falsest"] == [
        {"rule": "bed-left", "judged": 30, "false": 15, "share": 0.5},
        {"rule": "door-opened", "judged": 40, "false": 4, "share": 0.1},
        {"rule": "leak", "judged": 3, "false": 3, "share": None},
    ]
    assert (found["calls"], found["own"]) == (99, [{"rule": "device-silent", "count": 7}])
    assert found["rules"]["count"] == 131


def test_the_shares_of_emergency_and_high_stand_beside_what_they_should_be() -> None:
    """Five and fifteen per cent; nothing where there are too few to tell."""
    alerts = [closed(n, "x", None, priority=Priority.EMERGENCY) for n in range(2)]
    alerts += [closed(10 + n, "x", None, priority=Priority.HIGH) for n in range(6)]
    alerts += [closed(20 + n, "x", None, priority=Priority.MEDIUM) for n in range(12)]
    shares = {row["priority"]: row for row in tally(alerts)["rules"]["shares"]}
    assert (shares["emergency"]["share"], shares["emergency"]["at_most"]) == (0.1, 0.05)
    assert (shares["high"]["share"], shares["high"]["at_most"]) == (0.3, 0.15)
    assert (shares["medium"]["share"], shares["medium"]["at_most"]) == (0.6, None)
    assert {row["share"] for row in tally(alerts[: FEW - 1])["rules"]["shares"]} == {None}


def test_no_person_is_in_it() -> None:
    """Whoever took and closed them has no place in the figures (C9)."""
    alerts = [closed(n, "x", Outcome.CHECKED, closed_by="KL", taken_from="AB") for n in range(30)]
    text = json.dumps(tally(alerts))
    assert "KL" not in text
    assert "AB" not in text


def test_one_that_changed_while_it_was_counted_is_counted_once() -> None:
    """Its last state counts."""
    first = closed(1, "x", None)
    found = tally([first, replace(first, outcome=Outcome.FALSE_ALARM)])
    assert (found["rules"]["count"], found["falsest"][0]["false"]) == (1, 1)


def test_an_alert_of_before_that_changed_since_is_not_counted() -> None:
    """The period is that in which it rang."""
    assert tally([closed(1, "x", Outcome.CHECKED, -60)])["rules"]["count"] == 0


@given(st.lists(st.integers(0, 60), max_size=60))
def test_the_busiest_ten_minutes_are_the_busiest(minutes: list[int]) -> None:
    """Against every window that begins with an alert."""
    found = busiest(START.wall_ns + each * MINUTE_NS for each in minutes)
    best = max((sum(begin <= other < begin + 10 for other in minutes) for begin in minutes), default=0)
    assert (found["count"] if found else 0) == best


async def journal_of(state: Path, alerts: list[Alert]) -> None:
    """Write a journal with these alerts."""
    journal = await Journal.open(state, VirtualClock(), lambda _: None, threads=InlineThreads())

    def put(ledger: Any) -> None:
        for alert in alerts:
            ledger.put_alert(alert)

    await journal.alarms.write(put)
    await journal.close()


async def test_pages_give_each_alert_once(tmp_path: Path) -> None:
    """More than a page of them, from the first to the last."""
    many = ALERTS_A_PAGE + 20
    await journal_of(tmp_path, [closed(n, "x", Outcome.CHECKED, n / 100) for n in range(many)])
    pages = list(alert_pages(tmp_path, VirtualClock(), 0))
    assert [len(page) for page in pages] == [ALERTS_A_PAGE, 20]
    assert len({alert.id for page in pages for alert in page}) == many


def velgate(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    line = [sys.executable, "-m", "gateway.cli", *words]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=600)


async def test_the_command_prints_it_for_people_and_as_json(tmp_path: Path) -> None:
    """Beside a gateway or without one; too few is said in words."""
    await journal_of(tmp_path, [closed(n, "bed-left", Outcome.FALSE_ALARM, n) for n in range(3)])
    said = velgate("alert", "load", "--state", str(tmp_path), "--since", "2026-01-01")
    assert said.returncode == 0, said.stderr
    assert "These rules ring most:" in said.stdout
    assert "too few" in said.stdout
    printed = velgate("alert", "load", "--json", "--state", str(tmp_path), "--since", "2026-01-01T00:00:00Z")
    found = json.loads(printed.stdout)
    assert (found["schema"], found["rules"]["count"]) == ("velgate/load/1", 3)
    assert found["most"][0] == {"rule": "bed-left", "count": 3, "device": "doer-12", "device_count": 3}


@pytest.mark.parametrize(
    ("words", "code"), [(("--since", "yesterday"), 2), (("--since", "2026-99-99"), 2), ((), 4)]
)
def test_the_command_says_what_is_wrong(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    """A time that is none; a state folder without a journal."""
    assert velgate("alert", "load", "--state", str(tmp_path), *words).returncode == code

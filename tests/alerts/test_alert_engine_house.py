"""What happens by itself: conditions, schedules, silence, troubles, tests, rules that fail."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.alerts.duty_book import put_override
from gateway.alerts.rules import RuleBook
from gateway.alerts.shifts import Override
from gateway.model.alert import Handling, Outcome, Priority
from gateway.model.problem import Exit, Problem
from gateway.model.readings import Record
from gateway.model.trouble import Trouble
from support.alarm_house import FakeChannel, open_house

pytestmark = pytest.mark.looptime

COLD = {
    "alerts": {
        "rules": {
            "cold": {
                "when": {"quantity": "temperature", "below": 18.0, "hysteresis": 1.0},
                "kind": "room.cold",
                "concern": "room",
                "priority": "medium",
                "policy": "medium",
                "auto_resolve": True,
            },
            "room-cold": {"enabled": False},
        }
    }
}


async def test_a_measurement_that_raises_is_kept_as_evidence(tmp_path: Path) -> None:
    """And the condition that ends closes what may close itself."""
    async with open_house(tmp_path, COLD) as house:
        await house.says("klima-12", "temperature", 17.0)
        await house.says("klima-12", "temperature", 16.5)
        alert = house.alert("cold/klima-12")
        assert (alert.count, len(alert.readings)) == (1, 1)
        evidence = await house.journal.alarms.read(lambda ledger: ledger.event(alert.readings[0]))
        assert evidence is not None
        assert evidence.value == 17.0
        assert await house.journal.alarms.read(lambda ledger: ledger.events_after(0, 10)) == []
        await house.says("klima-12", "temperature", 18.5)
        assert house.open_keys() == ["cold/klima-12"]
        await house.says("klima-12", "temperature", 19.5)
        assert house.open_keys() == []
        _, last = house.published[-1]
        assert (last.alert.outcome, last.alert.closed_by) == (Outcome.AUTO, None)


async def test_outside_its_schedule_an_alert_is_held_back_until_it_opens(tmp_path: Path) -> None:
    """Recorded, shown to nobody; at the time it opens it calls."""
    night = {"alerts": {"rules": {"cold": {"schedule": {"start": "23:00", "end": "07:00"}}}}}
    sms = FakeChannel("sms")
    people = {"person": {"KL": {"channels": ["sms"]}}}
    async with open_house(tmp_path, COLD, night, people, channels={"sms": sms}) as house:
        await house.says("klima-12", "temperature", 17.0)
        held = house.alert("cold/klima-12")
        assert (held.handling, held.suppressed, sms.sent) == (Handling.SUPPRESSED, "schedule", [])
        assert await house.rows(held) == []
        house.clock.ahead_s = 9 * 3600  # the clock on the wall says 23:20
        await asyncio.sleep(6)
        calling = house.alert("cold/klima-12")
        assert (calling.handling, calling.suppressed, len(sms.sent)) == (Handling.UNACKNOWLEDGED, None, 1)


async def test_in_maintenance_a_call_goes_out_as_a_test_and_joins_no_real_one(tmp_path: Path) -> None:
    """The technician's presses and the resident's are two alerts."""
    busy = {"device": {"kald-12": {"maintenance_until": "2026-11-24T15:00:00Z"}}}
    async with open_house(tmp_path, busy) as house:
        await house.press()
        assert house.open_keys() == ["help-call/kald-12/test"]
        assert house.alert("help-call/kald-12/test").document()["test"] is True
        house.clock.ahead_s = 3600 * 2
        await house.press()
        assert house.open_keys() == ["help-call/kald-12", "help-call/kald-12/test"]


async def test_a_trouble_is_told_once_while_it_lasts(tmp_path: Path) -> None:
    """Also one that was told before the alerts had opened."""
    down = Trouble(kind="outlet.behind", subject="influx", present=True, detail="the server is away")
    async with open_house(tmp_path) as house:
        house.engine.trouble(down)
        house.engine.trouble(down)
        await house.settle()
        alert = house.alert("outlet-behind/influx")
        assert (alert.count, alert.priority, alert.detail) == (1, Priority.TECHNICAL, "the server is away")
        house.engine.trouble(Trouble(kind="outlet.behind", subject="influx", present=False))
        await house.settle()
        assert house.open_keys() == []


async def test_a_silent_call_button_is_told_with_the_calls(tmp_path: Path) -> None:
    """Silence is an alarm."""
    spoken = {"device": {"kald-12": {"heard_every": "1m"}}}
    async with open_house(tmp_path, spoken) as house:
        house.silent.add("kald-12")
        await asyncio.sleep(300)
        alert = house.alert("device-silent/kald-12")
        assert (alert.kind, alert.priority, alert.concern.value) == (
            "call_device.silent",
            Priority.HIGH,
            "technical",
        )
        house.silent.clear()
        await asyncio.sleep(10)
        assert "device-silent/kald-12" not in house.open_keys()


async def test_a_rule_that_fails_holds_up_no_event_and_judges_it_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The press is kept, a technical alert says so, and after the reload somebody is called."""
    judge = RuleBook.judge
    broken = True

    def failing(self: RuleBook, record: Record, now: Any, memory: Any, *, only: Any = None) -> Any:
        if broken and record.quantity == "help_call":
            raise ZeroDivisionError
        return judge(self, record, now, memory, only=only)

    monkeypatch.setattr(RuleBook, "judge", failing)
    async with open_house(tmp_path) as house:
        await house.engine.event([house.record("kald-12", "help_call", "press")], [])
        await house.settle()
        assert house.open_keys() == ["rule-failing/every-rule"]
        assert house.alert("rule-failing/every-rule").priority is Priority.HIGH
        unjudged = await house.journal.alarms.read(lambda ledger: ledger.unjudged(10))
        assert len(unjudged) == 1
        broken = False
        await asyncio.sleep(61)
        assert "help-call/kald-12" in house.open_keys()
        assert await house.journal.alarms.read(lambda ledger: ledger.unjudged(10)) == []


async def test_an_event_is_kept_although_what_follows_from_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours in carrying out undoes the alert, never the event."""
    async with open_house(tmp_path) as house:
        monkeypatch.setattr("gateway.alerts.desk.row_for", lambda *_, **__: 1 / 0)
        await house.engine.event([house.record("kald-12", "help_call", "press")], [])
        monkeypatch.undo()
        await house.settle()
        assert len(await house.journal.alarms.read(lambda ledger: ledger.unjudged(10))) == 1
        await asyncio.sleep(61)
        assert "help-call/kald-12" in house.open_keys()


async def test_an_event_that_is_kept_already_follows_only_once(tmp_path: Path) -> None:
    """A disk that says no and has done it all the same: the press is counted once."""
    async with open_house(tmp_path) as house:
        record = house.record("kald-12", "help_call", "press")
        await house.engine.event([record], [])
        await house.engine.event([record], [])
        await house.settle()
        assert house.alert().count == 1


async def test_a_chain_test_tells_every_hop(tmp_path: Path) -> None:
    """Through the real path, marked as test, and again through all of it the next time."""
    people = {"person": {"KL": {"channels": ["sms"]}}}
    sms = FakeChannel("sms", delay_s=0.25)
    async with open_house(tmp_path, people, channels={"sms": sms}) as house:
        house.disk.commit_s = 0.01
        for _ in range(2):
            result = await house.engine.test("kald-12", by="KL")
            hops = {(hop["hop"], hop["channel"]): hop["ms"] for hop in result.hops}
            assert result.ok
            assert hops["heard", None] == 0
            assert hops["committed", None] == pytest.approx(10, abs=2)
            assert hops["sent", "page"] >= 10
            assert 250 <= hops["sent", "sms"] < 400
        alert = house.alert("help-call/kald-12/test")
        assert (alert.id, alert.test, alert.count, alert.title["da"]) == (
            result.alert,
            True,
            2,
            "PRØVE – Kald – Bolig 12",
        )
        assert result.document()["ok"] is True
        assert all(text.startswith("PRØVE") for text in sms.texts)
        assert house.open_keys() == ["help-call/kald-12/test"]


async def test_a_chain_test_that_gets_stuck_says_where(tmp_path: Path) -> None:
    """What did not get through within ten seconds is missing."""
    people = {"person": {"KL": {"channels": ["sms"]}}}
    sms = FakeChannel("sms", does="hang")
    async with open_house(tmp_path, people, channels={"sms": sms}) as house:
        result = await house.engine.test("kald-12", by="KL")
        assert not result.ok
        assert [hop["channel"] for hop in result.hops if hop["hop"] == "sent"] == ["page"]


@pytest.mark.parametrize(
    ("device", "code"), [("nowhere", Exit.NOT_FOUND), ("fald-12", Exit.REFUSED), ("klima-12", Exit.REFUSED)]
)
async def test_what_cannot_be_tested_says_why(tmp_path: Path, device: str, code: Exit) -> None:
    """No such device; no legal basis; nothing that would raise an alert."""
    async with open_house(tmp_path) as house:
        with pytest.raises(Problem) as found:
            await house.engine.test(device, by="KL")
        assert found.value.exit is code
        assert house.open_keys() == []


async def test_a_reload_keeps_what_is_open_and_tells_it_by_the_new_policy(tmp_path: Path) -> None:
    """A policy that was taken out gives way to one that tells everybody."""
    async with open_house(tmp_path) as house:
        await house.press()
        policies = dict(house.settings.alerts.policies)
        del policies["call"]
        alerts = house.settings.alerts.model_copy(update={"policies": policies})
        house.engine.reload(house.settings.model_copy(update={"alerts": alerts}))
        await asyncio.sleep(121)
        assert house.alert().asked == ("page", "duty", "everyone")
        await asyncio.sleep(121)
        assert house.alert().handling is Handling.UNACKNOWLEDGED


async def test_who_is_on_duty_is_published_as_numbers(tmp_path: Path) -> None:
    """No persons; nothing that is not known."""
    duty = {
        "group": {
            "dag": {"shifts": [{"start": "07:00", "end": "15:00", "persons": ["KL", "AB"]}]},
            "nat": {"shifts": [{"start": "23:00", "end": "07:00", "persons": ["MN"]}]},
        }
    }
    async with open_house(tmp_path, duty) as house:
        assert house.engine.duty_document() == {
            "groups": [
                {"group": "dag", "until": "2026-11-24T14:00:00.000Z", "on": 2, "reached": None},
                {"group": "nat", "until": None, "on": 0, "reached": None},
            ],
            "centre": None,
        }
        await house.engine.prove_reach("KL", reached=True)
        now = house.clock.now()
        passed = Override("o-1", "nat", ("AB",), now.wall_ns - 1, now.wall_ns)
        await house.engine.change_duty(lambda ledger: put_override(ledger, passed, now, source="test"))
        assert [row["reached"] for row in house.engine.duty_document()["groups"]] == [1, 0]


async def test_where_reach_is_proved_who_is_not_proved_is_told_and_not_waited_for(tmp_path: Path) -> None:
    """R9 is in force once somebody's reach has been proved here, and outlives a restart."""
    policy = {
        "group": {"dag": {"persons": ["KL", "AB"]}},
        "alerts": {
            "policies": {
                "call": {
                    "steps": [
                        {"targets": ["group:dag"], "after": "2m"},
                        {"targets": ["everyone"], "after": "2m"},
                    ]
                }
            }
        },
    }
    async with open_house(tmp_path, policy) as house:
        await house.engine.prove_reach("MN", reached=True)
        await house.power_cut(same_boot=True)
        alert = await house.press()
        assert alert.step == 2
        assert {row.person for row in await house.rows(alert) if row.step == 1} == {"KL", "AB"}
        assert "duty-unreached/dag" in house.open_keys()
        await house.engine.prove_reach("AB", reached=True)
        await asyncio.sleep(6)
        assert "duty-unreached/dag" not in house.open_keys()
        assert (await house.press("kald-12-bad")).step == 1

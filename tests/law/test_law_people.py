"""C1 to C9 of the house rules on consent and privacy, each at the door where somebody would meet it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.info import staff_notice
from gateway.model.alert import Alert, Concern
from gateway.model.clock import ClockQuality
from gateway.model.readings import Guard
from gateway.model.rows import Basis
from gateway.settings.channels import Channel
from gateway.settings.loader import load
from gateway.settings.retention import Retention
from support.alarm_house import AlarmHouse, open_house
from support.board_client import client
from support.board_house import TOKEN, open_board
from support.calendars import HOME
from support.duty_house import DutyHouse, open_duty
from support.eventually import eventually
from support.homes import write_home

PRESENCE = {"place": "room-12", "concern": "presence", "kind": "consent", "until": "2099-01-01"}


async def records(house: DutyHouse, **changes: Any) -> int:
    """Try to record a basis as LE, who may; gives the status."""
    answer = await house.asks("POST", "/api/v1/basis", {**PRESENCE, "by": "LE", **changes})
    return answer.status


async def test_c1_a_basis_is_for_place_and_concern_and_has_no_free_text(tmp_path: Path) -> None:
    """A decision has a case and a last day ahead; a reference is no place for a name."""
    async with open_duty(tmp_path) as house:
        decision = {"kind": "decision", "case": "26/1234"}
        assert await records(house) == 201
        assert await records(house, **decision) == 201
        assert await records(house, kind="decision") == 422
        assert await records(house, **{**decision, "case": "Anna Larsen"}) == 422
        assert await records(house, **{**decision, "case": "Larsen"}) == 422
        assert await records(house, **{**decision, "until": "2020-01-01"}) == 422
        assert await records(house, kind="because") == 422
        assert await records(house, text="hun vil gerne") == 422
        for concern in ("self", "room", "technical"):
            assert await records(house, concern=concern) == 422
        assert await records(house, by="KL") == 403
        assert await records(house, place="room-99") == 404


async def test_c2_a_call_is_never_suppressed_for_lack_of_a_basis(tmp_path: Path) -> None:
    """And an objection to it is refused."""
    async with open_duty(tmp_path) as house:
        alert = await house.press("kald-12")
        answer = await house.asks("POST", f"/api/v1/alerts/{alert.id}/object", {"by": "KL"})
        assert answer.status == 409
        refused = await house.asks("DELETE", "/api/v1/basis", {"place": "room-12", "rule": "help-call"})
        assert refused.status == 409
        assert (await house.asks("GET", f"/api/v1/alerts/{alert.id}")).json["handling"] == "unacknowledged"


def basis(house: AlarmHouse, kind: Any, days: int) -> Basis:
    """Make a basis that ends so many days from now."""
    today = datetime.fromtimestamp(house.clock.now().wall_ns / 1e9, HOME).date()
    until = today + timedelta(days=days)
    case = "26/12" if kind == "decision" else None
    return Basis(
        place="room-12",
        concern="presence",
        kind=kind,
        until=until,
        case=case,
        recorded=house.clock.now(),
        by="AB",
    )


async def day_by_day(house: AlarmHouse, days: int) -> dict[int, set[str]]:
    """Let days pass by the clock on the wall, and give what is open about the basis on each."""
    seen: dict[int, set[str]] = {}
    for day in range(days + 1):
        await asyncio.sleep(11)
        seen[day] = {key for key in house.open_keys() if key.startswith("basis-")}
        house.clock.ahead_s += 86_400
    return seen


@pytest.mark.looptime
async def test_c3_a_decision_is_announced_ends_and_says_so_until_somebody_answers(tmp_path: Path) -> None:
    """30, 14, 3 and 1 days before; the stop is an alert that closes by a person alone."""
    async with open_house(tmp_path) as house:
        row = basis(house, "decision", 31)
        await house.journal.alarms.write(lambda ledger: ledger.put_basis(row))
        await house.engine.basis_changed()
        seen = await day_by_day(house, 34)
        at = "basis-expiring/room-12/presence"
        assert [seen[day] for day in (0, 1, 16, 17, 28, 30)] == [
            set(),
            {f"{at}/30"},
            {f"{at}/30"},
            {f"{at}/14"},
            {f"{at}/3"},
            {f"{at}/1"},
        ]
        assert seen[31] == {f"{at}/1"}
        assert seen[32] == seen[34] == {"basis-ended/room-12/presence"}
        (ended,) = [each.alert for each in house.engine.open() if each.alert.kind == "basis.ended"]
        assert ended.priority == "technical"
        house.clock.quality = ClockQuality.UNSYNCED
        await asyncio.sleep(11)
        assert "basis-ended/room-12/presence" in house.open_keys()
        await house.engine.act(ended.id, "resolve", by="AB", source="test", fields={"outcome": "technical"})
        assert "basis-ended/room-12/presence" not in house.open_keys()


@pytest.mark.looptime
async def test_c3_nothing_stops_while_nobody_knows_what_day_it_is(tmp_path: Path) -> None:
    """Neither the readings nor their rules; the end is told once the clock is right again."""
    async with open_house(tmp_path) as house:
        row = basis(house, "decision", 0)
        await house.journal.alarms.write(lambda ledger: ledger.put_basis(row))
        await house.engine.basis_changed()
        house.clock.quality = ClockQuality.UNSYNCED
        await day_by_day(house, 3)
        now = house.clock.now()
        assert house.engine.basis.keeps("room-12", Concern.PRESENCE, now)
        assert not any(key.startswith("basis-ended") for key in house.open_keys())
        house.clock.quality = ClockQuality.SYNCED
        await asyncio.sleep(11)
        assert "basis-ended/room-12/presence" in house.open_keys()


@pytest.mark.looptime
@pytest.mark.parametrize("kind", ["consent", "no_objection"])
async def test_c3_a_review_that_is_late_reminds_and_stops_nothing(tmp_path: Path, kind: str) -> None:
    """Each day, until a person records anew."""
    async with open_house(tmp_path) as house:
        row = basis(house, kind, 0)
        await house.journal.alarms.write(lambda ledger: ledger.put_basis(row))
        await house.engine.basis_changed()
        seen = await day_by_day(house, 3)
        assert seen[0] == set()
        assert all(seen[day] == {"basis-review/room-12/presence"} for day in (1, 2, 3))
        (review,) = [each.alert for each in house.engine.open() if each.alert.kind == "basis.review"]
        assert review.count >= 3
        assert house.engine.basis.keeps("room-12", Concern.PRESENCE, house.clock.now())


async def fall(house: DutyHouse) -> Alert:
    """Have somebody fall."""
    record = house.record("fald-12", "fall", "detected")
    await house.engine.event([record], [Guard("fald-12", "sequence", "1", house.clock.now())])

    def raised() -> Alert | None:
        every = (each for each in house.engine.open() if each.durable)
        return next((each.alert for each in every if record.id in each.alert.readings), None)

    alert = await eventually(raised)
    assert alert is not None
    return alert


async def test_c4_an_objection_stops_the_rule_and_never_the_alert_that_is_open(tmp_path: Path) -> None:
    """Audited, told; taken back by who tapped within a minute, later by the right alone."""
    async with open_duty(tmp_path) as house:
        assert await records(house, concern="fall") == 201
        alert = await fall(house)
        path = f"/api/v1/alerts/{alert.id}/object"
        assert (await house.asks("POST", path, {"by": "KL"})).status == 200
        assert (await house.asks("GET", f"/api/v1/alerts/{alert.id}")).json["handling"] == "unacknowledged"
        assert ("objected", "KL") in await house.audit()
        told = next(each.alert for each in house.engine.open() if each.alert.kind == "basis.objected")
        rows = await house.journal.alarms.read(lambda ledger: ledger.notifications(told.id))
        assert {row.person for row in rows} >= {"LE"}
        assert (await house.asks("POST", path, {"by": "AB", "undo": True})).status == 403
        assert (await house.asks("POST", path, {"by": "KL", "undo": True})).status == 200
        assert (await house.asks("POST", path, {"by": "KL"})).status == 200
        house.later(seconds=61)
        assert (await house.asks("POST", path, {"by": "KL", "undo": True})).status == 409
        assert (await house.asks("POST", path, {"by": "LE", "undo": True})).status == 200


async def test_c4_withdrawing_past_an_alert_is_told_in_the_same_commit(tmp_path: Path) -> None:
    """Whoever may lift it hears of it, also of what an operator did without a name."""
    async with open_duty(tmp_path) as house:
        assert await records(house) == 201
        said = await house.command("basis", "withdraw", "room-12", "presence")
        assert said.code == 0, said.err
        assert "basis-objected/room-12/presence" in {each.alert.key for each in house.engine.open()}
        assert ("basis_withdrawn", None) in await house.audit()
        assert await records(house) == 201
        entries = await house.journal.alarms.read(lambda ledger: ledger.audit_entries(0, 1000))
        lifted = [each for each in entries if each.detail.get("lifts_objection")]
        assert [each.by for each in lifted] == ["LE"]


async def test_c5_free_text_is_short_and_in_no_place_that_is_kept(tmp_path: Path) -> None:
    """A note, or the reason for waiting: neither in the alert nor in the audit log."""
    async with open_duty(tmp_path) as house:
        alert = await house.press("kald-12")
        act = f"/api/v1/alerts/{alert.id}"
        assert (await house.asks("POST", f"{act}/acknowledge", {"by": "KL", "note": "x" * 281})).status == 422
        text = "beder om vand"
        assert (await house.asks("POST", f"{act}/presence", {"by": "KL", "note": text})).status == 200
        waiting = {"by": "KL", "until": "15m", "reason": f"sover, {text}", "spoken": True}
        assert (await house.asks("POST", f"{act}/shelve", waiting)).status == 200
        shown = (await house.asks("GET", act)).text
        log = (await house.asks("GET", "/api/v1/audit?limit=1000&by=LE")).text
        assert text not in shown + log
        assert [note.text for note in await house.engine.notes()] == [text, waiting["reason"]]
        house.later(hours=49)
        assert await house.engine.notes() == []


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({"audit": "180d"}, True),
        ({"audit": "181d"}, False),
        ({"audit": "4000d", "because": {"audit": {"owner": "DPO", "reason": "en sag"}}}, False),
        ({"audit": "1800d", "because": {"audit": {"owner": "DPO", "reason": "en sag"}}}, True),
        ({"personal": "60d", "because": {"audit": {"owner": "DPO", "reason": "en sag"}}}, False),
        ({"personal": "7d", "alerts": "30d", "other": "30d"}, True),
    ],
)
def test_c6_what_is_kept_longer_has_an_owner_and_a_reason(
    given: dict[str, Any], fits: bool, tmp_path: Path
) -> None:
    """Of its own; shorter needs none, and the log never passes five years."""
    lines = [f'retention.{kind} = "{span}"' for kind, span in given.items() if isinstance(span, str)]
    for kind, why in given.get("because", {}).items():
        lines += [f'retention.because.{kind}.{name} = "{text}"' for name, text in why.items()]
    folder = write_home(tmp_path / "config", home="\n".join(lines))
    found = load(folder)
    wrong = [each for each in found.errors if (each.key or "").startswith("retention.")]
    assert bool(wrong) is not fits
    if fits:
        kept = Retention.model_validate(given)
        assert all((each["owner"], each["reason"]) for each in kept.because.model_dump().values())
        return
    # A gateway that was given it before anybody asked for a reason goes on: it carries calls.
    running = load(folder, running=True)
    assert running.errors == ()
    assert {each.key for each in wrong} <= {each.key for each in running.warnings}
    assert running.settings.retention == Retention.model_validate(given)


def test_c6_a_span_that_cannot_be_read_is_an_error_all_the_same(tmp_path: Path) -> None:
    """Nobody knows what was meant."""
    folder = write_home(tmp_path / "config", home='retention.audit = "long"')
    assert [each.key for each in load(folder, running=True).errors] == ["retention.audit"]


async def test_c7_who_looked_when_at_which_place_and_what_kind(tmp_path: Path) -> None:
    """Readings and the live stream; shown by `alert audit --looks` to the right `audit` alone."""
    async with open_duty(tmp_path) as house:
        assert await records(house) == 201
        bed = house.record("seng-12", "bed_occupancy", value=True)
        temperature = house.record("seng-12", "temperature", 21.0)
        house.journal.readings.append([bed, temperature])
        await house.journal.readings.flush()
        path = "/api/v1/readings?place=room-12&by="
        assert len((await house.asks("GET", f"{path}KL")).json["readings"]) == 1  # no right: the room alone
        assert len((await house.asks("GET", f"{path}CD")).json["readings"]) == 2
        async with client(house, local=True) as socket, socket.stream(path="/api/v1/tail", query="?by=CD"):
            pass
        assert (await house.command("alert", "audit", "--looks", "--by", "KL")).code == 6
        looks = (await house.document("alert", "audit", "--looks", "--by", "DP"))["entries"]
        assert [(look["by"], look["detail"]["places"]) for look in looks] == [
            ("CD", ["room-12"]),
            ("CD", ["*"]),
        ]
        assert looks[0]["detail"]["quantities"] == ["bed_occupancy"]
        assert looks[0]["time"]
        text = await house.command("alert", "audit", "--looks", "--by", "DP")
        assert "bed_occupancy" in text.out


VITAL = """
[alerts.rules.pulse]
when = {quantity = "heart_rate", above = 120}
kind = "vital.limit"
concern = "vital"
priority = "medium"
policy = "medium"
"""
INTENDED = '\n[intended_use]\nresponsible = "centerleder"\nsince = 2026-01-01\ngrounds = "aftale 26/12"\n'


async def pulse(house: DutyHouse) -> list[dict[str, Any]]:
    """Have a fast pulse measured, and give the alerts about it that other programs see."""
    assert await records(house, concern="vital") == 201
    house.engine.observe([house.record("seng-12", "heart_rate", 140)])

    async def raised() -> list[dict[str, Any]]:
        found = (await house.asks("GET", "/api/v1/alerts?state=open")).json["alerts"]
        return [each for each in found if each["rule"] == "pulse"]

    return await eventually(raised)


async def test_c8_a_limit_on_a_vital_sign_marks_its_alert(tmp_path: Path) -> None:
    """It says under what it stands; without `[intended_use]` the rule does not load."""
    async with open_duty(tmp_path, VITAL + INTENDED) as house:
        (alert,) = await pulse(house)
        assert "intended use" in alert["detail"]


async def test_c9_no_figure_names_anybody_and_initials_leave_a_day_after(tmp_path: Path) -> None:
    """Neither metrics nor the shift view; the audit log alone keeps who it was."""
    async with open_board(tmp_path) as house, client(house) as browser:
        alert = await house.press()
        for action, fields in (("acknowledge", {}), ("resolve", {"outcome": "assisted", "presence": True})):
            await house.does(alert, action, by="CD", **fields)
        token = {"Authorization": f"Bearer {TOKEN}"}
        metrics = (await browser.get("/metrics", **token)).text
        assert "CD" not in metrics
        shown = (await browser.get(f"/api/v1/alerts/{alert.id}", **token)).text
        assert '"CD"' in shown
        house.later(hours=25)
        for path in (f"/api/v1/alerts/{alert.id}", "/api/v1/alerts?state=resolved"):
            assert '"CD"' not in (await browser.get(path, **token)).text
        shift = (await browser.get("/api/v1/shift", **token)).json
        assert not {"by_person", "response", "times"} & shift.keys()
        assert ("acknowledged", "CD") in await house.audit()


async def test_c9_the_notice_to_employees_says_who_reads_the_log_and_for_how_long(tmp_path: Path) -> None:
    """In both languages, from the configuration as it is."""
    async with open_duty(tmp_path) as house:
        settings = house.settings
    for language in ("da", "en"):
        title, paragraphs = staff_notice(settings, language)
        text = " ".join(part for pair in paragraphs for part in pair)
        assert "solhjem" in title
        assert "DP, LE" in text
        assert "180" in text
        assert settings.retention.because.audit.owner in text
        assert "overvåg" not in text
        assert "monitor" not in text
        assert "webhook" not in text
    ways = {name: Channel.model_construct(kind=name) for name in ("apprise", "mqtt", "web_push", "webhook")}
    _, paragraphs = staff_notice(settings.model_copy(update={"channel": ways}), "da")
    assert "SMS, mail og lignende, husets MQTT-broker, telefonernes beskedtjeneste" in str(paragraphs)


async def test_c4_what_was_on_its_way_when_the_resident_said_no_is_shown_to_nobody(tmp_path: Path) -> None:
    """Kept a moment before, and neither on the stream nor in the history after; shown once it is lifted."""
    async with open_duty(tmp_path) as house, client(house, local=True) as socket:
        assert await records(house) == 201
        async with socket.stream(path="/api/v1/tail", query="?by=CD") as events:
            await events.next("beat")
            assert (await house.command("basis", "withdraw", "room-12", "presence", "--by", "KL")).code == 0
            bed = house.record("seng-12", "bed_occupancy", value=True)
            house.journal.readings.append([bed, house.record("seng-12", "temperature", 21.0)])
            await house.journal.readings.flush()
            event = await events.next("reading")
            assert event.data["quantity"] == "temperature"
        path = "/api/v1/readings?place=room-12&by=CD"
        rows = (await house.asks("GET", path)).json["readings"]
        assert [row["quantity"] for row in rows] == ["temperature"]
        back = ("basis", "withdraw", "room-12", "presence", "--undo", "--by", "KL")
        assert (await house.command(*back)).code == 0
        rows = (await house.asks("GET", path)).json["readings"]
        assert {row["quantity"] for row in rows} == {"temperature", "bed_occupancy"}


async def test_c4_at_the_command_line_the_right_lifts_or_for_a_minute_who_tapped(tmp_path: Path) -> None:
    """Somebody else may not, with another basis or by taking it back."""
    async with open_duty(tmp_path) as house:
        assert await records(house) == 201
        withdraw = ("basis", "withdraw", "room-12", "presence", "--by")
        assert (await house.command(*withdraw, "KL")).code == 0
        add = ("basis", "add", "room-12", "presence", "--kind", "consent", "--until", "2099-01-01", "--by")
        assert (await house.command(*add, "KL")).code == 6
        assert (await house.command(*withdraw, "AB", "--undo")).code == 6
        assert (await house.command(*withdraw, "KL", "--undo")).code == 0
        assert (await house.command(*withdraw, "KL", "--undo")).code == 4
        assert (await house.command(*withdraw, "KL")).code == 0
        house.later(seconds=61)
        assert (await house.command(*withdraw, "KL", "--undo")).code == 6
        assert (await house.command(*add, "LE")).code == 0


@pytest.mark.looptime
async def test_c4_a_slow_look_at_the_bases_takes_no_objection_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that began before the objection ends after the one that saw it."""
    async with open_house(tmp_path) as house:
        row = basis(house, "consent", 99)
        await house.journal.alarms.write(lambda ledger: ledger.put_basis(row))
        await house.engine.basis_changed()
        assert house.engine.basis.keeps("room-12", Concern.PRESENCE, house.clock.now())
        alarms, read, slow = house.disk, house.disk.read, True

        async def late(work: Any) -> Any:
            nonlocal slow
            first, slow = slow, False
            given = await read(work)
            await asyncio.sleep(5 if first else 0)
            return given

        monkeypatch.setattr(alarms, "read", late)
        early = asyncio.ensure_future(house.engine.basis_changed())
        await asyncio.sleep(1)
        await house.engine.withdraw("room-12", Concern.PRESENCE, None, by="KL", source="test")
        await early
        assert not house.engine.basis.keeps("room-12", Concern.PRESENCE, house.clock.now())

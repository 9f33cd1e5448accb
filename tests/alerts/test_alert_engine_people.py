"""What people ask for, with the answers that other programs rely on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.model.alert import Handling, Outcome, Priority
from gateway.model.clock import ClockQuality, iso
from gateway.model.refusal import Refused
from support.alarm_house import AlarmHouse, FakeChannel, open_house

pytestmark = pytest.mark.looptime

GROUP = {"group": {"nat": {"persons": ["AB", "MN"]}}}


async def refused(house: AlarmHouse, alert: Any, action: str, **fields: Any) -> Refused:
    """Let somebody do what is refused, and give the refusal."""
    with pytest.raises(Refused) as found:
        await house.does(alert, action, **fields)
    return found.value


async def test_the_second_of_two_who_take_it_reads_who_did(tmp_path: Path) -> None:
    """And may come too; the card says so."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        first, second = await asyncio.gather(
            house.engine.act(alert.id, "acknowledge", by="kl", source="page", fields={}, rev=1),
            house.engine.act(alert.id, "acknowledge", by="AB", source="page", fields={}, rev=1),
            return_exceptions=True,
        )
        assert not isinstance(first, BaseException)
        assert first.taken is not None
        assert first.taken.by == "KL", "in the spelling of the configuration"
        assert isinstance(second, Refused)
        assert (second.code, second.status) == ("already_acknowledged", 409)
        assert second.values["by"] == "KL"
        assert second.values["since"] == iso(first.taken.time.wall_ns)
        joined = await house.does(alert, "join", by="AB")
        assert joined.joined == ("AB",)
        assert (await house.audit(alert))[1:] == ["acknowledged", "refused", "joined"]


async def test_a_retry_is_answered_as_done_also_with_the_revision_it_first_saw(tmp_path: Path) -> None:
    """The first answer was lost on the way."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        once = await house.does(alert, "acknowledge", rev=1)
        assert await house.does(alert, "acknowledge", rev=1) == once
        assert (await house.audit(alert)).count("acknowledged") == 1
        closed = await house.does(alert, "resolve", outcome="assisted", spoken=True, rev=2)
        assert await house.does(alert, "resolve", outcome="assisted", spoken=True, rev=2) == closed


async def test_a_deed_on_an_older_revision_is_refused(tmp_path: Path) -> None:
    """A command that was stuck must not silence what has happened since."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        await asyncio.sleep(121)
        found = await refused(house, alert, "acknowledge", rev=1)
        assert (found.code, found.status, found.values["rev"]) == ("wrong_state", 409, 2)
        assert (await house.audit(alert))[-1] == "refused"
        assert (await house.does(alert, "acknowledge", rev=2)).handling is Handling.ACKNOWLEDGED


async def test_unknown_alerts_and_actions(tmp_path: Path) -> None:
    """Both are not found."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        assert (await refused(house, "0190-nothing", "acknowledge")).status == 404
        assert (await refused(house, alert, "explode")).code == "not_found"


@pytest.mark.parametrize(
    ("action", "fields", "keys"),
    [
        ("resolve", {}, ["outcome"]),
        ("resolve", {"outcome": "auto"}, ["outcome"]),
        ("resolve", {"outcome": "other"}, ["note"]),
        ("resolve", {"outcome": 3, "spoken": "ja", "was_fall": "maybe"}, ["outcome", "spoken", "was_fall"]),
        ("resolve", {"outcome": "checked", "spoken": True, "was_fall": "no"}, ["was_fall"]),
        ("presence", {"how": "spoken"}, ["how"]),
        ("acknowledge", {"take_over": 1}, ["take_over"]),
        ("acknowledge", {"note": "x" * 281}, ["note"]),
        ("acknowledge", {"note": ["x"]}, ["note"]),
        ("shelve", {}, ["until", "reason"]),
        ("shelve", {"until": "i morgen", "reason": "sover"}, ["until"]),
        ("shelve", {"until": "2030-01-01T00:00:00Z", "reason": "sover", "spoken": True}, ["until"]),
        ("shelve", {"until": "2h", "reason": "sover", "spoken": True}, ["until"]),
        ("dispatch", {}, ["to"]),
        ("dispatch", {"to": "group:nowhere"}, ["to"]),
        ("dispatch", {"to": "page"}, ["to"]),
    ],
)
async def test_what_cannot_be_understood_is_answered_key_by_key(
    tmp_path: Path, action: str, fields: dict[str, Any], keys: list[str]
) -> None:
    """422, with what was found and what was expected of each."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        found = await refused(house, alert, action, **fields)
        assert (found.code, found.status) == ("invalid", 422)
        assert [error["key"] for error in found.values["errors"]] == keys
        assert all(error["found"] and error["expected"] for error in found.values["errors"])
        assert house.alert() == alert


async def test_closing_asks_who_was_there(tmp_path: Path) -> None:
    """Presence by tag, page or the closing itself."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        await house.does(alert, "acknowledge")
        assert (await refused(house, alert, "resolve", outcome="checked")).code == "presence_missing"
        there = await house.does(alert, "presence", how="tag")
        assert there.present is not None
        closed = await house.does(alert, "resolve", outcome="other", note="faldt i søvn igen")
        assert (closed.outcome, closed.closed_by, house.open_keys()) == (Outcome.OTHER, "KL", [])
        assert [timer.kind for timer in await house.timers()] == []


async def test_notes_vanish_after_two_days(tmp_path: Path) -> None:
    """And stand neither in the alert nor in the audit log."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        await house.does(alert, "acknowledge", note="tager lift med")
        assert [(note.by, note.text) for note in await house.engine.notes()] == [("KL", "tager lift med")]
        raw = b"".join(path.read_bytes() for path in house.state.glob("alarms.db*"))
        assert raw.count(b"tager lift med") >= 1
        assert "lift" not in str(house.alert())
        house.clock.mono_from_s -= 48 * 3600 - 60  # the hours pass for the clock alone
        assert len(await house.engine.notes()) == 1
        house.clock.mono_from_s -= 120
        assert await house.engine.notes() == []
        await house.engine.canary()
        memo = await house.journal.alarms.read(lambda ledger: ledger.memo("notes"))
        assert memo == {"notes": []}


async def test_setting_aside_until_a_time(tmp_path: Path) -> None:
    """By a time or a duration, of the gateway's own clock; the same again is a retry."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        until = iso(house.clock.now().plus(timedelta(minutes=20)).wall_ns)
        shelved = await house.does(alert, "shelve", until=until, reason="sover", spoken=True)
        assert (shelved.handling, [timer.kind for timer in await house.timers()]) == (
            Handling.SHELVED,
            ["shelf"],
        )
        await asyncio.sleep(19.9 * 60)
        assert house.alert().handling is Handling.SHELVED
        await asyncio.sleep(10)
        assert house.alert().handling is Handling.UNACKNOWLEDGED
        house.clock.quality = ClockQuality.UNSYNCED
        late = iso(house.clock.now().plus(timedelta(minutes=20)).wall_ns)
        past = iso(house.clock.now().wall_ns)
        found = await refused(house, alert, "shelve", until=past, reason="sover", spoken=True)
        assert found.code == "invalid"
        first = await house.does(alert, "shelve", until=late, reason="sover", spoken=True)
        assert await house.does(alert, "shelve", until=late, reason="sover", spoken=True) == first
        await house.does(alert, "acknowledge")
        await house.does(alert, "release")
        second = await house.does(alert, "shelve", until="20m", reason="sover", spoken=True)
        await asyncio.sleep(1)
        assert await house.does(alert, "shelve", until="20m", reason="sover", spoken=True) == second


async def test_help_for_a_colleague(tmp_path: Path) -> None:
    """A new emergency at the same place, once for one cry for help."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        await house.does(alert, "acknowledge")
        await house.does(alert, "assist")
        await house.does(alert, "assist")
        helped = house.alert("assist/room-12")
        assert (helped.kind, helped.priority, helped.place, helped.count) == (
            "assist",
            Priority.EMERGENCY,
            "room-12",
            1,
        )
        assert house.alert().handling is Handling.ACKNOWLEDGED
        await house.does(helped, "acknowledge", by="AB")
        await house.does(alert, "assist")
        again = house.alert("assist/room-12")
        assert (again.handling, again.count, again.helper) == (Handling.UNACKNOWLEDGED, 2, "AB")


async def test_sending_somebody_tells_them_and_whoever_loses_it(tmp_path: Path) -> None:
    """Until one of them takes it over; and the one who had it is told."""
    people = {"person": {"AB": {"channels": ["sms"]}, "KL": {"channels": ["sms"]}}}
    sms = FakeChannel("sms")
    async with open_house(tmp_path, GROUP, people, channels={"sms": sms}) as house:
        alert = await house.press()
        sms.sent.clear()
        sent = await house.does(alert, "dispatch", to="group:nat")
        assert sent.taken is not None
        assert (sent.handling, sent.taken.by) == (Handling.ACKNOWLEDGED, "KL")
        assert sms.texts == ["Kald – Bolig 12. Gå til boligen. KL beder dig gå derhen."]
        assert (await refused(house, alert, "acknowledge", by="AB")).code == "already_acknowledged"
        over = await house.does(alert, "acknowledge", by="AB", take_over=True)
        assert (over.taken_from, over.document()["taken_from"]) == ("KL", "KL")
        assert sms.texts[1:] == ["Kald – Bolig 12. AB har overtaget den fra dig."]
        assert house.alert().document()["asked"] == ["page", "duty", "group:nat"]


async def test_whoever_leaves_gives_back(tmp_path: Path) -> None:
    """At the end of the shift, or on signing out."""
    async with open_house(tmp_path) as house:
        mine, other = await house.press(), await house.press("kald-12-bad")
        await house.does(mine, "acknowledge", by="KL")
        await house.does(other, "acknowledge", by="AB")
        await house.does(other, "join", by="KL")
        await house.engine.holder_left("kl")
        await house.settle()
        assert (house.alert().handling, house.alert().returned) == (Handling.UNACKNOWLEDGED, True)
        bath = house.alert("help-call/kald-12-bad")
        assert (bath.handling, bath.joined) == (Handling.ACKNOWLEDGED, ())


async def test_the_button_at_the_door(tmp_path: Path) -> None:
    """Presence at a place holds for its bath as well, and for nothing elsewhere."""
    async with open_house(tmp_path) as house:
        await house.press()
        await house.press("kald-12-bad")
        there = await house.engine.present_at("room-12", by="KL")
        assert {alert.key for alert in there} == {"help-call/kald-12", "help-call/kald-12-bad"}
        assert house.alert().present is not None
        assert house.alert().handling is Handling.UNACKNOWLEDGED
        assert await house.engine.present_at("room-13", by="KL") == []


async def test_a_resident_says_no(tmp_path: Path) -> None:
    """The rule rests at once and whoever is responsible is told; what is open stays open."""
    async with open_house(tmp_path) as house:
        await house.allow("room-12", "presence")
        house.clock.ahead_s = 10 * 3600  # at night, when the rule is open
        await house.says("seng-12", "bed_occupancy", True)
        await house.says("seng-12", "bed_occupancy", False)
        bed = house.alert("bed-left/seng-12")
        await house.does(bed, "object")
        assert house.open_keys() == ["basis-objected/room-12/bed-left", "bed-left/seng-12"]
        assert "objected" in await house.audit(bed)
        assert house.alert("bed-left/seng-12").handling is Handling.UNACKNOWLEDGED
        await house.does(bed, "resolve", outcome="checked", spoken=True)
        await house.says("seng-12", "bed_occupancy", True)
        await house.says("seng-12", "bed_occupancy", False)
        assert "bed-left/seng-12" not in house.open_keys()
        resting = {(row["rule"], row["place"]): row["count"] for row in house.engine.no_basis()}
        assert resting["bed-left", "room-12"] == 1


async def test_who_tapped_may_take_it_back_for_a_minute(tmp_path: Path) -> None:
    """After that only the right `basis` may."""
    async with open_house(tmp_path) as house:
        await house.allow("room-12", "fall")
        fall = await house.press("fald-12", "detected", quantity="fall")
        assert (await refused(house, fall, "object", by="KL", undo=True)).code == "not_found"
        await house.does(fall, "object")
        assert (await refused(house, fall, "object", by="MN", undo=True)).code == "not_allowed"
        await house.does(fall, "object", undo=True)
        assert house.engine.basis.allows("room-12", fall.concern, house.clock.now(), rule="fall")
        call = await house.press()
        assert (await refused(house, call, "object")).code == "wrong_state"

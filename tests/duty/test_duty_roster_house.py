"""The roster of a running home, as commands and programs see it: shown, overridden, imported, and obeyed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.journal.errors import NotDurable
from gateway.model.clock import ClockQuality
from support.calendars import HOME, ics
from support.duty_house import DutyHouse, open_duty
from support.eventually import eventually

NIGHT = "2026-12-01T02:00"


def group(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Give one group of a roster."""
    row: dict[str, Any] = next(each for each in found["groups"] if each["group"] == name)
    return row


def rules(found: dict[str, Any], name: str) -> list[tuple[str, str]]:
    """Give who is on duty in a group by which rule."""
    return [(each["person"], each["rule"]) for each in group(found, name)["on"]]


async def shown(house: DutyHouse, at: str, *more: str) -> dict[str, Any]:
    """Ask who is on duty."""
    found: dict[str, Any] = await house.document("staff", "roster", "show", "--at", at, *more)
    return found


async def test_who_is_on_duty_by_which_rule_until_when_and_how_reached(tmp_path: Path) -> None:
    """A shift, a holiday, and the hours in which nobody is there."""
    async with open_duty(tmp_path) as house:
        night = await shown(house, NIGHT)
        assert rules(night, "nat") == [("KL", "shift")]
        assert group(night, "nat")["until"] == "2026-12-01T06:00:00.000Z"
        assert group(night, "nat")["on"][0] | {"from": None} == {
            "person": "KL",
            "rule": "shift",
            "detail": "23:00-07:00",
            "from": None,
            "until": "2026-12-01T06:00:00.000Z",
            "by": ["page"],
            "reached": None,
        }
        assert group(night, "nat")["gaps"] == [
            {"from": "2026-12-01T06:00:00.000Z", "until": "2026-12-01T22:00:00.000Z"}
        ]
        assert rules(night, "dag") == []
        christmas = await shown(house, "2026-12-25T12:00", "--group", "dag")
        assert christmas["holiday"] == "juledag"
        assert rules(christmas, "dag") == [("CD", "holiday")]
        assert rules(await shown(house, "2026-12-24T12:00"), "dag") == [("AB", "shift")]
        text = await house.command("staff", "roster", "show", "--at", "2026-12-25T12:00:00+01:00")
        assert "holiday 07:00-23:00, juledag" in text.out
        assert "Nobody on duty: nat." in text.err
        odd = await house.command("staff", "roster", "show", "--at", "sometime")
        assert odd.code == 2
        assert (await house.command("staff", "roster", "show", "--group", "vest")).code == 4


async def test_somebody_else_on_a_date_is_kept_and_audited(tmp_path: Path) -> None:
    """Over a restart; taken back, the shift holds again."""
    day = datetime.now(HOME).date() + timedelta(days=30)
    at = f"{day + timedelta(days=1)}T02:00"
    async with open_duty(tmp_path) as house:
        words = ("staff", "roster", "override", "nat", "--person", "ab", "--date", str(day), "--by", "LE")
        made = await house.document(*words)
        assert made["persons"] == ["AB"]
        assert rules(await shown(house, at), "nat") == [("AB", "override")]
        assert rules(await shown(house, f"{day}T02:00"), "nat") == [("KL", "shift")]
    async with open_duty(tmp_path) as house:
        assert rules(await shown(house, at), "nat") == [("AB", "override")]
        entries = await house.journal.alarms.read(lambda ledger: ledger.audit_entries(0, 1000))
        (entry,) = [each for each in entries if each.what == "duty_overridden"]
        assert (entry.by, entry.source) == ("LE", "socket")
        assert (entry.detail["group"], entry.detail["persons"]) == ("nat", ["AB"])
        assert (await house.command("staff", "roster", "restore", made["id"][-8:])).code == 0
        assert rules(await shown(house, at), "nat") == [("KL", "shift")]
        assert (await house.command("staff", "roster", "restore", made["id"][-8:])).code == 4
        assert ("duty_override_ended", None) in await house.audit()


async def test_one_person_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    """`--instead-of`: from a time to a time, and nobody for who is not on duty then."""
    async with open_duty(tmp_path, '\n[group.to]\npersons = ["KL", "AB"]\n') as house:
        begin = datetime.now(HOME).replace(microsecond=0, tzinfo=None) + timedelta(days=2)
        span = ("--from", begin.isoformat(), "--until", (begin + timedelta(hours=2)).isoformat())
        words = ("staff", "roster", "override", "to", "--person", "CD", "--instead-of")
        await house.document(*words, "KL", *span)
        await house.document(*words, "LE", *span)
        during, after = begin + timedelta(hours=1), begin + timedelta(hours=3)
        assert rules(await shown(house, during.isoformat()), "to") == [("AB", "always"), ("CD", "override")]
        assert rules(await shown(house, after.isoformat()), "to") == [("KL", "always"), ("AB", "always")]


UNFIT = [
    (("nowhere", "--person", "AB", "--date", "2099-01-01"), 4),
    (("nat", "--person", "Anna", "--date", "2099-01-01"), 4),
    (("nat", "--person", "AB"), 2),
    (("nat", "--person", "AB", "--date", "tomorrow"), 2),
    (("nat", "--person", "AB", "--date", "2020-01-01"), 2),
    (("nat", "--person", "AB", "--from", "2099-01-02T00:00", "--until", "2099-01-01T00:00"), 2),
    (("nat", "--person", "AB", "--date", "2099-01-01", "--by", "DP"), 6),
]


async def test_an_override_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """With the exit code of what is wrong."""
    async with open_duty(tmp_path) as house:
        for words, code in UNFIT:
            said = await house.command("staff", "roster", "override", *words)
            assert said.code == code, said.err
        assert house.engine.roster().overrides == ()


def calendar(*rows: tuple[str, str, int]) -> bytes:
    """Make a calendar of nights: initials, day, hours."""
    return ics(
        *(
            f"UID:{n}@planner\nSUMMARY:{who} - Birgit Holm\nDESCRIPTION:Hanne Nielsens vagt\n"
            f"DTSTART;TZID=Romance Standard Time:{day}T230000\nDURATION:PT{hours}H"
            for n, (who, day, hours) in enumerate(rows)
        )
    )


async def test_a_calendar_says_who_is_on_duty_and_the_shifts_where_it_is_silent(tmp_path: Path) -> None:
    """Dry first; imported, and imported anew in its place; dropped."""
    day = datetime.now(HOME).date() + timedelta(days=10)
    file = tmp_path / "vagtplan.ics"
    file.write_bytes(calendar(("AB", f"{day:%Y%m%d}", 8), ("Ferie", f"{day:%Y%m%d}", 8)))
    words = ("staff", "roster", "import", str(file), "--group", "nat")
    at = f"{day + timedelta(days=1)}T02:00"
    async with open_duty(tmp_path) as house:
        dry = await house.document(*words, "--dry-run")
        assert (dry["events"], dry["stretches"], dry["dry_run"]) == (2, 1, True)
        assert [(each["line"], each["uid"]) for each in dry["unmapped"]] == [(11, "1@planner")]
        assert house.engine.roster().imports == ()
        done = await house.command(*words, "--by", "LE")
        assert done.code == 0, done.err
        assert "vagtplan.ics:11" in done.err
        assert rules(await shown(house, at), "nat") == [("AB", "import")]
        assert rules(await shown(house, f"{day + timedelta(days=2)}T02:00"), "nat") == [("KL", "shift")]
    async with open_duty(tmp_path) as house:  # kept over a restart
        assert rules(await shown(house, at), "nat") == [("AB", "import")]
        file.write_bytes(calendar(("CD", f"{day:%Y%m%d}", 8)))
        assert (await house.command(*words)).code == 0
        assert rules(await shown(house, at), "nat") == [("CD", "import")]
        file.write_bytes(calendar(("Ferie", f"{day:%Y%m%d}", 8)))
        nothing = await house.command(*words)
        assert nothing.code == 1
        assert rules(await shown(house, at), "nat") == [("CD", "import")]
        assert [each["source"] for each in (await shown(house, at))["imports"]] == ["nat"]
        assert (await house.command("staff", "roster", "drop", "nat")).code == 0
        assert rules(await shown(house, at), "nat") == [("KL", "shift")]
        entries = await house.journal.alarms.read(lambda ledger: ledger.audit_entries(0, 1000))
        imported = [each for each in entries if each.what == "roster_imported"]
        assert [each.by for each in imported] == ["LE", None]
        assert imported[0].detail["stretches"] == 1


async def test_no_name_of_a_calendar_is_kept_or_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither titles nor descriptions nor the table of names: initials alone."""
    day = datetime.now(HOME).date() + timedelta(days=10)
    file, names = tmp_path / "plan.ics", tmp_path / "names.toml"
    file.write_bytes(calendar(("x", f"{day:%Y%m%d}", 8), ("y", f"{day:%Y%m%d}", 4)))
    names.write_text('[person]\n"x - birgit holm" = "AB"\n', "utf-8")
    async with open_duty(tmp_path) as house:
        words = ("staff", "roster", "import", str(file), "--group", "nat", "--names", str(names))
        with caplog.at_level("DEBUG"):
            said = await house.command(*words, "--json")
        assert said.json["stretches"] == 1
    told = said.out + said.err + caplog.text
    kept = b"".join(each.read_bytes() for each in (tmp_path / "state").rglob("*") if each.is_file())
    for name in ("Birgit", "Holm", "Hanne", "birgit"):
        assert name not in told
        assert name.encode() not in kept


async def test_an_import_that_the_disk_refuses_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replaced as a whole, or not at all."""
    day = datetime.now(HOME).date() + timedelta(days=10)
    file = tmp_path / "plan.ics"
    words = ("staff", "roster", "import", str(file), "--group", "nat")
    at = f"{day + timedelta(days=1)}T02:00"
    async with open_duty(tmp_path) as house:
        file.write_bytes(calendar(("AB", f"{day:%Y%m%d}", 8)))
        assert (await house.command(*words)).code == 0

        async def refuses(*_given: object, **_more: object) -> None:
            raise NotDurable("the test said so")

        with monkeypatch.context() as patched:
            patched.setattr(house.journal.alarms, "write", refuses)
            file.write_bytes(calendar(("CD", f"{day:%Y%m%d}", 8)))
            assert (await house.command(*words)).code == 5
        assert rules(await shown(house, at), "nat") == [("AB", "import")]


NOBODY = """
[group.ingen]
shifts = [{start = 00:00:00, end = 00:00:00, persons = ["AB"], holidays = "never", weekdays = [WEEKDAY]}]
[group.heller-ingen]
[alerts.policies.call]
steps = [{targets = ["group:ingen"], after = "2m"}, {targets = ["group:heller-ingen"], after = "2m"}]
"""


def nobody_today() -> str:
    """Make a group whose one weekly shift is three days away."""
    weekday = (datetime.now(HOME) + timedelta(days=3)).isoweekday()
    return NOBODY.replace("WEEKDAY", str(weekday))


async def alert_of_a_press(house: DutyHouse) -> dict[str, Any]:
    """Press, and ask for the alert as a program would."""
    alert = await house.press("kald-12")
    found: dict[str, Any] = (await house.asks("GET", f"/api/v1/alerts/{alert.id}")).json
    return found


async def test_where_no_step_has_anybody_everybody_of_the_home_is_told_at_once(tmp_path: Path) -> None:
    """And each empty group is a technical alert."""
    async with open_duty(tmp_path, nobody_today()) as house:
        alert = await alert_of_a_press(house)
        assert alert["step"] == 2
        assert "everyone" in alert["asked"]
        told = {row["to"] for row in alert["timeline"] if row["channel"] == "page"}
        assert {"KL", "AB", "CD", "LE"} <= told
        empty = {"duty-empty/ingen", "duty-empty/heller-ingen"}
        await eventually(lambda: empty <= {each.alert.key for each in house.engine.open()})


async def test_an_override_fills_the_empty_group_from_now_on(tmp_path: Path) -> None:
    """The step then waits for its answer, and nobody else is told."""
    async with open_duty(tmp_path, nobody_today()) as house:
        begin = datetime.now(HOME).replace(microsecond=0, tzinfo=None) - timedelta(hours=1)
        end = begin + timedelta(hours=5)
        words = ("staff", "roster", "override", "ingen", "--person", "CD")
        await house.document(*words, "--from", begin.isoformat(), "--until", end.isoformat())
        alert = await alert_of_a_press(house)
        assert alert["step"] == 1
        assert {row["to"] for row in alert["timeline"] if row["channel"] == "page"} == {"CD"}


async def test_an_unsynced_clock_makes_a_group_all_its_members(tmp_path: Path) -> None:
    """Nobody knows what day it is: whoever has a shift on any day is told, or stands in on any."""
    async with open_duty(tmp_path, nobody_today()) as house:
        day = datetime.now(HOME).date() + timedelta(days=3)
        await house.document("staff", "roster", "override", "ingen", "--person", "CD", "--date", str(day))
        house.clock.quality = ClockQuality.UNSYNCED
        found = await house.document("staff", "roster", "show")
        assert rules(found, "ingen") == [("AB", "unsynced"), ("CD", "unsynced")]
        alert = await alert_of_a_press(house)
        assert alert["step"] == 1
        assert {row["to"] for row in alert["timeline"] if row["channel"] == "page"} == {"AB", "CD"}


async def test_who_may_change_the_roster(tmp_path: Path) -> None:
    """A calendar comes over the socket alone; a screen for visitors sees nobody's initials."""
    async with open_duty(tmp_path) as house:
        body = {"source": "x", "sha256": "0" * 64, "stretches": [[1, 2, "nat", "Anna"]]}
        assert (await house.asks("POST", "/api/v1/roster/import", body)).status == 404
        odd = {**body, "stretches": [[2, 1, "nat", "AB"]]}
        assert (await house.asks("POST", "/api/v1/roster/import", odd)).status == 422
        many = {**body, "stretches": [[1, 2, "nat", "AB"]] * 10_001}
        assert (await house.asks("POST", "/api/v1/roster/import", many)).status == 422
        assert house.engine.roster().imports == ()

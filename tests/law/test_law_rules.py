"""R1, R4, R5, R7 and R10 of the house rules on alarms, at the doors of a running home."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.main import main
from support.board_client import client
from support.board_house import open_board
from support.duty_house import CONFIG, open_duty

RULE = """
[alerts.rules.ny]
when = {quantity = "motion", state = true}
kind = "KIND"
concern = "presence"
priority = "medium"
policy = "medium"
"""


def test_r1_a_rule_that_asks_for_no_action_does_not_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its kind has a line of what to do in the catalogue, or it is refused with file and line."""
    for kind, code in (("no_motion", 0), ("something.new", 3)):
        (tmp_path / "home.toml").write_text(CONFIG + RULE.replace("KIND", kind), "utf-8")
        assert main(["check", "--config", str(tmp_path), "--state", str(tmp_path / "none")]) == code
    assert "home.toml:" in capsys.readouterr().err


async def test_r4_nothing_takes_several_at_once_and_nothing_closes_by_a_look(tmp_path: Path) -> None:
    """Each tap is for one alert; lists, details and the board itself change nothing."""
    async with open_board(tmp_path) as house, client(house) as page:
        first, second = await house.press("kald-12"), await house.press("kald-13")
        await page.sign_in()
        for path in ("/", "/api/v1/alerts", f"/api/v1/alerts/{first.id}", f"/alerts/{first.id}", "/shift"):
            await page.get(path)
        assert {(each.alert.rev, each.alert.handling) for each in house.engine.open()} == {
            (first.rev, "unacknowledged"),
            (second.rev, "unacknowledged"),
        }
        for many in (f"{first.id},{second.id}", "all", "*"):
            assert (await page.post(f"/api/v1/alerts/{many}/acknowledge", {})).status == 404
        assert (await page.post(f"/api/v1/alerts/{first.id}/acknowledge", {})).status == 200
        assert [each.alert.handling for each in house.engine.open() if each.alert.id == second.id] == [
            "unacknowledged"
        ]


async def test_r5_taken_with_the_resident_and_closed_are_three_times(tmp_path: Path) -> None:
    """A call is not closed by who has neither been there nor spoken with the resident."""
    async with open_duty(tmp_path) as house:
        alert = await house.press("kald-12-bad")
        act = f"/api/v1/alerts/{alert.id}"
        assert (await house.asks("POST", f"{act}/acknowledge", {"by": "KL"})).status == 200
        closing = {"by": "KL", "outcome": "assisted"}
        refused = await house.asks("POST", f"{act}/resolve", closing)
        assert (refused.status, refused.code) == (409, "presence_missing")
        assert (await house.asks("POST", f"{act}/presence", {"by": "KL", "how": "tag"})).status == 200
        closed = (await house.asks("POST", f"{act}/resolve", closing)).json
        times = [closed["taken"] and closed["taken"]["time"], closed["present"]["time"], closed["closed"]]
        line = [row["what"] for row in (await house.asks("GET", act)).json["timeline"]]
        assert all(times[1:])
        assert line.index("acknowledged") < line.index("present") < line.index("resolved")


async def test_r10_the_page_says_what_velgate_is_not(tmp_path: Path) -> None:
    """In the language of whoever looks."""
    async with open_board(tmp_path) as house, client(house) as page:
        await page.sign_in()
        assert "brandalarm" in (await page.get("/more")).text

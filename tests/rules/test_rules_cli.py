"""`velgate alert rules`: what a technician types, reads, and gets as an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.model.problem import Exit
from support.eventually import eventually_blocking
from support.past import config_folder, keep, moment, said

MORE = """
[alerts.rules.bed-left]
override = [{places = "room-13", enabled = false}]
[alerts.rules.pulse]
when = {quantity = "heart_rate", above = 120.0}
kind = "vital.limit"
concern = "vital"
priority = "medium"
policy = "medium"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder and a state folder that commands mean."""
    config = config_folder(tmp_path, MORE)
    monkeypatch.setenv("VELGATE_CONFIG", str(config))
    monkeypatch.setenv("VELGATE_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def night(folder: Path) -> None:
    """Let somebody be up for 25 minutes at one in the night."""
    beats = [said("klima-12", "temperature", 21.0, moment(timedelta(minutes=10 * n))) for n in range(60)]
    up = [
        said("seng-12", "bed_occupancy", False, moment(timedelta(hours=3))),
        said("seng-12", "bed_occupancy", True, moment(timedelta(hours=3, minutes=25))),
    ]
    await keep(folder / "state", sorted([*beats, *up], key=lambda each: each.at.wall_ns))


def test_the_list_says_where_a_rule_is_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And whether it is in force, where, and when it rings."""
    assert main(["alert", "rules", "list", "--json"]) == Exit.DONE
    rows = {row["rule"]: row for row in json.loads(capsys.readouterr().out)["rules"]}
    left = rows["bed-left"]
    assert left["written_in"] == ["base/rules.toml:69", "home.toml:3"]
    assert (left["state"], left["rings"]) == ("on", "from 23:00 to 07:00")
    assert left["places"] == ["room-12"]
    assert left["watches"] == "bed_occupancy is false"
    assert rows["pulse"]["state"] == "no intended_use"
    assert rows["door-unattended"]["state"] == "off"
    assert "every occupancy or presence or motion is false" in rows["door-unattended"]["watches"]
    assert main(["alert", "rules", "list"]) == Exit.DONE
    assert "base/rules.toml:69, home.toml:3" in capsys.readouterr().out
    assert home.exists()


async def test_a_night_is_tried_in_a_child_process(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table for people, with what differs and what cannot be known; the document for programs."""
    await night(home)
    file = home / "tried.toml"
    file.write_text('alerts.rules.bed-not-back.when.held = "30m"\n')
    asked = ["alert", "rules", "test", "tried.toml", "--since", "2026-11-23T21:00:00Z"]
    asked += ["--until", "2026-11-24T06:50:00Z"]
    assert main(asked) == Exit.DONE
    shown = capsys.readouterr()
    [line] = [each for each in shown.out.splitlines() if each.startswith("bed-not-back")]
    assert line.split()[1:7] == ["changed", "1", "0", "0", "1", "0"]
    assert "no more  2026-11-24 01:20:00  bed-not-back  room-12/seng-12, 5m" in shown.out
    assert "Not judged: presses" in shown.err
    assert "records/s" in shown.err
    assert main([*asked, "--json"]) == Exit.DONE
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "velgate/rules-test/1"
    assert document["file"] == "tried.toml"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["wrong.toml", "--since", "7d"], Exit.CONFIGURATION, "wrong.toml:2"),
        (["none.toml", "--since", "7d"], Exit.USAGE, "a file that can be read"),
        (["tried.toml"], Exit.USAGE, "a past to try on"),
        (["tried.toml", "--since", "monday"], Exit.USAGE, "a time with its zone"),
        (["tried.toml", "--since", "7d", "--until", "8d"], Exit.USAGE, "after --since"),
        (["tried.toml", "--since", "7d", "--lead-in", "1"], Exit.USAGE, "a duration such as"),
        (["tried.toml", "--since", "7d"], Exit.NOT_FOUND, "a journal"),
        (["tried.toml", "--from", "none.jsonl"], Exit.USAGE, "a file that can be read"),
    ],
)
def test_what_is_wrong_is_said(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: Exit, told: str
) -> None:
    """With the exit code of every other command."""
    (home / "wrong.toml").write_text("[alerts.rules.bed-left]\nhold = 3\n")
    (home / "tried.toml").write_text("")
    assert main(["alert", "rules", "test", *arguments]) == code
    assert told in capsys.readouterr().err


def test_the_child_gives_way_to_everything(home: Path) -> None:
    """Nice 19 before it does anything: no alarm waits for a calculation."""
    command = [sys.executable, "-m", "gateway.replay"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        eventually_blocking(lambda: os.getpriority(os.PRIO_PROCESS, child.pid) == 19)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(
            json.dumps(
                {
                    "config": str(home / "nothing"),
                    "state": str(home),
                    "file": str(home / "tried.toml"),
                    "capture": None,
                    "since_ns": 0,
                    "until_ns": None,
                    "lead_in_ns": 0,
                }
            ).encode()
        )
        child.stdin.close()
        assert json.loads(child.stdout.read())["problem"]["exit"] == Exit.CONFIGURATION

"""The contract, "CLI": exit codes, data on stdout and words on stderr, one command for each job."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from support.contract import calling, cli, close_all, data
from support.whole_house import BIN, Demo, velgate

HELD_S = 2.5


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("status",), 0),
        (("nonsense",), 2),
        (("alert", "show"), 2),
        (("alert", "list", "--limit", "0"), 2),
        (("alert", "acknowledge", "0123456"), 2),
        (("check", "--config", "/no/such/folder"), 3),
        (("run", "--config", "/no/such/folder"), 3),
        (("alert", "show", "0123456"), 4),
        (("alert", "acknowledge", "0123456", "--by", "demo"), 4),
        (("device", "show", "nobody"), 4),
        (("device", "remove", "nobody"), 4),
        (("device", "test", "nobody"), 4),
        (("alert", "test", "nobody"), 4),
        (("driver", "show", "nobody"), 4),
        (("staff", "pin", "nobody"), 4),
        (("basis", "withdraw", "room-99", "presence"), 4),
        (("alert", "audit", "--by", "nat"), 6),
        (("basis", "add", "room-01", "fall", "--kind", "consent", "--until", "2030-01-01", "--by", "nat"), 6),
        (("basis", "add", "room-01", "fall", "--kind", "decision", "--until", "2030-01-01"), 2),
        (("init", "--defaults"), 6),
    ],
)
def test_exit_codes(demo: Demo, words: tuple[str, ...], code: int) -> None:
    """0 done, 2 usage, 3 configuration, 4 unknown, 6 refused; the message says what to do, on stderr."""
    typed = "2718\n" if words[1:2] == ("pin",) else ""
    done = cli(demo, *words, typed=typed)
    assert done.returncode == code, done.stderr
    if code:
        assert done.stdout == ""
        assert done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("tail",),
        ("alert", "list"),
        ("basis", "list"),
        ("screen", "list"),
        ("alert", "test", "x"),
    ],
)
def test_without_a_gateway_it_is_exit_5(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A service that is needed and not there: how to start it is said."""
    done = velgate(*words, "--state", str(tmp_path))
    assert done.returncode == 5
    assert "velgate run" in done.stderr


def test_the_simulator_knows_the_same_codes(demo: Demo, tmp_path: Path) -> None:
    """No simulator running: 5; no such device: 4; no such action: 2."""
    import subprocess

    def do(*words: str, **env: str) -> int:
        command = [str(BIN / "velgate-sim"), "do", *words]
        return subprocess.run(command, env={**os.environ, **env}, capture_output=True, check=False).returncode

    control = ("--control", demo.ready["control"])
    assert do("kald-01", "press", XDG_RUNTIME_DIR=str(tmp_path)) == 5
    assert do("nobody", "press", *control) == 4
    assert do("kald-01", "dance", *control) == 2


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("device", "list"), "devices"),
        (("driver", "list"), "drivers"),
        (("staff", "list"), "staff"),
        (("alert", "list"), "alerts"),
        (("basis", "list"), "basis"),
        (("screen", "list"), "screens"),
        (("check",), "findings"),
        (("alert", "audit", "--verify"), "ok"),
        (("alert", "audit"), "entries"),
        (("device", "show", "kald-01"), "place"),
        (("driver", "show", "bthome"), "reports"),
        (("config", "show"), "site.home"),
    ],
)
def test_json_is_one_document_on_stdout(demo: Demo, words: tuple[str, ...], key: str) -> None:
    """Whatever is for people goes to stderr."""
    assert key in data(demo, *words)


def test_without_json_there_is_a_table_without_colour_in_a_pipe(demo: Demo) -> None:
    """What was asked for on stdout, what is said about it on stderr."""
    plain = cli(demo, "device", "list")
    assert plain.returncode == 0
    assert "\x1b" not in plain.stdout + plain.stderr
    assert plain.stdout.startswith("device ")
    assert "devices." in plain.stderr


def test_streams_are_json_lines(demo: Demo) -> None:
    """`tail --json` gives a reading a line, and ends quietly when its reader has enough."""
    import subprocess

    command = [str(BIN / "velgate"), "tail", "--json", "--state", demo.state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        lines = [json.loads(tail.stdout.readline()) for _ in range(3)]
        tail.terminate()
    assert all(line["schema"] == "velgate/reading/1" for line in lines)


def test_scan_says_who_would_take_what(demo: Demo) -> None:
    """For so many seconds; silent in a pipe but for its document."""
    began = time.monotonic()
    done = cli(demo, "scan", "--seconds", f"{HELD_S}", "--json")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began >= HELD_S
    devices = json.loads(done.stdout)["devices"]
    assert devices
    assert all({"address", "signal", "driver", "device"} <= row.keys() for row in devices)


def test_status_adds_nothing_to_the_health(demo: Demo) -> None:
    """The same document as everywhere."""
    found = data(demo, "status")
    assert found["schema"] == "velgate/health/1"
    assert found.keys() == {
        "schema", "time", "gateway", "version", "level", "uptime_s", "clock", "adapters", "rooms", "outlets",
        "journal", "devices", "alerts", "drivers",
    }  # fmt: skip


async def test_an_alert_from_its_last_characters_to_its_outcome(demo: Demo) -> None:
    """One command for each action; what is refused is exit 6, and says what to do."""
    async with calling(demo, "kald-07") as alert:
        tail = alert["id"][-8:]
        assert data(demo, "alert", "show", tail)["id"] == alert["id"]
        refused = cli(demo, "alert", "resolve", tail, "--by", "demo", "--outcome", "assisted")
        assert refused.returncode == 6
        assert "--spoken" in refused.stderr
        assert data(demo, "alert", "acknowledge", tail, "--by", "demo")["taken"]["by"] == "demo"
        other = cli(demo, "alert", "acknowledge", tail, "--by", "nat")
        assert (other.returncode, "by demo" in other.stderr) == (6, True)
        assert cli(demo, "alert", "resolve", tail, "--by", "demo", "--outcome", "cured").returncode == 2
        steps = [
            ("join", "--by", "nat"),
            ("presence", "--by", "demo", "--how", "tag"),
            ("extend", "--by", "demo"),
            ("release", "--by", "demo"),
            ("dispatch", "--by", "demo", "--to", "person:nat"),
            ("acknowledge", "--by", "nat", "--take-over"),
            ("resolve", "--by", "nat", "--outcome", "assisted"),
            ("reopen", "--by", "nat"),
        ]
        for action, *options in steps:
            assert data(demo, "alert", action, tail, *options)["id"] == alert["id"], action


async def test_the_chain_is_proved(demo: Demo) -> None:
    """`alert test --json`: the alert, each hop with its time, and whether all of them worked."""
    found = data(demo, "alert", "test", "kald-01")
    assert found.keys() == {"alert", "hops", "ok"}
    assert found["ok"] is True
    assert [hop["hop"] for hop in found["hops"]][:2] == ["heard", "committed"]
    assert all(hop.keys() == {"hop", "channel", "ms"} for hop in found["hops"])
    assert {hop["hop"] for hop in found["hops"]} <= {"heard", "committed", "sent", "delivered", "shown"}
    alert = data(demo, "alert", "show", found["alert"])
    assert (alert["test"], alert["key"]) == (True, "help-call/kald-01/test")
    done = cli(demo, "alert", "resolve", found["alert"], "--by", "demo", "--outcome", "test", "--spoken")
    assert done.returncode == 0
    await close_all(demo)


def test_a_device_is_proved_by_being_heard(demo: Demo) -> None:
    """Exit 1 where it is not heard in time."""
    assert data(demo, "device", "test", "hjerte-05")["heard"] is True
    silent = cli(demo, "device", "test", "termo-06", "--seconds", "1")
    assert silent.returncode == 1
    assert "velgate scan" in silent.stderr


def test_config_diff_and_set(demo: Demo) -> None:
    """What differs from below, and a value set where it belongs, with the gateway told."""
    assert any(row["key"] == "site.home" or row["below"] is None for row in data(demo, "config", "diff"))
    done = cli(demo, "config", "set", "site.title", "Huset")
    assert done.returncode == 0, done.stderr
    assert "running gateway has taken it over" in done.stderr
    rows = {row["key"]: row for row in data(demo, "config", "show", "--origin")}
    assert rows["site.title"]["value"] == "Huset"
    assert cli(demo, "config", "set", "site.nothing", "1").returncode == 3

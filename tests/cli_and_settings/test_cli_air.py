"""`velgate scan`, and adding a device by what is on the air: real bleak on a simulated BlueZ."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.settings.loader import load
from support.homes import SOLHJEM, write_home
from support.simulator import Simulator, simulator

SCENARIO = """
title = "Two devices"
[[device]]
name = "seng-03"
kind = "climate"
address = "A4:C1:38:00:00:01"
interval = 0.1
[[device]]
name = "klima-99"
kind = "climate"
address = "A4:C1:38:00:00:99"
interval = 0.1
"""


class Terminal(io.StringIO):
    """A standard input with somebody before it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A bus with two sensors: one is Solhjem's bed, the other a stranger."""
    with simulator(tmp_path_factory.mktemp("air"), SCENARIO) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Solhjem, without a running gateway."""
    folder = write_home(tmp_path / "config")
    monkeypatch.setenv("VELGATE_CONFIG", str(folder))
    monkeypatch.setenv("VELGATE_STATE", str(tmp_path / "state"))
    return folder


def test_scan_as_json(sim: Simulator, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One document: address, driver, signal, and the name of what is configured."""
    assert main(["scan", "--seconds", "1", "--json"]) == 0
    rows = {row["address"]: row for row in json.loads(capsys.readouterr().out)["devices"]}
    assert set(rows) == {"A4:C1:38:00:00:01", "A4:C1:38:00:00:99"}
    assert rows["A4:C1:38:00:00:01"]["device"] == "bed-12"
    stranger = rows["A4:C1:38:00:00:99"]
    assert stranger["device"] is None
    assert stranger["driver"] == "bthome"
    assert stranger["signal"] < 0
    assert stranger["frames"] >= 1


def test_scan_as_a_table(sim: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs no configuration, and says what to do next."""
    assert main(["scan", "--seconds", "1", "--config", str(tmp_path / "none")]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["signal", "address", "name", "driver", "device", "frames"]
    assert "A4:C1:38:00:00:99" in out
    assert "2 senders heard, 2 of them new with a driver." in err
    assert "velgate device add" in err


def test_scan_without_an_adapter(sim: Simulator, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 4, with the next step."""
    assert main(["scan", "--seconds", "1", "--adapter", "hci7"]) == 4
    assert "  do        " in capsys.readouterr().err


def test_add_asks_and_offers_what_is_heard(
    sim: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stranger alone is offered; answers become an entry, comments stay."""
    monkeypatch.setattr("gateway.cli.asking.LISTEN_S", 1.0)
    monkeypatch.setattr("sys.stdin", Terminal("\nroom-14\nclimate\n\nn\n"))
    assert main(["device", "add"]) == 0
    out, err = capsys.readouterr()
    assert "A4:C1:38:00:00:99" in out
    assert "A4:C1:38:00:00:01" not in out
    assert "room-14 is a new place" in err
    device = load(home).settings.device["climate-14"]
    assert (device.address, device.place) == ("A4:C1:38:00:00:99", "room-14")
    assert (device.driver, device.profile) == ("bthome", "climate")
    text = (home / "gateway.toml").read_text(encoding="utf-8")
    assert [line for line in SOLHJEM.splitlines() if line not in text.splitlines()] == []

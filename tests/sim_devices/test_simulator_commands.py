"""`velgate-sim` as a shell sees it: ready line, exit codes, errors, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firmware_sim.agenda import Agenda
from firmware_sim.air import Air
from firmware_sim.cli import app
from firmware_sim.control import ask
from firmware_sim.devices.base import Memory, Place
from firmware_sim.devices.kinds import make_device
from firmware_sim.mqtt import NoBroker
from firmware_sim.problem import SimProblem
from firmware_sim.scenario import load_scenario
from support.eventually import eventually_blocking
from support.sim_world import BUTTON, SimulatorProcess, simulator_process, velgate_sim


def place() -> Place:
    """A place in which nothing is heard, to ask devices what they can do."""
    return Place(air=Air(), agenda=Agenda(), publisher=NoBroker(), memory=Memory({}), seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime folder of this module's simulators."""
    return tmp_path_factory.mktemp("sim")


@pytest.fixture(scope="module")
def home(folder: Path) -> Iterator[SimulatorProcess]:
    """The demo home, quiet, for all tests that only ask."""
    with simulator_process("home", "--quiet", runtime=folder) as running:
        yield running


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    listing = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in listing.split()]


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_ready_line(home: SimulatorProcess) -> None:
    """The keys of `velgate demo`; those that do not apply are null."""
    expected = ["event", "board", "sign_in", "socket", "mqtt", "root", "state", "config", "bus", "control"]
    assert list(home.ready) == expected
    assert home.ready["event"] == "ready"
    assert home.bus.startswith("unix:path=")
    assert home.control.startswith("unix:path=")
    assert [home.ready[key] for key in expected[1:8]] == [None] * 7


def test_do_says_what_it_did(home: SimulatorProcess, folder: Path) -> None:
    """Without --control the simulator that was started last is found; `sent` is a time."""
    before = time.time()
    done = velgate_sim("do", "kald-01", "press", "--json", runtime=folder)
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert (answer["device"], answer["action"]) == ("kald-01", "press")
    assert before < answer["sent"] < time.time()
    said = velgate_sim("do", "seng-03", "leave_bed", "--control", home.control, runtime=folder)
    assert said.stdout == "seng-03: did leave bed\n"


def test_an_error_names_what_was_expected_and_the_next_step(home: SimulatorProcess, folder: Path) -> None:
    """On stderr, with stdout left empty."""
    done = velgate_sim("do", "kald-99", "press", "--control", home.control, runtime=folder)
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.startswith("kald-99\n  expected  one of: adapter, kald-01, kald-01-bad,")
    assert "  do        " in done.stderr


@pytest.mark.parametrize(
    ("device", "action", "value", "code", "says"),
    [
        ("kald-99", "press", None, 4, "kald-01"),
        ("kald-01", "fly", None, 2, "one of: battery, double_press"),
        ("kald-01", "cancel", None, 2, "one of: battery, double_press"),  # BTHome has no word for it
        ("kald-01", "battery", None, 2, "a number from 0 to 100"),
        ("kald-01", "battery", "many", 2, "'many'"),
        ("adapter", "explode", None, 2, "deaf"),
        ("adapter", "slots", "-1", 2, "a whole number"),
        ("adapter", "fail", "Stop Discovery", 2, "METHOD:ERROR:TIMES"),
        ("vand-08", "leak", None, 5, "--mqtt HOST:PORT"),
    ],
)
def test_what_cannot_be_done(
    device: str, action: str, value: str | None, code: int, says: str, home: SimulatorProcess
) -> None:
    """The exit code says of what kind it is."""
    with pytest.raises(SimProblem, match=says) as caught:
        ask(home.control, device, action, value)
    assert caught.value.exit_code == code


def test_nobody_runs(tmp_path: Path) -> None:
    """Exit 5, with how to start one; also for an address where nothing listens."""
    done = velgate_sim("do", "kald-01", "press", runtime=tmp_path)
    assert done.returncode == 5
    assert "velgate-sim run" in done.stderr
    with pytest.raises(SimProblem) as caught:
        ask("unix:path=/nowhere", "kald-01", "press", None)
    assert caught.value.exit_code == 5


def test_silence_and_wake(home: SimulatorProcess) -> None:
    """A silenced device refuses to act, and says how to wake it."""
    ask(home.control, "klima-01", "silence", None)
    with pytest.raises(SimProblem, match="velgate-sim do klima-01 wake") as caught:
        ask(home.control, "klima-01", "measure", None)
    assert caught.value.exit_code == 1
    ask(home.control, "klima-01", "wake", None)
    assert "measured 21" in ask(home.control, "klima-01", "measure", "21.5")["did"]


def test_every_action_of_every_device_of_the_home_can_be_done(home: SimulatorProcess) -> None:
    """Each answers, apart from Zigbee devices, which have no broker here."""
    values = {"battery": "50", "measure": "37"}
    done = 0
    for spec in load_scenario(None).devices:
        if spec.topic is not None:
            continue
        device = make_device(spec, place())
        for action in sorted(device.actions):
            if action != "silence":
                assert ask(home.control, spec.name, action, values.get(action))["did"]
                done += 1
    assert done > 80


def test_the_home_is_what_contracts_promise(folder: Path) -> None:
    """At least 24 devices, the named ones among them, addresses and topics once, keys for some."""
    listed = json.loads(velgate_sim("devices", "--json", runtime=folder).stdout)["devices"]
    names = {each["name"]: each for each in listed}
    promised = {"kald-01", "kald-01-bad", "fald-02", "seng-03", "doer-04", "hjerte-05", "termo-06"}
    promised |= {f"klima-{number:02d}" for number in range(1, 13)}
    assert promised <= set(names)
    assert len(listed) >= 24
    assert names["kald-01"]["address"] == "A4:C1:38:00:00:01"
    assert names["kald-01"]["place"] == "room-01"
    assert names["fald-02"]["profile"] == "fall-pendant"
    assert {each["driver"] for each in listed} == {
        "bthome",
        "ruuvi",
        "gatt-heart-rate",
        "gatt-thermometer",
        "zigbee2mqtt",
    }
    assert sum(each["key"] is not None for each in listed) >= 4
    assert all((each["address"] is None) != (each["topic"] is None) for each in listed)


def test_load_devices_are_listed_as_they_would_run(folder: Path) -> None:
    """`devices --devices 3` adds three, so that a benchmark can write their configuration."""
    listed = json.loads(velgate_sim("devices", "--devices", "3", "--json", runtime=folder).stdout)["devices"]
    assert [each["name"] for each in listed[-3:]] == ["last-001", "last-002", "last-003"]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(sign: signal.Signals, tmp_path: Path) -> None:
    """SIGTERM and Ctrl-C end it with status 0 in under 5 s; also a kill leaves no bus running.

    The files of one that was killed go with the next start.
    """
    scenario = tmp_path / "one.toml"
    scenario.write_text(BUTTON)
    with simulator_process(str(scenario), runtime=tmp_path) as running:
        buses = children_of(running.process.pid)
        assert len(buses) == 1
        running.process.send_signal(sign)
        status = running.process.wait(60)
    eventually_blocking(lambda: not alive(buses[0]))
    if sign is signal.SIGKILL:
        assert velgate_sim("run", str(scenario), "--seconds", "0", runtime=tmp_path).returncode == 0
    else:
        assert status == 0
    assert list((tmp_path / "velgate-sim").iterdir()) == []
    assert not Path(running.bus.removeprefix("unix:path=")).parent.exists()


def test_seconds_stop_it(tmp_path: Path) -> None:
    """`--seconds` ends it by itself with exit 0."""
    scenario = tmp_path / "one.toml"
    scenario.write_text(BUTTON)
    assert velgate_sim("run", str(scenario), "--seconds", "0.2", runtime=tmp_path).returncode == 0


def test_a_second_bluez_on_one_bus_is_refused(home: SimulatorProcess, folder: Path) -> None:
    """`--bus` takes an existing bus, but org.bluez has one owner."""
    done = velgate_sim("run", "home", "--bus", home.bus, "--seconds", "1", runtime=folder)
    assert done.returncode == 1
    assert "org.bluez" in done.stderr
    absent = velgate_sim("run", "home", "--bus", "unix:path=/nowhere", "--seconds", "1", runtime=folder)
    assert absent.returncode == 5


def test_it_dies_with_its_parent_if_asked(tmp_path: Path) -> None:
    """A demo that is killed leaves no simulator behind."""
    scenario = tmp_path / "one.toml"
    scenario.write_text(BUTTON)
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:
        with simulator_process(str(scenario), "--die-with-parent", runtime=tmp_path) as running:
            os.write(write, f"{running.process.pid}\n".encode())
            signal.pause()
        os._exit(0)
    with os.fdopen(read) as reader:
        child = int(reader.readline())
    os.close(write)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    eventually_blocking(lambda: not alive(child))
    assert list((tmp_path / "velgate-sim").iterdir()) == []


def test_a_wrong_scenario_is_named(tmp_path: Path) -> None:
    """Exit 3, with the file and the key; nothing is started."""
    scenario = tmp_path / "wrong.toml"
    scenario.write_text(BUTTON + 'key = "12"\n')
    done = velgate_sim("run", str(scenario), "--seconds", "0.1", runtime=tmp_path)
    assert done.returncode == 3
    assert "wrong.toml: device 1 (kald-01): key" in done.stderr
    assert "32 hexadecimal digits" in done.stderr


def test_no_such_scenario(tmp_path: Path) -> None:
    """Exit 4, with the names of those that come along."""
    done = velgate_sim("run", "castle", runtime=tmp_path)
    assert done.returncode == 4
    assert "home" in done.stderr


@pytest.mark.parametrize("command", ["run", "do", "devices", "status"])
def test_every_command_helps_with_an_example(command: str) -> None:
    """`--help` of each, with an example at its end."""
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output

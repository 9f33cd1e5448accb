"""Scenario files and the control socket: what is wrong is named, and no input breaks them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.control import ask, control_socket
from firmware_sim.problem import Exit, SimProblem
from firmware_sim.scenario import load_scenario, parse_scenario
from firmware_sim.script import perform
from support.eventually import eventually
from support.sim_world import BUTTON, simulated


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("device = 3", r"\[\[device\]\]"),
        ("device = [3]", "a table"),
        ('[[device]]\nkind = "climate"\n', "name: expected a text, found nothing"),
        ('[[device]]\nname = "a"\nkind = "toaster"\n', "call-button"),
        ('[[device]]\nname = "Å"\nkind = "climate"\n', "lower-case"),
        ('[[device]]\nname = "a"\nkind = "climate"\naddress = "A4"\n', "A4:C1:38:00:00:01"),
        ('[[device]]\nname = "a"\nkind = "climate"\ntopic = "a/b"\n', "has no topic"),
        ('[[device]]\nname = "a"\nkind = "zigbee-sos"\naddress = "A4:C1:38:00:00:01"\n', "has no address"),
        (BUTTON + 'key = "12"\n', "32 hexadecimal digits"),
        (BUTTON + "battery = 101\n", "0 to 100"),
        (BUTTON + BUTTON, "twice: kald-01"),
        (BUTTON + BUTTON.replace("kald-01", "kald-02"), "twice: A4:C1:38:00:00:01"),
        (BUTTON + "colour = 1\n", "colour: expected one of"),
        ('[[script]]\nat = 1\ndevice = "x"\ndo = "press"\n', "a device of this scenario"),
        ('[[script]]\nat = -1\ndevice = "adapter"\ndo = "off"\n', "at: expected a number"),
        ('[adapter]\nrelease = "4.0"\n', "5.66"),
        ("[adapter]\nslots = true\n", "a whole number"),
        ("title = [", "TOML"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    """The file, the key, what was expected and what was found."""
    with pytest.raises(SimProblem, match=says) as caught:
        parse_scenario(text, "wrong.toml")
    assert caught.value.exit_code is Exit.CONFIGURATION
    assert caught.value.where.startswith("wrong.toml")


KEYS = st.sampled_from(["device", "script", "adapter", "name", "kind", "address", "at", "do", "slots", "key"])
VALUES = st.recursive(
    st.none().map(lambda _: "climate") | st.booleans() | st.integers(-9, 9) | st.text("ab:0", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_toml_is_a_scenario_or_a_problem(table: dict[str, Any]) -> None:
    """Nothing but SimProblem comes out."""
    with contextlib.suppress(SimProblem):
        parse_scenario(tomlkit.dumps(table), "any.toml")


async def test_a_step_that_its_device_cannot_do_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit 3 before anything speaks."""
    text = BUTTON + '[[script]]\nat = 1\ndevice = "kald-01"\ndo = "fly"\n'
    with pytest.raises(SimProblem, match="script 1") as caught:
        async with simulated(text, monkeypatch, tmp_path):
            pass
    assert caught.value.exit_code is Exit.CONFIGURATION


def test_a_folder_of_that_name_hides_no_scenario(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`home` is a likely name for a folder of one's own: `velgate demo --state home`."""
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_scenario("home").devices == load_scenario(None).devices != ()


def test_the_home_is_quiet_for_twenty_seconds() -> None:
    """A person who starts the demo can find the page first."""
    home = load_scenario(None)
    assert min(step.at_s for step in home.script) >= 20
    assert {step.action for step in home.script} >= {"press", "fall", "leave_bed", "open"}


@pytest.mark.looptime
async def test_script_keeps_its_times_and_repeats() -> None:
    """Steps are done in order of time, counted from the start; one that fails stops nothing."""
    done: list[tuple[float, str]] = []
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def act(device: str, action: str, value: str | None) -> None:
        done.append((round(loop.time() - start), f"{device} {action} {value}"))
        if action == "press":
            raise SimProblem(device, expected="a", found="b", do="c", exit_code=Exit.FAILED)

    text = BUTTON + (
        '[[script]]\nat = 30\nevery = 20\ndevice = "adapter"\ndo = "off"\n'
        '[[script]]\nat = 22\ndevice = "kald-01"\ndo = "press"\nvalue = 3\n'
    )
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(75):
            await perform(parse_scenario(text, "test").script, act)
    assert done == [
        (22, "kald-01 press 3"),
        (30, "adapter off None"),
        (50, "adapter off None"),
        (70, "adapter off None"),
    ]


async def test_what_was_so_is_so_after_a_new_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a state folder an empty bed stays empty, and a low battery low; packet ids go on."""
    bed = BUTTON.replace("call-button", "bed-sensor")
    async with simulated(bed, monkeypatch, tmp_path, state=tmp_path) as world:
        await world.act("kald-01", "leave_bed", None)
        await world.act("kald-01", "battery", "4")
    async with simulated(bed, monkeypatch, tmp_path, state=tmp_path) as world:
        sensor: Any = world.devices["kald-01"]
        assert (sensor.state, sensor.battery) == (False, 4)


async def test_a_state_file_of_something_else_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Rather than overwritten."""
    (tmp_path / "velgate-sim.json").write_text("[]")
    with pytest.raises(SimProblem, match="Remove it"):
        async with simulated(BUTTON, monkeypatch, tmp_path, state=tmp_path):
            pass


async def test_script_acts_unless_quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The script begins when everything answers; `quiet` leaves it out."""
    text = BUTTON + '[[script]]\nat = 0\ndevice = "adapter"\ndo = "deaf"\n'
    async with simulated(text, monkeypatch, tmp_path) as world:
        await eventually(lambda: world.bluetoothd.controller.deaf)
    async with simulated(text, monkeypatch, tmp_path, quiet=True) as world:
        await asyncio.to_thread(ask, world.control, "kald-01", "press", None)
        assert not world.bluetoothd.controller.deaf


@given(st.binary(max_size=40).filter(lambda line: b"\n" not in line) | st.text().map(str.encode))
def test_any_line_is_answered(line: bytes) -> None:
    """The control socket answers rubbish with a problem of exit 2, and goes on."""

    async def talk() -> Any:
        from firmware_sim.control import _answer

        async def serve(device: str, action: str, value: str | None) -> dict[str, Any]:
            return {"device": device}

        return await _answer(line, serve)

    answer = asyncio.run(talk())
    assert answer["problem"]["exit"] == 2


async def test_control_socket_answers_several_lines_and_ends_with_its_block(tmp_path: Path) -> None:
    """One connection, many requests; a client that stays is cut off at the end."""

    async def serve(device: str, action: str, value: str | None) -> dict[str, Any]:
        return {"device": device, "action": action, "value": value}

    path = tmp_path / "control"
    async with control_socket(path, serve) as address:
        assert address == f"unix:path={path}"
        reader, writer = await asyncio.open_unix_connection(path)
        for value in (None, "4"):
            writer.write(json.dumps({"device": "a", "action": "b", "value": value}).encode() + b"\n")
            assert json.loads(await reader.readline())["value"] == value
    assert await reader.read() == b""
    writer.close()

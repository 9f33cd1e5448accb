"""Every command helps with an example, starts fast, and loads nothing it does not need."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from gateway.cli.commands import app
from gateway.cli.main import main

ROOT = Path(__file__).parents[2]
HEAVY = ["pydantic", "bleak", "aiomqtt", "starlette", "uvicorn", "tomlkit", "rich", "influxdb_client"]
HEAVY += ["jinja2", "asyncio", "gateway.settings.loader", "gateway.board", "gateway.radio", "gateway.journal"]
ACTIONS = ["acknowledge", "join", "presence", "extend", "release", "assist", "resolve", "reopen", "shelve"]


def commands(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with its path."""
    yield path, node
    for name, below in getattr(node, "commands", {}).items():
        yield from commands(below, (*path, name))


TREE = dict(commands(typer.main.get_command(app)))
LEAVES = [path for path, node in TREE.items() if not hasattr(node, "commands")]


def test_every_command_of_the_contract_is_there() -> None:
    """Those that a first home needs, and no stub of a later one."""
    wanted = {
        *((name,) for name in ["decode", "run", "demo", "init", "check", "scan", "status", "tail"]),
        *(("device", name) for name in ["add", "list", "show", "rename", "move", "remove", "test"]),
        *(("driver", name) for name in ["list", "show"]),
        *(("config", name) for name in ["show", "diff", "set"]),
        *(("alert", name) for name in ["list", "show", "test", "audit", "dispatch", "object", *ACTIONS]),
        ("alert", "load"),
        ("alert", "rules", "list"),
        ("alert", "rules", "test"),
        *(("staff", name) for name in ["add", "list", "remove", "pin", "token", "reach"]),
        *(("staff", "roster", name) for name in ["show", "override", "restore", "import", "drop"]),
        *(("basis", name) for name in ["add", "list", "withdraw", "verify"]),
        ("info", "staff"),
        *(("screen", name) for name in ["add", "list", "remove"]),
        *(("channel", name) for name in ["list", "test"]),
    }
    assert set(LEAVES) == wanted


@pytest.mark.parametrize("path", sorted(TREE), ids=" ".join)
def test_help_has_an_example(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """What it does in one line that is not cut off, its options, and an example that names the command."""
    assert main([*path, "--help"]) == 0
    text = capsys.readouterr().out
    example = re.search(r"^ *Example: velgate (.*)", text, re.MULTILINE)
    assert example is not None
    assert example[1].startswith(" ".join(path))
    assert all(len(line) <= 80 for line in text.splitlines())
    assert not re.search(r"\w\.\.\.$", text, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(LEAVES), ids=" ".join)
def test_the_example_is_right_usage(path: tuple[str, ...]) -> None:
    """Its options and arguments are ones that the command takes."""
    words = shlex.split(TREE[path].epilog.splitlines()[0].removeprefix("Example: velgate "))
    assert tuple(words[: len(path)]) == path
    TREE[path].make_context("velgate", words[len(path) :], resilient_parsing=False)


def test_advice_names_commands_that_exist() -> None:
    """No error and no help of the CLI sends anybody to a command that is not there."""
    known = {path[: n + 1] for path in LEAVES for n in range(len(path))}
    checked = 0
    for file in [*(ROOT / "gateway/cli").glob("*.py"), *(ROOT / "gateway/settings").glob("*.py")]:
        for words in re.findall(r"velgate ((?:[a-z]+ ?){1,2})", file.read_text(encoding="utf-8")):
            first, *rest = words.split()
            if (first,) in known:
                checked += 1
                groups = {path[0] for path in LEAVES if len(path) == 2}
                assert first not in groups or not rest or (first, rest[0]) in known, f"{file.name}: {words}"
            else:
                assert file.name in ("commands.py", "main.py", "say.py"), f"{file.name}: velgate {words}"
    assert checked > 60


def modules(*arguments: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    code = (
        "import sys, json; from gateway.cli.main import main; main(json.loads(sys.argv[1]));"
        "sys.stderr.write(json.dumps(sorted(sys.modules)))"
    )
    command = [sys.executable, "-c", code, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_loads_only_typer() -> None:
    """So that it comes at once, on a small computer too."""
    loaded = modules("--help")
    assert "typer" in loaded
    assert not loaded & {
        *HEAVY,
        "gateway.settings.loader",
        "gateway.board",
        "gateway.radio",
        "gateway.journal",
    }


def test_decode_loads_no_typer(tmp_path: Path) -> None:
    """A frame is decoded before Typer would have loaded."""
    frames = tmp_path / "frames.jsonl"
    frames.write_text(
        '{"kind": "advertisement", "address": "A4:C1:38:00:00:01", "service_data": {"fcd2": "4002c409"}}\n'
    )
    loaded = modules("decode", str(frames))
    assert "gateway.intake.host" in loaded
    assert not loaded & {
        "typer",
        "gateway.settings.loader",
        "gateway.board",
        "gateway.radio",
        "pydantic",
        "bleak",
    }


def test_usage_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command or option, a missing argument; the message says what there is."""
    assert main(["nonsense"]) == 2
    assert main(["device", "show"]) == 2
    assert main(["check", "--bogus"]) == 2
    assert main(["decode", "--bogus"]) == 2
    assert "No such option" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The distribution's own."""
    assert main(["--version"]) == 0
    assert re.fullmatch(r"velgate \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_completion_is_offered(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`velgate --show-completion` prints a script for the shell."""
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert main(["--show-completion", "bash"]) == 0
    assert "_VELGATE_COMPLETE" in capsys.readouterr().out


def test_a_fault_of_our_own_is_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A technician reads where to report it; a developer gets the traceback by asking for it."""

    def broken(_folder: Path, **_more: Any) -> None:
        raise ZeroDivisionError("hemmelig")

    monkeypatch.setattr("gateway.settings.loader.load", broken)
    monkeypatch.delenv("VELGATE_DEBUG", raising=False)
    assert main(["check"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "VELGATE_DEBUG=1" in said
    assert "Traceback" not in said
    assert "hemmelig" not in said
    monkeypatch.setenv("VELGATE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["check"])


def test_a_reader_that_has_enough() -> None:
    """`velgate config show | head -1` ends without a complaint."""
    show = f"{shlex.quote(sys.executable)} -m gateway.cli config show --config config/examples/kommune-a"
    done = subprocess.run(
        ["bash", "-c", f"{show} | head -1"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""

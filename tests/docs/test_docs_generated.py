"""What is generated is up to date, and says everything there is. Each sweep says how much it visited."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from docs import generate
from docs.making import alert_states, configuration, errors, yaml
from docs.making.asyncapi import document, topics
from docs.making.commands import ENVIRONMENT, all_commands
from gateway.driver import API
from gateway.model.alert import Handling
from gateway.model.catalogue import OWN_KINDS, shipped
from gateway.model.decoding import DecodeError
from gateway.model.problem import Exit
from gateway.model.quantities import ALL
from gateway.model.refusal import STATUS
from gateway.settings.models import Settings
from support.doc_pages import DOCS, ROOT, text_of

SOURCES = [*ROOT.glob("gateway/**/*.py"), *ROOT.glob("firmware_sim/**/*.py")]


def reference(name: str) -> str:
    return text_of(DOCS / "reference" / f"{name}.md")


def test_the_generated_pages_are_what_the_code_says() -> None:
    """Where this fails: make docs."""
    assert generate.check() == []
    assert len(generate.PAGES) == 14


def test_check_names_what_differs_and_what_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that somebody changed by hand, or that is missing, is named; writing mends it."""
    assert generate.write(tmp_path) == list(generate.PAGES)
    assert generate.check(tmp_path) == []
    page = tmp_path / "reference" / "errors.md"
    page.write_text(page.read_text() + "by hand\n")
    (tmp_path / "asyncapi.yaml").unlink()
    assert generate.check(tmp_path) == ["reference/errors.md", "asyncapi.yaml"]
    monkeypatch.setattr(generate, "check", lambda: ["reference/errors.md"])
    assert generate.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "docs/reference/errors.md" in said
    assert "make docs" in said
    assert generate.main(["--chek"]) == 2


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_pages_depend_on_nothing_but_the_code(seed: str, tmp_path: Path) -> None:
    """Another order of hashing, another place, another language: the same bytes."""
    code = "import sys; from docs import generate; sys.exit(generate.main(['--check']))"
    env = {"PYTHONHASHSEED": seed, "LANG": "C", "COLUMNS": "40", "NO_COLOR": "1", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_command_and_option_is_documented() -> None:
    """Commands found by asking the programs for help, not by the generator."""
    page = reference("commands")
    found = [*helped("velgate"), *helped("velgate-sim")]
    assert len(found) == len(list(all_commands())) >= 50
    visited = 0
    for words, help_ in found:
        assert f"### {' '.join(words)}\n" in page, words
        section = page.split(f"### {' '.join(words)}\n")[1].split("\n### ")[0]
        for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", help_.split("Example")[0])) - {"--help"}:
            assert option in section, (words, option)
            visited += 1
    assert visited >= 180


def helped(program: str) -> list[tuple[list[str], str]]:
    """Ask a program, and each of its groups, for help; give the commands with theirs."""
    from typer.testing import CliRunner

    import gateway.cli.commands
    from firmware_sim.cli import app as simulator

    app = {"velgate": gateway.cli.commands.app, "velgate-sim": simulator}[program]
    runner = CliRunner(env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"})

    def below(words: list[str]) -> list[tuple[list[str], str]]:
        help_ = runner.invoke(app, [*words, "--help"], prog_name=program).output
        names = re.findall(r"^[ │]+([a-z]+)  +\S", help_.partition("Commands")[2], re.MULTILINE)
        if not names:
            return [([program, *words], help_)]
        return [found for name in names for found in below([*words, name])]

    return below([])


def test_every_exit_code_and_variable_is_documented() -> None:
    """The variables found in the source."""
    page = reference("commands")
    assert len(Exit) == 7
    for code in Exit:
        assert f"| {code.value} | " in page, code
    said = {name for name, _ in ENVIRONMENT}
    used = {name for source in SOURCES for name in re.findall(r"VELGATE_[A-Z_]+", source.read_text())}
    assert used <= said, used - said
    assert len(used) >= 6


def test_every_setting_is_documented_and_explained() -> None:
    """Keys found by walking the models, not by the generator."""
    page = reference("configuration")
    paths = leaves(Settings)
    assert len(paths) >= 150
    keys = {key.path: key for key in configuration.all_keys()}
    assert set(paths) == set(keys)
    for path in paths:
        table, _, name = path.rpartition(".")
        section = page.split(f"## {table or 'At the top'}\n")[1].split("\n## ")[0]
        assert f"| `{name}` | " in section, path
        assert keys[path].meaning, f"{path} has no meaning: write a docstring under it in the model"
    trusted = configuration.trust_keys()
    assert len(trusted) == 7
    assert all(f"| `{key.path}` | " in page and key.meaning for key in trusted)


def leaves(model: type[BaseModel], path: str = "") -> list[str]:
    """Every key below a model, with NAME for a name and [] for a list; at the top without the tables."""
    found = []
    for name, field in model.model_fields.items():
        below = f"{path}.{name}".lstrip(".")
        inner = [(suffix, each) for suffix, each in models_in(field.annotation)]
        if path or not inner:
            found.append(below)
        for suffix, each in inner:
            found += leaves(each, below + suffix)
    return found


def models_in(kind: object, suffix: str = "") -> list[tuple[str, type[BaseModel]]]:
    import typing

    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [(suffix, kind)]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict:
        return models_in(inner[1], suffix + ".NAME")
    if origin in (tuple, list):
        return models_in(inner[0], suffix + "[]")
    return [found for each in inner if origin is not typing.Literal for found in models_in(each, suffix)]


def test_every_code_and_trouble_is_documented() -> None:
    """Decode errors, refusals, and each trouble that any room tells."""
    page = reference("errors")
    drivers = {each.code for each in DecodeError.__subclasses__()}
    assert set(errors.decode_codes()) == drivers | {"replayed", "implausible", "driver_failed"}
    told = {
        kind
        for source in SOURCES
        for kind in re.findall(
            r"(?:kind=|_tell\(|begin\(\s*)\"([a-z_]+\.[a-z_]+)\"", source.read_text(encoding="utf-8")
        )
    }
    assert told <= OWN_KINDS, f"no words for {told - OWN_KINDS}"
    assert {"adapter.down", "journal.slow", "screen.muted", "outlet.behind"} <= told
    visited = 0
    for code in {*errors.decode_codes(), *STATUS, *OWN_KINDS, *told}:
        assert f"| `{code}` | " in page, code
        visited += 1
    assert visited >= 40


def test_every_quantity_and_word_is_documented() -> None:
    """A row each."""
    quantities, words = reference("quantities"), reference("words")
    assert sum(f"| `{q.name}`" in quantities for q in ALL.values()) == len(ALL) >= 100
    texts = shipped().texts
    assert texts["da"].keys() == texts["en"].keys()
    assert sum(f"| `{key}` | " in words for key in texts["da"]) == len(texts["da"]) >= 400


def test_every_driver_that_ships_is_documented() -> None:
    """With its models and what it reports."""
    from docs.making.drivers import shipped as drivers

    page = reference("drivers")
    assert len(drivers()) == 6
    for one in drivers():
        section = page.split(f"## {one.name}\n")[1].split("\n## ")[0]
        assert all(model in section for model in one.driver.models)
        assert all(f"| `{quantity.name}` | " in section for quantity in one.driver.said)
        assert "Source: " in section, f"{one.name} names no source"
    assert API == 1


def test_the_table_of_states_is_whole() -> None:
    """Every input that the life-cycle takes stands in it, in every state."""
    page = reference("alert-states")
    given = alert_states.inputs()
    types = {type(make(alert_states.in_state(state, alert_states.call())))
             for make in given.values() for state in Handling}  # fmt: skip
    assert types == alert_states.input_types()
    assert len(types) == 18
    table = page.split("## A resident's call")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len(given)
    assert all(row.count(" | ") == 5 and "|  |" not in row for row in rows)


def test_asyncapi_names_every_topic_of_the_outlet() -> None:
    """And each message and schema that it refers to is there."""
    made = document()
    assert len(topics()) == 9
    assert {channel["address"] for channel in made["channels"].values()} == {*topics().values(), None}
    visited = 0
    for ref in refs(made):
        if ref.startswith("#/"):
            part = made
            for step in ref[2:].split("/"):
                part = part[step]
        else:
            assert (DOCS / ref).is_file(), ref
        visited += 1
    assert visited >= 40
    used = {ref for ref in refs(made["channels"]) if ref.startswith("#/components")}
    assert used == {f"#/components/messages/{name}" for name in made["components"]["messages"]}


def refs(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [ref for item in part.values() for ref in refs(item)]
    return [ref for item in part for ref in refs(item)] if isinstance(part, list) else []


def test_the_yaml_says_what_the_document_holds() -> None:
    """Read by a reader of its own: indentation, dashes, and JSON for what is no block."""
    lines = (DOCS / "asyncapi.yaml").read_text(encoding="utf-8").splitlines()[1:]
    value, rest = read_block([(len(line) - len(line.lstrip()), line.lstrip()) for line in lines])
    assert rest == []
    assert value == document()
    odd = {"no": [[], {}, [1, [True, None]]], "a: b": "c: #d\n", "1": {"": "- x"}}
    lines = yaml.dump(odd).splitlines()
    assert read_block([(len(x) - len(x.lstrip()), x.lstrip()) for x in lines]) == (odd, [])


Lines = list[tuple[int, str]]


def read_block(lines: Lines) -> tuple[object, Lines]:
    """Read a mapping or a list, and what follows it."""
    indent = lines[0][0]
    mapping: dict[str, object] = {}
    items: list[object] = []
    while lines and lines[0][0] == indent:
        text = lines[0][1]
        if text.startswith("- "):
            inner, lines = [(indent + 2, text[2:])], lines[1:]
            while lines and lines[0][0] > indent:
                inner.append(lines.pop(0))
            items.append(read_block(inner)[0] if is_block(inner) else json.loads(inner[0][1]))
            continue
        if not re.match(r'("(?:[^"\\]|\\.)*"|[\w$-]+):( |$)', text):
            return json.loads(text), lines[1:]
        match = re.match(r'("(?:[^"\\]|\\.)*"|[\w$-]+):(?: (.*))?$', text)
        assert match is not None, text
        key = json.loads(match[1]) if match[1].startswith('"') else match[1]
        lines = lines[1:]
        if match[2] is not None:
            mapping[key] = json.loads(match[2])
        else:
            mapping[key], lines = read_block(lines)
    return (items or mapping), lines


def is_block(lines: Lines) -> bool:
    return bool(re.match(r'- |("(?:[^"\\]|\\.)*"|[\w$-]+):( |$)', lines[0][1]))

"""Editing keeps every comment and the order, writes whole files or none, and never makes things worse."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.problem import Exit, Problem
from gateway.settings import entries
from gateway.settings.edits import Change
from gateway.settings.positions import Path as KeyPath
from gateway.settings.rewrite import CannotRewrite, cut, literal, put, rename
from support.homes import KEY, SOLHJEM, write_base, write_home

NAMES = st.sampled_from(["bed", "kald-12", "a", "nat øst"])
LEAVES = st.one_of(st.integers(0, 99), st.booleans(), st.text(alphabet='aæ"#\\', max_size=4))
ENTRIES = st.dictionaries(st.sampled_from(["place", "address", "x y"]), LEAVES, min_size=1, max_size=3)
TABLES = st.dictionaries(NAMES, ENTRIES, min_size=1, max_size=3)
FILES = st.dictionaries(st.sampled_from(["device", "person"]), TABLES, min_size=1, max_size=2)
STYLES = st.lists(st.sampled_from(["inline", "dotted", "header"]), min_size=8, max_size=8)


def key(name: str) -> str:
    """A key as TOML writes it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def rendered(data: dict[str, dict[str, dict[str, Any]]], styles: list[str], newline: str) -> tuple[str, int]:
    """Write a file by hand, each entry in another style, comments everywhere. Gives text and comments."""
    root, tail, count = ["# head"], [], 1
    entries_ = [(table, name, held) for table, names in data.items() for name, held in names.items()]
    for (table, name, held), style in zip(entries_, styles, strict=False):
        path = f"{key(table)}.{key(name)}"
        if style == "inline":
            root += [f"# c{count}", f"{path} = {literal(held)}  # c{count + 1}"]
            count += 2
        elif style == "dotted":
            root += [f"{path}.{key(each)} = {literal(value)} # c{count}" for each, value in held.items()]
            count += 1
        else:
            tail += ["", f"# c{count}", f"[{path}]  # c{count + 1}"]
            tail += [f"{key(each)} = {literal(value)}" for each, value in held.items()]
            count += 2
    return newline.join([*root, *tail, "# foot", ""]), count


def comments(text: str) -> list[str]:
    """The comments of a text that stand on lines of their own."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


def every_comment(text: str) -> list[str]:
    """All comments of a rendered text, in order."""
    return re.findall(r"# (?:c\d+|head|foot)", text)


@settings(max_examples=200)
@given(FILES, STYLES, st.sampled_from(["\n", "\r\n"]), st.data())
def test_setting_keeps_every_comment(
    data: dict[str, Any], styles: list[str], newline: str, pick: st.DataObject
) -> None:
    """A value is changed or added in whatever style the file has; nothing else moves."""
    text, _ = rendered(data, styles, newline)
    path = pick.draw(
        st.tuples(st.sampled_from([*data, "mqtt"]), NAMES, st.sampled_from(["place", "address", "new"]))
    )
    changed = put(text, path, 'A "value"')
    held = tomllib.loads(changed.replace("\r\n", "\n"))
    assert held[path[0]][path[1]][path[2]] == 'A "value"'
    assert every_comment(changed) == every_comment(text)
    assert [line for line in text.splitlines() if line not in changed.splitlines()] in ([], *one_line(text))
    assert ("\r\n" in changed) == (newline == "\r\n") or "\n" not in text


def one_line(text: str) -> list[list[str]]:
    """Each line alone: at most one line of the old text may be gone."""
    return [[line] for line in text.splitlines()]


@settings(max_examples=200)
@given(FILES, STYLES, st.data())
def test_adding_an_entry_keeps_every_line(
    data: dict[str, Any], styles: list[str], pick: st.DataObject
) -> None:
    """A new device stands among the others; every old line is still there, in order."""
    text, _ = rendered(data, styles, "\n")
    table = pick.draw(st.sampled_from([*data, "place"]))
    changed = put(text, (table, "fresh"), {"label": "x", "kind": "home"})
    assert tomllib.loads(changed)[table]["fresh"] == {"label": "x", "kind": "home"}
    lines = iter(changed.splitlines())
    assert all(line in lines for line in text.splitlines())


@settings(max_examples=200)
@given(FILES, STYLES, st.data())
def test_renaming_keeps_comments(data: dict[str, Any], styles: list[str], pick: st.DataObject) -> None:
    """Only the name differs, wherever it stands."""
    text, _ = rendered(data, styles, "\n")
    table = pick.draw(st.sampled_from(sorted(data)))
    name = pick.draw(st.sampled_from(sorted(data[table])))
    changed = rename(text, (table, name), "fresh")
    assert list(tomllib.loads(changed)[table]) == [
        "fresh" if each == name else each for each in tomllib.loads(text)[table]
    ]
    assert every_comment(changed) == every_comment(text)
    assert len(changed.splitlines()) == len(text.splitlines())


@settings(max_examples=200)
@given(FILES, STYLES, st.data())
def test_removing_takes_nothing_else(data: dict[str, Any], styles: list[str], pick: st.DataObject) -> None:
    """The entry goes; comments on lines of their own, and all other entries, stay."""
    text, _ = rendered(data, styles, "\n")
    table = pick.draw(st.sampled_from(sorted(data)))
    name = pick.draw(st.sampled_from(sorted(data[table])))
    changed = cut(text, (table, name))
    assert name not in tomllib.loads(changed).get(table, {})
    assert comments(changed) == comments(text)


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ("a = [1, 2, 3]\n", ("a", 1), "a = [1, 3]\n"),
        ("a = [1, 2, 3]\n", ("a", 2), "a = [1, 2]\n"),
        ("a = [1]\n", ("a", 0), "a = []\n"),
        ("a = {x = 1, y = {z = 2}}\n", ("a", "y"), "a = {x = 1}\n"),
        ("a = {x.p = 1, x.q = 2, y = 3}\n", ("a", "x"), "a = {y = 3}\n"),
        ("a = [\n  1, # one\n  2,\n]\n", ("a", 1), "a = [\n  1, # one\n  \n]\n"),
    ],
)
def test_cutting_from_lists_and_inline_tables(text: str, path: KeyPath, wanted: str) -> None:
    """The comma that parted it goes too."""
    assert cut(text, path) == wanted


def test_what_cannot_be_changed_safely_is_not_changed() -> None:
    """A table over several lines is not replaced by one; a scalar has no keys."""
    with pytest.raises(CannotRewrite):
        put("[a]\nx = 1\n", ("a",), {"y": 2})
    with pytest.raises(CannotRewrite):
        put("a = 1\n", ("a", "b"), 2)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Solhjem, with a key and a rule that names devices."""
    base = (
        'alerts.policies.calm = {steps = [{targets = ["page"], after = "60s"}]}\n'
        'floor = [{key = "alerts.policies.calm.steps.0.after", at_most = "60s", why = "vent ikke"}]\n'
    )
    write_base(tmp_path / "base", base=base)
    rule = (
        "# the bed of room 12\n"
        "[alerts.rules.oppe]\n"
        'when = {quantity = "bed_occupancy", state = false}  # out\n'
        'kind = "bed.left"\nconcern = "presence"\npriority = "high"\npolicy = "calm"\n'
        'devices = ["kald-12", "bed-12"]  # both\n'
    )
    return write_home(tmp_path / "config", home=rule, secrets=f'device.bed-12.key = "{KEY}"  # label\n')


def change(home: Path) -> Change:
    """A change of that home."""
    return Change(home, base=home.parent / "base")


def text(home: Path, name: str) -> str:
    """A file of it."""
    return (home / name).read_text(encoding="utf-8")


def test_a_device_is_added_with_key_and_place(home: Path) -> None:
    """To the gateway's file, its key to the secrets, an unknown place along with it."""
    edit = change(home)
    assert entries.add_device(
        edit, "fald-13", place="room-13", address="a4:c1:38:00:00:13", driver="bthome", key=KEY
    )
    assert edit.commit() == [home / "gateway.toml", home / "secrets.toml"]
    lines = text(home, "gateway.toml").splitlines()
    assert lines[lines.index('place.room-13 = {label = "room-13"}') - 1].startswith("place.bath-12")
    device = 'device.fald-13 = {address = "A4:C1:38:00:00:13", place = "room-13", driver = "bthome"}'
    assert lines[lines.index(device) - 1].startswith("device.kald-12")
    assert [line for line in SOLHJEM.splitlines() if line not in lines] == []
    assert f'device.fald-13.key = "{KEY}"' in text(home, "secrets.toml")
    assert stat.S_IMODE((home / "secrets.toml").stat().st_mode) == 0o600


def test_a_device_is_renamed_everywhere(home: Path) -> None:
    """Its entry, its key, the rule that means it; comments stay where they were."""
    edit = change(home)
    entries.rename_device(edit, "bed-12", "seng-12")
    edit.commit()
    assert "device.seng-12 = {address" in text(home, "gateway.toml")
    assert text(home, "secrets.toml") == f'device.seng-12.key = "{KEY}"  # label\n'
    assert 'devices = ["kald-12", "seng-12"]  # both' in text(home, "home.toml")
    assert text(home, "gateway.toml").count("#") == SOLHJEM.count("#")


def test_a_device_is_removed_with_its_key(home: Path) -> None:
    """And from the rule; its neighbours and comments stay."""
    edit = change(home)
    entries.remove_device(edit, "bed-12")
    edit.commit()
    assert "bed-12" not in text(home, "gateway.toml") + text(home, "secrets.toml")
    assert 'devices = ["kald-12"]  # both' in text(home, "home.toml")
    assert "# the call button\n" in text(home, "gateway.toml")


def test_a_device_moves(home: Path) -> None:
    """Only its place changes, where it is written."""
    edit = change(home)
    assert not entries.move_device(edit, "bed-12", "bath-12")
    edit.commit()
    assert text(home, "gateway.toml") == SOLHJEM.replace('01", place = "room-12"', '01", place = "bath-12"')


def test_a_change_that_adds_an_error_is_refused(home: Path) -> None:
    """The floor holds for edits too, and nothing is written."""
    before = text(home, "gateway.toml")
    edit = change(home)
    edit.set(("alerts", "policies", "calm", "steps", "0", "after"), "5m", layer="gateway")
    with pytest.raises(Problem) as raised:
        edit.commit()
    assert raised.value.exit is Exit.CONFIGURATION
    assert raised.value.findings[0].where == "gateway.toml:14"
    assert text(home, "gateway.toml") == before


def test_an_old_error_keeps_nobody_from_editing(home: Path) -> None:
    """A mistake elsewhere is not made worse by another device."""
    (home / "municipality.toml").write_text("unknwn = 1\n", encoding="utf-8")
    edit = change(home)
    entries.add_device(edit, "ny", place="room-12", topic="zigbee2mqtt/ny")
    assert edit.commit() == [home / "gateway.toml"]


def test_two_who_are_missing_are_added_one_after_the_other(home: Path) -> None:
    """What is expected names who is there, and so changes with each: that is no new error."""
    text = '[group.nat]\npersons = ["ZZ", "YY"]\n'
    (home / "municipality.toml").write_text(text, encoding="utf-8")
    for name, errors in (("ZZ", 1), ("YY", 0)):
        edit = change(home)
        entries.add_person(edit, name, roles=["care"], rights=[], language="da")
        assert edit.commit()
        assert len(change(home).before.errors) == errors


def test_two_commands_at_once_do_not_overwrite_each_other(home: Path) -> None:
    """The second sees that the file has changed since it read it."""
    first, second = change(home), change(home)
    entries.move_device(first, "bed-12", "bath-12")
    entries.move_device(second, "kald-12", "bath-12")
    first.commit()
    with pytest.raises(Problem, match="made meanwhile"):
        second.commit()


def test_files_keep_their_mode(home: Path) -> None:
    """An edit neither opens nor closes a file to others; secrets are always closed."""
    (home / "gateway.toml").chmod(0o644)
    edit = change(home)
    entries.move_device(edit, "bed-12", "bath-12")
    edit.commit()
    assert stat.S_IMODE((home / "gateway.toml").stat().st_mode) == 0o644
    assert sorted(path.name for path in home.iterdir()) == ["gateway.toml", "home.toml", "secrets.toml"]


def test_people(home: Path) -> None:
    """Added once whatever the case, removed from their groups too."""
    edit = change(home)
    edit.set(("group", "nat"), {"persons": ["KL"]}, layer="gateway")
    entries.add_person(edit, "AB", roles=["care"], rights=["see_values"], language="da")
    edit.commit()
    assert 'person.AB = {roles = ["care"], rights = ["see_values"], language = "da"}' in text(
        home, "gateway.toml"
    )
    with pytest.raises(Problem, match=r"person\.ab"):
        entries.add_person(change(home), "ab", roles=["care"], rights=[], language="da")
    edit = change(home)
    entries.remove_person(edit, "kl")
    edit.commit()
    assert "KL" not in text(home, "gateway.toml")


@pytest.mark.parametrize(
    ("work", "exit_"),
    [
        (lambda edit: entries.add_device(edit, "Fru Hansen", place="room-12", topic="x"), Exit.USAGE),
        (lambda edit: entries.add_device(edit, "bed-12", place="room-12", topic="x"), Exit.USAGE),
        (lambda edit: entries.rename_device(edit, "no", "x"), Exit.NOT_FOUND),
        (lambda edit: entries.remove_device(edit, "no"), Exit.NOT_FOUND),
        (lambda edit: entries.remove_person(edit, "no"), Exit.NOT_FOUND),
    ],
)
def test_what_cannot_be(home: Path, work: Any, exit_: Exit) -> None:
    """Wrong names are wrong usage, unknown ones not found."""
    with pytest.raises(Problem) as raised:
        work(change(home))
    assert raised.value.exit is exit_


def test_a_folder_layer_is_edited_where_its_devices_stand(tmp_path: Path) -> None:
    """`gateway/` of several files: the new device goes to the others, not to the first file."""
    write_base(tmp_path / "base")
    folder = write_home(
        tmp_path / "config", **{"gateway/20-devices": SOLHJEM, "gateway/10-mqtt": "mqtt.port = 1883\n"}
    )
    (folder / "gateway.toml").unlink()
    edit = change(folder)
    entries.add_device(edit, "ny", place="room-12", topic="zigbee2mqtt/ny")
    assert edit.commit() == [folder / "gateway" / "20-devices.toml"]

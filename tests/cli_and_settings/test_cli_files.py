"""Commands on the configuration's files: what they write, what they say, and how they end."""

from __future__ import annotations

import io
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.board.callers import hashed
from gateway.board.pins import verify_pin
from gateway.cli.main import main
from gateway.cli.staff import good_pin
from gateway.settings.loader import load
from support.fake_gateway import FakeGateway, fake_gateway
from support.homes import KEY, SOLHJEM, write_home

ROOT = Path(__file__).parents[2]


class Terminal(io.StringIO):
    """A standard input with somebody before it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Solhjem as the folder that commands mean; nothing runs on its state folder."""
    folder = write_home(tmp_path / "config", secrets=f'device.bed-12.key = "{KEY}"\n')
    monkeypatch.setenv("VELGATE_CONFIG", str(folder))
    monkeypatch.setenv("VELGATE_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("VELGATE_BY", raising=False)
    return folder


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put lines on standard input: piped, or typed on a terminal."""

    def give(*lines: str, terminal: bool = False) -> None:
        text = "".join(f"{line}\n" for line in lines)
        monkeypatch.setattr("sys.stdin", Terminal(text) if terminal else io.StringIO(text))

    return give


FIVE = {
    "home": 'night = ["25:00", "07:00"]\nplace.hall = {label = "Gang}\n',
    "gateway": SOLHJEM.replace('kind = "home"}', 'knd = "home"}').replace('bthome"}  #', 'bthom"}  #'),
    "secrets": f'\ndevice.kald-12.key = "{KEY[:-1]}"\n',
}

SAID = """\
home.toml:1  night.0
  expected  a time of day such as "23:00"
  found     '25:00'
  do        correct the value
home.toml:2
  expected  closing quotation marks
  found     the end of the line (column 29)
  do        mend this line; it is read as if it were not there
gateway.toml:5  place.room-12.knd
  expected  one of kind, label, within
  found     an unknown key
  do        did you mean kind?
gateway.toml:9  device.bed-12.driver
  expected  a driver that exists: bthome, gatt-battery, gatt-heart-rate, gatt-thermometer, ruuvi, zigbee2mqtt
  found     'bthom'
  do        did you mean bthome?
secrets.toml:2  device.kald-12.key
  expected  32 hexadecimal digits (16 bytes)
  found     31 digits
  do        copy it again from the sensor's label, then run  velgate device test kald-12
"""


def test_check_says_five_mistakes_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All five with file and line, exit 3; the same as JSON on stdout."""
    folder = write_home(tmp_path / "config", **FIVE)
    assert main(["check", "--config", str(folder)]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(SAID)
    assert re.search(r"^5 errors in \d+ files; nothing was changed\.$", err, re.MULTILINE)
    assert "\x1b" not in err
    assert main(["check", "--config", str(folder), "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], document["errors"]) == (False, 5)
    wrong = [
        (each["file"], each["line"], each["key"]) for each in document["findings"] if each["level"] == "error"
    ]
    assert wrong == [
        ("home.toml", 1, "night.0"),
        ("home.toml", 2, None),
        ("gateway.toml", 5, "place.room-12.knd"),
        ("gateway.toml", 9, "device.bed-12.driver"),
        ("secrets.toml", 2, "device.kald-12.key"),
    ]
    assert KEY[:-1] not in out + err


def test_warnings_alone_are_exit_0(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are said all the same."""
    (home / "home.toml").write_text("place.x = {}\n", encoding="utf-8")
    assert main(["check"]) == 0
    said = capsys.readouterr().err
    assert "home.toml:1  place.x.label  (warning)" in said
    assert "No errors," in said


def test_init_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--defaults` asks nothing and writes a valid configuration; a second time is refused."""
    folder = tmp_path / "new" / "config"
    assert main(["init", "--defaults", "--config", str(folder)]) == 0
    assert load(folder).errors == ()
    assert stat.S_IMODE((folder / "secrets.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "gateway.toml").stat().st_mode) == 0o640
    before = (folder / "gateway.toml").read_text(encoding="utf-8")
    assert main(["init", "--defaults", "--config", str(folder)]) == 6
    assert (folder / "gateway.toml").read_text(encoding="utf-8") == before
    assert "nothing was changed" in capsys.readouterr().err


def test_init_asks(tmp_path: Path, answer: Callable[..., None]) -> None:
    """Answers become the configuration; an empty one takes what was offered."""
    answer("kommune-a", "solhjem", "", "", "70 10 00 01", "Solhjem", "broker.local:8883", terminal=True)
    assert main(["init", "--config", str(tmp_path / "c")]) == 0
    site = load(tmp_path / "c").settings.site
    assert (site.municipality, site.home, site.gateway, site.phone) == (
        "kommune-a",
        "solhjem",
        "gw-1",
        "70 10 00 01",
    )
    mqtt = load(tmp_path / "c").settings.mqtt
    assert (mqtt.host, mqtt.port) == ("broker.local", 8883)


def test_init_takes_no_wrong_answer(
    tmp_path: Path, answer: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that is no slug writes nothing."""
    answer("Kommune A", "solhjem", "", "", "", "", "", terminal=True)
    assert main(["init", "--config", str(tmp_path / "c")]) == 2
    assert list((tmp_path / "c").glob("*")) == []
    assert "site.municipality" in capsys.readouterr().err


def test_a_device_from_begin_to_end(
    home: Path, answer: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Added with a key from stdin, listed, shown, renamed, moved, removed; the key is never printed."""
    answer(KEY)
    more = ["--address", "a4:c1:38:00:00:13", "--place", "room-13", "--driver", "bthome", "--key", "-"]
    assert main(["device", "add", "fald-13", *more]) == 0
    said = capsys.readouterr().err
    assert "Added fald-13 at room-13. Written to gateway.toml, secrets.toml." in said
    assert 'velgate config set place.room-13.label "Bolig 12"' in said
    assert "No gateway is running here" in said
    device = load(home).settings.device["fald-13"]
    assert device.key is not None
    assert device.key.get_secret_value() == KEY

    assert main(["device", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["devices"]
    assert rows[1] == {
        "device": "fald-13",
        "place": "room-13",
        "driver": "bthome",
        "available": None,
        "last_seen": None,
        "battery": None,
        "signal": None,
    }
    assert main(["device", "list"]) == 0
    assert main(["device", "show", "fald-13"]) == 0
    assert main(["device", "show", "fald-13", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out.splitlines()[-1])["key"] is True
    assert KEY not in out

    assert main(["device", "rename", "fald-13", "fald-14"]) == 0
    assert main(["device", "move", "fald-14", "room-12"]) == 0
    assert load(home).settings.device["fald-14"].place == "room-12"
    assert main(["device", "remove", "fald-14"]) == 0
    assert "fald-1" not in (home / "gateway.toml").read_text("utf-8") + (home / "secrets.toml").read_text(
        "utf-8"
    )
    assert (home / "gateway.toml").read_text("utf-8").count("#") == SOLHJEM.count("#")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["device", "show", "no"], 4),
        (["device", "rename", "no", "x"], 4),
        (["device", "move", "no", "room-12"], 4),
        (["device", "remove", "no"], 4),
        (["device", "add", "x", "--place", "room-12"], 2),
        (["device", "add", "x", "--place", "room-12", "--topic", "a", "--address", "A4:C1:38:00:00:77"], 2),
        (["device", "add", "Fru Hansen", "--place", "room-12", "--topic", "a"], 2),
        (["device", "add", "bed-12", "--place", "room-12", "--topic", "a"], 2),
        (["device", "add", "x", "--place", "room-12", "--address", "A4:C1:38:00:00:01"], 3),
        (["device", "add", "x", "--place", "room-12", "--topic", "a", "--driver", "bthom"], 3),
        (["device", "add", "x", "--place", "room-12", "--topic", "a", "--key", "12"], 3),
        (["device", "add"], 2),
        (["driver", "show", "no"], 4),
        (["config", "show", "no.such"], 4),
        (["config", "diff", "--against", "gateway"], 2),
        (["config", "set", "site.phone", "0", "--layer", "base"], 2),
        (["config", "set", "a b", "0"], 2),
        (["config", "set", "board.prt", "0"], 3),
        (["config", "set", "board.port", "high"], 3),
        (["config", "set", "mqtt.password", "hemmelig"], 2),
        (["staff", "add", "Anne Marie Hansen Jensen"], 2),
        (["staff", "add", "kl"], 2),
        (["staff", "add", "AB", "--role", "boss"], 2),
        (["staff", "remove", "AB"], 4),
        (["staff", "pin", "AB"], 4),
        (["staff", "token", "AB"], 4),
        (["status"], 5),
        (["tail"], 5),
        (["alert", "list"], 5),
        (["alert", "audit", "--verify"], 4),
        (["alert", "acknowledge", "abc"], 2),
        (["basis", "list"], 5),
        (["screen", "list"], 5),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_exit_codes(home: Path, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Each ends as the table says, with a next step, and changes no file."""
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    assert main(arguments) == code
    err = capsys.readouterr().err
    assert "  do        " in err
    assert "hemmelig" not in err
    assert "Hansen" not in err.replace("'Fru Hansen'", "")
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def test_config_show_with_origin(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each value with file and line; secrets hidden; what no file sets is built in."""
    assert main(["config", "show", "--origin"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'device.bed-12.place = "room-12"  # gateway.toml:9' in lines
    assert "device.bed-12.key = •••  # secrets.toml:1" in lines
    assert "board.port = 8734  # built in" in lines
    assert any(
        line.startswith("alerts.policies.emergency.steps.0.after") and "# base/" in line for line in lines
    )
    assert main(["config", "show", "device.bed-12", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["device.bed-12.key"] == "•••"
    assert KEY not in out
    assert main(["config", "show", "site", "--origin", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert row == {
        "key": "site.municipality",
        "value": "kommune-a",
        "layer": "gateway",
        "file": "gateway.toml",
        "line": 2,
    }


def test_config_show_says_what_is_wrong_after_what_there_is(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looking at a broken configuration is how it is mended; it still ends with 3."""
    (home / "home.toml").write_text("x = 1\n", encoding="utf-8")
    assert main(["config", "show"]) == 3
    out, err = capsys.readouterr()
    assert "site.home" in out
    assert "home.toml:1  x" in err


def test_config_diff(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What differs from base, with the reason; places and devices only if asked for."""
    key = "alerts.policies.emergency.steps.0.after"
    text = (
        f'{key} = "90s"\ndeviation = [{{key = "{key}", why = "to huse", by = "leder", until = 2099-01-01}}]\n'
    )
    (home / "home.toml").write_text(text, encoding="utf-8")
    assert main(["config", "diff", "--json"]) == 0
    rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[key] == {
        "key": key,
        "below": "60s",
        "value": "90s",
        "file": "home.toml",
        "line": 1,
        "why": "to huse",
    }
    assert not any(name.startswith("device.") for name in rows)
    assert main(["config", "diff", "--against", "home", "--all"]) == 0
    out = capsys.readouterr().out
    assert "device.bed-12.place: nothing" in out
    assert key not in out
    assert KEY not in out


def test_config_set(home: Path, answer: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers as text where text is wanted, lists, list items, another layer, a secret from stdin."""
    assert main(["config", "set", "site.phone", "70200002"]) == 0
    assert main(["config", "set", "mqtt.subscribe", '["zigbee2mqtt/#"]']) == 0
    assert main(["config", "set", "board.port", "8800"]) == 0
    assert main(["config", "set", "alerts.policies.emergency.steps.0.after", "45s", "--layer", "home"]) == 0
    assert main(["config", "set", "site.title", "-3"]) == 0
    answer("hemmelig")
    assert main(["config", "set", "mqtt.password", "-"]) == 0
    settings = load(home).settings
    assert settings.site.phone == "70200002"
    assert settings.site.title == "-3"
    assert settings.mqtt.subscribe == ("zigbee2mqtt/#",)
    assert settings.board.port == 8800
    assert settings.alerts.policies["emergency"].steps[0].after.total_seconds() == 45
    assert "alerts.policies.emergency.steps.0.after" in (home / "home.toml").read_text("utf-8")
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "hemmelig"
    assert "hemmelig" in (home / "secrets.toml").read_text("utf-8")
    assert "hemmelig" not in "".join(capsys.readouterr())


def test_staff(home: Path, answer: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """Added, given a PIN and a token that only their hashes are kept of, listed, removed."""
    assert main(["staff", "add", "AB", "--role", "manager", "--right", "basis", "--right", "audit"]) == 0
    answer("4711")
    assert main(["staff", "pin", "ab"]) == 0
    assert main(["staff", "token", "AB", "--json"]) == 0
    out, err = capsys.readouterr()
    token = json.loads(out)["token"]
    assert "4711" not in err
    person = load(home).settings.person["AB"]
    assert (person.roles, person.rights) == (("manager",), ("basis", "audit"))
    assert person.pin is not None
    assert verify_pin("4711", person.pin.get_secret_value())
    assert person.token is not None
    assert person.token.get_secret_value() == hashed(token)
    assert token not in (home / "secrets.toml").read_text("utf-8")
    assert main(["staff", "list", "--json"]) == 0
    out = capsys.readouterr().out
    assert [(row["person"], row["pin"], row["token"]) for row in json.loads(out)["staff"]] == [
        ("AB", True, True),
        ("KL", False, False),
    ]
    assert "scrypt" not in out
    assert main(["staff", "list"]) == 0
    assert main(["staff", "remove", "AB"]) == 0
    assert "AB" not in load(home).settings.person
    assert "person.AB" not in (home / "secrets.toml").read_text("utf-8")


def test_the_roster(capsys: pytest.CaptureFixture[str]) -> None:
    """Who is on duty by the shifts, in the home's own time, and how they are reached."""
    config = ["--config", str(ROOT / "config/examples/kommune-a")]
    assert main(["staff", "roster", *config, "--at", "2026-11-25T02:00:00+01:00", "--json"]) == 0
    groups = {row["group"]: row for row in json.loads(capsys.readouterr().out)["groups"]}
    assert groups["nat-oest"]["persons"] == {"AB": ["page"], "CD": ["page"]}
    assert groups["nat-oest"]["until"] == "2026-11-25T06:00:00.000Z"
    assert groups["dag-oest"]["persons"] == {}
    assert groups["vest"]["until"] is None
    assert main(["staff", "roster", *config, "--at", "2026-11-25T08:00:00+01:00"]) == 0
    out, err = capsys.readouterr()
    assert "EF" in out
    assert "Nobody on duty: nat-oest." in err
    assert main(["staff", "roster", *config, "--at", "08:00"]) == 2


@pytest.mark.parametrize("digits", ["123", "1234567", "12a4", "0000", "1234", "9876", "", "१२३४"])
def test_pins_that_others_would_try_first(home: Path, answer: Callable[..., None], digits: str) -> None:
    """Refused; what is no PIN is not written."""
    assert not good_pin(digits)
    answer(digits)
    assert main(["staff", "pin", "KL"]) == 2
    assert "pin" not in (home / "secrets.toml").read_text("utf-8")


@pytest.fixture
def running(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A gateway that runs on the state folder."""
    with fake_gateway() as fake:
        fake.answers["POST /api/v1/reload"] = (200, {"reloaded": True, "warnings": []})
        monkeypatch.setenv("VELGATE_STATE", str(fake.state))
        yield fake


def test_a_running_gateway_takes_an_edit_over(
    home: Path, running: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told over the socket, once, and the command says so."""
    assert main(["device", "move", "bed-12", "bath-12"]) == 0
    assert [(method, path) for method, path, _ in running.asked] == [("POST", "/api/v1/reload")]
    assert "The running gateway has taken it over." in capsys.readouterr().err
    assert main(["device", "move", "bed-12", "bath-12"]) == 0
    assert "Nothing had to be changed." in capsys.readouterr().err


def test_a_running_gateway_may_keep_the_old_one(
    home: Path, running: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors that stood there before are said; the edit is written all the same."""
    error = {
        "where": "home.toml:1",
        "key": "x",
        "found": "an unknown key",
        "expected": "one of …",
        "do": "take it away",
    }
    running.refuse("POST /api/v1/reload", 422, "invalid", errors=[error])
    assert main(["device", "move", "bed-12", "bath-12"]) == 0
    said = capsys.readouterr().err
    assert "keeps the configuration it has" in said
    assert "home.toml:1  x" in said
    assert load(home).settings.device["bed-12"].place == "bath-12"


def test_the_list_shows_how_devices_are_heard(
    home: Path, running: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """Live columns beside the configured ones."""
    row = {
        "device": "bed-12",
        "available": True,
        "last_seen": "2026-11-24T14:00:00.000Z",
        "battery": 63,
        "signal": -61,
    }
    running.answers["GET /api/v1/devices"] = (200, {"devices": [row]})
    assert main(["device", "list"]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"bed-12 +room-12 +bthome +yes +2026-11-24T14:00:00\.000Z +63 +-61", out)
    assert re.search(r"kald-12 +room-12 +bthome +– +– +– +–", out)
    assert err.splitlines() == ["2 devices."]


def test_the_examples_load_and_differ(capsys: pytest.CaptureFixture[str]) -> None:
    """Two municipalities over one base, each without an error or a warning, and not the same."""
    seen = {}
    for name in ("kommune-a", "kommune-b"):
        folder = ROOT / "config/examples" / name
        found = load(folder)
        assert found.findings == ()
        assert main(["config", "diff", "--config", str(folder), "--json"]) == 0
        seen[name] = {row["key"]: row["value"] for row in json.loads(capsys.readouterr().out)}
    key = "alerts.policies.emergency.steps.0.after"
    assert seen["kommune-a"][key] == "45s"
    assert seen["kommune-b"][key] == "90s"
    assert len(seen["kommune-a"].items() ^ seen["kommune-b"].items()) > 20

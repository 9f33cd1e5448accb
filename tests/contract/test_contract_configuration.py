"""The contract, "Configuration files": layers, unknown keys, what the commands write where."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import orjson
import pytest

from support.contract import ROOT, calling, cli, heard, listening
from support.whole_house import Demo, velgate

SITE = """
site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}
place.room-12 = {label = "Bolig 12", kind = "home"}
place.bath-12 = {label = "Bad 12", kind = "bath", within = "room-12"}
device.bed-12 = {address = "A4:C1:38:00:00:01", place = "room-12", driver = "bthome", profile = "acme-bed"}
person.KL = {roles = ["care"], rights = ["basis"]}
"""
KEY = "231d39c1d7cc1ab1aee224cd096db932"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a configuration in all four layers, two of them folders of files."""
    (tmp_path / "municipality").mkdir()
    (tmp_path / "municipality" / "10-first.toml").write_text('site.phone = "1111"\nsite.title = "Første"\n')
    (tmp_path / "municipality" / "20-second.toml").write_text('site.title = "Anden"\n')
    profiles = tmp_path / "municipality" / "profiles"
    profiles.mkdir()
    (profiles / "acme-bed.toml").write_text(
        'means = {button = "help_call", occupancy = "bed_occupancy"}\nheard_every = "60s"\n'
        "battery = {low = 15}\n"
        'title = {da = "Seng", en = "Bed"}\nmeets = "call-button/1"\n'
    )
    (tmp_path / "home.toml").write_text(
        "alerts.policies.high.steps.0.after = '3m'\n"
        "alerts.policies.call.steps = [{targets = ['page', 'duty'], after = '90s'}]\n"
    )
    (tmp_path / "gateway.toml").write_text(SITE)
    (tmp_path / "secrets.toml").touch(0o600)
    (tmp_path / "secrets.toml").write_text(f'device.bed-12.key = "{KEY}"\n')
    return tmp_path


def in_folder(folder: Path, *words: str, typed: str = "") -> tuple[int, str, str]:
    """Run a command on a configuration where no gateway runs."""
    done = velgate(*words, "--config", str(folder), input=typed)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_later_layers_win_and_each_value_knows_its_line(folder: Path) -> None:
    """Tables merge key by key, a list replaces, a path counts into a list; `--origin` says file and line."""
    code, out, err = in_folder(folder, "config", "show", "--origin", "--json")
    assert code == 0, err
    rows = {row["key"]: row for row in json.loads(out)}
    assert (rows["site.title"]["value"], rows["site.title"]["layer"]) == ("Anden", "municipality")
    assert (rows["site.phone"]["value"], rows["site.phone"]["layer"]) == ("0000", "gateway")
    assert rows["site.phone"]["line"] == 2
    assert rows["site.phone"]["file"].endswith("gateway.toml")
    changed = rows["alerts.policies.high.steps.0.after"]
    assert (changed["value"], changed["file"], changed["line"]) == ("3m", "home.toml", 1)
    assert rows["alerts.policies.high.steps.0.targets.0"]["layer"] == "base"
    calls = {key for key in rows if key.startswith("alerts.policies.call.steps.")}
    assert {key.split(".")[4] for key in calls} == {"0"}
    assert KEY not in out
    assert in_folder(folder, "check")[0] == 0


def test_an_unknown_key_is_an_error_with_file_and_line(folder: Path) -> None:
    """So are five of them at once: exit 3, each with file, line, key, value, expected; warnings alone: 0."""
    with (folder / "home.toml").open("a") as file:
        file.write("\nsite.fone = '1'\n")
    with (folder / "gateway.toml").open("a") as file:
        file.write("\ndevice.bed-13 = {place = 'room-99', adress = 'x'}\n")
    code, out, _ = in_folder(folder, "check", "--json")
    found = json.loads(out)
    assert (code, found["ok"]) == (3, False)
    errors = [row for row in found["findings"] if row["level"] == "error"]
    assert {"site.fone", "device.bed-13.adress"} <= {row["key"] for row in errors}
    assert all({"file", "line", "key", "expected", "found", "do"} <= row.keys() for row in errors)
    assert {row["file"] for row in errors} == {"home.toml", "gateway.toml"}
    code, _, err = in_folder(folder, "check")
    assert code == 3
    assert "home.toml:4  site.fone" in err


def test_secrets_are_for_their_owner_alone(folder: Path) -> None:
    """Mode 0600, or it is an error; the same key paths as elsewhere."""
    (folder / "secrets.toml").chmod(0o644)
    code, _, err = in_folder(folder, "check")
    assert code == 3
    assert "secrets.toml" in err


def test_a_device_is_added_to_the_gateway_layer_its_key_to_the_secrets(folder: Path) -> None:
    """Without a prompt; a place that nobody knows is added with its slug as label, which `check` warns of."""
    before = (folder / "gateway.toml").read_text()
    words = ("device", "add", "kald-14", "--address", "A4:C1:38:00:00:14", "--place", "room-14")
    assert in_folder(folder, *words, "--driver", "bthome", "--key", "-", typed=f"{KEY}\n")[0] == 0
    after = (folder / "gateway.toml").read_text()
    assert set(before.splitlines()) < set(after.splitlines())
    assert "A4:C1:38:00:00:14" in after
    assert KEY not in after
    assert f'device.kald-14.key = "{KEY}"' in (folder / "secrets.toml").read_text()
    assert stat.S_IMODE((folder / "secrets.toml").stat().st_mode) == 0o600
    code, out, _ = in_folder(folder, "check", "--json")
    warned = [row for row in json.loads(out)["findings"] if row["key"] == "place.room-14.label"]
    assert (code, [row["level"] for row in warned]) == (0, ["warning"])
    assert (
        in_folder(folder, "device", "add", "vand", "--topic", "zigbee2mqtt/vand", "--place", "bath-12")[0]
        == 0
    )


def test_init_by_itself_writes_what_check_accepts(tmp_path: Path) -> None:
    """`--defaults` asks nothing."""
    assert velgate("init", "--defaults", "--config", str(tmp_path / "etc")).returncode == 0
    code, out, _ = in_folder(tmp_path / "etc", "check", "--json")
    assert (code, json.loads(out)["errors"]) == (0, 0)


async def test_journal_and_mqtt_see_what_a_profile_means_and_decode_the_plain_quantity(demo: Demo) -> None:
    """A call button's `button` is a `help_call` here, and stays a `button` for `decode`."""
    frame = {"kind": "advertisement", "address": "A4:C1:38:00:00:01", "service_data": {"fcd2": "403a01"}}
    plain = json.loads(cli(demo, "decode", typed=json.dumps(frame)).stdout)["readings"]
    assert [(each["quantity"], each["value"]) for each in plain] == [("button", "press")]
    async with listening(demo, "device/kald-01/#") as client, calling(demo) as alert:
        message = await heard(client, "device/kald-01/help_call")
        assert message.topic.value == f"{ROOT}/device/kald-01/help_call"
        told = orjson.loads(message.payload)
        assert (told["quantity"], told["value"], told["id"]) == ("help_call", "press", alert["readings"][0])
        kept = (await demo.get("/api/v1/readings?device=kald-01&quantity=help_call"))["readings"]
        assert told in kept
        assert not (await demo.get("/api/v1/readings?device=kald-01&quantity=button"))["readings"]

"""The contract, "Names" and the ready line: what other programs find where."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from firmware_sim.scenario import parse_scenario
from gateway.model.ids import SLUG
from support.contract import ROOT, browser, cli, data, retained, socket
from support.eventually import eventually
from support.whole_house import Demo

PROJECT = Path(__file__).parents[2]
QUIET_FIRST_S = 20


async def test_the_ready_line_names_every_door(demo: Demo) -> None:
    """Board, sign-in, socket, broker, root, folders, bus and control: each of them answers."""
    ready = demo.ready
    assert ready.keys() >= {
        "event", "board", "sign_in", "socket", "mqtt", "root", "state", "config", "bus", "control",
    }  # fmt: skip
    assert (ready["event"], ready["root"]) == ("ready", ROOT)
    assert ready["mqtt"].keys() == {"host", "port", "username", "password"}
    assert ready["sign_in"]["person"] == "demo"
    assert ready["board"].endswith("/")
    assert all(ready[each].startswith("unix:path=") for each in ("bus", "control"))
    async with browser(demo) as door:
        assert (await door.get("/")).status == 200
    async with socket(demo) as door:
        assert (await door.get("/readyz")).text == "ok"
    assert "gateway/gw-demo/status" in await retained(demo, "gateway/#")
    assert len((demo.folder / "stdout").read_text().splitlines()) == 1


def test_other_ports_are_taken_where_somebody_has_the_usual_ones(demo: Demo) -> None:
    """A second demo, or anything else on these ports, is no reason not to start."""
    assert urlsplit(demo.ready["board"]).port != 8734
    assert demo.ready["mqtt"]["port"] != 18830


def test_state_is_the_folder_that_was_named(demo: Demo) -> None:
    """`--state DIR` holds the journal and `velgate.sock`, mode 0660."""
    assert Path(demo.state) == demo.folder / "st"
    assert Path(demo.ready["socket"]) == demo.folder / "st" / "velgate.sock"
    assert stat.S_IMODE(Path(demo.ready["socket"]).stat().st_mode) == 0o660
    assert (demo.folder / "st" / "alarms.db").exists()


async def test_the_home_of_the_demo(demo: Demo) -> None:
    """At least 24 devices, these among them, each a slug; and two people."""
    names = {each["device"] for each in (await demo.get("/api/v1/devices"))["devices"]}
    wanted = {"kald-01", "kald-01-bad", "fald-02", "seng-03", "doer-04", "hjerte-05", "termo-06"}
    assert names >= wanted | {f"klima-{number:02d}" for number in range(1, 13)}
    assert len(names) >= 24
    assert all(SLUG.fullmatch(name) for name in names)
    people = data(demo, "staff", "list")["staff"]
    assert {each["person"] for each in people} == {"demo", "nat"}
    assert all(set(each["roles"]) <= {"care", "technician", "manager", "protection"} for each in people)
    assert all(set(each["rights"]) <= {"see_values", "audit", "basis", "enrol"} for each in people)


def test_nothing_happens_by_itself_in_the_first_seconds() -> None:
    """The scenario of the demo begins after 20 s; `--quiet` leaves all of it out."""
    path = PROJECT / "firmware_sim" / "scenarios" / "home.toml"
    assert parse_scenario(path.read_text(), str(path))
    happens = [each["at"] for each in tomllib.loads(path.read_text())["script"]]
    assert happens
    assert min(happens) >= QUIET_FIRST_S


async def test_a_radio_address_is_in_no_topic_and_in_no_reading(demo: Demo) -> None:
    """A device is known by the name that a technician gave it."""

    async def rows() -> list[dict[str, object]]:
        found: list[dict[str, object]] = (await demo.get("/api/v1/readings?limit=1000"))["readings"]
        return found

    text = repr(await eventually(rows)).upper()
    for topic, message in (await retained(demo)).items():
        text += f"{topic} {message.payload!r}".upper()
    config = tomllib.loads((Path(demo.ready["config"]) / "gateway.toml").read_text())
    addresses = [each["address"] for each in config["device"].values() if "address" in each]
    assert len(addresses) >= 20
    for address in addresses:
        assert address.upper() not in text
        assert address.upper().replace(":", "") not in text


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("device", "add", "Fru-Hansen", "--address", "A4:C1:38:00:00:99", "--place", "room-01"), 2),
        (("device", "add", "x" * 64, "--address", "A4:C1:38:00:00:99", "--place", "room-01"), 2),
        (("staff", "add", "Karen Larsen"), 2),
        (("staff", "add", "K"), 2),
        (("staff", "add", "NAT"), 2),
        (("config", "set", "site.home", "Sol Hjem"), 3),
    ],
)
def test_names_are_slugs_and_people_are_pseudonyms(demo: Demo, words: tuple[str, ...], code: int) -> None:
    """Slugs match `[a-z0-9][a-z0-9-]{0,62}`; a person is 2 to 16 letters, compared without case."""
    done = cli(demo, *words)
    assert done.returncode == code, done.stderr
    assert "Hansen" not in done.stderr or words[2] == "Fru-Hansen"

"""What is wrong with a configuration is said at once: file, line, key, expected, found, what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.model.problem import Exit, Finding, Problem
from gateway.settings.loader import Loaded, load
from support.homes import KEY, SOLHJEM, write_base, write_home

DRIVERS = ("bthome", "ruuvi")
POLICY = 'alerts.policies.calm = {steps = [{targets = ["page"], after = "60s"}]}\n'


def loaded(tmp_path: Path, *, base: str = "", now: datetime | None = None, **files: str) -> Loaded:
    """Load a home of these files over a base of this text alone."""
    folder = write_home(tmp_path / "config", **files)
    return load(folder, base=write_base(tmp_path / "base", base=base), drivers=DRIVERS, now=now)


def told(found: Loaded) -> list[tuple[str, str | None]]:
    """Where and about which key, in the order in which it is said."""
    return [(finding.where, finding.key) for finding in found.errors]


def only(found: Loaded, key: str) -> Finding:
    """The one finding about a key."""
    (one,) = [finding for finding in found.findings if finding.key == key]
    return one


def test_a_home_without_a_mistake(tmp_path: Path) -> None:
    """It loads, says nothing, and each value knows its line."""
    found = loaded(tmp_path, secrets=f'device.bed-12.key = "{KEY}"\n')
    assert found.findings == ()
    assert found.settings.device["bed-12"].place == "room-12"
    assert found.settings.label("room-12") == "Bolig 12"
    key = found.settings.device["bed-12"].key
    assert key is not None
    assert key.get_secret_value() == KEY
    assert str(found.origins["device.bed-12.place"]) == "gateway.toml:9"
    assert str(found.origins["device.bed-12.key"]) == "secrets.toml:1"
    assert found.files == 3


def test_five_mistakes_at_once(tmp_path: Path) -> None:
    """All five with file and line, none hiding another, although one line is no TOML at all."""
    home = 'night = ["25:00", "07:00"]\nplace.hall = {label = "Gang}\n'
    gateway = SOLHJEM.replace(
        'place = "room-12", driver = "bthome"}  #', 'plce = "room-13", driver = "bthom"}  #'
    )
    secrets = f'\ndevice.kald-12.key = "{KEY[:-1]}"\n'
    found = loaded(tmp_path, home=home, gateway=gateway, secrets=secrets)
    assert told(found) == [
        ("home.toml:1", "night.0"),
        ("home.toml:2", None),
        ("gateway.toml:9", "device.bed-12.driver"),
        ("gateway.toml:9", "device.bed-12.place"),
        ("gateway.toml:9", "device.bed-12.plce"),
        ("secrets.toml:2", "device.kald-12.key"),
    ]
    assert only(found, "device.bed-12.plce").do == "did you mean place?"
    assert only(found, "device.bed-12.driver").do == "did you mean bthome?"
    key = only(found, "device.kald-12.key")
    assert (key.expected, key.found) == ("32 hexadecimal digits (16 bytes)", "31 digits")
    with pytest.raises(Problem) as raised:
        _ = found.settings
    assert raised.value.exit is Exit.CONFIGURATION
    assert len(raised.value.findings) == 6


def test_later_layers_win_and_remember_where(tmp_path: Path) -> None:
    """base ← municipality ← home ← gateway; folders are read in order of name."""
    found = loaded(
        tmp_path,
        base='radio = {adapter = "hci0", connections = 3}\nretention.personal = "30d"\n',
        municipality='radio.connections = 4\nretention.personal = "20d"\n',
        **{"home/10-first": 'retention.personal = "10d"\n', "home/20-second": 'retention.personal = "5d"\n'},
    )
    assert found.settings.radio.adapter == "hci0"
    assert found.settings.radio.connections == 4
    assert found.settings.retention.personal.days == 5
    assert str(found.origins["radio.adapter"]) == "base/base.toml:1"
    assert str(found.origins["radio.connections"]) == "municipality.toml:1"
    assert str(found.origins["retention.personal"]) == "home/20-second.toml:1"


def test_one_step_of_a_policy_is_changed_in_place(tmp_path: Path) -> None:
    """A path counts into a list, and the value remembers the layer that changed it."""
    found = loaded(tmp_path, base=POLICY, home='alerts.policies.calm.steps.0.after = "90s"\n')
    assert found.settings.alerts.policies["calm"].steps[0].after.total_seconds() == 90
    assert str(found.origins["alerts.policies.calm.steps.0.after"]) == "home.toml:1"
    assert str(found.origins["alerts.policies.calm.steps.0.targets.0"]) == "base/base.toml:1"
    past = loaded(tmp_path, base=POLICY, home='alerts.policies.calm.steps.3.after = "90s"\n')
    assert only(past, "alerts.policies.calm.steps.3").expected == "a number from 0 to 0"


def test_profiles_are_files_of_a_layer(tmp_path: Path) -> None:
    """One product a file, in base or in a layer's folder."""
    folder = write_home(
        tmp_path / "config",
        gateway=SOLHJEM.replace('driver = "bthome"}  #', 'driver = "bthome", profile = "acme-bed"}  #'),
        **{"home/profiles/acme-bed": '# bed\nmeans = {occupancy = "bed_occupancy"}\n'},
    )
    base = write_base(tmp_path / "base", profiles__pendant='means = {button = {press = "fall.detected"}}\n')
    found = load(folder, base=base, drivers=DRIVERS)
    assert found.errors == ()
    assert set(found.settings.profiles) == {"pendant", "acme-bed"}
    assert str(found.origins["profiles.acme-bed.means.occupancy"]) == "home/profiles/acme-bed.toml:2"


@pytest.mark.parametrize(
    ("line", "key", "do"),
    [
        ('means = {buton = "help_call"}', "means.buton", "did you mean button?"),
        ('means = {button = "help_cal"}', "means.button", "did you mean help_call?"),
        ('means = {button = {press = "fall"}}', "means.button.press", "add the word"),
        ('means = {button = {press = "fall.detectd"}}', "means.button.press", "did you mean fall.detected?"),
    ],
)
def test_meanings_are_words_of_the_vocabulary(tmp_path: Path, line: str, key: str, do: str) -> None:
    """A profile cannot map to what nobody watches."""
    base = write_base(tmp_path / "base", profiles__x=line + "\n")
    found = load(write_home(tmp_path / "config"), base=base, drivers=DRIVERS)
    assert only(found, f"profiles.x.{key}").do == do


def test_doubles(tmp_path: Path) -> None:
    """One address is one device, in whatever case it is written; one person is one pseudonym."""
    more = (
        'device.again = {address = "a4:c1:38:00:00:01", place = "room-12"}\n'
        'device.t1 = {topic = "zigbee2mqtt/x", place = "room-12"}\n'
        'device.t2 = {topic = "zigbee2mqtt/x", place = "room-12"}\n'
        "person.kl = {}\n"
        'device.both = {topic = "y", address = "A4:C1:38:00:00:09", place = "room-12"}\n'
        'device.none = {place = "room-12"}\n'
    )
    found = loaded(tmp_path, home=more)
    assert told(found) == [
        ("home.toml:3", "device.t2.topic"),
        ("home.toml:5", "device.both"),
        ("home.toml:6", "device.none"),
        ("gateway.toml:9", "device.bed-12.address"),
        ("gateway.toml:13", "person.KL"),
    ]
    assert only(found, "device.bed-12.address").found == "the address of again too (home.toml:1)"


def test_names_that_nobody_defines(tmp_path: Path) -> None:
    """Places, profiles, policies, groups, persons, channels: each with what there is."""
    more = (
        'group.nat = {persons = ["KL", "kk"], places = ["room-13"]}\n'
        'place.bath-9 = {label = "Bad 9", kind = "bath", within = "room-9"}\n'
        'person.KK = {channels = ["sms"]}\n'
        'alerts.policies.calm = {steps = [{targets = ["group:natt", "person:XX", "page"], after = "60s"}]}\n'
    )
    found = loaded(
        tmp_path, home=more, gateway=SOLHJEM.replace('driver = "bthome"}  #', 'profile = "no"}  #')
    )
    assert told(found) == [
        ("home.toml:1", "group.nat.places.0"),
        ("home.toml:2", "place.bath-9.within"),
        ("home.toml:3", "person.KK.channels.0"),
        ("home.toml:4", "alerts.policies.calm.steps.0.targets.0"),
        ("home.toml:4", "alerts.policies.calm.steps.0.targets.1"),
        ("gateway.toml:9", "device.bed-12.profile"),
    ]
    assert only(found, "alerts.policies.calm.steps.0.targets.0").do == "did you mean nat?"


def test_floors(tmp_path: Path) -> None:
    """Below a floor only with a reason and until a day; a gateway that starts does not look at the day."""
    key = "alerts.policies.calm.steps.0.after"
    base = POLICY + f'floor = [{{key = "{key}", at_most = "60s", why = "ingen må vente uset"}}]\n'
    assert loaded(tmp_path, base=base).errors == ()
    slow = f'{key} = "61s"\n'
    found = loaded(tmp_path, base=base, home=slow)
    assert only(found, key).expected == "at most 60s (ingen må vente uset)"
    # A list of floors above does not take away those below.
    assert told(loaded(tmp_path, base=base, home=slow + "floor = []\n")) == [("home.toml:1", key)]
    excuse = f'deviation = [{{key = "{key}", why = "to huse", by = "leder", until = 2027-06-30}}]\n'
    assert loaded(tmp_path, base=base, home=slow + excuse).errors == ()
    before, after = datetime(2027, 6, 30, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC)
    assert loaded(tmp_path, base=base, home=slow + excuse, now=before).errors == ()
    late = loaded(tmp_path, base=base, home=slow + excuse, now=after)
    assert only(late, key).found == "'61s', excused until 2027-06-30 (home.toml:2)"


def test_warnings_stop_nothing(tmp_path: Path) -> None:
    """No label, a bath of nobody, nobody to ring, a secret in the open, a certificate that is missing."""
    text = (
        'site = {municipality = "a", home = "b", gateway = "c"}\n'
        'place.x = {label = "x"}\n'
        'place.y = {label = "Bad", kind = "bath"}\n'
        'mqtt = {host = "broker", username = "u"}\n'
        'influx.token = "abc"\n'
        'board.host = "0.0.0.0"\n'
        "group.g = {}\n"
    )
    found = loaded(tmp_path, gateway=text)
    assert found.errors == ()
    assert [finding.key for finding in found.warnings] == [
        "person",
        "site.phone",
        "place.x.label",
        "place.y.within",
        "mqtt.username",
        "influx.token",
        "board.host",
        "group.g",
    ]


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    """A mode that lets others read is an error, with the command that mends it."""
    folder = write_home(tmp_path / "config", secrets="mqtt.password = 'x'\n")
    (folder / "secrets.toml").chmod(0o640)
    found = load(folder, base=write_base(tmp_path / "base"), drivers=DRIVERS)
    (wrong,) = found.errors
    assert (wrong.where, wrong.found) == ("secrets.toml", "mode 0640")
    assert wrong.do == f"chmod 600 {folder / 'secrets.toml'}"


def test_what_is_left_of_a_device_stops_no_gateway(tmp_path: Path) -> None:
    """A key without its device (a crash between two files) is a warning, and no device."""
    found = loaded(tmp_path, secrets=f'device.gone.key = "{KEY}"\n')
    assert found.errors == ()
    assert "gone" not in found.settings.device
    assert [finding.key for finding in found.warnings] == ["device.gone"]


def test_no_secret_and_no_name_is_ever_shown(tmp_path: Path) -> None:
    """Wrong types, unknown keys, names in place of initials: the values stay out of every finding."""
    found = loaded(
        tmp_path,
        gateway=SOLHJEM + '[person."Anne Marie Hansen"]\n[device.kald-12]\n',
        home='person.XY = {navn = "Karen Jensen"}\nmqtt.password = 123456\n',
        secrets='mqtt = {passwrd = "hemmelig"}\ndevice.bed-12.key = ["hemmelig"]\n',
    )
    assert len(found.errors) >= 5
    said = " ".join(str(finding) for finding in found.findings)
    for private in ("hemmelig", "123456", "Karen", "Anne", "Hansen"):
        assert private not in said


def test_words_of_a_municipality(tmp_path: Path) -> None:
    """Words may change; keys and the values in braces may not, and each has its line."""
    good = 'wording.da.alert."bed.left".short = "Oppe"\n'
    assert loaded(tmp_path, home=good).errors == ()
    bad = good + '[wording.da.title]\nplace = "{short}"\nplads = "x"\n'
    assert told(loaded(tmp_path, home=bad)) == [
        ("home.toml:3", "wording.da.title.place"),
        ("home.toml:4", "wording.da.title.plads"),
    ]


def test_files_that_nobody_reads_are_named(tmp_path: Path) -> None:
    """A file with a mistyped name would have no effect."""
    found = loaded(tmp_path, gatway="x = 1\n", **{"home/profile/x": "y = 1\n"})
    assert [(finding.where, finding.do) for finding in found.warnings] == [
        ("home/profile", "give it the ending .toml, or take it away"),
        ("gatway.toml", "did you mean gateway.toml?"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ('a = "open\nb = 1\n', 1, "closing quotation marks"),
        ("a = 1\nb\n", 2, "key = value"),
        ("a = \n", 1, "a text in quotation marks, number, date, true, false, [list], {table}"),
        ("night = [1,\n2\n", 3, "] at the end of the list"),
        ("[x]\n[x]\n", 2, "each key and table once in a file"),
        ("s = {a = 1}\ns.b = 2\n", 2, "each key and table once in a file"),
        ('s = """open\n', 2, "closing quotation marks"),
        ("a = 1 b = 2\n", 1, "nothing more on this line"),
        ("a = 2026-02-30\n", 1, "a date that exists"),
    ],
)
def test_what_is_no_toml_is_said_in_words(tmp_path: Path, text: str, line: int, expected: str) -> None:
    """The first mistake of a file with its line; what follows from it is not told."""
    found = loaded(tmp_path, home=text)
    syntax = [finding for finding in found.errors if finding.key is None]
    assert [(finding.where, finding.expected) for finding in syntax] == [(f"home.toml:{line}", expected)]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It says which command makes one."""
    found = load(tmp_path / "nowhere")
    assert found.errors[0].do == f"velgate init --config {tmp_path / 'nowhere'}"
    assert found.valid is None


def test_not_utf_8(tmp_path: Path) -> None:
    """A file saved by an old editor: named, and nothing else called missing because of it."""
    folder = write_home(tmp_path / "config")
    (folder / "home.toml").write_bytes('place.x = {label = "Gård"}\n'.encode("latin-1"))
    (folder / "gateway.toml").write_text(SOLHJEM.replace('"room-12", driver', '"x", driver'), "utf-8")
    found = load(folder, base=write_base(tmp_path / "base"), drivers=DRIVERS)
    assert told(found) == [("home.toml", None)]


def test_a_gateway_that_runs_is_only_warned_of_its_machine(tmp_path: Path) -> None:
    """A driver that is not installed and a file that others can read keep no home without its calls."""
    folder = write_home(tmp_path / "config", secrets=f'device.bed-12.key = "{KEY}"\n')
    (folder / "secrets.toml").chmod(0o644)
    base = write_base(tmp_path / "base")
    assert len(load(folder, base=base, drivers=()).errors) == 3
    found = load(folder, base=base, drivers=(), running=True)
    assert found.errors == ()
    assert len(found.warnings) == 3
    assert found.settings.device["bed-12"].driver == "bthome"
    (folder / "home.toml").write_text("unknwn = 1\n", encoding="utf-8")
    # What cannot run anyway is told whole.
    assert len(load(folder, base=base, drivers=(), running=True).errors) == 4


def test_trust_is_judged_too(tmp_path: Path) -> None:
    """`trust.toml` is read apart, with the same care."""
    assert loaded(tmp_path, trust="driver = {tried_by = 2}\n").trust.driver.tried_by == 2
    found = loaded(tmp_path, trust='driver = {unsigned = "ok"}\nregisty = {}\n')
    assert told(found) == [("trust.toml:1", "driver.unsigned"), ("trust.toml:2", "registy")]


def test_maintenance_is_short(tmp_path: Path) -> None:
    """At most 4 h ahead, and with a zone."""
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    line = 'device.bed-12.maintenance_until = "{}"\n'
    assert loaded(tmp_path, home=line.format("2026-11-24T16:00:00Z"), now=now).errors == ()
    late = loaded(tmp_path, home=line.format("2026-11-24T16:00:01Z"), now=now)
    assert only(late, "device.bed-12.maintenance_until").expected == "at most 4 h from now"
    bare = loaded(tmp_path, home=line.format("2026-11-24T16:00:00"))
    assert only(bare, "device.bed-12.maintenance_until").expected.startswith("a time with its zone")

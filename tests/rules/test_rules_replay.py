"""Changed rules on a home's past: what they would have raised, and what cannot be known."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.alerts.verdicts import Occurrence
from gateway.alerts.watched import watched
from gateway.model.clock import NS, ClockQuality, Instant, parse_iso
from gateway.model.problem import Exit, Problem
from gateway.model.readings import Record
from gateway.replay.trial import Trial
from gateway.replay.work import Job, run
from support.journal import HandClock, Told
from support.past import EVENING, config_folder, keep, moment, said
from support.rule_house import NIGHT, RuleHouse, home_settings, no_driver

LATER = """
[alerts.rules.bed-not-back]
when = {held = "30m"}
"""


def hours(number: float) -> timedelta:
    """Give so many hours."""
    return timedelta(hours=number)


def minutes(number: float) -> timedelta:
    """Give so many minutes."""
    return timedelta(minutes=number)


def beats(until: timedelta, *, begin: timedelta = timedelta(0), **more: Any) -> list[Record]:
    """Let a thermometer speak every ten minutes, as homes do."""
    ticks = range(int((until - begin) / minutes(10)) + 1)
    return [said("klima-12", "temperature", 21.0, moment(begin + minutes(10) * n, **more)) for n in ticks]


def up(begin: timedelta, end: timedelta, bed: str = "seng-12") -> list[Record]:
    """Let somebody be out of bed for a time."""
    return [said(bed, "bed_occupancy", False, moment(begin)), said(bed, "bed_occupancy", True, moment(end))]


class Past:
    """A configuration, a journal, and a file that is tried on them."""

    def __init__(self, folder: Path, more: str = "") -> None:
        """Write the configuration."""
        self.folder = folder
        self.config = config_folder(folder, more)
        self.state = folder / "state"
        self.now = moment(hours(12))

    async def kept(self, *records: Iterable[Record], basis: bool = True) -> None:
        """Keep records, in the order of time."""
        every = sorted((each for some in records for each in some), key=lambda each: each.at.wall_ns)
        await keep(self.state, every, basis=basis)

    def tried(self, text: str, **more: Any) -> dict[str, Any]:
        """Try a file on the journal's past, from ten in the evening to ten the next morning."""
        file = self.folder / "tried.toml"
        file.write_text(text)
        fields: dict[str, Any] = {"since_ns": moment(timedelta(0)).wall_ns, "lead_in_ns": 0}
        clock = HandClock()
        clock.now = lambda: self.now  # type: ignore[method-assign]
        job = Job(config=self.config, state=self.state, file=file, **{**fields, **more})
        return run(Job.read(json.loads(json.dumps(job.document()))), clock=clock)


def row(result: dict[str, Any], rule: str) -> dict[str, Any]:
    """Give the row of a rule."""
    return next(each for each in result["rules"] if each["rule"] == rule)


def codes(result: dict[str, Any]) -> set[str]:
    """Give the codes of what was not judged."""
    return {each["code"] for each in result["limits"]}


async def test_a_longer_wait_raises_fewer(tmp_path: Path) -> None:
    """25 minutes rang and would not any more; an hour rings ten minutes later."""
    past = Past(tmp_path)
    await past.kept(beats(hours(12)), up(hours(2), hours(2) + minutes(25)), up(hours(4), hours(5)))
    result = past.tried(LATER)
    changed = row(result, "bed-not-back")
    assert (changed["old"]["count"], changed["new"]["count"]) == (2, 1)
    assert (changed["both"], changed["only_old"], changed["only_new"]) == (1, 1, 0)
    assert changed["changed"]
    assert changed["old"]["places"] == {"room-12": 2}
    assert changed["old"]["night"] == 2
    assert changed["origin"]["old"] == ["base/rules.toml:77"]
    assert changed["origin"]["new"] == ["base/rules.toml:77", f"{tmp_path}/tried.toml:3"]
    by = {each["raised_by"]: each for each in result["alerts"] if each["rule"] == "bed-not-back"}
    assert by["old"]["old"]["rang"] == "2026-11-23T23:20:00.000Z"
    assert by["old"]["old"]["seconds"] == 300.0
    assert by["both"]["old"]["rang"] == "2026-11-24T01:20:00.000Z"
    assert by["both"]["new"]["rang"] == "2026-11-24T01:30:00.000Z"
    assert by["both"]["new"]["ended"] == "2026-11-24T02:00:00.000Z"
    untouched = row(result, "bed-left")
    assert not untouched["changed"]
    assert (untouched["old"]["count"], untouched["both"]) == (2, 2)
    assert codes(result) == {"unknown_start", "scope"}
    assert result["over"]["kind"] == "history"
    assert result["over"]["records"] == 76


async def test_a_new_rule_and_one_that_is_off(tmp_path: Path) -> None:
    """A combination is tried like any other; a rule that is switched off raises nothing."""
    past = Past(tmp_path)
    door = [
        said("uro-12", "motion", False, moment(hours(2))),
        said("doer-12", "opening", True, moment(hours(3))),
        said("doer-12", "opening", False, moment(hours(3) + minutes(10))),
    ]
    await past.kept(beats(hours(12)), door)
    result = past.tried(
        "alerts.rules.door-unattended.enabled = true\nalerts.rules.door-opened.enabled = false"
    )
    new, off = row(result, "door-unattended"), row(result, "door-opened")
    assert (new["only_new"], new["new"]["median_s"]) == (1, 480.0)
    assert off["in_force"] == {"old": True, "new": False}
    assert (off["only_old"], off["new"]["count"]) == (1, 0)


async def test_what_the_schedule_holds_back_rings_when_it_opens(tmp_path: Path) -> None:
    """And what is over before that is recorded only."""
    past = Past(tmp_path)
    short, long = up(minutes(10), minutes(15)), up(minutes(20), hours(2))
    await past.kept(beats(hours(12)), short, long)
    left = row(past.tried(""), "bed-left")["old"]
    assert (left["count"], left["recorded_only"]) == (1, 1)
    rang = [each for each in past.tried("")["alerts"] if each["rule"] == "bed-left"]
    assert [each["old"]["rang"] for each in rang] == ["2026-11-23T22:00:00.000Z"]  # 23:00 on the wall


async def test_presses_are_counted_each(tmp_path: Path) -> None:
    """An event happens and is over; the same press is the same under both."""
    past = Past(tmp_path)
    presses = [said("kald-12", "help_call", "press", moment(hours(n))) for n in (1, 2, 3)]
    await past.kept(beats(hours(12)), presses)
    result = past.tried('alerts.rules.help-call.override = [{places = "room-12", priority = "emergency"}]')
    calls = row(result, "help-call")
    assert (calls["old"]["count"], calls["both"], calls["only_new"]) == (3, 3, 0)
    assert calls["old"]["not_ended"] == 0
    assert {each["priority"] for each in result["alerts"]} == {"emergency"}


async def test_listening_before_the_beginning(tmp_path: Path) -> None:
    """Who was up before it began is known with a lead-in, and said to be unknown without."""
    past = Past(tmp_path)
    await past.kept(beats(hours(12)), up(hours(3), hours(5)))
    since = moment(hours(4)).wall_ns
    without = past.tried("", since_ns=since)
    assert row(without, "bed-left")["old"]["count"] == 0
    assert "unknown_start" in codes(without)
    told = next(each for each in without["limits"] if each["code"] == "unknown_start")
    assert told["devices"] == ["klima-12", "seng-12"]
    led = past.tried(LATER, since_ns=moment(hours(3) + minutes(25)).wall_ns, lead_in_ns=3600 * NS)
    assert row(led, "bed-left")["old"]["count"] == 0  # it rang before, in the lead-in
    assert row(led, "bed-not-back")["only_new"] == 1


async def test_restarts_in_the_past(tmp_path: Path) -> None:
    """A synced boot goes on; after an unsynced one nobody is missed for the time it was dark."""
    past = Past(tmp_path, '[alerts.rules.no-motion]\nwhen = {missing = "3h"}\n')
    moved = said("uro-12", "motion", True, moment(timedelta(0)))
    dark = beats(hours(10), begin=hours(5), boot="boot-2")
    await past.kept([moved], beats(hours(1)), dark)
    result = past.tried("")
    rang = [each["old"]["rang"] for each in result["alerts"] if each["rule"] == "no-motion"]
    assert rang == ["2026-11-24T02:00:00.000Z"]  # when it was back
    assert "gaps" in codes(result)


async def test_an_unsynced_past(tmp_path: Path) -> None:
    """Hours count as open, silence begins anew, and it is said."""
    past = Past(tmp_path, '[alerts.rules.no-motion]\nwhen = {missing = "3h"}\n')
    moved = said("uro-12", "motion", True, moment(timedelta(0)))
    unsure = {"boot": "boot-2", "quality": ClockQuality.UNSYNCED}
    afternoon = said("seng-12", "bed_occupancy", False, moment(hours(11.5), **unsure))
    await past.kept([moved], beats(hours(1)), beats(hours(11), begin=hours(9), **unsure), [afternoon])
    result = past.tried("")
    assert row(result, "no-motion")["old"]["count"] == 0
    assert row(result, "bed-left")["old"]["count"] == 1  # at 9:30, and nobody knows that it was
    assert "unsynced" in codes(result)


async def test_a_running_gateway_is_not_disturbed(tmp_path: Path) -> None:
    """The journal is open and written meanwhile; a file that nobody writes stays as it is, byte for byte."""
    from gateway.journal.journal import Journal
    from support.inline_threads import InlineThreads

    past = Past(tmp_path)
    await past.kept(beats(hours(6)), up(hours(2), hours(3)))
    before = _digest(past.state)
    assert row(past.tried(LATER), "bed-not-back")["old"]["count"] == 1
    assert _digest(past.state) == before
    journal = await Journal.open(past.state, HandClock(), Told(), threads=InlineThreads())
    try:
        journal.readings.append(up(hours(7), hours(8)))
        await journal.readings.flush()
        result = past.tried(LATER)
        journal.readings.append(beats(hours(9), begin=hours(9)))
        await journal.readings.flush()
    finally:
        await journal.close()
    assert row(result, "bed-not-back")["old"]["count"] == 2


def _digest(state: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in state.glob("*.db")}


async def test_what_it_cannot_know_it_says(tmp_path: Path) -> None:
    """The end in silence, devices that are gone, readings that are no longer kept, bases, vital signs."""
    past = Past(tmp_path)
    gone = said("gammel-12", "temperature", 20.0, moment(hours(1)))
    await past.kept(beats(hours(4)), [gone], up(hours(2), hours(3)), basis=False)
    vital = """
[alerts.rules.pulse]
when = {quantity = "heart_rate", above = 120.0}
kind = "vital.limit"
concern = "vital"
priority = "medium"
policy = "medium"
"""
    result = past.tried(vital, since_ns=moment(hours(-24 * 40)).wall_ns)
    assert codes(result) == {
        "unknown_start",
        "silent_end",
        "devices_gone",
        "retention",
        "personal_retention",
        "intended_use",
        "no_basis",
        "scope",
    }
    assert row(result, "bed-left")["old"]["no_basis"] == {"room-12": 1}
    assert any("intended_use" in each for each in result["warnings"])
    use = '[intended_use]\nresponsible = "klinik"\nsince = 2026-01-01\ngrounds = "sag 1"\n'
    assert "intended_use" not in codes(past.tried(use + vital))


async def test_the_end_of_the_past_is_no_silence(tmp_path: Path) -> None:
    """A gateway that was stopped for days did not miss anybody."""
    past = Past(tmp_path, '[alerts.rules.no-motion]\nwhen = {missing = "3h"}\n')
    past.now = moment(hours(100))
    await past.kept([said("uro-12", "motion", True, moment(timedelta(0)))], beats(hours(2)))
    assert row(past.tried(""), "no-motion")["old"]["count"] == 0


# A file that is wrong.


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ("[alerts.rules.bed-left]\nheld = 3", ":2", "an unknown key"),
        ("\n\nalerts.rules.bed-left.when.held = 20", ":3", "a duration such as"),
        ('[alerts.rules.x]\nkind = "bed.left"', ":1", "a value"),
        ('alerts.rules.bed-left.concern = "room"', ":1", "presence: bed_occupancy tells of it"),
        ('alerts.rules.bed-left.policy = "nobody"', ":1", "an escalation policy that exists"),
        ("alerts.rules.bed-left.enabled", ":1", "key = value"),
        ('device.x = {address = "A4:C1:38:00:00:99", place = "room-12"}', ":1", "rules and policies only"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, where: str, expected: str) -> None:
    """As `velgate check` names it: file, line, expected, found, do."""
    past = Past(tmp_path)
    with pytest.raises(Problem) as caught:
        past.tried(text)
    assert caught.value.exit is Exit.CONFIGURATION
    found = [each for each in caught.value.findings if each.where == f"{tmp_path}/tried.toml{where}"]
    assert found, caught.value.findings
    assert any(expected in f"{each.expected} {each.found}" for each in found)
    assert all(each.do for each in found)


def test_a_rule_without_what_to_do_or_concern_does_not_load(tmp_path: Path) -> None:
    """R1: an alarm asks for an action; and nobody's basis is passed by."""
    rule = {
        "when": '{quantity = "opening", state = true}',
        "kind": '"door.opened"',
        "concern": '"presence"',
        "priority": '"high"',
        "policy": '"high"',
    }
    past = Past(tmp_path)
    for missing, key in (("concern", "alerts.rules.x.concern"), ("kind", "alerts.rules.x.kind")):
        text = "[alerts.rules.x]\n" + "\n".join(f"{k} = {v}" for k, v in rule.items() if k != missing)
        with pytest.raises(Problem) as caught:
            past.tried(text)
        assert key in {each.key for each in caught.value.findings}
    text = "[alerts.rules.x]\n" + "\n".join(f"{k} = {v}" for k, v in rule.items()) + '\ndo = {da = "Gå"}'
    with pytest.raises(Problem, match="what to do, in both languages"):
        past.tried(text)


# A capture.


def frame(at: datetime | None, celsius: float, address: str = "A4:C1:38:00:00:06") -> str:
    """Write an advertisement of a thermometer, in BTHome v2 without a packet id."""
    payload = b"\x40\x02" + round(celsius * 100).to_bytes(2, "little", signed=True)
    line = {"kind": "advertisement", "address": address, "rssi": -60, "service_data": {"fcd2": payload.hex()}}
    return json.dumps(line if at is None else {**line, "time": at.isoformat().replace("+00:00", "Z")})


def test_a_capture_goes_through_intake(tmp_path: Path) -> None:
    """Frames become readings as they do in the gateway; without a journal every basis is taken as given."""
    past = Past(tmp_path)
    noon = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
    lines = [frame(noon + minutes(n), 29.0 if 10 <= n < 60 else 21.0) for n in range(120)]
    lines += [frame(noon, 20.0, "A4:C1:38:00:00:99"), "{broken", frame(None, 21.5)]
    capture = tmp_path / "frames.jsonl"
    capture.write_text("\n".join(lines))
    text = 'alerts.rules.room-hot.override = [{places = "room-12", above = 30.0}]\n'
    result = past.tried(text, capture=capture, since_ns=0)
    hot = row(result, "room-hot")
    assert (hot["old"]["count"], hot["new"]["count"], hot["only_old"]) == (1, 0, 1)
    [alert] = [each for each in result["alerts"] if each["rule"] == "room-hot"]
    assert alert["old"]["rang"] == "2026-11-24T11:40:00.000Z"
    assert alert["old"]["ended"] == "2026-11-24T12:00:00.000Z"
    assert {"unknown_devices", "malformed", "timeless", "backwards", "bases_unknown"} <= codes(result)
    assert result["over"]["frames"] == 122


def test_a_capture_of_nobody_we_know(tmp_path: Path) -> None:
    """And one whose frames have no time: both say what to do."""
    past = Past(tmp_path)
    capture = tmp_path / "frames.jsonl"
    capture.write_text(frame(datetime(2026, 11, 24, tzinfo=UTC), 20.0, "A4:C1:38:00:00:99"))
    with pytest.raises(Problem, match="a frame of a device that the configuration knows"):
        past.tried("", capture=capture)
    capture.write_text(frame(None, 20.0))
    with pytest.raises(Problem, match="frames with a time"):
        past.tried("", capture=capture)
    with pytest.raises(Problem, match="a file that can be read"):
        past.tried("", capture=tmp_path / "none")


# The replay is the gateway.


@given(
    st.lists(
        st.tuples(
            st.integers(1, 5400),
            st.sampled_from(
                [
                    ("seng-12", "bed_occupancy", True),
                    ("seng-12", "bed_occupancy", False),
                    ("doer-12", "opening", True),
                    ("doer-12", "opening", False),
                    ("uro-12", "motion", True),
                    ("uro-12", "motion", False),
                    ("klima-12", "temperature", 16.0),
                    ("klima-12", "temperature", 30.0),
                    ("kald-12", "help_call", "press"),
                ]
            ),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_virtual_time_is_the_time_of_the_gateway(steps: list[tuple[int, tuple[str, str, Any]]]) -> None:
    """The same alerts at the same moments as a rule book whose timers somebody fires by hand."""
    changed = {
        "alerts": {
            "rules": {
                "door-unattended": {"enabled": True},
                "no-motion-day": {"enabled": True, "when": {"missing": "2h"}},
                "no-motion": {"when": {"missing": "1h"}},
                "room-changing": {"enabled": True},
            }
        }
    }
    house = RuleHouse(changed, at=NIGHT)
    settings = home_settings(changed)
    trial = Trial(settings, watched(settings, no_driver), house.basis)
    expected: list[tuple[str, int]] = []
    take = house.take

    def noting(judged: Any) -> Any:
        told = (each for each in judged.verdicts if isinstance(each, Occurrence))
        expected.extend((each.key, house.now.wall_ns) for each in told)
        return take(judged)

    house.take = noting  # type: ignore[method-assign]
    for seconds, (device, quantity, value) in steps:
        house.wait(seconds=seconds)
        record = house.record(device, quantity, value)
        house.judge(record)
        trial.take(record)
    assert [(ring.key, ring.began.wall_ns) for ring in trial.rings] == expected


def test_the_beginning_is_where_it_says() -> None:
    """Ten in the evening, on the clock of the wall in Copenhagen."""
    assert moment(timedelta(0)) == Instant(parse_iso("2026-11-23T21:00:00Z"), 10_000 * NS, "boot-1")
    assert EVENING.hour == 21


def btsnoop(*heard: tuple[datetime, float]) -> bytes:
    """Make a capture as `btmon` writes it: H4 packets with one advertising report of the thermometer each."""
    out = b"btsnoop\0" + struct.pack(">II", 1, 1002)
    for at, celsius in heard:
        payload = b"\xd2\xfc\x40\x02" + round(celsius * 100).to_bytes(2, "little", signed=True)
        data = bytes([0x02, 0x01, 0x06, len(payload) + 1, 0x16]) + payload
        address = bytes.fromhex("A4C138000006")[::-1]
        body = b"\x00\x00" + address + bytes([len(data)]) + data + struct.pack("b", -60)
        packet = b"\x04" + bytes([0x3E, 2 + len(body), 0x02, 1]) + body
        micros = round(at.timestamp() * 1_000_000) + 0x00DCDDB30F2F8000
        out += struct.pack(">IIIIq", len(packet), len(packet), 3, 0, micros) + packet
    return out


def test_a_capture_as_wireshark_opens_it(tmp_path: Path) -> None:
    """The same home in a btsnoop file; one that is cut is read as far as it goes, and that is said."""
    past = Past(tmp_path)
    noon = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
    data = btsnoop(*((noon + minutes(n), 29.0 if n >= 10 else 21.0) for n in range(90)))
    capture = tmp_path / "frames.btsnoop"
    capture.write_bytes(data)
    result = past.tried('alerts.rules.room-hot.when.held = "1h"\n', capture=capture, since_ns=0)
    hot = row(result, "room-hot")
    assert (hot["old"]["count"], hot["new"]["count"], hot["both"]) == (1, 1, 1)
    [alert] = [each for each in result["alerts"] if each["rule"] == "room-hot"]
    assert alert["old"]["rang"] == "2026-11-24T11:40:00.000Z"
    assert alert["new"]["rang"] == "2026-11-24T12:10:00.000Z"
    capture.write_bytes(data[:-5])
    cut = past.tried("", capture=capture, since_ns=0)
    assert cut["over"]["frames"] == 89
    assert "malformed" in codes(cut)

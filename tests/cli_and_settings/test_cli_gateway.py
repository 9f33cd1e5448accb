"""Commands to a running gateway: what they ask of it, how its answers end, and what a person reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.client import Gateway
from gateway.cli.main import main
from gateway.health.clock import SystemClock
from gateway.journal import Journal
from gateway.model.problem import Exit, Problem
from gateway.model.rows import Basis
from support.fake_gateway import FakeGateway, fake_gateway
from support.homes import write_home

ID = "01936b5e-7b0e-7c3a-8f00-0123456789ab"
ALERT: dict[str, Any] = {
    "id": ID,
    "rule": "help-call",
    "kind": "help_call.press",
    "priority": "high",
    "handling": "acknowledged",
    "suppressed": None,
    "rev": 2,
    "device": "kald-12",
    "label": "Bolig 12",
    "title": {"da": "Kald – Bolig 12", "en": "Call – Bolig 12"},
    "do": {"da": "Gå til boligen", "en": "Go to the home"},
    "raised": "2026-11-24T14:00:00.000Z",
    "count": 3,
    "taken": {"by": "KL", "time": "2026-11-24T14:00:30.000Z", "return_at": "2026-11-24T14:10:30.000Z"},
    "test": False,
}
HEALTH: dict[str, Any] = {
    "schema": "velgate/health/1",
    "time": "2026-11-24T14:00:00.000Z",
    "gateway": "gw-1",
    "version": "1.0.0",
    "level": "warn",
    "uptime_s": 90_061,
    "clock": "synced",
    "adapters": [{"name": "hci0", "state": "deaf", "silent_s": None}],
    "rooms": [{"name": "intake", "state": "running", "restarts": 0, "queue": 0}],
    "outlets": [{"name": "mqtt", "state": "down", "lag": 12, "aside": 0}],
    "journal": {"records": 120_345, "fsync_p99_ms": None, "disk_free": 0.63},
    "devices": {"known": 43, "heard": 42},
    "alerts": {"unacknowledged": 0, "acknowledged": 1, "technical": 2},
    "drivers": {"quarantined": ["acme"]},
}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGateway]:
    """A gateway that answers what the test says."""
    with fake_gateway() as fake:
        monkeypatch.setenv("VELGATE_STATE", str(fake.state))
        monkeypatch.delenv("VELGATE_BY", raising=False)
        yield fake


@pytest.mark.parametrize(
    ("status", "code", "exit_"),
    [
        (401, "not_signed_in", 6),
        (403, "not_allowed", 6),
        (404, "not_found", 4),
        (409, "already_acknowledged", 6),
        (409, "wrong_state", 6),
        (409, "presence_missing", 6),
        (422, "invalid", 2),
        (429, "slow_down", 6),
        (500, "broken", 1),
        (503, "not_durable", 5),
    ],
)
def test_answers_become_exit_codes(
    house: FakeGateway, status: int, code: str, exit_: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the contract says; with what the gateway said and a next step."""
    house.refuse(
        f"POST /api/v1/alerts/{ID}/acknowledge", status, code, detail="said so", by="AB", since="now"
    )
    assert main(["alert", "acknowledge", ID, "--by", "KL"]) == exit_
    out, err = capsys.readouterr()
    assert out == ""
    assert "said so" in err
    assert "  do        " in err
    assert ("by AB" in err) == (code == "already_acknowledged")


def test_each_wrong_field_is_said(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """A 422 names its fields."""
    errors = [{"key": "outcome", "found": "'x'", "expected": "one of assisted, checked"}]
    house.refuse(f"POST /api/v1/alerts/{ID}/resolve", 422, "invalid", errors=errors)
    assert main(["alert", "resolve", ID, "--outcome", "x", "--by", "KL"]) == 2
    assert "outcome\n  expected  one of assisted, checked\n  found     'x'\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "action", "fields"),
    [
        (["acknowledge"], "acknowledge", {}),
        (["acknowledge", "--take-over", "--rev", "3"], "acknowledge", {"take_over": True, "rev": 3}),
        (["join", "--note", "på vej"], "join", {"note": "på vej"}),
        (["presence"], "presence", {"how": "page"}),
        (["extend"], "extend", {}),
        (["release"], "release", {}),
        (["assist"], "assist", {}),
        (["reopen"], "reopen", {}),
        (["object"], "object", {}),
        (["dispatch", "--to", "group:nat"], "dispatch", {"to": "group:nat"}),
        (
            ["resolve", "--outcome", "assisted", "--spoken", "--was-fall", "no"],
            "resolve",
            {"outcome": "assisted", "spoken": True, "was_fall": "no"},
        ),
        (
            ["shelve", "--until", "2026-11-24T15:00:00Z", "--reason", "sover"],
            "shelve",
            {"until": "2026-11-24T15:00:00Z", "reason": "sover"},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_every_action(
    house: FakeGateway,
    arguments: list[str],
    action: str,
    fields: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One command for each: the person in the body, what was not said left out, the alert as JSON."""
    house.answers[f"POST /api/v1/alerts/89ab/{action}"] = (200, ALERT)
    verb, *options = arguments
    assert main(["alert", verb, "89ab", *options, "--by", "KL", "--json"]) == 0
    assert house.asked == [("POST", f"/api/v1/alerts/89ab/{action}", {"by": "KL", **fields})]
    out, err = capsys.readouterr()
    assert json.loads(out) == ALERT
    assert err.startswith("Call – Bolig 12: ")


def test_who_does_it_must_be_said(house: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an option or the environment; without a terminal nobody is asked, and nothing is sent."""
    house.answers[f"POST /api/v1/alerts/{ID}/join"] = (200, ALERT)
    assert main(["alert", "join", ID]) == 2
    assert house.asked == []
    monkeypatch.setenv("VELGATE_BY", "AB")
    assert main(["alert", "join", ID]) == 0
    assert house.asked[0][2] == {"by": "AB"}


def test_lists_of_alerts(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Open ones unless asked otherwise; as a table, and as the API gives them."""
    house.answers["GET /api/v1/alerts"] = (200, {"alerts": [ALERT], "next": "17"})
    assert main(["alert", "list"]) == 0
    out, err = capsys.readouterr()
    assert "6789ab  high      Call – Bolig 12" in out
    assert err == "1 alert; there are more.\n"
    assert main(["alert", "list", "--all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"alerts": [ALERT], "next": "17"}
    assert main(["alert", "list", "--resolved", "--since", "2026-11-24T00:00:00+01:00"]) == 0
    assert [path for _, path, _ in house.asked] == [
        "/api/v1/alerts?state=open&limit=100",
        "/api/v1/alerts?limit=100",
        "/api/v1/alerts?state=resolved&since=2026-11-24T00%3A00%3A00%2B01%3A00&limit=100",
    ]


def test_one_alert_with_its_timeline(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Every hop on a line."""
    entry = {
        "time": "2026-11-24T14:00:00.000Z",
        "what": "sent",
        "step": 1,
        "channel": "page",
        "to": "page",
        "by": None,
    }
    house.answers["GET /api/v1/alerts/89ab"] = (200, {**ALERT, "timeline": [entry]})
    assert main(["alert", "show", "89ab"]) == 0
    out = capsys.readouterr().out
    assert "Call – Bolig 12  (high, acknowledged, revision 2)" in out
    assert "do: Go to the home" in out
    assert "sent" in out


def test_the_chain_test(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Its hops as the contract says; one that is missing is exit 1, and the document comes all the same."""
    hops = [{"hop": "heard", "channel": None, "ms": 0.0}, {"hop": "committed", "channel": None, "ms": 2.1}]
    house.answers["POST /api/v1/alerts/test"] = (200, {"alert": ID, "hops": hops, "ok": True})
    assert main(["alert", "test", "kald-12", "--by", "KL", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"alert": ID, "hops": hops, "ok": True}
    assert house.asked[-1][2] == {"device": "kald-12", "by": "KL"}
    house.answers["POST /api/v1/alerts/test"] = (200, {"alert": ID, "hops": hops, "ok": False})
    assert main(["alert", "test", "kald-12", "--by", "KL", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_status_adds_nothing(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` is the health document; without it, a glance in which null is unknown, never good."""
    house.answers["GET /api/v1/health"] = (200, HEALTH)
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == HEALTH
    assert main(["status"]) == 0
    out, err = capsys.readouterr()
    assert "gw-1: warn, Velgate 1.0.0, up 1 d 1 h, clock synced" in out
    assert "fsync 99 % unknown ms" in out
    assert "drivers stopped: acme" in out
    assert "silent unknown s" in out
    assert "velgate alert list" in err


READINGS = (
    b'event: beat\ndata: {"time": "2026-11-24T14:00:00.000Z"}\n\n'
    b": a comment\n\n"
    b'event: reading\nid: 4\ndata: {"device": "bed-12", "place": "room-12", "quantity": "heart_rate",'
    b' "value": 71, "unit": "/min", "channel": null, "time": "2026-11-24T14:00:01.000Z"}\n\n'
    b'event: reading\ndata: {"device": "door-4", "place": "room-4",\ndata: "quantity": "opening",'
    b' "value": true, "unit": null, "channel": 2, "time": "2026-11-24T14:00:02.000Z"}\n\n'
    b'event: alert\nid: 5\ndata: {"id": "x"}\n\n'
)


def test_tail(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Readings alone, as JSON lines or sentences, filtered by device or quantity, until the gateway ends."""
    house.answers["GET /api/v1/stream"] = (200, READINGS)
    assert main(["tail"]) == 0
    out = capsys.readouterr().out
    assert "room-12  bed-12  heart_rate 71 /min" in out
    assert "room-4  door-4  opening 2 yes" in out
    assert main(["tail", "--json", "--device", "bed-12", "--by", "KL"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["quantity"] for line in lines] == ["heart_rate"]
    assert house.asked[-1][1] == "/api/v1/stream?readings=1&by=KL"
    assert main(["tail", "--json", "--quantity", "opening"]) == 0
    assert json.loads(capsys.readouterr().out)["channel"] == 2


def test_a_stream_that_is_refused(house: FakeGateway) -> None:
    """Its problem becomes an exit code like any other."""
    house.refuse("GET /api/v1/stream", 403, "not_allowed", detail="no")
    assert main(["tail"]) == 6


def test_a_gateway_that_fell_silent(house: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """No beat in time: it says so, and does not wait for ever."""
    import socket

    monkeypatch.setattr("gateway.cli.client.BEAT_S", 0.05)
    silent = socket.socket(socket.AF_UNIX)
    (house.state / "other").mkdir()
    silent.bind(str(house.state / "other" / "velgate.sock"))
    silent.listen()
    try:
        with pytest.raises(Problem) as raised:
            list(Gateway(house.state / "other").stream())
    finally:
        silent.close()
    assert raised.value.exit is Exit.UNREACHABLE


def test_a_socket_that_nobody_answers(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """A file left over by a crash is no gateway."""
    import socket

    (house.state / "dead").mkdir()
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(house.state / "dead" / "velgate.sock"))
    left.close()
    assert main(["status", "--state", str(house.state / "dead")]) == 5
    assert "nobody answers" in capsys.readouterr().err


def test_basis(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded, listed, withdrawn by concern or rule, and verified: missing or ending is exit 1."""
    row = {"place": "room-12", "concern": "presence", "rule": None, "kind": "decision", "until": "2099-06-30"}
    row |= {"case": "26/12", "recorded": "2026-11-24T14:00:00.000Z", "by": "LH", "withdrawn": None}
    house.answers["POST /api/v1/basis"] = (201, row)
    add = [
        "basis",
        "add",
        "room-12",
        "presence",
        "--kind",
        "decision",
        "--until",
        "2099-06-30",
        "--case",
        "26/12",
    ]
    assert main([*add, "--by", "LH"]) == 0
    assert house.asked[-1][2] == {
        "place": "room-12",
        "concern": "presence",
        "kind": "decision",
        "until": "2099-06-30",
        "case": "26/12",
        "by": "LH",
    }
    house.answers["DELETE /api/v1/basis"] = (200, row)
    assert main(["basis", "withdraw", "room-12", "presence", "--by", "KL"]) == 0
    assert house.asked[-1] == (
        "DELETE",
        "/api/v1/basis",
        {"place": "room-12", "concern": "presence", "by": "KL"},
    )
    assert main(["basis", "withdraw", "room-12", "bed-left", "--by", "KL"]) == 0
    assert house.asked[-1][2] == {"place": "room-12", "rule": "bed-left", "by": "KL"}
    house.answers["GET /api/v1/basis"] = (200, {"basis": [row], "no_basis": []})
    assert main(["basis", "list", "--json", "--place", "room-13"]) == 0
    assert json.loads(capsys.readouterr().out) == {"basis": [], "no_basis": []}
    assert main(["basis", "list"]) == 0
    assert main(["basis", "verify"]) == 0
    missing = [{"rule": "bed-left", "place": "room-14", "count": 2}]
    house.answers["GET /api/v1/basis"] = (200, {"basis": [row], "no_basis": missing})
    assert main(["basis", "verify", "--json"]) == 1
    ended = {**row, "until": "2026-01-01"}
    house.answers["GET /api/v1/basis"] = (200, {"basis": [ended], "no_basis": []})
    assert main(["basis", "verify"]) == 1
    withdrawn = {**ended, "withdrawn": "2026-11-24T15:00:00.000Z", "recorded": "2026-11-24T15:00:00.000Z"}
    house.answers["GET /api/v1/basis"] = (200, {"basis": [ended, withdrawn], "no_basis": []})
    assert main(["basis", "verify"]) == 0


def test_screens(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """The code alone on stdout; the rest for people."""
    offer = {"screen": "vagt", "public": False, "code": "K7-42", "path": "/screen?code=K7-42"}
    house.answers["POST /api/v1/screens"] = (201, {**offer, "until": "2026-11-24T14:10:00.000Z"})
    assert main(["screen", "add", "vagt", "--by", "KL"]) == 0
    assert capsys.readouterr().out == "K7-42\n"
    assert house.asked[-1][2] == {"screen": "vagt", "public": False, "by": "KL"}
    house.answers["GET /api/v1/screens"] = (200, {"screens": [{"screen": "vagt", "sound": True}]})
    assert main(["screen", "list"]) == 0
    house.answers["DELETE /api/v1/screens/vagt"] = (204, None)
    assert main(["screen", "remove", "vagt", "--by", "KL"]) == 0
    assert main(["screen", "remove", "andet", "--by", "KL"]) == 4


def test_a_device_is_proved(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Its new counter is accepted, then it must be heard anew; not heard in time is exit 1."""
    row = {"device": "kald-12", "last_seen": "2026-11-24T14:00:00.000Z", "battery": 63, "signal": -61}
    house.answers["POST /api/v1/devices/kald-12/accept"] = (200, row)
    later = {**row, "last_seen": "2026-11-24T14:00:09.000Z"}
    house.answers["GET /api/v1/devices"] = (200, {"devices": [later]})
    assert main(["device", "test", "kald-12", "--by", "KL", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["heard"] is True
    assert "signal -61 dBm, battery 63 %" in err
    house.answers["GET /api/v1/devices"] = (200, {"devices": [row]})
    assert main(["device", "test", "kald-12", "--by", "KL", "--seconds", "1", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["heard"] is False


def test_the_audit_log(house: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for in the name of a person, whose right the gateway judges."""
    entry = {"seq": 1, "time": "2026-11-24T14:00:00.000Z", "what": "sign_in", "by": "KL", "source": "page"}
    house.answers["GET /api/v1/audit"] = (200, {"entries": [{**entry, "alert": None}], "next": "1"})
    assert main(["alert", "audit", "--by", "DPO"]) == 0
    out, err = capsys.readouterr()
    assert "sign_in" in out
    assert "--after 1" in err
    assert house.asked[-1][1] == "/api/v1/audit?after=0&limit=100&by=DPO"


async def test_the_audit_chain_is_verified_offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole chain is exit 0; one changed entry is exit 1 and named, and nothing is written."""
    journal = await Journal.open(tmp_path, SystemClock(), lambda _trouble: None)
    for number in range(3):
        await journal.alarms.write(
            lambda ledger, number=number: ledger.audit(f"thing {number}", by="KL", source="page")
        )
    assert main(["alert", "audit", "--verify", "--state", str(tmp_path)]) == 0  # beside a running gateway
    await journal.close()
    assert main(["alert", "audit", "--verify", "--state", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["first_broken"] is None
    with sqlite3.connect(tmp_path / "alarms.db") as db:
        db.execute("UPDATE audit SET by = 'AB' WHERE what = 'thing 1'")
    db.close()
    assert main(["alert", "audit", "--verify", "--state", str(tmp_path), "--json"]) == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["ok"] is False
    assert f"audit entry {document['first_broken']}" in err


async def test_check_warns_of_rules_without_a_basis(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the journal, offline: what no basis is recorded for rests, and check says so with the command."""
    device = 'device.seng-12 = {address = "A4:C1:38:00:00:12", place = "room-12", profile = "bed"}\n'
    config = [
        "--config",
        str(write_home(tmp_path / "config", home=device)),
        "--state",
        str(tmp_path / "state"),
    ]
    assert main(["check", *config]) == 0
    assert "Legal bases were not looked at" in capsys.readouterr().err
    journal = await Journal.open(tmp_path / "state", SystemClock(), lambda _trouble: None)
    assert main(["check", *config]) == 0
    said = capsys.readouterr().err
    assert "gateway.toml:5  place.room-12  (warning)" in said
    assert "on which rule bed-left stands" in said
    assert "velgate basis add room-12 presence" in said
    basis = Basis(
        place="room-12",
        concern="presence",
        kind="consent",
        until=date(2099, 1, 1),
        case=None,
        recorded=SystemClock().now(),
        by="LH",
    )
    await journal.alarms.write(lambda ledger: ledger.put_basis(basis))
    await journal.close()
    assert main(["check", *config]) == 0
    assert "bed-left" not in capsys.readouterr().err

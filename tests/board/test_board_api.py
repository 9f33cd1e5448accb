"""The HTTP API, as other programs rely on it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from gateway.journal.errors import NotDurable
from gateway.model.clock import NS, iso
from support.board_client import BoardClient, client
from support.board_house import BoardHouse

ALERT_KEYS = {
    "schema", "id", "key", "rule", "kind", "concern", "priority", "condition", "handling", "suppressed",
    "rev", "durable", "device", "place", "label", "title", "raised", "last", "count", "step", "taken",
    "present", "outcome", "closed", "asked", "test", "trial", "readings",
}  # fmt: skip


async def test_an_alert_from_press_to_closed(house: BoardHouse, signed_in: BoardClient) -> None:
    """List, take, retry, presence, close, reopen: each answered with the alert after its commit."""
    alert = await house.press("kald-02-bad")
    listed = (await signed_in.get("/api/v1/alerts?state=open")).json
    assert listed["next"] is None
    assert listed["alerts"][0]["id"] == alert.id
    assert listed["alerts"][0].keys() >= ALERT_KEYS
    path = f"/api/v1/alerts/{alert.id}"
    taken = (await signed_in.post(f"{path}/acknowledge")).json
    assert (taken["handling"], taken["taken"]["by"]) == ("acknowledged", "AB")
    kept = await house.journal.alarms.read(lambda ledger: ledger.alert(alert.id))
    assert kept is not None
    assert kept.rev == taken["rev"]
    again = await signed_in.post(f"{path}/acknowledge")
    assert (again.status, again.json["rev"]) == (200, taken["rev"])
    refused = await signed_in.post(f"{path}/resolve", {"outcome": "assisted"})
    assert (refused.status, refused.code) == (409, "presence_missing")
    assert (await signed_in.post(f"{path}/presence")).json["present"]["by"] == "AB"
    closed = (await signed_in.post(f"{path}/resolve", {"outcome": "assisted", "note": "fulgt ud"})).json
    assert (closed["handling"], closed["outcome"]) == ("resolved", "assisted")
    assert (await signed_in.get("/api/v1/alerts?state=open")).json["alerts"] == []
    assert (await signed_in.get("/api/v1/alerts?state=resolved")).json["alerts"][0]["id"] == alert.id
    assert (await signed_in.post(f"{path}/reopen")).json["handling"] == "acknowledged"
    detail = (await signed_in.get(path)).json
    whats = [entry["what"] for entry in detail["timeline"]]
    assert {"raised", "acknowledged", "present", "resolved", "reopened"} <= set(whats)
    assert set(detail["timeline"][0]) == {"time", "what", "step", "channel", "to", "by"}


async def test_who_took_it_first_is_said(house: BoardHouse, signed_in: BoardClient) -> None:
    """The second is refused with who and since when, may join, and may take over when it says so."""
    alert = await house.press()
    await house.does(alert, "acknowledge", by="CD")
    path = f"/api/v1/alerts/{alert.id}"
    answer = await signed_in.post(f"{path}/acknowledge")
    assert (answer.status, answer.code, answer.json["by"]) == (409, "already_acknowledged", "CD")
    assert answer.json["since"].endswith("Z")
    assert (await signed_in.post(f"{path}/join")).json["joined"] == ["AB"]
    assert (await signed_in.post(f"{path}/acknowledge", {"take_over": True})).json["taken"]["by"] == "AB"


async def test_every_action_of_the_table(house: BoardHouse, signed_in: BoardClient) -> None:
    """Each action answers 200 in its state."""

    async def does(alert_id: str, action: str, **fields: object) -> dict[str, object]:
        answer = await signed_in.post(f"/api/v1/alerts/{alert_id}/{action}", fields)
        assert answer.status == 200, answer.text
        found: dict[str, object] = answer.json
        return found

    alert = await house.press()
    await does(alert.id, "acknowledge")
    before = (await does(alert.id, "extend"))["taken"]
    assert before
    await does(alert.id, "assist")
    assert {shown.alert.kind for shown in house.engine.open()} == {"help_call.press", "assist"}
    assert (await does(alert.id, "release"))["handling"] == "unacknowledged"
    assert (await does(alert.id, "dispatch", to="person:CD"))["asked"]
    other = await house.press("kald-13")
    until = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    shelved = await does(other.id, "shelve", until=until, reason="sover", spoken=True)
    assert shelved["handling"] == "shelved"
    fall = await house.press("fald-02", "detected", "fall")
    await does(fall.id, "object")
    assert "basis.objected" in {shown.alert.kind for shown in house.engine.open()}
    await does(fall.id, "object", undo=True)


async def test_an_old_revision_is_refused(house: BoardHouse, signed_in: BoardClient) -> None:
    """An action that names the revision it saw is answered `wrong_state` if it is no longer current."""
    alert = await house.press()
    await house.does(alert, "acknowledge")
    path = f"/api/v1/alerts/{alert.id}/release"
    answer = await signed_in.post(path, {"rev": 1})
    assert (answer.status, answer.code) == (409, "wrong_state")
    assert (await signed_in.post(path, {"rev": 2})).status == 200


WRONG: list[tuple[str, dict[str, object], set[str]]] = [
    ("resolve", {}, {"outcome"}),
    ("resolve", {"outcome": "auto"}, {"outcome"}),
    ("resolve", {"outcome": "other"}, {"note"}),
    ("resolve", {"outcome": "checked", "note": "x" * 281}, {"note"}),
    ("acknowledge", {"takeover": True}, {"takeover"}),
    ("shelve", {"until": "soon", "reason": "x"}, {"until"}),
    ("shelve", {"until": "10m"}, {"reason"}),
    ("dispatch", {"to": "everybody"}, {"to"}),
    ("presence", {"how": "magic"}, {"how"}),
]


async def test_wrong_fields_are_all_named(house: BoardHouse, signed_in: BoardClient) -> None:
    """422 `invalid` with key, found and expected; an unknown key is an error, never ignored."""
    alert = await house.press()
    for action, body, keys in WRONG:
        answer = await signed_in.post(f"/api/v1/alerts/{alert.id}/{action}", body)
        assert (answer.status, answer.code) == (422, "invalid"), answer.text
        assert {row["key"] for row in answer.json["errors"]} == keys
        assert all(set(row) == {"key", "found", "expected"} for row in answer.json["errors"])


async def test_what_is_not_there(house: BoardHouse, signed_in: BoardClient) -> None:
    """404 as a problem: alert, action, device, path; and a method that does not fit."""
    missing = "01999999-0000-7000-8000-000000000000"
    assert (await signed_in.get(f"/api/v1/alerts/{missing}")).code == "not_found"
    assert (await signed_in.post(f"/api/v1/alerts/{missing}/acknowledge")).code == "not_found"
    alert = await house.press()
    assert (await signed_in.post(f"/api/v1/alerts/{alert.id}/explode")).code == "not_found"
    assert (await signed_in.post("/api/v1/devices/nothing/accept")).code == "not_found"
    assert (await signed_in.get("/api/v1/nothing")).code == "not_found"
    wrong = await signed_in.ask("DELETE", "/api/v1/alerts")
    assert (wrong.status, set(wrong.headers["Allow"].split(", "))) == (405, {"GET", "HEAD"})


async def test_alerts_are_paged_by_last_change(house: BoardHouse, signed_in: BoardClient) -> None:
    """`limit` and `next` walk through all of them, each once; `since` is by last change."""
    ids = [(await house.press(f"kald-{n:02d}")).id for n in range(1, 8)]
    found: list[str] = []
    query = "?limit=3"
    for _ in range(4):
        page = (await signed_in.get(f"/api/v1/alerts{query}")).json
        found += [alert["id"] for alert in page["alerts"]]
        if page["next"] is None:
            break
        query = f"?limit=3&after={page['next']}"
    assert found == ids
    since = iso(house.clock.now().wall_ns + NS)
    assert (await signed_in.get(f"/api/v1/alerts?since={since}")).json["alerts"] == []
    for wrong in ("limit=0", "limit=1001", "limit=x", "since=yesterday", "after=x", "state=all"):
        assert (await signed_in.get(f"/api/v1/alerts?{wrong}")).code == "invalid", wrong


async def test_names_vanish_24_hours_after_closing(house: BoardHouse, signed_in: BoardClient) -> None:
    """Every `by` is null then, in list, detail and timeline; the audit log keeps it."""
    alert = await house.press()
    await house.does(alert, "acknowledge")
    await house.does(alert, "resolve", outcome="checked", presence=True)
    path = f"/api/v1/alerts/{alert.id}"
    assert '"AB"' in (await signed_in.get(path)).text
    house.later(hours=24, seconds=1)
    await signed_in.sign_in()  # the session of 12 h is over as well
    assert '"AB"' not in (await signed_in.get(path)).text
    assert '"AB"' not in (await signed_in.get("/api/v1/alerts?state=resolved")).text
    assert ("acknowledged", "AB") in await house.audit()


async def test_the_end_of_an_id_is_enough_on_the_socket(house: BoardHouse, local: BoardClient) -> None:
    """A technician types the last characters; several that fit are refused."""
    first, second = await house.press("kald-01"), await house.press("kald-03")
    tail = first.id[-6:]
    assert (await local.get(f"/api/v1/alerts/{tail}")).json["id"] == first.id
    answer = await local.post(f"/api/v1/alerts/{second.id[-6:]}/acknowledge", {"by": "AB"})
    assert answer.json["id"] == second.id
    assert (await local.get("/api/v1/alerts/zzzzzz")).code == "not_found"


async def test_nothing_is_confirmed_that_is_not_kept(
    house: BoardHouse, signed_in: BoardClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses: 503 `not_durable`."""
    alert = await house.press()

    async def refuse(*_args: object, **_more: object) -> None:
        raise NotDurable("no room")

    monkeypatch.setattr(house.journal.alarms, "write", refuse)
    answer = await signed_in.post("/api/v1/shift/notes", {"text": "hej"})
    assert (answer.status, answer.code) == (503, "not_durable")
    assert alert.open


async def test_devices_and_a_changed_battery(house: BoardHouse, signed_in: BoardClient) -> None:
    """The rows as given, and `accept` for the counter that begins anew; audited."""
    rows = (await signed_in.get("/api/v1/devices")).json["devices"]
    needed = {"device", "place", "driver", "available", "last_seen", "battery", "signal"}
    assert all(needed <= row.keys() for row in rows)
    answer = await signed_in.post("/api/v1/devices/kald-12/accept")
    assert answer.json["device"] == "kald-12"
    assert house.accepted == ["kald-12"]
    assert ("battery_changed", "AB") in await house.audit()


async def test_readings_oldest_first_and_values_by_right(house: BoardHouse, local: BoardClient) -> None:
    """Presence and vital only with `see_values`, and each look is logged; paged as alerts."""
    records = [house.record("kald-12", "temperature", 20.0 + n) for n in range(5)]
    house.journal.readings.append([*records, house.record("seng-12", "bed_occupancy", value=False)])
    await house.journal.readings.flush()
    seen = (await local.get("/api/v1/readings?by=AB")).json["readings"]
    assert [row["value"] for row in seen if row["quantity"] == "temperature"] == [20, 21, 22, 23, 24]
    assert "bed_occupancy" in {row["quantity"] for row in seen}
    assert ("looked_at_values", "AB") in await house.audit()
    hidden = (await local.get("/api/v1/readings?by=CD")).json["readings"]
    assert {row["quantity"] for row in hidden} == {"temperature"}
    assert ("looked_at_values", "CD") not in await house.audit()
    assert (await local.get("/api/v1/readings?quantity=bed_occupancy&by=CD")).code == "not_allowed"
    assert (await local.get("/api/v1/readings?quantity=bed_occupancy")).code == "not_allowed"
    values: list[float] = []
    after = ""
    while True:
        page = (await local.get(f"/api/v1/readings?quantity=temperature&limit=2{after}")).json
        values += [row["value"] for row in page["readings"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert values == [20, 21, 22, 23, 24]
    assert (await local.get("/api/v1/readings?after=nonsense")).code == "invalid"


async def test_health_ready_and_metrics(house: BoardHouse, signed_in: BoardClient) -> None:
    """Health as it is; readiness in two words; Prometheus text without a person or a reading."""
    await house.press()
    health = (await signed_in.get("/api/v1/health")).json
    assert health == (await signed_in.get("/api/v1/status")).json
    assert health["alerts"]["unacknowledged"] == 1
    assert ((await signed_in.get("/readyz")).status, (await signed_in.get("/readyz")).text) == (200, "ok")
    house.ready = False
    assert (await signed_in.get("/readyz")).status == 503
    assert (await signed_in.get("/healthz")).status == 200
    house.health["journal"]["fsync_p99_ms"] = None
    text = (await signed_in.get("/metrics")).text
    assert 'velgate_adapter_up{name="hci0"} 1.0' in text
    assert 'velgate_alerts_open{handling="unacknowledged"} 1.0' in text
    assert "\nvelgate_journal_fsync_p99_seconds " not in text  # what cannot be measured is no figure
    assert "Bolig" not in text
    assert "AB" not in text


async def test_the_description_describes_every_path(house: BoardHouse, signed_in: BoardClient) -> None:
    """OpenAPI 3.1 with every API path, and bodies that are JSON Schemas."""
    described = (await signed_in.get("/openapi.json")).json
    assert described["openapi"].startswith("3.1")
    for path in ("/api/v1/alerts/{id}/{action}", "/api/v1/stream", "/api/v1/session", "/healthz", "/metrics"):
        assert path in described["paths"]
    bodies = 0
    ids = []
    for operations in described["paths"].values():
        for operation in operations.values():
            ids.append(operation["operationId"])
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                jsonschema.Draft202012Validator.check_schema(schema)
                bodies += 1
    assert bodies >= 10
    assert len(ids) == len(set(ids))


async def test_legal_bases_are_recorded_listed_and_withdrawn(house: BoardHouse, local: BoardClient) -> None:
    """Recording needs the right; withdrawing is anybody's, in force at once, and tells who is responsible."""
    body = {"place": "room-03", "concern": "presence", "kind": "decision", "until": "2099-01-01", "by": "AB"}
    assert (await local.post("/api/v1/basis", body)).code == "invalid"  # a decision has a case
    made = await local.post("/api/v1/basis", {**body, "case": "2026-117"})
    assert (made.status, made.json["case"]) == (201, "2026-117")
    assert (await local.post("/api/v1/basis", {**body, "case": "1", "place": "nowhere"})).code == "not_found"
    rows = (await local.get("/api/v1/basis")).json["basis"]
    assert ("room-03", "presence") in {(row["place"], row["concern"]) for row in rows}
    assert house.engine.basis.allows("room-03", _concern("presence"), house.clock.now())
    gone = await local.ask("DELETE", "/api/v1/basis", {"place": "room-03", "concern": "presence", "by": "CD"})
    assert gone.json["withdrawn"]
    assert not house.engine.basis.allows("room-03", _concern("presence"), house.clock.now())
    both = {"place": "room-03", "concern": "fall", "rule": "fall", "by": "CD"}
    assert (await local.ask("DELETE", "/api/v1/basis", both)).code == "invalid"
    one = await local.ask("DELETE", "/api/v1/basis", {"place": "room-02", "rule": "fall", "by": "CD"})
    assert one.json["rule"] == "fall"
    assert {"basis_recorded", "basis_withdrawn"} <= {what for what, _ in await house.audit()}


def _concern(name: str) -> object:
    from gateway.model.alert import Concern

    return Concern(name)


async def test_the_audit_log_is_paged(house: BoardHouse, signed_in: BoardClient) -> None:
    """For who has the right: entries in order, with their hashes."""
    await house.press()
    await signed_in.post("/api/v1/devices/kald-12/accept")
    first = (await signed_in.get("/api/v1/audit?limit=2")).json
    assert [entry["seq"] for entry in first["entries"]] == [1, 2]
    second = (await signed_in.get(f"/api/v1/audit?after={first['next']}")).json
    assert second["entries"][0]["seq"] == 3
    assert all(len(entry["hash"]) == 64 for entry in second["entries"])


async def test_a_chain_test_tells_every_hop(house: BoardHouse, local: BoardClient) -> None:
    """Heard, committed, sent; and shown, once a page has drawn it: the proof of an empty board."""
    async with client(house) as page:
        await page.sign_in("CD")
        async with page.stream("?viewer=a-page-of-cd") as events:
            await events.next("beat")
            asked = asyncio.create_task(local.post("/api/v1/alerts/test", {"device": "kald-12", "by": "AB"}))
            event = await events.next("alert")
            assert event.data["test"]
            await page.post(f"/api/v1/alerts/{event.data['id']}/shown", {"viewer": "a-page-of-cd"})
            result = (await asked).json
    assert result["ok"]
    assert [hop["hop"] for hop in result["hops"]][:2] == ["heard", "committed"]
    assert result["hops"][-1]["hop"] == "shown"
    assert result["hops"][-1]["ms"] > 0
    proof = (await local.get("/api/v1/shift")).json["proved"]
    assert (proof["device"], proof["ok"]) == ("kald-12", True)
    assert (await local.post("/api/v1/alerts/test", {"device": "nothing", "by": "AB"})).code == "not_found"


async def test_the_hand_over(house: BoardHouse, signed_in: BoardClient) -> None:
    """Open, waiting, late, calls by place, false alarms, devices, rules that rest, notes; no times."""
    opened = await house.press("kald-01")
    await house.press("kald-01")
    late = await house.press("kald-03")
    closed = await house.press("kald-04")
    await house.does(closed, "resolve", outcome="false_alarm", spoken=True)
    shelved = await house.press("kald-05")
    await house.does(shelved, "shelve", until="10m", reason="sover", spoken=True)
    house.later(minutes=6)
    await house.does(late, "acknowledge")
    house.rows[0].update(silent=True)
    assert (await signed_in.post("/api/v1/shift/notes", {"text": "Bolig 3 har fået ny knap"})).status == 201
    assert (await signed_in.post("/api/v1/shift/notes", {"text": "x" * 281})).code == "invalid"
    view = (await signed_in.get("/api/v1/shift")).json
    assert {alert["id"] for alert in view["open"]} == {opened.id, late.id}
    assert [alert["id"] for alert in view["shelved"]] == [shelved.id]
    assert {row["priority"]: row["count"] for row in view["unanswered"]}["high"] >= 2
    assert {row["label"]: row["count"] for row in view["calls_by_place"]} == {
        f"Bolig {n}": 1 for n in (1, 3, 4, 5)
    }
    assert view["false_alarms"] == [{"rule": "help-call", "count": 1}]
    assert [row["device"] for row in view["devices"]] == [house.rows[0]["device"]]
    assert {row["why"] for row in view["paused"]} == {"no_basis"}
    assert [note["text"] for note in view["notes"]] == ["Bolig 3 har fået ny knap"]
    assert [person["person"] for person in view["on_duty"][0]["persons"]] == ["AB", "CD"]
    house.later(hours=48)
    await signed_in.sign_in()
    view = (await signed_in.get("/api/v1/shift")).json
    assert view["notes"] == []


async def test_reach_is_proved_by_who_heard_the_sound(house: BoardHouse, signed_in: BoardClient) -> None:
    """Pressing "I heard it" counts as proof; whether a page with free sound is open is told beside it."""
    assert (await signed_in.post("/api/v1/shift/reached")).json["person"] == "AB"
    assert house.engine.duty()[0].reached == 1
    async with signed_in.stream("?viewer=page-of-ab") as events:
        await events.next("beat")
        beat = {"drawing": True, "sound": True, "viewer": "page-of-ab"}
        await signed_in.post("/api/v1/screens/beat", beat)
        persons = (await signed_in.get("/api/v1/shift")).json["on_duty"][0]["persons"]
        assert persons == [
            {"person": "AB", "reached": True, "page": True},
            {"person": "CD", "reached": False, "page": False},
        ]
        await signed_in.post("/api/v1/screens/beat", {**beat, "sound": False})
        persons = (await signed_in.get("/api/v1/shift")).json["on_duty"][0]["persons"]
        assert persons[0] == {"person": "AB", "reached": True, "page": False}


async def test_lost_contact_is_logged_on_return(house: BoardHouse, signed_in: BoardClient) -> None:
    """The page says since when, and whether somebody did rounds."""
    body = {"since": "2026-11-24T02:14:00Z", "pressed": None}
    assert (await signed_in.post("/api/v1/rounds", body)).status == 204
    assert ("contact_lost", "AB") in await house.audit()

"""Who may see and do what: nothing without sign-in, screens look, persons act, other sites do nothing."""

from __future__ import annotations

import re
import ssl
import stat
from pathlib import Path

import pytest

from gateway.board.app import ENDPOINTS
from gateway.board.callers import Needs
from gateway.model.problem import Finding
from support.board_client import BoardClient, client
from support.board_house import PIN, TOKEN, BoardHouse
from support.certificates import self_signed
from support.eventually import eventually

OPEN = {
    ("GET", "/healthz"),
    ("POST", "/api/v1/session"),
    ("GET", "/signin"),
    ("POST", "/signin"),
    ("GET", "/screen"),
    ("POST", "/screen"),
    ("GET", "/language/{language}"),
    ("GET", "/assets/{digest}/{name}"),
    ("GET", "/manifest.webmanifest"),
    ("GET", "/sw.js"),
    ("GET", "/favicon.ico"),
}


def filled(path: str) -> str:
    """Give a path with something in its places."""
    return re.sub(r"{(\w+)}", lambda found: "acknowledge" if found[1] == "action" else "x-1", path)


def test_what_is_open_is_a_closed_list() -> None:
    """Only the liveness answer, the sign-in pages and their files need nobody."""
    assert {(e.method, e.path) for e in ENDPOINTS if e.needs is Needs.NOTHING} == OPEN


async def test_nothing_answers_without_sign_in(house: BoardHouse) -> None:
    """Every other path says 401 or leads to the sign-in page; one that is not there is no different."""
    visited = 0
    async with client(house) as nobody:
        for endpoint in ENDPOINTS:
            if endpoint.needs is Needs.NOTHING:
                continue
            answer = await nobody.ask(endpoint.method, filled(endpoint.path))
            if endpoint.page:
                assert (answer.status, answer.headers["Location"]) == (303, "/signin"), endpoint.path
            else:
                assert (answer.status, answer.code) == (401, "not_signed_in"), endpoint.path
            visited += 1
        answer = await nobody.get("/api/v1/secret")
        assert (answer.status, answer.code) == (401, "not_signed_in")
        assert (await nobody.get("/healthz")).text == "ok"
    assert visited >= 30


async def test_every_answer_carries_the_policy(house: BoardHouse, signed_in: BoardClient) -> None:
    """A strict policy without inline script, and pages that hold none."""
    for path in ("/", "/devices", "/shift", "/more", "/signout", "/api/v1/alerts", "/healthz", "/nowhere"):
        answer = await signed_in.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(
            r"<script(?![^>]*(src=|application/json))|\son\w+=|\sstyle=|https?://", answer.text
        ), path
    assert house.url


async def test_other_sites_make_nobody_act(house: BoardHouse, signed_in: BoardClient) -> None:
    """A cookie with a foreign Origin or Sec-Fetch-Site acts on nothing, and signs nobody in."""
    alert = await house.press()
    path = f"/api/v1/alerts/{alert.id}/acknowledge"
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ):
        answer = await signed_in.post(path, {}, **headers)
        assert (answer.status, answer.code) == (403, "not_allowed")
        answer = await signed_in.post("/api/v1/session", {"person": "AB", "pin": PIN}, **headers)
        assert answer.status == 403
    own = {"Origin": house.url.rstrip("/"), "Sec_Fetch_Site": "same-origin"}
    assert (await signed_in.post(path, {}, **own)).status == 200


async def test_the_unix_socket_is_for_its_group_and_names_the_person(
    house: BoardHouse, local: BoardClient
) -> None:
    """Mode 0660; a POST names who does it: nobody 422, unknown 404; looking needs nobody."""
    assert stat.S_IMODE(house.socket.stat().st_mode) == 0o660
    alert = await house.press()
    path = f"/api/v1/alerts/{alert.id}/acknowledge"
    assert (await local.get("/api/v1/health")).status == 200
    answer = await local.post(path)
    assert (answer.status, answer.code, answer.json["errors"][0]["key"]) == (422, "invalid", "by")
    answer = await local.post(path, {"by": "ZZ"})
    assert (answer.status, answer.code) == (404, "not_found")
    answer = await local.post(path, {"by": "cd"})
    assert answer.json["taken"]["by"] == "CD"


async def test_by_is_ignored_elsewhere(house: BoardHouse, signed_in: BoardClient) -> None:
    """Over TCP the person is that of the session, whatever the body says."""
    alert = await house.press()
    answer = await signed_in.post(f"/api/v1/alerts/{alert.id}/acknowledge", {"by": "CD"})
    assert answer.json["taken"]["by"] == "AB"


async def test_what_only_the_socket_may(
    house: BoardHouse, local: BoardClient, signed_in: BoardClient
) -> None:
    """Reloading and what is on the air are for programs of this machine."""
    assert (await signed_in.post("/api/v1/reload")).code == "not_allowed"
    assert (await signed_in.get("/api/v1/air")).code == "not_allowed"
    assert (await local.get("/api/v1/air")).json["air"][0]["signal"] == -60
    assert (await local.post("/api/v1/reload")).json == {"reloaded": True, "warnings": []}
    wrong = Finding(where="home.toml:3", key="board.port", expected="a number", found="a text", do="mend it")
    house.findings = (wrong,)
    answer = await local.post("/api/v1/reload")
    assert (answer.status, answer.json["errors"][0]["key"]) == (422, "board.port")


async def test_rights_are_asked_for(house: BoardHouse, local: BoardClient, signed_in: BoardClient) -> None:
    """The audit log, legal bases and screens need their right; the role protection does not act."""
    assert (await signed_in.get("/api/v1/audit")).status == 200
    assert (await local.get("/api/v1/audit?by=CD")).code == "not_allowed"
    assert (await local.get("/api/v1/audit?by=DP")).status == 200
    body = {"place": "room-03", "concern": "fall", "kind": "consent", "until": "2099-01-01"}
    assert (await local.post("/api/v1/basis", {**body, "by": "CD"})).code == "not_allowed"
    assert (await local.post("/api/v1/basis", {**body, "by": "AB"})).status == 201
    assert (await local.post("/api/v1/screens", {"screen": "wall-1", "by": "CD"})).code == "not_allowed"
    alert = await house.press()
    answer = await local.post(f"/api/v1/alerts/{alert.id}/acknowledge", {"by": "DP"})
    assert (answer.status, answer.code) == (403, "not_allowed")


async def enrol(
    house: BoardHouse, browser: BoardClient, *, public: bool = False, name: str = "wall-1"
) -> None:
    """Make a client a wall screen, as a browser does it."""
    async with client(house, local=True) as program:
        offer = (await program.post("/api/v1/screens", {"screen": name, "public": public, "by": "AB"})).json
    page = await browser.get(offer["path"])
    assert name in page.text
    assert (await browser.get(offer["path"])).status == 200  # looking uses nothing up
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    answer = await browser.ask("POST", "/screen", f"code={offer['code']}".encode(), form)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert (await browser.get(offer["path"])).status == 404  # once is once


async def test_a_wall_screen_looks_without_signing_in_and_asks_who_acts(house: BoardHouse) -> None:
    """Each action names its person and PIN, or a key; wrong ones are slowed for that screen."""
    async with client(house) as wall:
        await enrol(house, wall)
        alert = await house.press()
        assert (await wall.get("/")).status == 200
        assert len((await wall.get("/api/v1/alerts")).json["alerts"]) == 1
        path = f"/api/v1/alerts/{alert.id}/acknowledge"
        answer = await wall.post(path)
        assert (answer.status, answer.code) == (401, "not_signed_in")
        answer = await wall.post(path, {"person": "CD", "pin": "0000"})
        assert (answer.status, answer.json["reason"]) == (401, "wrong_pin")
        answer = await wall.post(path, {"person": "cd", "pin": PIN})
        assert answer.json["taken"]["by"] == "CD"
        answer = await wall.post(f"/api/v1/alerts/{alert.id}/join", {"key": TOKEN})
        assert answer.json["joined"] == ["AB"]
        rows = await house.journal.alarms.read(lambda ledger: ledger.audit_entries(0, 100, alert=alert.id))
        assert {row.source for row in rows if row.by} == {"screen:wall-1"}


async def test_a_screen_that_visitors_see_shows_place_and_urgency_only(house: BoardHouse) -> None:
    """No kind, no person, no device, no history, no other view: in list, stream, page and detail."""
    async with client(house) as wall:
        await enrol(house, wall, public=True)
        alert = await house.press("kald-02-bad")
        await house.does(alert, "acknowledge")
        shown = (await wall.get("/api/v1/alerts?state=open")).json["alerts"][0]
        assert (shown["label"], shown["priority"], shown["kind"]) == ("Bad, bolig 2", "emergency", "call")
        page = (await wall.get("/")).text
        detail = (await wall.get(f"/api/v1/alerts/{alert.id}")).text
        async with wall.stream("?after=0") as events:
            event = await events.next("alert")
        for text in (str(shown), page, detail, str(event.data)):
            assert "Kald fra bad" not in text
            assert "kald-02-bad" not in text
            assert "'AB'" not in text
            assert '"AB"' not in text
        for path in ("/devices", "/shift", f"/alert/{alert.id}", "/api/v1/devices", "/api/v1/shift"):
            assert (await wall.get(path)).status == 403, path
        assert (await wall.get("/api/v1/alerts")).status == 403
        assert (await wall.get("/api/v1/readings")).status == 403
        assert (await wall.get("/api/v1/tail")).status == 403


async def test_a_wall_screen_that_stops_is_missed(house: BoardHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """No beat for 90 s, and blocked sound, are technical alerts; beats end them, removing ends the screen."""
    monkeypatch.setattr("gateway.board.screens.EVERY_S", 0.02)
    async with client(house) as wall, client(house, local=True) as program:
        await enrol(house, wall)

        def kinds() -> set[str]:
            return {shown.alert.kind for shown in house.engine.open()}

        await wall.post("/api/v1/screens/beat", {"drawing": True, "sound": True})
        house.later(seconds=95)
        await eventually(lambda: "screen.silent" in kinds())
        await wall.post("/api/v1/screens/beat", {"drawing": True, "sound": False})
        await eventually(lambda: kinds() == {"screen.muted"})
        await wall.post("/api/v1/screens/beat", {"drawing": True, "sound": True})
        await eventually(lambda: not kinds())
        row = (await program.get("/api/v1/screens")).json["screens"][0]
        assert (row["screen"], row["drawing"], row["sound"]) == ("wall-1", True, True)
        assert (await program.ask("DELETE", "/api/v1/screens/wall-1", {"by": "AB"})).status == 204
        assert (await wall.get("/api/v1/alerts")).status == 401


async def test_codes_are_not_guessed(house: BoardHouse) -> None:
    """The sixth wrong code from one client waits."""
    async with client(house) as browser:
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        statuses = [(await browser.ask("POST", "/screen", b"code=AAAA", form)).status for _ in range(6)]
    assert statuses == [404] * 5 + [429]


async def test_a_cookie_over_tls_is_secure(house: BoardHouse, tmp_path: Path) -> None:
    """Served with a certificate of its own, the page answers over TLS and its cookie says Secure."""
    certificate, key = self_signed(tmp_path)
    await house.stop_serving()
    update = {"certificate": str(certificate), "certificate_key": str(key)}
    house.settings = house.settings.model_copy(
        update={"board": house.settings.board.model_copy(update=update)}
    )
    await house.start_serving()
    assert house.url.startswith("https://")
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with (
        client(house) as browser,
        browser.session.post(
            f"{house.url}api/v1/session", json={"person": "AB", "pin": PIN}, ssl=trusted
        ) as answer,
    ):
        assert answer.status == 204
        assert "secure" in answer.headers["Set-Cookie"].lower()

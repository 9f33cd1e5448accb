"""The contract, "HTTP": who gets in, and the lists with their pages."""

from __future__ import annotations

from typing import Any

from support.contract import bearer, browser, calling, cli, close_all, data, keys_of, now, sim, socket
from support.whole_house import Demo

NOBODY = "01999999-0000-7000-8000-00000000a1e7"
LOOKS = (
    "/", "/api/v1/alerts", f"/api/v1/alerts/{NOBODY}", "/api/v1/devices", "/api/v1/readings",
    "/api/v1/health", "/api/v1/shift", "/api/v1/stream", "/readyz", "/metrics", "/openapi.json",
    "/nothing-here",
)  # fmt: skip


# Who gets in


async def test_nothing_answers_without_a_person_or_a_screen(demo: Demo) -> None:
    """But `/healthz`, the sign-in page and the files both need: 401, or the way to the sign-in page."""
    async with browser(demo, signed_in=False) as door:
        for path in LOOKS:
            answer = await door.get(path)
            if answer.status != 303:
                assert (answer.status, answer.problem()) == (401, "not_signed_in"), path
            else:
                assert (path, answer.headers["Location"]) == ("/", "/signin")
        for path in ("/api/v1/screens/beat", f"/api/v1/alerts/{NOBODY}/acknowledge"):
            answer = await door.post(path, {"by": "demo"})
            assert (answer.status, answer.problem()) == (401, "not_signed_in"), path
        page = await door.get("/signin")
        assert page.status == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert (await door.get("/healthz")).status == 200


async def test_a_session_begins_with_a_pin_and_ends_when_asked(demo: Demo) -> None:
    """204 and a cookie that no script reads; the person counts without case; `DELETE` signs out."""
    sign_in = {**demo.ready["sign_in"], "person": "DEMO"}
    async with browser(demo, signed_in=False) as door:
        wrong = await door.post("/api/v1/session", {"person": "demo", "pin": "000000"})
        assert (wrong.status, wrong.problem()) == (401, "not_signed_in")
        answer = await door.post("/api/v1/session", sign_in)
        assert (answer.status, answer.text) == (204, "")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert (await door.get("/api/v1/alerts")).status == 200
        assert (await door.ask("DELETE", "/api/v1/session")).status == 204
        assert (await door.get("/api/v1/alerts")).status == 401
        for body, keys in (({"person": "demo"}, {"pin"}), ({}, {"person"}), ({"pin": "0000"}, {"person"})):
            answer = await door.post("/api/v1/session", body)
            assert (answer.status, answer.problem()) == (422, "invalid")
            assert keys_of(answer.json["errors"]) == keys
            assert "0000" not in answer.text


async def test_wrong_pins_are_slowed(demo: Demo) -> None:
    """Five wrong: 429 with `Retry-After`, for this person alone; looking goes on."""
    async with browser(demo) as door, browser(demo, signed_in=False) as thief:
        for _ in range(5):
            assert (await thief.post("/api/v1/session", {"person": "nat", "pin": "000000"})).status == 401
        answer = await thief.post("/api/v1/session", {"person": "nat", "pin": "000000"})
        assert (answer.status, answer.problem()) == (429, "slow_down")
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert (await thief.post("/api/v1/session", demo.ready["sign_in"])).status == 204
        assert (await door.get("/api/v1/alerts")).status == 200


async def test_a_token_is_a_person_too(demo: Demo, token: str) -> None:
    """`Authorization: Bearer`; a `by` in the body is ignored there, and another token is nobody."""
    async with bearer(demo, token) as door, calling(demo) as alert:
        taken = await door.act(alert["id"], "acknowledge", by="demo")
        assert (taken.status, taken.json["taken"]["by"]) == (200, "nat")
    async with bearer(demo, "something-else") as door:
        assert (await door.get("/api/v1/alerts")).status == 401


async def test_over_the_socket_the_body_names_the_person(demo: Demo) -> None:
    """Unknown: 404; nobody: 422."""
    async with socket(demo) as door, calling(demo) as alert:
        unknown = await door.act(alert["id"], "acknowledge", by="nobody")
        assert (unknown.status, unknown.problem()) == (404, "not_found")
        unnamed = await door.act(alert["id"], "acknowledge")
        assert (unnamed.status, unnamed.problem(), keys_of(unnamed.json["errors"])) == (
            422,
            "invalid",
            {"by"},
        )
        assert (await door.act(alert["id"], "acknowledge", by="nat")).json["taken"]["by"] == "nat"


async def test_a_screen_may_look_and_a_person_acts(demo: Demo) -> None:
    """Enrolled once by a one-time code; it beats; each action asks for a person."""
    offer = data(demo, "screen", "add", "vagtstue")
    async with browser(demo, signed_in=False) as door, calling(demo) as alert:
        await door.post("/screen", f"code={offer['code']}".encode(), **{"Content-Type": FORM})
        assert (await door.get("/api/v1/alerts")).status == 200
        assert (await door.post("/api/v1/screens/beat", {"drawing": True, "sound": True})).status == 204
        refused = await door.act(alert["id"], "acknowledge")
        assert (refused.status, refused.problem()) == (401, "not_signed_in")
        taken = await door.act(alert["id"], "acknowledge", **demo.ready["sign_in"])
        assert taken.json["taken"]["by"] == "demo"
    assert {row["screen"] for row in data(demo, "screen", "list")["screens"]} == {"vagtstue"}
    assert cli(demo, "screen", "remove", "vagtstue").returncode == 0


FORM = "application/x-www-form-urlencoded"


# Lists


async def test_alerts_are_listed_by_last_change_and_paged(demo: Demo) -> None:
    """Open is all that is not resolved; `since` by last change; `next` is the `after` of the next page."""
    async with socket(demo) as door:
        for device in ("kald-01", "kald-07", "sos-09"):
            sim(demo, device, "press")
            await demo.alert_of(device)
        await close_all(demo)
        every = (await door.get("/api/v1/alerts?limit=1000")).json["alerts"]
        begun = now()
        async with calling(demo) as alert:
            page = (await door.get("/api/v1/alerts?state=open")).json
            assert page.keys() == {"alerts", "next"}
            assert alert["id"] in {each["id"] for each in page["alerts"]}
            assert all(each["handling"] != "resolved" for each in page["alerts"])
            changed = (await door.get(f"/api/v1/alerts?since={begun}")).json["alerts"]
            assert changed[-1]["id"] == alert["id"]
            assert all(each["changed"] >= begun for each in changed)
            assert len(changed) < len(every)
        every = (await door.get("/api/v1/alerts?state=resolved&limit=1000")).json["alerts"]
        assert len(every) >= 4
        assert all(each["handling"] == "resolved" for each in every)
        pages: list[dict[str, Any]] = []
        after = ""
        while True:
            page = (await door.get(f"/api/v1/alerts?state=resolved&limit=2{after}")).json
            assert len(page["alerts"]) <= 2
            pages += page["alerts"]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert pages == every
        for wrong in ("state=closed", "since=yesterday", "limit=0", "limit=1001", "after=nonsense"):
            answer = await door.get(f"/api/v1/alerts?{wrong}")
            assert (answer.status, answer.problem()) == (422, "invalid"), wrong
            assert keys_of(answer.json["errors"]) == {wrong.partition("=")[0]}


async def test_the_shift_view_holds_nobody_s_response_times(demo: Demo) -> None:
    """What the next shift must know."""
    async with browser(demo) as door:
        view = (await door.get("/api/v1/shift")).json
    assert {
        "since",
        "open",
        "shelved",
        "unanswered",
        "calls_by_place",
        "false_alarms",
        "devices",
    } <= view.keys()
    assert not any(word in repr(view) for word in ("response", "median", "average"))


async def test_the_description_names_every_path(demo: Demo) -> None:
    """`/openapi.json` describes all this."""
    async with browser(demo) as door:
        described = (await door.get("/openapi.json")).json
    assert described["openapi"].startswith("3.")
    assert {
        "/api/v1/session", "/api/v1/alerts", "/api/v1/alerts/{id}", "/api/v1/alerts/{id}/{action}",
        "/api/v1/devices", "/api/v1/readings", "/api/v1/health", "/api/v1/shift", "/api/v1/screens/beat",
        "/api/v1/stream", "/healthz", "/readyz", "/metrics", "/openapi.json",
    } <= described["paths"].keys()  # fmt: skip

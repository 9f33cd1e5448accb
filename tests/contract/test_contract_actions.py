"""The contract, "HTTP": every action of the table, its fields, its retry, and every way to be refused."""

from __future__ import annotations

from typing import Any

from support.contract import Door, calling, current, keys_of, now, socket
from support.whole_house import Demo

NOBODY = "01999999-0000-7000-8000-00000000a1e7"


class Acting:
    """One alert and the door to act on it."""

    def __init__(self, door: Door, alert: str) -> None:
        """Begin."""
        self._door, self._alert = door, alert

    async def done(self, action: str, by: str = "demo", **fields: object) -> dict[str, Any]:
        """Do it, and again as a retry of the same person: both are 200, with the same alert."""
        first = await self._door.act(self._alert, action, by=by, **fields)
        assert first.status == 200, (action, first.text)
        again = await self._door.act(self._alert, action, by=by, **fields)
        assert again.status == 200, (action, again.text)
        found: dict[str, Any] = again.json
        if action != "extend":
            assert found == first.json, action
        return found

    async def refused(self, action: str, by: str = "demo", **fields: object) -> tuple[int, str]:
        """Have it refused; gives status and code."""
        answer = await self._door.act(self._alert, action, by=by, **fields)
        return answer.status, answer.problem()


async def test_every_action_and_its_retry(demo: Demo) -> None:
    """200 with the alert, after the commit; the same again from the same person too."""
    async with calling(demo) as alert, socket(demo) as door:
        act = Acting(door, alert["id"])
        assert (await act.done("acknowledge", note="på vej"))["taken"]["by"] == "demo"
        assert (await act.done("join", by="nat"))["handling"] == "acknowledged"
        await act.done("extend")
        assert (await act.done("presence", how="tag"))["present"]["how"] == "tag"
        await act.done("assist")
        assert (await act.done("acknowledge", by="nat", take_over=True))["taken"]["by"] == "nat"
        assert (await act.done("release", by="nat"))["handling"] == "unacknowledged"
        until = now(600)
        assert (await act.done("shelve", until=until, reason="sover"))["handling"] == "shelved"
        assert (await act.done("dispatch", to="person:nat"))["asked"][-1] == "person:nat"
        closed = await act.done("resolve", by="nat", outcome="other", note="vand på gulvet", was_fall=None)
        assert (closed["handling"], closed["outcome"]) == ("resolved", "other")
        assert (await act.done("reopen", by="nat"))["taken"]["by"] == "nat"
        assert (await current(demo, alert["id"]))["handling"] == "acknowledged"


async def test_what_is_refused_and_with_which_code(demo: Demo) -> None:
    """409 `already_acknowledged` with who and since when, `wrong_state`, `presence_missing`; 404."""
    async with calling(demo) as alert, socket(demo) as door:
        act = Acting(door, alert["id"])
        assert await act.refused("release") == (409, "wrong_state")
        assert await act.refused("extend") == (409, "wrong_state")
        assert await act.refused("reopen") == (409, "wrong_state")
        assert await act.refused("object") == (409, "wrong_state")
        assert await act.refused("acknowledge", rev=7) == (409, "wrong_state")
        until = now(600)
        assert await act.refused("shelve", until=until, reason="x") == (409, "presence_missing")
        assert await act.refused("resolve", outcome="checked") == (409, "presence_missing")
        await act.done("acknowledge")
        taken = await door.act(alert["id"], "acknowledge", by="nat")
        assert (taken.status, taken.problem(), taken.json["by"]) == (409, "already_acknowledged", "demo")
        assert taken.json["since"] == (await current(demo, alert["id"]))["taken"]["time"]
        for path in (f"/api/v1/alerts/{NOBODY}/join", f"/api/v1/alerts/{alert['id']}/silence"):
            answer = await door.post(path, {"by": "demo"})
            assert (answer.status, answer.problem()) == (404, "not_found")
        for path in (f"/api/v1/alerts/{NOBODY}", "/api/v1/nothing"):
            answer = await door.get(path)
            assert (answer.status, answer.problem()) == (404, "not_found")


WRONG: list[tuple[str, dict[str, Any], set[str]]] = [
    ("acknowledge", {"take_over": "perhaps"}, {"take_over"}),
    ("acknowledge", {"takeover": True}, {"takeover"}),
    ("acknowledge", {"note": "x" * 281}, {"note"}),
    ("acknowledge", {"rev": "first"}, {"rev"}),
    ("presence", {"how": "magic"}, {"how"}),
    ("resolve", {}, {"outcome"}),
    ("resolve", {"outcome": "auto"}, {"outcome"}),
    ("resolve", {"outcome": "other", "spoken": True}, {"note"}),
    ("resolve", {"outcome": "checked", "was_fall": "maybe"}, {"was_fall"}),
    ("shelve", {}, {"until", "reason"}),
    ("shelve", {"until": "soon", "reason": "x"}, {"until"}),
    ("shelve", {"until": "2001-01-01T00:00:00Z", "reason": "x", "spoken": True}, {"until"}),
    ("shelve", {"until": "8h", "reason": "x", "spoken": True}, {"until"}),
    ("dispatch", {"to": "everybody"}, {"to"}),
    ("dispatch", {"to": "group:nobody"}, {"to"}),
]


async def test_wrong_fields_are_named(demo: Demo) -> None:
    """422 `invalid` with `errors`: key, found, expected; nothing is done."""
    async with calling(demo) as alert, socket(demo) as door:
        for action, fields, keys in WRONG:
            answer = await door.act(alert["id"], action, by="demo", **fields)
            assert (answer.status, answer.problem()) == (422, "invalid"), answer.text
            assert keys_of(answer.json["errors"]) == keys
            assert all(row.keys() >= {"key", "found", "expected"} for row in answer.json["errors"])
        assert (await current(demo, alert["id"]))["rev"] == alert["rev"]


async def test_requests_that_are_none(demo: Demo) -> None:
    """No JSON, no object, too much of it, and a method that is not known."""
    async with socket(demo) as door:
        path = f"/api/v1/alerts/{NOBODY}/acknowledge"
        for body in (b"{", b"[]", b'"x"', b"\xff"):
            answer = await door.post(path, body)
            assert (answer.status, answer.problem()) == (422, "invalid")
        answer = await door.post(path, b" " * 70_000)
        assert (answer.status, answer.problem()) == (413, "too_large")
        answer = await door.ask("PUT", "/api/v1/alerts")
        assert (answer.status, answer.problem()) == (405, "method_not_allowed")
        assert "GET" in answer.headers["Allow"]


async def test_an_objection_stops_the_rule_and_not_the_alert(demo: Demo) -> None:
    """`object`: in force at once; who tapped may take it back within a minute."""
    async with calling(demo, "fald-02", "fall") as alert, socket(demo) as door:
        answer = await door.act(alert["id"], "object", by="nat", note="vil ikke")
        assert (answer.status, answer.json["handling"]) == (200, "unacknowledged")
        rows = (await door.get("/api/v1/basis")).json["basis"]
        objections = [row for row in rows if row["place"] == "room-02" and row["withdrawn"]]
        assert objections[-1]["by"] == "nat"
        assert (await door.act(alert["id"], "object", by="nat", undo=True)).status == 200
    async with calling(demo, "fald-02", "fall"):
        pass

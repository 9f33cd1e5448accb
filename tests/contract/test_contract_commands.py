"""The contract, `alert/{alert}/command`: what may be commanded over MQTT, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from support.contract import Commander, calling, commander, current, keys_of, now, user_properties
from support.whole_house import Demo

DEVICE = "sos-09"


def command(action: str = "acknowledge", rev: object = 1, by: str = "demo", **more: object) -> dict[str, Any]:
    """Write one."""
    return {"action": action, "by": by, "rev": rev, "issued": now(), **more}


async def sent(via: Commander, alert: str, **fields: Any) -> dict[str, Any]:
    """Send one that must be done, and give the alert that came back."""
    status, document, message = await via.send(alert, command(**fields))
    assert status == 200, document
    assert document["schema"] == "velgate/alert/1"
    assert user_properties(message)["schema"] == "velgate/alert/1"
    assert getattr(message.properties, "ContentType", None) == "application/json"
    assert not message.retain
    return document


async def test_every_action_that_may_be_commanded(demo: Demo) -> None:
    """Answered with the alert on the response topic, with the correlation data."""
    async with calling(demo, DEVICE) as alert, commander(demo) as via:
        one = alert["id"]
        done = await sent(via, one, rev=1, note="på vej")
        assert done["taken"]["by"] == "demo"
        steps: list[dict[str, Any]] = [
            {"action": "join", "by": "nat"},
            {"action": "extend"},
            {"action": "presence", "how": "tag"},
            {"action": "acknowledge", "by": "NAT", "take_over": True},
            {"action": "assist", "by": "nat"},
            {"action": "release", "by": "nat"},
            {"action": "dispatch", "to": "group:nat"},
            {"action": "resolve", "outcome": "assisted", "spoken": True},
            {"action": "reopen"},
        ]
        for step in steps:
            done = await sent(via, one, rev=done["rev"], **step)
        assert done["handling"] == "acknowledged"


async def test_the_same_again_from_the_same_person_is_done(demo: Demo) -> None:
    """A message at QoS 1 may come twice: a retry is 200, with the old `rev` too."""
    async with calling(demo, DEVICE) as alert, commander(demo) as via:
        first = await sent(via, alert["id"], rev=1)
        assert await sent(via, alert["id"], rev=1) == first


async def test_one_for_an_older_revision_is_refused(demo: Demo) -> None:
    """An acknowledgement that was stuck must not silence anything."""
    async with calling(demo, DEVICE) as alert, commander(demo) as via:
        await sent(via, alert["id"], rev=1)
        await sent(via, alert["id"], action="release", rev=2)
        status, refused, _ = await via.send(alert["id"], command(rev=1, by="nat"))
        assert (status, refused["code"]) == (409, "wrong_state")
        assert (await current(demo, alert["id"]))["handling"] == "unacknowledged"


async def test_a_retained_one_is_refused(demo: Demo) -> None:
    """Also by a gateway that is connected when it comes; it would be done again at each start."""
    async with calling(demo, DEVICE) as alert, commander(demo) as via:
        status, refused, _ = await via.send(alert["id"], command(), retain=True)
        assert (status, refused["code"]) == (409, "wrong_state")
        assert (await current(demo, alert["id"]))["handling"] == "unacknowledged"
        await via.send(alert["id"], b"", retain=True)  # clears it


async def test_one_that_was_issued_long_ago_is_refused_where_the_clock_is_right(demo: Demo) -> None:
    """More than 30 s; without a right clock `rev` alone is looked at."""
    async with calling(demo, DEVICE) as alert, commander(demo) as via:
        old = {**command(), "issued": now(-31)}
        synced = (await demo.get("/api/v1/health"))["clock"] == "synced"
        status, answer, _ = await via.send(alert["id"], old)
        assert (status, answer.get("code")) == ((409, "wrong_state") if synced else (200, None))


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (b"no json", {""}),
        (b"[]", {""}),
        (b"\xff", {""}),
        ({}, {"action", "by", "rev", "issued"}),
        (command(rev="1"), {"rev"}),
        (command(rev=True), {"rev"}),
        ({**command(), "issued": "yesterday"}, {"issued"}),
        ({**command(), "issued": "2026-11-24T14:00:00"}, {"issued"}),
        (command("silence"), {"action"}),
        (command("shelve", until="10m", reason="x"), {"action"}),
        (command("object"), {"action"}),
        (command(take_over="yes"), {"take_over"}),
        (command(takeover=True), {"takeover"}),
        (command(note=7), {"note"}),
        (command("resolve", outcome="cured"), {"outcome"}),
        (command("dispatch", to="everybody"), {"to"}),
        (command("presence", how="magic"), {"how"}),
    ],
)
async def test_one_that_cannot_be_understood_names_every_field(
    demo: Demo, body: object, keys: set[str]
) -> None:
    """As over HTTP: 422 `invalid` with key, found and expected."""
    if isinstance(body, dict) and "issued" in body and body["issued"].endswith("Z"):
        body = {**body, "issued": now()}
    async with commander(demo) as via:
        status, refused, _ = await via.send("01999999-0000-7000-8000-00000000a1e7", body)
    assert (status, refused["code"], refused["status"]) == (422, "invalid", 422)
    assert keys_of(refused["errors"]) == keys
    assert all(row.keys() == {"key", "found", "expected"} for row in refused["errors"])


async def test_unknown_alerts_and_persons_and_those_who_may_not(demo: Demo) -> None:
    """404; and nobody of a centre may use that this home takes unsigned commands from its own broker."""
    async with calling(demo, DEVICE) as alert, commander(demo) as via:
        for one, by, code in [
            ("01999999-0000-7000-8000-00000000a1e7", "demo", (404, "not_found")),
            (alert["id"], "nobody", (404, "not_found")),
            (alert["id"], "kommune-a/nord:KL", (403, "not_allowed")),
        ]:
            status, refused, _ = await via.send(one, command(by=by))
            assert (status, refused["code"]) == code
        await sent(via, alert["id"], by="demo")
        status, refused, _ = await via.send(alert["id"], command(rev=2, by="nat"))
        assert (status, refused["code"], refused["by"]) == (409, "already_acknowledged", "demo")
        assert refused["since"].endswith("Z")
        bare = command("resolve", rev=2, outcome="assisted")
        status, refused, _ = await via.send(alert["id"], bare)
        assert (status, refused["code"]) == (409, "presence_missing")

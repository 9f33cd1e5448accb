"""The contract, the alert document: the same on MQTT and HTTP, in every state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateway.board.documents import document
from gateway.model.alert import Present, Taken
from gateway.model.clock import parse_iso
from support.contract import calling, close_all, current, sim, socket
from support.eventually import eventually
from support.outlet_house import alert as made
from support.outlet_house import closed
from support.whole_house import Demo

KEYS = {
    "schema", "id", "key", "rule", "kind", "concern", "priority", "condition", "handling", "suppressed",
    "rev", "durable", "device", "place", "label", "title", "raised", "last", "count", "step", "taken",
    "present", "outcome", "closed", "asked", "test", "trial", "readings",
}  # fmt: skip
HANDLINGS = {"unacknowledged", "acknowledged", "shelved", "suppressed", "resolved"}


async def test_a_new_alert(demo: Demo) -> None:
    """Every field of the example, and what it holds."""
    async with calling(demo) as alert:
        assert alert.keys() >= KEYS
        assert UUID(alert["id"]).version == 7
        assert (alert["schema"], alert["key"]) == ("velgate/alert/1", "help-call/kald-01")
        assert (alert["rule"], alert["kind"], alert["concern"]) == ("help-call", "help_call.press", "self")
        assert (alert["priority"], alert["condition"]) == ("high", "present")
        assert (alert["handling"], alert["suppressed"], alert["rev"]) == ("unacknowledged", None, 1)
        assert (alert["durable"], alert["test"], alert["trial"]) == (True, False, None)
        assert (alert["device"], alert["place"], alert["label"]) == ("kald-01", "room-01", "Bolig 1")
        assert alert["title"] == {"da": "Kald – Bolig 1", "en": "Call – Bolig 1"}
        assert (alert["count"], alert["step"]) == (1, 1)
        assert [alert[key] for key in ("taken", "present", "outcome", "closed")] == [None] * 4
        assert alert["asked"] == ["page", "group:dag"]
        assert [UUID(each).version for each in alert["readings"]] == [7]
        assert parse_iso(alert["raised"]) == parse_iso(alert["last"])


async def test_it_changes_by_transitions_that_raise_its_revision(demo: Demo) -> None:
    """Taken, present, closed; each with who and when."""
    async with calling(demo) as alert, socket(demo) as door:
        taken = (await door.act(alert["id"], "acknowledge", by="Demo")).json
        assert taken["taken"].keys() == {"by", "time", "return_at"}
        assert (taken["taken"]["by"], taken["rev"]) == ("demo", 2)
        assert parse_iso(taken["taken"]["return_at"]) > parse_iso(taken["taken"]["time"])
        there = (await door.act(alert["id"], "presence", by="demo", how="button")).json
        assert there["present"].keys() == {"by", "time", "how"}
        assert (there["present"]["by"], there["present"]["how"], there["rev"]) == ("demo", "button", 3)
        done = (await door.act(alert["id"], "resolve", by="demo", outcome="assisted")).json
        assert (done["handling"], done["outcome"], done["rev"]) == ("resolved", "assisted", 4)
        assert parse_iso(done["closed"]) >= parse_iso(there["present"]["time"])


async def test_a_second_press_joins_and_a_graver_one_raises(demo: Demo) -> None:
    """Never a second alert of one key; a long press makes it an emergency."""
    async with calling(demo) as alert:
        sim(demo, "kald-01", "long_press")

        async def graver() -> dict[str, Any] | None:
            found = await current(demo, alert["id"])
            return found if found["priority"] == "emergency" else None

        found = await eventually(graver)
        assert found is not None
        assert (found["count"], found["kind"], found["step"]) == (2, "help_call.long_press", 1)
        assert len(found["readings"]) == 2


async def test_the_timeline_tells_every_hop(demo: Demo) -> None:
    """`GET /api/v1/alerts/{id}` is the alert and its timeline."""
    async with calling(demo) as alert, socket(demo) as door:
        await door.act(alert["id"], "acknowledge", by="demo")
        found = await current(demo, alert["id"])
        assert found.keys() >= KEYS | {"timeline"}
        assert all(row.keys() == {"time", "what", "step", "channel", "to", "by"} for row in found["timeline"])
        assert [row["time"] for row in found["timeline"]] == sorted(row["time"] for row in found["timeline"])
        taken = [row for row in found["timeline"] if row["what"] == "acknowledged"]
        assert [row["by"] for row in taken] == ["demo"]
        assert {row["what"] for row in found["timeline"]} >= {"happened", "raised", "sent", "acknowledged"}
        sent = [row for row in found["timeline"] if row["what"] == "sent"]
        assert {(row["step"], row["channel"], row["to"]) for row in sent} >= {(1, "page", "demo")}


async def test_words_of_other_rules(demo: Demo) -> None:
    """A fall, a bed that is left, a bath: kinds, concerns and priorities are words of the catalogue."""
    for device, action, wanted in [
        ("kald-01-bad", "press", ("help_call.bath", "self", "emergency")),
        ("fald-02", "fall", ("fall.detected", "fall", "emergency")),
        ("seng-03", "leave_bed", ("bed.left", "presence", "high")),
    ]:
        async with calling(demo, device, action) as alert:
            assert (alert["kind"], alert["concern"], alert["priority"]) == wanted
            assert alert["handling"] in HANDLINGS
        if device == "seng-03":
            sim(demo, device, "enter_bed")
    await close_all(demo)


def test_a_day_after_its_end_nobody_is_named() -> None:
    """Every `by` is null once an alert has been closed for 24 h."""
    one = closed(made())
    assert one.closed is not None
    at = one.raised
    one = replace(
        one, taken=Taken("KL", at, at), present=Present("KL", at, "tag"), closed_by="KL", joined=("AB",),
        asked=("page", "person:AB"), helper="AB", taken_from="CD",
    )  # fmt: skip
    before = document(one, one.closed.plus(timedelta(hours=23, minutes=59)))
    assert (before["taken"]["by"], before["present"]["by"], before["closed_by"]) == ("KL", "KL", "KL")
    after = document(one, one.closed.plus(timedelta(hours=24)))
    assert (after["taken"]["by"], after["present"]["by"], after["closed_by"]) == (None, None, None)
    assert not any(name in repr(after) for name in ("KL", "AB", "CD"))

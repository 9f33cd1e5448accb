"""The contract, "Stream": what server-sent events carry, and nothing missed on the way back."""

from __future__ import annotations

import pytest

from gateway.model.clock import parse_iso
from gateway.model.quantities import named
from support.contract import bearer, browser, calling, current, now, sim, socket
from support.whole_house import Demo

BEAT_S = 5.0


async def test_a_beat_every_five_seconds(demo: Demo) -> None:
    """With the time; it keeps no id, so that a client goes on where it was."""
    async with browser(demo) as door, door.stream() as stream:
        _, first_id, first = await stream.next("beat")
        _, number, beat = await stream.next("beat", "reading")  # readings come to who asks for them
        _, _, again = await stream.next("beat", "reading")
    assert first_id is not None
    assert number is None
    assert parse_iso(first["time"]) < parse_iso(beat["time"]) < parse_iso(again["time"])
    apart_s = (parse_iso(again["time"]) - parse_iso(beat["time"])) / 1e9
    assert BEAT_S - 0.5 < apart_s < 2 * BEAT_S, "late on a busy machine, and never left out"


async def test_an_alert_in_each_of_its_states_with_ids_that_count_up(demo: Demo) -> None:
    """The whole object in its new state."""
    async with browser(demo) as door, door.stream() as stream:
        await stream.next("beat")
        async with calling(demo) as alert:
            _, first, told = await stream.next("alert", id=alert["id"])
            assert told == alert
            await door.act(alert["id"], "acknowledge")
            _, second, taken = await stream.next("alert", id=alert["id"], handling="acknowledged")
            assert taken["rev"] == 2
        _, third, closed = await stream.next("alert", id=alert["id"], handling="resolved")
        assert closed["outcome"] == "checked"
        assert first is not None
        assert second is not None
        assert third is not None
        assert first < second < third


async def test_who_comes_back_gets_what_was_missed(demo: Demo) -> None:
    """`Last-Event-ID` goes on behind it, in order; nothing is told twice."""
    async with browser(demo) as door:
        async with door.stream() as stream:
            _, last, _ = await stream.next("beat")
        async with calling(demo) as alert:
            await door.act(alert["id"], "acknowledge")
        async with door.stream(**{"Last-Event-ID": str(last)}) as stream:
            seen = [await stream.next("alert", id=alert["id"]) for _ in range(3)]
            numbers = [number for _, number, _ in seen]
            assert [state["rev"] for _, _, state in seen] == [1, 2, 3]
            assert numbers == sorted(set(numbers))  # type: ignore[type-var]
        async with door.stream(**{"Last-Event-ID": str(numbers[-1])}) as stream, calling(demo) as other:
            _, _, told = await stream.next("alert")
            assert told["id"] == other["id"]


@pytest.mark.parametrize("last", ["999999999", "nonsense", "-1"])
async def test_who_cannot_be_told_what_was_missed_is_told_to_fetch_everything(demo: Demo, last: str) -> None:
    """`event: reset`, with the id from which to go on."""
    async with browser(demo) as door, door.stream(**{"Last-Event-ID": last}) as stream:
        name, number, _ = await stream.next("reset", "alert", "beat")
        assert name == "reset"
        assert number is not None


async def test_health_where_a_state_changed(demo: Demo) -> None:
    """`event: gateway` is the health: the adapter went, and came back."""
    async with browser(demo) as door, door.stream() as stream:
        await stream.next("beat")
        sim(demo, "adapter", "off")
        while True:
            _, _, health = await stream.next("gateway")
            if health["adapters"][0]["state"] == "off":
                break
        assert (health["schema"], health["level"]) == ("velgate/health/1", "error")
        sim(demo, "adapter", "on")
        while health["adapters"][0]["state"] != "up":
            _, _, health = await stream.next("gateway")


async def test_a_device_in_its_new_state(demo: Demo) -> None:
    """The whole row, as at `GET /api/v1/devices`."""
    async with browser(demo) as door, door.stream() as stream:
        await stream.next("beat")
        sim(demo, "doer-04", "battery", "41")
        _, _, row = await stream.next("device", device="doer-04", battery=41)
        rows = (await door.get("/api/v1/devices")).json["devices"]
        assert row.keys() == next(each for each in rows if each["device"] == "doer-04").keys()
        sim(demo, "doer-04", "battery", "87")


async def test_readings_only_where_they_are_wanted_and_may_be_seen(demo: Demo, token: str) -> None:
    """With `?readings=1` and the right; who lacks it gets what is about nobody."""
    async with browser(demo) as door, door.stream("/api/v1/stream?readings=1") as stream:
        _, _, pulse = await stream.next("reading", quantity="heart_rate")
        assert pulse["schema"] == "velgate/reading/1"
    async with bearer(demo, token) as door, door.stream("/api/v1/stream?readings=1") as stream:
        for _ in range(30):
            _, _, told = await stream.next("reading")
            assert {row.concern.value for row in named(told["quantity"])}.isdisjoint({"presence", "vital"})


async def test_the_socket_streams_too(demo: Demo) -> None:
    """Local programs use the same API."""
    async with socket(demo) as door, door.stream() as stream:
        _, _, beat = await stream.next("beat")
        assert abs(parse_iso(beat["time"]) - parse_iso(now())) < 10e9
        async with calling(demo) as alert:
            _, _, told = await stream.next("alert", id=alert["id"])
            assert told["rev"] == 1
            assert (await current(demo, alert["id"]))["id"] == told["id"]

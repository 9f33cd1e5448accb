"""The contract, the health document: one at every door; what cannot be measured is null."""

from __future__ import annotations

from typing import Any

import orjson

from support.contract import browser, data, retained, sim
from support.eventually import eventually
from support.whole_house import Demo


async def health(demo: Demo) -> dict[str, Any]:
    """Give it over HTTP."""
    found: dict[str, Any] = await demo.get("/api/v1/health")
    return found


def shape(document: object) -> object:
    """Give the keys of a document, all the way down; lists by their first entry."""
    if isinstance(document, dict):
        return {key: shape(value) for key, value in document.items()}
    if isinstance(document, list):
        return [shape(document[0])] if document else []
    return None


async def test_it_is_the_same_at_every_door(demo: Demo) -> None:
    """MQTT, HTTP, the browser's stream and `velgate status --json` have the same keys."""
    over_http = shape(await health(demo))
    assert shape(data(demo, "status")) == over_http
    message = (await retained(demo, "gateway/#"))["gateway/gw-demo/health"]
    assert shape(orjson.loads(message.payload)) == over_http  # type: ignore[arg-type]
    async with browser(demo) as door:
        assert shape((await door.get("/api/v1/health")).json) == over_http


async def test_its_fields(demo: Demo) -> None:
    """Names, words and types, to the letter."""
    found = await health(demo)
    assert (found["schema"], found["gateway"]) == ("velgate/health/1", "gw-demo")
    assert found["level"] in {"ok", "warn", "error"}
    assert found["clock"] in {"synced", "holdover", "unsynced"}
    assert isinstance(found["uptime_s"], int)
    assert [adapter.keys() for adapter in found["adapters"]] == [{"name", "state", "silent_s"}]
    assert found["adapters"][0]["name"] == "hci0"
    for room in found["rooms"]:
        assert room.keys() >= {"name", "state", "restarts", "queue"}
        assert room["state"] in {"running", "restarting", "stopped"}
    assert "intake" in {room["name"] for room in found["rooms"]}
    outlets = {outlet["name"]: outlet for outlet in found["outlets"]}
    assert (outlets["mqtt"]["state"], outlets["influx"]["state"]) == ("up", "off")
    assert all(outlet.keys() >= {"name", "state", "lag", "aside"} for outlet in outlets.values())
    assert found["journal"].keys() >= {"records", "fsync_p99_ms", "disk_free"}
    assert 0 < found["journal"]["disk_free"] <= 1
    assert found["devices"]["known"] >= 24 >= 0 <= found["devices"]["heard"] <= found["devices"]["known"]
    assert found["alerts"].keys() == {"unacknowledged", "acknowledged", "technical"}
    assert found["drivers"] == {"quarantined": []}


async def test_the_states_of_an_adapter(demo: Demo) -> None:
    """`up`, `off`, `gone`; the level is `error` where calls may go unheard."""

    async def adapter(state: str) -> dict[str, Any] | None:
        found = await health(demo)
        return found if found["adapters"][0]["state"] == state else None

    for fault, state, cure in (("off", "off", "on"), ("vanish", "gone", "on")):
        sim(demo, "adapter", fault)
        found = await eventually(lambda state=state: adapter(state))  # type: ignore[misc]
        assert found["level"] == "error"
        sim(demo, "adapter", cure)
        assert await eventually(lambda: adapter("up"))


async def test_healthz_and_readyz_are_plain_and_say_nothing_more(demo: Demo) -> None:
    """200 `ok`, plain text, without details."""
    async with browser(demo, signed_in=False) as door:
        answer = await door.get("/healthz")
        assert (answer.status, answer.text) == (200, "ok")
        assert answer.headers["Content-Type"].startswith("text/plain")
    async with browser(demo) as door:
        answer = await door.get("/readyz")
        assert (answer.status, answer.text) == (200, "ok")
        assert answer.headers["Content-Type"].startswith("text/plain")


async def test_metrics_hold_no_person_and_no_reading(demo: Demo) -> None:
    """Prometheus text."""
    async with browser(demo) as door:
        answer = await door.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    assert all(line.startswith("velgate_") for line in lines)
    assert any(line.startswith("velgate_adapter_up") for line in lines)
    for name in ("kald-01", "klima-01", "room-01", '"demo"', "nat", "temperature"):
        assert not any(name in line for line in lines)

"""The contract, "Readings" and "InfluxDB": what a reading is in the journal, on MQTT, and as a line."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import pytest
from line_protocol_parser import parse_line

from gateway.model.clock import parse_iso
from gateway.model.quantities import ALL, find, named
from gateway.model.readings import Kind
from gateway.outlets.influx_lines import line
from support.contract import bearer, browser, calling, data, now, retained, socket
from support.eventually import eventually
from support.records import record
from support.whole_house import Demo

KEYS = [
    "schema",
    "id",
    "device",
    "place",
    "quantity",
    "kind",
    "value",
    "unit",
    "channel",
    "time",
    "clock",
    "driver",
]
OURS = {
    "body_temperature": "Cel", "heart_rate": "/min", "pulse_rate": "/min", "spo2": "%",
    "systolic_pressure": "mm[Hg]", "diastolic_pressure": "mm[Hg]", "mean_arterial_pressure": "mm[Hg]",
    "body_weight": "kg", "blood_glucose": "mmol/L", "rr_interval": "ms", "signal_strength": "dBm",
    "battery": "%", "temperature": "Cel", "humidity": "%", "mass": "kg", "distance": "m", "volume": "L",
}  # fmt: skip


def test_the_vocabulary() -> None:
    """Names and units that other programs rely on; states and events have words."""
    for name, unit in OURS.items():
        quantity = find(name, Kind.MEASUREMENT)
        assert quantity is not None, name
        assert quantity.unit == unit
    for name in ("bed_occupancy", "tamper", "battery_low", "motion", "opening", "moisture"):
        assert find(name, Kind.STATE) is not None, name
    words = {name: set(find(name, Kind.EVENT).words) for name in ("fall", "help_call")}  # type: ignore[union-attr]
    assert words["fall"] == {"detected", "cancelled"}
    assert words["help_call"] == {"press", "long_press", "double_press", "triple_press", "cancelled"}
    assert named("co2")
    assert not any("camera" in quantity.name or "audio" in quantity.name for quantity in ALL.values())


async def test_a_reading_is_the_same_on_mqtt_and_in_the_history(demo: Demo) -> None:
    """Every key, in its form."""

    async def measured() -> dict[str, Any]:
        kept = await retained(demo, "device/klima-03/+")
        assert {"device/klima-03/temperature", "device/klima-03/acceleration-2"} <= kept.keys()
        return kept

    kept = await eventually(measured)
    told = orjson.loads(kept["device/klima-03/acceleration-2"].payload)
    assert list(told) == KEYS
    assert told["schema"] == "velgate/reading/1"
    assert UUID(told["id"]).version == 7
    assert (told["device"], told["place"]) == ("klima-03", "room-03")
    assert (told["kind"], told["unit"], told["channel"]) == ("measurement", "m/s2", 2)
    assert isinstance(told["value"], float)
    assert told["clock"] in {"synced", "holdover", "unsynced"}
    assert told["driver"] == "ruuvi/1.0.0"
    assert told["time"].endswith("Z")
    assert abs(parse_iso(told["time"]) - parse_iso(now())) < 120e9

    async def in_history() -> bool:
        path = "/api/v1/readings?device=klima-03&quantity=acceleration&limit=1000"
        return told in (await demo.get(path))["readings"]

    await eventually(in_history)


async def test_the_history_is_paged_oldest_first_and_narrowed(demo: Demo) -> None:
    """`device`, `place`, `quantity`, `since`, `until`, `limit`; `next` is the `after` of the next page."""
    async with socket(demo) as door:

        async def enough() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await door.get("/api/v1/readings?place=room-01&limit=1000")).json[
                "readings"
            ]
            assert len(found) > 4
            return found

        every = await eventually(enough)
        assert {each["place"] for each in every} == {"room-01"}
        pages, after = [], ""
        until = every[4]["time"]
        while True:
            path = f"/api/v1/readings?place=room-01&limit=2&until={until}{after}"
            page = (await door.get(path)).json
            assert page.keys() == {"readings", "next"}
            assert len(page["readings"]) <= 2
            pages += page["readings"]
            if page["next"] is None:
                break
            after = f"&after={quote(page['next'])}"
        assert pages == [each for each in every if each["time"] < until]
        assert [each["time"] for each in pages] == sorted(each["time"] for each in pages)
        since = (await door.get(f"/api/v1/readings?place=room-01&since={until}&limit=1")).json["readings"]
        assert since[0]["time"] >= until
        assert (await door.get("/api/v1/readings?device=nobody")).json == {"readings": [], "next": None}
        for wrong in ("since=yesterday", "until=1", "limit=0", "limit=1001", "after=nonsense"):
            answer = await door.get(f"/api/v1/readings?{wrong}")
            assert (answer.status, answer.problem()) == (422, "invalid"), wrong


async def test_values_about_a_person_are_for_those_who_may_see_them(demo: Demo, token: str) -> None:
    """`presence` and `vital` only with `see_values`, and each look is in the audit log."""

    async def there() -> bool:
        async with browser(demo) as door:
            rows = (await door.get("/api/v1/readings?device=hjerte-05&limit=1000")).json["readings"]
        return any(row["quantity"] == "heart_rate" for row in rows)

    await eventually(there)
    async with bearer(demo, token) as door:
        rows = (await door.get("/api/v1/readings?limit=1000")).json["readings"]
        answer = await door.get("/api/v1/readings?quantity=heart_rate")
    concerns = {concern.concern.value for row in rows for concern in named(row["quantity"])}
    assert rows
    assert not concerns & {"presence", "vital"}
    assert (answer.status, answer.problem()) == (403, "not_allowed")
    looked = [entry for entry in _audit(demo) if entry["what"] == "looked_at_values"]
    assert looked
    assert looked[-1]["by"] == "demo"
    assert "room-05" in looked[-1]["detail"]["places"]


def _audit(demo: Demo) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = data(demo, "alert", "audit", "--limit", "1000")["entries"]
    return entries


async def test_an_event_has_a_word_and_no_unit(demo: Demo) -> None:
    """It is in the history like every reading."""
    async with calling(demo) as alert:
        rows = (await demo.get("/api/v1/readings?device=kald-01&quantity=help_call&limit=1000"))["readings"]
    call = next(row for row in rows if row["id"] == alert["readings"][0])
    assert (call["kind"], call["value"], call["unit"], call["channel"]) == ("event", "press", None, None)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (record("heart_rate", 71, unit="/min"), {"value": 71.0}),
        (record("bed_occupancy", True, kind=Kind.STATE), {"state": True}),
        (record("mode", "on the bed", kind=Kind.STATE), {"state": "on the bed"}),
        (record("help_call", "press", kind=Kind.EVENT, channel=2), {"event": "press"}),
    ],
)
def test_a_line_of_influxdb(given: Any, field: dict[str, Any]) -> None:
    """Measurement = quantity; five tags; a field by kind; nanoseconds."""
    text = line(given, municipality="kommune-a", home="solhjem")
    assert text is not None
    read = parse_line(text)
    tags = {"municipality": "kommune-a", "home": "solhjem", "place": given.place, "device": given.device}
    if given.channel is not None:
        tags["channel"] = str(given.channel)
    assert (read["measurement"], read["tags"], read["fields"]) == (given.quantity, tags, field)
    assert read["time"] == given.time_ns

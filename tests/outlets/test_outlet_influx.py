"""The InfluxDB outlet by influxdb-client on real servers, and on one that misbehaves to order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from line_protocol_parser import parse_line

from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Kind, Record
from gateway.outlets.deliver import Delivery, Rows
from gateway.outlets.influx import InfluxOutlet
from gateway.outlets.influx_lines import line
from gateway.outlets.outcome import OutletDown
from gateway.settings.models import Influx, Site
from support.eventually import eventually
from support.influx_servers import FakeV2, influx16, victoria
from support.memory_lane import MemoryLane
from support.records import instant, record

SITE = Site(municipality="kommune-a", home="solhjem", gateway="gw-1")


@contextmanager
def outlet(now: Instant | None = None, **settings: Any) -> Iterator[InfluxOutlet]:
    made = InfluxOutlet(Influx(**settings), SITE, clock=lambda: now or instant())
    try:
        yield made
    finally:
        made.close()


def rows(records: Sequence[Record]) -> Rows[Record]:
    numbered = tuple(enumerate(records, 1))
    return Rows(numbered, len(numbered), len(numbered))


def three_kinds() -> list[Record]:
    return [
        record("heart_rate", 71, unit="/min", device="hjerte-05"),
        record("bed_occupancy", True, kind=Kind.STATE, device="seng-03"),
        record("mode", "on the bed", kind=Kind.STATE, device="seng-03"),
        record("help_call", "press", kind=Kind.EVENT, device="kald-12", channel=2),
    ]


async def test_types_and_nanoseconds_come_back_from_influxdb(tmp_path: Path) -> None:
    """Float, boolean and string fields, tags and the time are those of the contract; twice is once."""
    with influx16(tmp_path) as (server, settings), outlet(**settings) as out:
        kinds = three_kinds()
        assert await out.send(rows(kinds)) == []
        assert await out.send(rows(kinds)) == []
        (rate,) = server.rows("heart_rate")
        assert rate["time"] == kinds[0].time_ns
        assert (rate["value"], rate["device"], rate["place"]) == (71, "hjerte-05", "room-01")
        assert (rate["municipality"], rate["home"]) == ("kommune-a", "solhjem")
        assert server.rows("bed_occupancy")[0]["state"] is True
        assert server.rows("mode")[0]["state"] == "on the bed"
        (call,) = server.rows("help_call")
        assert (call["event"], call["channel"]) == ("press", "2")


async def test_a_type_conflict_sets_the_bad_row_aside_and_keeps_the_others(tmp_path: Path) -> None:
    """A partial write by the real server: all good lines are stored, the bad one is named."""
    with influx16(tmp_path) as (server, settings), outlet(**settings) as out:
        await out.send(rows([record("mode", True, kind=Kind.STATE)]))
        many = [record("mode", bool(n % 2), kind=Kind.STATE, at=instant(n)) for n in range(1, 41)]
        many[17] = record("mode", "asleep", kind=Kind.STATE, at=instant(100))
        (refused,) = await out.send(rows(many))
        assert (refused.seq, refused.id) == (18, many[17].id)
        assert refused.reason == "400: field type conflict"
        assert len(server.rows("mode")) == 40


async def test_wrong_token_and_unknown_database_stop_the_cursor(tmp_path: Path) -> None:
    """401 and 404 are for the technician to mend; nothing is set aside."""
    with influx16(tmp_path) as (_, settings):
        with outlet(**settings | {"token": "velgate:wrong"}) as out, pytest.raises(OutletDown, match="401"):
            await out.send(rows([record()]))
        with (
            outlet(**settings | {"bucket": "nowhere/care"}) as out,
            pytest.raises(OutletDown, match="404"),
        ):
            await out.send(rows([record()]))


async def test_a_batch_that_is_too_large_for_the_server_is_halved(tmp_path: Path) -> None:
    """413 by the real server's own limit."""
    with influx16(tmp_path, max_body=4_000) as (server, settings), outlet(**settings) as out:
        many = [record(value=float(n), at=instant(n)) for n in range(300)]
        assert await out.send(rows(many)) == []
        assert len(server.rows("temperature")) == 300


async def test_victoria_metrics_takes_measurements_and_boolean_states(tmp_path: Path) -> None:
    """The client's real path, unshimmed; words are lost there, as the documentation says."""
    with victoria(tmp_path) as (url, read), outlet(url=url) as out:
        assert await out.send(rows(three_kinds())) == []
        (rate,) = await eventually(lambda: read("heart_rate_value"))
        assert rate["values"] == [71]
        assert rate["metric"]["device"] == "hjerte-05"
        assert (await eventually(lambda: read("bed_occupancy_state")))[0]["values"] == [1]


async def test_400_401_413_429_503_hang_then_204_lose_nothing_and_keep_the_order() -> None:
    """The whole sequence through a delivery: every row arrives, the poisoned one is set aside."""
    fake = FakeV2()
    fake.poison = "quantity-that-is-refused"
    fake.max_lines = 3
    fake.script = [(401, {}), (413, {}), (429, {"Retry-After": "1"}), (503, {}), (0, {})]
    lane = MemoryLane[Record]("influx/readings")
    good = [record(value=float(n), at=instant(n)) for n in range(10)]
    bad = record("quantity-that-is-refused", 1.0)
    lane.append(*good[:5], bad, *good[5:])
    with fake.running() as url, outlet(url=url) as out:
        delivery = Delivery(lane, out.send, tell=lambda _: None, random=Random(1), pause_max_s=0.5)
        task = asyncio.create_task(delivery.run())
        await eventually(lambda: 0 in fake.statuses)
        fake.release.set()
        await eventually(lambda: lane.cursor == 11)
        task.cancel()
    assert [point["fields"]["value"] for point in fake.taken] == [float(n) for n in range(10)]
    assert [refused.id for refused in lane.aside] == [bad.id]
    assert fake.statuses[0] == 401
    assert {413, 429, 503, 0, 400, 204} <= set(fake.statuses)


async def test_retry_after_of_the_server_reaches_the_delivery() -> None:
    """429 and 503 may say when to come again."""
    for status in (429, 503):
        fake = FakeV2()
        fake.script = [(status, {"Retry-After": "77"})]
        with fake.running() as url, outlet(url=url) as out:
            with pytest.raises(OutletDown) as down:
                await out.send(rows([record()]))
            assert down.value.retry_after_s == 77


async def test_nobody_listening_is_down_not_lost() -> None:
    """A refused connection names the server."""
    with outlet(url="http://127.0.0.1:9") as out, pytest.raises(OutletDown, match=r"127\.0\.0\.1:9"):
        await out.send(rows([record()]))


async def test_measurements_of_an_unsynced_boot_wait_for_the_clock_and_events_do_not() -> None:
    """A point with a wrong time can never be mended, so it waits; ten minutes at most."""
    young = instant(quality=ClockQuality.UNSYNCED)
    fake = FakeV2()
    with fake.running() as url:
        for now, waits in ((instant(60, quality=ClockQuality.UNSYNCED), True), (instant(601), False)):
            with outlet(now, url=url) as out:
                event = record("help_call", "press", kind=Kind.EVENT, at=young)
                assert await out.send(rows([event])) == []
                if waits:
                    with pytest.raises(OutletDown, match="clock"):
                        await out.send(rows([record(at=young)]))
                else:
                    assert await out.send(rows([record(at=young)])) == []


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(device=words, word=words, channel=st.none() | st.integers(1, 99))
def test_any_text_makes_a_line_that_an_independent_parser_reads(
    device: str, word: str, channel: int | None
) -> None:
    """Slugs keep us safe in practice; whatever comes, one record is one line."""
    text = line(
        record("mode", word, kind=Kind.STATE, device=device, channel=channel), municipality="a", home="b"
    )
    assert text is not None
    if "\n" in word or "\r" in word or any(ord(c) < 32 for c in device + word):
        return  # the parser reads line by line; control characters are tested by their count below
    parsed = parse_line(text)
    assert parsed["fields"]["state"] == word
    assert parsed["measurement"] == "mode"


@given(st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=False))
def test_every_number_is_a_float_field_or_no_line(value: float) -> None:
    """NaN and infinity have no place in the protocol."""
    text = line(record(value=value), municipality="a", home="b")
    if text is None:
        assert value != value or abs(value) == float("inf")
    else:
        assert parse_line(text)["fields"]["value"] == value

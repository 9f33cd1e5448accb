"""The resident says no: nothing of it leaves by any outlet any more, not even what waited."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.app.lawful import lawful
from gateway.model.alert import Concern
from gateway.model.readings import Kind, Record
from gateway.outlets.deliver import Rows
from gateway.outlets.outcome import Refused
from support.contract import calling, cli, heard, listening, retained, sim, socket
from support.eventually import eventually
from support.records import record
from support.whole_house import Demo, demo_running

BED = "device/seng-03/bed_occupancy"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run a home in which nothing happens by itself."""
    folder = tmp_path_factory.mktemp("law")
    with demo_running(folder, "--quiet", state=folder / "st") as running:
        yield running


async def beds(demo: Demo, since: str) -> list[dict[str, Any]]:
    """Give what the history has of the bed, to somebody who may see values."""
    query = f"device=seng-03&quantity=bed_occupancy&since={since}&by=demo&limit=1000"
    rows: list[dict[str, Any]] = (await demo.get(f"/api/v1/readings?{query}"))["readings"]
    return rows


async def test_an_objection_is_in_force_at_every_outlet(demo: Demo) -> None:
    """MQTT, what it retains, the stream and the history; the page lists the rule, and the right is told."""
    began = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def published() -> bool:
        return BED in await retained(demo, "device/seng-03/#")

    await eventually(published)
    async with (
        socket(demo) as door,
        listening(demo, "device/seng-03/#", "device/kald-01/#") as client,
        door.stream("/api/v1/tail?by=demo") as stream,
    ):
        answer = await door.ask(
            "DELETE", "/api/v1/basis", {"place": "room-03", "concern": "presence", "by": "demo"}
        )
        assert answer.status == 200, answer.text
        assert (await heard(client, BED)).payload == b""
        assert await beds(demo, began) == []  # also what was kept before is shown to nobody any more
        sim(demo, "seng-03", "leave_bed")
        sim(demo, "seng-03", "enter_bed")
        async with calling(demo, "kald-01"):  # what comes after them has come through everywhere
            async for message in client.messages:
                assert not (str(message.topic).endswith(BED) and message.payload)
                if "kald-01/help_call" in str(message.topic):
                    break
            while True:
                _, _, told = await stream.next("reading", within_s=30)
                assert told["quantity"] != "bed_occupancy" or told["device"] != "seng-03"
                if told["quantity"] == "help_call":
                    break
        assert await beds(demo, began) == []
        assert not await published()
        rows = (await door.get("/api/v1/basis")).json["no_basis"]
        assert {row["standing"] for row in rows if row["place"] == "room-03"} == {"withdrawn"}
        kinds = {each["kind"] for each in (await demo.get("/api/v1/alerts?state=open"))["alerts"]}
        assert "basis.objected" in kinds
    shown = cli(demo, "basis", "verify")
    assert shown.returncode == 1
    assert "room-03" in shown.stderr


async def test_only_the_right_lifts_it_but_for_a_minute_who_tapped(demo: Demo) -> None:
    """By the command line: somebody else may not, who did it may, who has the right may at any time."""
    assert cli(demo, "basis", "withdraw", "room-04", "presence", "--by", "nat").returncode == 0
    add = ("basis", "add", "room-04", "presence", "--kind", "consent", "--until", "2030-01-01", "--by", "nat")
    assert cli(demo, *add).returncode == 6
    assert cli(demo, "basis", "withdraw", "room-04", "presence", "--undo", "--by", "nat").returncode == 0
    assert cli(demo, "basis", "withdraw", "room-04", "presence", "--undo", "--by", "nat").returncode == 4
    listed = json.loads(cli(demo, "basis", "list", "--place", "room-04", "--json").stdout)
    assert listed["no_basis"] == []


class Sent:
    """An outlet that takes everything."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.rows: list[int] = []

    async def __call__(self, rows: Rows[Record]) -> Sequence[Refused]:
        """Take them."""
        self.rows += [seq for seq, _ in rows.rows]
        return []


async def test_what_waited_for_an_outlet_does_not_leave_after_the_objection() -> None:
    """Of that concern at that place; the rest goes, and the cursor moves past all of it."""
    bed = record("bed_occupancy", True, kind=Kind.STATE, device="seng-03", place="room-03")
    other, room = replace(bed, place="room-04"), record(place="room-03")
    objected: set[tuple[str, Concern]] = set()
    sent = Sent()
    send = lawful(sent, lambda place, concern: (place, concern) not in objected)
    rows = Rows(((1, bed), (2, other), (3, room)), 3, 3)
    await send(rows)
    objected.add(("room-03", Concern.PRESENCE))
    await send(rows)
    assert sent.rows == [1, 2, 3, 2, 3]

"""The resident says no: nothing of it leaves by any outlet any more, and the person responsible is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from support.contract import calling, cli, heard, listening, retained, sim, socket
from support.eventually import eventually
from support.whole_house import Demo

BED = "device/seng-03/bed_occupancy"


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
                _, _, told = await stream.next("reading")
                assert told["quantity"] != "bed_occupancy" or told["device"] != "seng-03"
                if told["quantity"] == "help_call":
                    break
        assert await beds(demo, began) == []
        assert not await published()
        rows = (await door.get("/api/v1/basis")).json["no_basis"]
        assert {row["standing"] for row in rows if row["place"] == "room-03"} == {"withdrawn"}
        shown = cli(demo, "basis", "verify")
        assert shown.returncode == 1
        assert "room-03" in shown.stderr
        kinds = {each["kind"] for each in (await demo.get("/api/v1/alerts?state=open"))["alerts"]}
        assert "basis.objected" in kinds
        answer = await door.post(
            "/api/v1/basis",
            {
                "place": "room-03",
                "concern": "presence",
                "kind": "consent",
                "until": "2030-01-01",
                "by": "demo",
            },
        )
        assert answer.status == 201, answer.text
    sim(demo, "seng-03", "leave_bed")
    await eventually(published)
    sim(demo, "seng-03", "enter_bed")

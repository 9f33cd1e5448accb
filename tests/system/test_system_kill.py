"""`kill -9` at the worst moments of an alarm: nothing lost, nothing doubled, nothing told that was taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson

from support.eventually import eventually
from support.whole_house import demo_running, heard, start_demo

HOME = "velgate/v1/demo/home"


async def test_killed_between_press_and_acknowledgement_the_alert_is_there_again_once(tmp_path: Path) -> None:
    """The same alert by its id, open, with one count; taking and closing it works after the restart."""
    state = tmp_path / "kept"
    demo = start_demo(tmp_path / "first", "--quiet", state=state)
    demo.sim("kald-01", "press")
    before = await demo.alert_of("kald-01")
    demo.kill()
    with demo_running(tmp_path / "second", "--quiet", state=state) as again:
        after = await again.alert_of("kald-01")
        assert after["id"] == before["id"]
        assert (after["count"], after["handling"]) == (1, "unacknowledged")
        path = f"/api/v1/alerts/{after['id']}"
        status, taken = await again.post(f"{path}/acknowledge", by="demo")
        assert (status, taken["handling"], taken["taken"]["by"]) == (200, "acknowledged", "demo")
        status, _ = await again.post(f"{path}/presence", by="demo", how="page")
        assert status == 200
        status, closed = await again.post(f"{path}/resolve", by="demo", outcome="assisted")
        assert (status, closed["handling"], closed["outcome"]) == (200, "resolved", "assisted")


async def test_killed_after_the_acknowledgement_it_stays_taken_and_is_told_to_nobody(tmp_path: Path) -> None:
    """Who has it is kept; the restart escalates nothing."""
    state = tmp_path / "kept"
    demo = start_demo(tmp_path / "first", "--quiet", state=state)
    demo.sim("kald-01-bad", "press")
    alert = await demo.alert_of("kald-01-bad")
    assert (alert["kind"], alert["priority"]) == ("help_call.bath", "emergency")
    status, _ = await demo.post(f"/api/v1/alerts/{alert['id']}/acknowledge", by="demo")
    assert status == 200
    demo.kill()
    with demo_running(tmp_path / "second", "--quiet", state=state) as again:
        after = await again.alert_of("kald-01-bad")
        assert (after["id"], after["handling"]) == (alert["id"], "acknowledged")
        assert after["taken"]["by"] == "demo"
        timeline = (await again.get(f"/api/v1/alerts/{alert['id']}"))["timeline"]
        taken_at = next(row["time"] for row in timeline if row["what"] == "acknowledged")
        assert not [row for row in timeline if row["what"] == "sent" and row["time"] > taken_at]


async def test_killed_in_the_middle_of_a_press_it_counts_once(tmp_path: Path) -> None:
    """The burst goes on while the gateway restarts on the same radio: neither repeated nor swallowed."""
    state = tmp_path / "kept"
    demo = start_demo(tmp_path / "first", "--quiet", state=state)
    await eventually(lambda: demo.get("/api/v1/devices"))
    for _ in range(2):
        demo.sim("kald-01", "press")
    await eventually(lambda: _counted(demo, 2))
    demo.kill()
    with demo_running(tmp_path / "second", "--quiet", state=state) as again:
        assert (await again.alert_of("kald-01"))["count"] == 2
        again.sim("kald-01", "press")
        await eventually(lambda: _counted(again, 3))


async def _counted(demo, count: int) -> bool:  # type: ignore[no-untyped-def]
    found = [one for one in await demo.alerts() if one["device"] == "kald-01"]
    return bool(found) and found[0]["count"] == count


async def test_the_will_says_offline_and_the_restart_says_online(tmp_path: Path) -> None:
    """Nobody is left believing that a dead gateway listens: its broker lives on here, as in a real home."""
    state = tmp_path / "kept"
    demo = start_demo(tmp_path / "first", "--quiet", state=state)
    async with demo.mqtt() as client:
        await client.subscribe(f"{HOME}/gateway/gw-demo/status", qos=1)
        assert orjson.loads((await heard(client, "#")).payload)["state"] == "online"
        stop = asyncio.to_thread(demo.stop)
        status, _ = await asyncio.gather(heard(client, "#"), stop)
        assert orjson.loads(status.payload)["state"] == "offline"

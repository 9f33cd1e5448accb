"""The contract, `velgate-sim`: a program of its own, and what can be done to its devices."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.contract import calling, close_all, current, sim
from support.eventually import eventually
from support.whole_house import BIN, Demo


def test_it_runs_by_itself_and_says_where(tmp_path: Path) -> None:
    """The ready line first, null for what does not apply; `--seconds` ends it with 0; load on demand."""
    done = subprocess.run(
        [str(BIN / "velgate-sim"), "run", "--json", "--seconds", "1", "--quiet", "--seed", "7",
         "--rate", "2", "--devices", "20"],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ready = json.loads(done.stdout.splitlines()[0])
    assert ready.keys() >= {"event", "board", "sign_in", "socket", "mqtt", "root", "state", "config"}
    assert (ready["event"], ready["board"], ready["mqtt"], ready["sign_in"]) == ("ready", None, None, None)
    assert ready["bus"].startswith("unix:path=")
    assert ready["control"].startswith("unix:path=")


@pytest.mark.parametrize(
    ("device", "action", "kind", "priority"),
    [
        ("kald-01", "press", "help_call.press", "high"),
        ("kald-01", "long_press", "help_call.long_press", "emergency"),
        ("kald-01", "triple_press", "help_call.triple_press", "emergency"),
        ("kald-01-bad", "press", "help_call.bath", "emergency"),
        ("fald-02", "fall", "fall.detected", "emergency"),
        ("seng-03", "leave_bed", "bed.left", "high"),
        ("doer-04", "open", "door.opened", "high"),
        ("kald-07", "press", "help_call.press", "high"),
        ("sos-09", "press", "help_call.press", "high"),
    ],
)
async def test_what_a_device_does_becomes_an_alert(
    demo: Demo, device: str, action: str, kind: str, priority: str
) -> None:
    """Each by its own path through radio, driver and rules."""
    async with calling(demo, device, action) as alert:
        assert (alert["device"], alert["kind"], alert["priority"]) == (device, kind, priority)
    undo = {"leave_bed": "enter_bed", "open": "close"}.get(action)
    if undo:
        sim(demo, device, undo)
        await close_all(demo)


async def test_cancel_is_shown_and_changes_nothing_else(demo: Demo) -> None:
    """People close calls and falls."""
    async with calling(demo, "fald-02", "fall") as alert:
        sim(demo, "fald-02", "cancel")

        async def cancelled() -> dict[str, Any] | None:
            found = await current(demo, alert["id"])
            return found if found["cancelled_at"] else None

        found = await eventually(cancelled)
        assert found is not None
        assert (found["handling"], found["condition"]) == ("unacknowledged", "present")


async def test_a_low_battery_is_a_technical_alert(demo: Demo) -> None:
    """`battery 4`, heard with whatever the device says next."""

    async def low() -> bool:
        alerts = (await demo.get("/api/v1/alerts?state=open&limit=1000"))["alerts"]
        return any((each["kind"], each["device"]) == ("battery.low", "kald-01") for each in alerts)

    sim(demo, "kald-01", "battery", "4")
    async with calling(demo):
        await eventually(low)
    sim(demo, "kald-01", "battery", "90")


async def test_silence_and_wake_and_measure(demo: Demo) -> None:
    """A device that says nothing is heard no more until it wakes; a thermometer speaks when it is used."""
    sim(demo, "klima-09", "silence")
    sim(demo, "klima-09", "wake")
    sim(demo, "termo-06", "measure")

    async def measured() -> bool:
        rows = (await demo.get("/api/v1/devices"))["devices"]
        return any(row["device"] == "termo-06" and row["last_seen"] for row in rows)

    await eventually(measured)

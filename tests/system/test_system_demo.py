"""`velgate demo`, as a newcomer types it: ready, alive, gone again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import orjson

from support.eventually import eventually, eventually_blocking
from support.whole_house import Demo, demo_running, heard, processes_with, start_demo, velgate


def test_ready_line_comes_first_and_seconds_end_it(tmp_path: Path) -> None:
    """One JSON line once everything answers, exit code 0, and nothing left running or lying about."""
    demo = start_demo(tmp_path, "--seconds", "3", "--quiet", VELGATE_TEST_MARK=str(tmp_path))
    assert set(demo.ready) >= {
        "event", "board", "sign_in", "socket", "mqtt", "root", "state", "config", "bus", "control",
    }  # fmt: skip
    assert demo.ready["event"] == "ready"
    assert demo.ready["root"] == "velgate/v1/demo/home"
    assert demo.process.wait(30) == 0
    assert len((tmp_path / "stdout").read_text().splitlines()) == 1
    eventually_blocking(lambda: processes_with(str(tmp_path)) == [])
    assert not Path(demo.state).exists()


def test_ctrl_c_ends_everything_in_under_ten_seconds(tmp_path: Path) -> None:
    """No process stays behind: no broker, no simulator, no bus."""
    demo = start_demo(tmp_path, "--quiet", VELGATE_TEST_MARK=str(tmp_path))
    assert len(processes_with(str(tmp_path))) >= 3
    assert demo.stop(signal.SIGINT) == 0
    eventually_blocking(lambda: processes_with(str(tmp_path)) == [])


def test_a_killed_demo_takes_its_children_with_it(tmp_path: Path) -> None:
    """Not even `kill -9` leaves a broker that holds the port."""
    demo = start_demo(tmp_path, "--quiet", VELGATE_TEST_MARK=str(tmp_path))
    demo.kill()
    eventually_blocking(lambda: processes_with(str(tmp_path)) == [])


async def test_the_home_is_heard_published_and_kept(tmp_path: Path) -> None:
    """At least 24 devices of three kinds of source; readings on MQTT and in the history."""
    with demo_running(tmp_path, "--quiet") as demo:
        devices = (await demo.get("/api/v1/devices"))["devices"]
        assert len(devices) >= 24
        names = {device["device"] for device in devices}
        wanted = {"kald-01", "kald-01-bad", "fald-02", "seng-03", "doer-04", "hjerte-05", "termo-06"}
        assert names >= wanted | {f"klima-{n:02d}" for n in range(1, 13)}

        async def all_heard() -> bool:
            rows = (await demo.get("/api/v1/devices"))["devices"]
            silent = {row["device"] for row in rows if row["last_seen"] is None}
            return silent <= {"termo-06"}  # a thermometer speaks when somebody measures

        await eventually(all_heard)
        demo.sim("termo-06", "measure")
        async with demo.mqtt() as client:
            await client.subscribe("velgate/v1/demo/home/device/#", qos=1)
            rate = await heard(client, "velgate/v1/demo/home/device/hjerte-05/heart_rate")
            assert orjson.loads(rate.payload)["unit"] == "/min"
            warm = await heard(client, "velgate/v1/demo/home/device/termo-06/body_temperature", 20)
            assert orjson.loads(warm.payload)["unit"] == "Cel"

        async def kept() -> bool:
            page = await demo.get("/api/v1/readings?device=klima-02&quantity=temperature")
            return bool(page["readings"])

        await eventually(kept)
        done = velgate("status", "--json", "--state", demo.state)
        health = json.loads(done.stdout)
        assert done.returncode == 0
        assert health["devices"]["known"] == len(devices)
        assert health["adapters"][0]["state"] == "up"


async def test_a_signed_in_browser_client_sees_what_mqtt_sees(tmp_path: Path) -> None:
    """The same alert, by its id, over HTTP with a session and on MQTT, retained, with its properties."""
    with demo_running(tmp_path, "--quiet") as demo:
        async with demo.mqtt() as client:
            await client.subscribe("velgate/v1/demo/home/alert/+", qos=1)
            demo.sim("kald-01", "press")
            message = await heard(client, "velgate/v1/demo/home/alert/+")
        told = orjson.loads(message.payload)
        assert message.properties is not None
        assert message.properties.ContentType == "application/json"
        assert ("schema", "velgate/alert/1") in message.properties.UserProperty
        assert not hasattr(message.properties, "MessageExpiryInterval")
        assert told["key"] == "help-call/kald-01"
        assert told["title"] == {"da": "Kald – Bolig 1", "en": "Call – Bolig 1"}
        async with demo.mqtt() as late:
            await late.subscribe(f"velgate/v1/demo/home/alert/{told['id']}", qos=1)
            assert (await heard(late, "velgate/v1/demo/home/alert/+")).retain
        await signed_in(demo, told["id"])


async def signed_in(demo: Demo, alert: str) -> None:
    """Look at an alert as a person over TCP."""
    import aiohttp

    board = demo.ready["board"]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(f"{board}api/v1/alerts") as refused:
            assert refused.status == 401
        async with browser.post(f"{board}api/v1/session", json=demo.ready["sign_in"]) as answer:
            assert answer.status == 204
        async with browser.get(f"{board}api/v1/alerts/{alert}") as answer:
            document = await answer.json()
            assert (document["id"], document["handling"]) == (alert, "unacknowledged")
            assert document["timeline"]


def test_a_second_gateway_on_the_same_state_is_refused(tmp_path: Path) -> None:
    """Exit code 6, and the first goes on."""
    with demo_running(tmp_path, "--quiet") as demo:
        done = velgate("run", "--config", demo.ready["config"], "--state", demo.state)
        assert done.returncode == 6
        assert "Traceback" not in done.stderr
        assert demo.process.poll() is None
        assert Path(demo.ready["socket"]).exists()

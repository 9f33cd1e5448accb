"""The whole gateway with channels outside: from a press to a mail and an SMS, what it loads, and trials."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from support.eventually import eventually
from support.gateway_process import PERSON, Gateway, home
from support.services import Mail, Web, mail_service, web_service

HEAVY = ("apprise", "requests", "yaml", "urllib3", "influxdb_client", "icalendar", "dateutil", "http_ece")
"""What a gateway never loads for its channels: memory and seconds of import, beside the alarm path."""
SECRET = "hemmelig-noegle-42"


def settings(web: Web, mail: Mail) -> dict[str, Any]:
    """Configure an SMS gateway in the home, a mail, one that hangs, and a channel that is wrong."""
    urls = {
        "sms": f"smseagle://{SECRET}@127.0.0.1:{web.port}/4520202020",
        "mail": f"mailto://solhjem.example:{mail.port}?smtp=127.0.0.1&from=velgate@solhjem.example&to=vagt@solhjem.example",
        "slow": f"ntfy://127.0.0.1:{web.port}/langsom",
        "wrong": "tgram://hemmelig",
    }
    targets = ["page", *(f"channel:{name}" for name in ("slow", "wrong", "mail", "sms"))]
    steps = [{"targets": targets, "after": "3m"}]
    kinds: dict[str, Any] = {name: {"kind": "apprise", "timeout": "5m"} for name in urls}
    return {
        "channel": kinds,
        "alerts": {"policies": {"call": {"steps": steps}}},
        "secrets": {"channel": {name: {"apprise_url": url} for name, url in urls.items()}},
    }


def loaded_by(gateway: Gateway) -> set[str]:
    """Give what the gateway's own process has imported, as Python itself reported it."""
    return {
        line.rpartition("|")[2].strip()
        for line in gateway.log().splitlines()
        if line.startswith("import time:")
    }


async def velgate(gateway: Gateway, *arguments: str) -> tuple[int, str, str]:
    """Run a command on a running gateway."""
    command = [sys.executable, "-m", "gateway.cli", *arguments, "--state", str(gateway.state)]
    env = {**os.environ, "VELGATE_BY": PERSON, "COLUMNS": "200"}
    pipe = asyncio.subprocess.PIPE
    done = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=env)
    out, err = await done.communicate()
    return done.returncode or 0, out.decode(), err.decode()


def sent_to(web: Web, path: str) -> list[bytes]:
    """Give what came to a path."""
    return [got.body for got in web.got if got.target.startswith(path)]


async def test_a_press_reaches_mail_and_sms_beside_channels_that_hang_and_fail(tmp_path: Path) -> None:
    """And nothing heavy is in the gateway; its sending process may die; trials say what came of them."""
    async with web_service() as web, mail_service() as mail:
        web.answers = lambda _got: {"result": {"message_id": 748, "status": "ok"}}
        web.hangs = {"/langsom"}
        with home(tmp_path, settings=settings(web, mail), broker=False) as house:
            gateway = house.start(env={"PYTHONPROFILEIMPORTTIME": "1"})
            house.do("kald-01", "press")
            alert = await gateway.alert_of("kald-01")
            await eventually(lambda: mail.got and sent_to(web, "/jsonrpc/sms"))
            assert (
                "Kald – Bolig 01. Gå til boligen."
                in json.loads(sent_to(web, "/jsonrpc/sms")[0])["params"]["message"]
            )
            assert b"Bolig 01: Haster" in (mail.got[0].content or b""), "outside the home: place and urgency"
            assert b"Kald" not in bytes(mail.got[0].content or b"")
            rows = await eventually(lambda: _rows(gateway, alert["id"], {"mail", "sms"}))
            assert rows

            names = loaded_by(gateway)
            assert "gateway.alerts.channels.courier" in names
            assert not [name for name in names if name.partition(".")[0] in HEAVY]

            trouble = await gateway.trouble("channel.failing")
            assert "telegram" in trouble["detail"]
            assert SECRET not in gateway.log()

            await _trials(gateway, web)
            await _dies_and_comes_back(gateway, web)


async def _rows(gateway: Gateway, alert: str, wanted: set[str]) -> bool:
    timeline = (await gateway.get(f"/api/v1/alerts/{alert}"))["timeline"]
    return wanted <= {entry["channel"] for entry in timeline if entry["what"] == "sent"}


async def _trials(gateway: Gateway, web: Web) -> None:
    """`velgate channel list` and `test`, as a technician runs them."""
    before = len(sent_to(web, "/jsonrpc/sms"))
    code, _, said = await velgate(gateway, "channel", "test", "sms")
    assert code == 0, said
    assert re.match(r"sms: sent in \d+ ms", said)
    message = json.loads(sent_to(web, "/jsonrpc/sms")[before])["params"]["message"]
    assert message.startswith("PRØVE – besked fra ")
    code, out, _ = await velgate(gateway, "channel", "test", "wrong", "--json")
    assert code == 1
    tried = json.loads(out)
    assert (tried["state"], tried["lasting"], tried["reason"]) == (
        "failed",
        True,
        "its URL is not one of telegram",
    )
    code, _, said = await velgate(gateway, "channel", "test", "nosuch")
    assert code == 4, said
    code, out, _ = await velgate(gateway, "channel", "list", "--json")
    assert code == 0
    rows = {row["channel"]: row for row in json.loads(out)["channels"]}
    assert rows.keys() == {"sms", "mail", "slow", "wrong"}
    assert (rows["sms"]["way"], rows["sms"]["detail"], rows["sms"]["tried"]["ok"]) == (
        "smseagle",
        "full",
        True,
    )
    assert (rows["mail"]["way"], rows["mail"]["detail"], rows["mail"]["tried"]) == ("email", "short", None)
    assert SECRET not in out
    code, out, err = await velgate(gateway, "channel", "list")
    assert code == 0
    assert "its URL is not one of telegram" in out
    assert "4 channels" in err


async def _dies_and_comes_back(gateway: Gateway, web: Web) -> None:
    """`kill -9` of the sending process: the next message goes out by a new one."""
    child = _child_of(gateway)
    assert SECRET.encode() not in Path(f"/proc/{child}/cmdline").read_bytes()
    assert SECRET.encode() not in Path(f"/proc/{child}/environ").read_bytes()
    os.kill(child, signal.SIGKILL)
    before = len(sent_to(web, "/jsonrpc/sms"))

    async def sent() -> bool:
        return (await velgate(gateway, "channel", "test", "sms"))[0] == 0

    await eventually(sent)
    assert len(sent_to(web, "/jsonrpc/sms")) > before
    assert await eventually(lambda: _child_of(gateway)) != child
    health = await gateway.get("/api/v1/health")
    rooms = {room["name"]: room["state"] for room in health["rooms"]}
    assert (rooms["courier"], rooms["alerts"]) == ("running", "running")


def _child_of(gateway: Gateway) -> int:
    """Find the sending process."""
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        with suppress(OSError):
            if b"gateway.alerts.channels.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return 0

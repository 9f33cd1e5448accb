"""The whole gateway as people run it: `velgate demo` as a child, its devices steered by `velgate-sim`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt

from support.children import die_with_parent
from support.eventually import WITHIN_S, eventually, eventually_blocking

BIN = Path(sys.executable).parent
READY_WITHIN_S = 90.0


def velgate(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [str(BIN / "velgate"), *arguments], capture_output=True, text=True, timeout=60, check=False, **more
    )


@dataclass
class Demo:
    """One life of `velgate demo --json`."""

    process: subprocess.Popen[bytes]
    folder: Path
    ready: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The gateway's state folder."""
        return str(self.ready["state"])

    def sim(self, *words: str) -> None:
        """Act on a simulated device."""
        done = subprocess.run(
            [str(BIN / "velgate-sim"), "do", *words, "--control", self.ready["control"]],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def log(self) -> str:
        """What it has said on stderr."""
        return (self.folder / "stderr").read_text(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(WITHIN_S)

    # What it answers

    def client(self) -> aiohttp.ClientSession:
        """A client over the Unix socket, as the command line has it."""
        return aiohttp.ClientSession(connector=aiohttp.UnixConnector(self.ready["socket"]))

    async def get(self, path: str) -> Any:
        """Get a document over the socket."""
        async with self.client() as client, client.get(f"http://gateway{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        """Post over the socket; gives status and document."""
        async with self.client() as client, client.post(f"http://gateway{path}", json=body) as answer:
            return answer.status, await answer.json() if answer.content_length != 0 else None

    async def alerts(self, state: str = "open") -> list[dict[str, Any]]:
        """Give the alerts, without technical ones."""
        every = (await self.get(f"/api/v1/alerts?state={state}"))["alerts"]
        return [one for one in every if one["concern"] != "technical"]

    async def alert_of(self, device: str) -> dict[str, Any]:
        """Wait for the one open alert of a device."""

        async def look() -> dict[str, Any] | None:
            found = [one for one in await self.alerts() if one["device"] == device]
            assert len(found) <= 1, found
            return found[0] if found else None

        found = await eventually(look)
        assert found is not None
        return found

    def mqtt(self) -> aiomqtt.Client:
        """A client of the demo's broker that is not the gateway's."""
        where = self.ready["mqtt"]
        return aiomqtt.Client(
            where["host"],
            where["port"],
            username=where["username"],
            password=where["password"],
            protocol=aiomqtt.ProtocolVersion.V5,
        )


def start_demo(folder: Path, *options: str, state: Path | None = None, **env: str) -> Demo:
    """Start the demo and wait for its ready line. What needs no `state` leaves nothing behind."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(BIN / "velgate"), "demo", "--json", *options]
    if state is not None:
        command += ["--state", str(state)]
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("ab") as err:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=os.environ | env,
            preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
        )
    demo = Demo(process, folder)

    def first_line() -> dict[str, Any] | None:
        text = (folder / "stdout").read_text()
        if process.poll() is not None and "\n" not in text:
            raise RuntimeError(f"the demo ended with {process.returncode}:\n{demo.log()}")
        document: dict[str, Any] | None = json.loads(text.splitlines()[0]) if "\n" in text else None
        return document

    ready = eventually_blocking(first_line, within_s=READY_WITHIN_S)
    assert ready is not None
    demo.ready = ready
    return demo


@contextmanager
def demo_running(folder: Path, *options: str, state: Path | None = None, **env: str) -> Iterator[Demo]:
    """Run the demo for the length of the block."""
    demo = start_demo(folder, *options, state=state, **env)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.stop()


def processes_with(word: str) -> list[int]:
    """Give the processes whose command line or environment holds a word."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if word.encode() in text and state != "Z":
            found.append(int(entry.name))
    return found


async def heard(client: aiomqtt.Client, topic: str, within_s: float = WITHIN_S) -> aiomqtt.Message:
    """Wait for a message on a topic (after subscribing)."""
    async with asyncio.timeout(within_s):
        async for message in client.messages:
            if message.topic.matches(topic):
                return message
    raise AssertionError("the stream of messages ended")

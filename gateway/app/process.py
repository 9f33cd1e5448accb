"""The process around the house: logging, signals, the ready line, stopping in time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import orjson

from gateway.app.house import House
from gateway.app.running import Running
from gateway.board.serve import Doors
from gateway.health.clock import SystemClock
from gateway.health.notify import notify
from gateway.model.ids import uuid7
from gateway.model.problem import Problem
from gateway.settings.loader import Loaded, load

log = logging.getLogger(__name__)

STOP_WITHIN_S = 9.0
SWITCH_INTERVAL_S = 0.0005  # a thread that computes by mistake holds the loop up no longer than this

WhenReady = Callable[[Running], Awaitable[None]]


def set_up_logging() -> None:
    """Log to stderr, as journald likes it; with VELGATE_LOG=json one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get("VELGATE_LOG") == "json":
        from pythonjsonlogger.json import JsonFormatter

        handler.setFormatter(JsonFormatter("{asctime}{levelname}{name}{message}", style="{"))
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    level = os.environ.get("VELGATE_LOG_LEVEL", "INFO").upper()
    logging.basicConfig(
        level=level if level in logging.getLevelNamesMapping() else "INFO", handlers=[handler]
    )
    for chatty in ("uvicorn", "asyncio", "mqtt", "sse_starlette"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("bleak").setLevel(logging.ERROR)  # what it warns of, the radio's own watcher tells


@dataclass(slots=True)
class Process:
    """One life of the gateway in this process."""

    config: Path
    state: Path
    loaded: Loaded
    when_ready: WhenReady
    seconds: float | None = None
    """Stop by itself this long after it was ready."""

    async def live(self) -> int:
        """Run the house until a signal, `seconds`, or its own end."""
        loop = asyncio.get_running_loop()
        stop, reload = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, reload.set)
        house = House(
            config=self.config,
            state=self.state,
            loaded=self.loaded,
            clock=SystemClock(),
            new_id=uuid7,
            random=Random(),  # noqa: S311  (jitter of retries, no secret)
        )

        async def ready(doors: Doors) -> None:
            await self.when_ready(Running(house, doors))
            if self.seconds is not None:
                loop.call_later(self.seconds, stop.set)

        async def obey() -> None:
            while True:
                await reload.wait()
                reload.clear()
                notify("RELOADING=1")
                await house.reload()
                notify("READY=1")

        # systemd is told when calls are heard: one that waited for the page would kill them with it.
        life = asyncio.create_task(house.run(ready, standing=partial(notify, "READY=1")), name="house")
        obeying = asyncio.create_task(obey(), name="reload")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait((life, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            notify("STOPPING=1")
            for task in (life, obeying, stopping):
                task.cancel()
            _, late = await asyncio.wait((life, obeying, stopping), timeout=STOP_WITHIN_S)
        if late:
            log.error("not everything stopped within %.0f s: %s", STOP_WITHIN_S, [t.get_name() for t in late])
            return 1
        if not life.cancelled() and (failure := life.exception()) is not None:
            raise _problem_in(failure) or failure
        return 0


def _problem_in(failure: BaseException) -> Problem | None:
    """Give the first Problem in a group of failures: it says what a person can do."""
    if isinstance(failure, Problem):
        return failure
    if isinstance(failure, BaseExceptionGroup):
        return next((found for each in failure.exceptions if (found := _problem_in(each))), None)
    return None


def run_process(config: Path, state: Path, *, json: bool) -> int:
    """Run the gateway; gives the exit code. Raises Problem where the configuration or the state is wrong."""
    set_up_logging()
    loaded = load(config, running=True)
    if loaded.errors:
        loaded.settings  # noqa: B018  (raises the Problem that names every error)
    for warning in loaded.warnings:
        log.warning(
            "%s: expected %s, found %s. %s", warning.where, warning.expected, warning.found, warning.do
        )

    async def when_ready(running: Running) -> None:
        if json:
            print_line(ready_line(running, config=config, state=state))
        else:
            log.info("ready: the staff page is at %s", running.board)

    return on_loop(Process(config, state, loaded, when_ready).live())


def on_loop(life: Coroutine[Any, Any, int]) -> int:
    """Run a life on a loop of its own."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return asyncio.run(life)


def ready_line(running: Running, *, config: Path, state: Path, **more: Any) -> dict[str, Any]:
    """Give the ready line; a service's holds no password, since its stdout ends in a log."""
    mqtt = running.settings.mqtt
    return {
        "event": "ready",
        "board": running.board,
        "sign_in": None,
        "socket": str(running.socket),
        "mqtt": {"host": mqtt.host, "port": mqtt.port, "username": None, "password": None}
        if mqtt.host
        else None,
        "root": running.root,
        "state": str(state),
        "config": str(config),
        "bus": os.environ.get("DBUS_SYSTEM_BUS_ADDRESS"),
        "control": None,
        **more,
    }


def print_line(document: dict[str, Any]) -> None:
    """Print one JSON line on stdout at once."""
    sys.stdout.write(orjson.dumps(document).decode() + "\n")
    sys.stdout.flush()

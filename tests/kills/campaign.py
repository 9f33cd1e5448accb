"""Rounds of `kill -9` at random moments under load, and what must hold after each.

Radio, broker, a browser with the staff page and a receiver of webhooks live on; only the gateway dies. In a
round everybody goes on with what they do until the kill; the gateway starts anew, everybody rests, and books,
journal, broker and page are compared.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from firmware_sim.devices.load import load_specs
from kills.accounts import GRACE_S, Accounts, Telling, Wrong
from kills.page import Board, board_of
from kills.people import BATHS, BUTTONS, CHATTER, PEOPLE, Life, carer, residents
from support.board_house import pin_hash
from support.children import free_port
from support.eventually import eventually
from support.gateway_process import Gateway, Home, Stream, home, merged
from support.retained import same_on_both
from support.webhook import Receiver, channel, receiver
from support.whole_house import velgate

PATIENCE_S = 60.0
"""How long what must come is waited for: a loaded machine is slow, and slow is not lost."""
STEPS_S = (1.0, 2.0)
OVERLAP = timedelta(seconds=30)
"""How much of the history before the last look is read again."""
VERIFY_EVERY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round was."""

    number: int
    moment: str
    back_s: float
    """From the start of the process to its ready line."""
    late_s: float | None
    """From the start (or from when it was due, if that is later) until the last of those whose step came due
    meanwhile was told; None where none was."""
    late_alerts: int
    open: int
    pressed: int
    counted: int


@dataclass(kw_only=True)
class Campaign:
    """One campaign in one home."""

    house: Home
    hook: Receiver
    seed: int
    books: Accounts = field(default_factory=Accounts)
    life: Life = field(default_factory=Life)
    lives: int = 0
    _since: str | None = None
    _stream: Stream | None = None
    _board: Board | None = None
    _spawned_s: float = 0.0
    _heard: int = 0

    async def run(self, rounds: int, tell: Callable[[Round], None]) -> None:
        """Live through the rounds. Raises Wrong, in a group, with the seed and the round."""
        rng = random.Random(self.seed)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._leave_stream)
            gateway = await self._start()
            self._board = await stack.enter_async_context(board_of(gateway, PEOPLE[0]))
            async with asyncio.TaskGroup() as home_life:
                tasks = [home_life.create_task(residents(self.house, self.life, self.books, _fork(rng)))]
                tasks += [
                    home_life.create_task(carer(each, self.life, self.books, _fork(rng))) for each in PEOPLE
                ]
                for number in range(1, rounds + 1):
                    try:
                        tell(await self._round(number, rng, last=number == rounds))
                    except AssertionError as wrong:
                        raise Wrong(f"seed {self.seed}, round {number}: {wrong}") from wrong
                for task in tasks:
                    task.cancel()

    async def _round(self, number: int, rng: random.Random, *, last: bool) -> Round:
        self.life.go_on()
        moment = await self._wait_for_the_moment(rng)
        waiting = await self._kill()
        await asyncio.sleep(rng.choice((0.0, 0.0, rng.uniform(0.0, 1.2))))
        if rng.random() < 0.2:
            moment += await self._die_while_starting(rng)
        gateway = await self._start()
        back_s = time.monotonic() - self._spawned_s
        await self.life.rest()
        late = await self._escalation(gateway, waiting)
        shown = await self._compare(gateway, whole=last)
        if last or number % VERIFY_EVERY == 0:
            await self._verify(gateway)
        return Round(
            number=number,
            moment=moment,
            back_s=back_s,
            late_s=max(late, default=None),
            late_alerts=len(late),
            open=shown,
            pressed=self.books.pressed.total(),
            counted=len(self.books.events),
        )

    # Life and death

    async def _wait_for_the_moment(self, rng: random.Random) -> str:
        """Let some time go by; often until just after a press, before, in or after its commit."""
        alive_s = rng.uniform(3.0, 5.0) if rng.random() < 0.1 else rng.uniform(0.1, 1.5)
        await asyncio.sleep(alive_s)
        if rng.random() < 0.5:
            return f"after {alive_s:.2f} s"
        pressed = self.books.pressed.total()
        await eventually(lambda: self.books.pressed.total() > pressed, every_s=0.001, within_s=PATIENCE_S)
        after_s = rng.choice((0.0, rng.uniform(0.0, 0.02), rng.uniform(0.0, 0.3)))
        await asyncio.sleep(after_s)
        return f"{after_s * 1000:.0f} ms after a press"

    async def _kill(self) -> dict[str, Mapping[str, Any]]:
        """Kill it; gives the alerts that nobody had taken, as they were last known."""
        gateway = self.life.gateway
        assert gateway is not None
        gateway.kill()
        self.books.died(time.time())
        self.life.gateway = None
        assert self._stream is not None
        await self._stream.ended()
        self._take_stream()
        await self._leave_stream()
        return {
            name: alert
            for name, alert in self.books.alerts.items()
            if alert["handling"] == "unacknowledged" and alert["concern"] == "self"
        }

    async def _die_while_starting(self, rng: random.Random) -> str:
        spawned = self.house.spawn()
        self.lives += 1
        after_s = rng.uniform(0.0, 1.2)
        await asyncio.sleep(after_s)
        spawned.kill()
        self._take_tellings()
        self.books.died(0.0)
        return f", and {after_s:.2f} s into its start"

    async def _start(self) -> Gateway:
        self._take_tellings()
        self.lives += 1
        self._spawned_s = time.monotonic()
        gateway = self.house.spawn()
        await asyncio.to_thread(gateway.wait_until_ready)
        self.books.born()
        self._stream = gateway.stream()
        await self._stream.__aenter__()
        self.life.gateway = gateway
        return gateway

    async def _leave_stream(self) -> None:
        if self._stream is not None:
            await self._stream.__aexit__(None, None, None)
            self._stream = None

    # What came out

    def _take_stream(self) -> None:
        assert self._stream is not None
        for told in self._stream.told:
            if told.event == "alert" and told.data["durable"]:
                self.books.kept(told.data)
        self._stream.told.clear()

    def _take_tellings(self) -> None:
        for each in self.hook.received[self._heard :]:
            known = each.document
            self.books.tellings.append(
                Telling(each.key, known["alert"], known["rev"], known["about"], self.lives, each.at_s)
            )
        self._heard = len(self.hook.received)

    async def _escalation(self, gateway: Gateway, waiting: Mapping[str, Mapping[str, Any]]) -> list[float]:
        """Wait until each alert whose step came due meanwhile was told; gives how late each was."""
        standing = {alert["id"] for alert in await gateway.alerts() if alert["handling"] == "unacknowledged"}
        ahead_s = time.time() - time.monotonic()
        self._take_tellings()
        due_s = {
            name: datetime.fromisoformat(alert["next_step"]).timestamp() - ahead_s
            for name, alert in waiting.items()
            if name in standing and alert["next_step"] and not self._told(name, alert["rev"], self._spawned_s)
        }

        def told() -> bool:
            self._take_tellings()
            left = [name for name in due_s if self._first(name, waiting[name]["rev"]) is None]
            assert not left, f"not told again after the start: {left}"
            return True

        await eventually(told, within_s=PATIENCE_S)
        firsts = {name: self._first(name, waiting[name]["rev"]) for name in due_s}
        return [at_s - max(self._spawned_s, due_s[name]) for name, at_s in firsts.items() if at_s is not None]

    def _told(self, alert: str, after_rev: int, before_s: float) -> bool:
        return any(
            each.alert == alert and each.rev > after_rev and each.at_s <= before_s
            for each in self.books.tellings
        )

    def _first(self, alert: str, after_rev: int) -> float | None:
        """Give when an alert was told first in this life, in a later state."""
        found = (
            each.at_s
            for each in self.books.tellings
            if each.alert == alert and each.rev > after_rev and each.at_s > self._spawned_s
        )
        return min(found, default=None)

    # What must hold

    async def _compare(self, gateway: Gateway, *, whole: bool) -> int:
        """Compare books, journal, broker and page; gives how many alerts are open."""
        since = None if whole else self._since
        self._since = (datetime.now(UTC) - OVERLAP).isoformat().replace("+00:00", "Z")

        async def journal() -> int:
            self._take_stream()
            shown = await gateway.every_alert()
            shown += await self._resolved(gateway, since)
            for name in self.books.alerts.keys() - {alert["id"] for alert in shown}:
                if self.books.alerts[name]["handling"] != "resolved":
                    shown.append(await gateway.get(f"/api/v1/alerts/{name}"))
            self.books.check_alerts(shown)
            self.books.check_events(
                await gateway.readings("quantity=help_call" + (f"&since={since}" if since else ""))
            )
            missing = self.books.missing()
            assert not missing, f"pressed and never heard of: {missing}"
            self.books.check_counts()
            return 1

        await eventually(journal, within_s=PATIENCE_S)
        shown = await same_on_both(self.house, gateway, within_s=PATIENCE_S)
        await eventually(lambda: self._same_on_the_page(gateway), within_s=PATIENCE_S)
        assert self._board is not None
        doubled = await self._board.doubled()
        assert not doubled, f"twice on the page: {doubled}"
        assert not self._board.errors, f"the page failed: {self._board.errors}"
        self._take_tellings()
        self.books.check_tellings()
        assert not self.hook.forged
        return len(shown)

    async def _resolved(self, gateway: Gateway, since: str | None) -> list[dict[str, Any]]:
        query = f"/api/v1/alerts?state=resolved&limit=1000{f'&since={since}' if since else ''}"
        page = await gateway.get(query)
        found: list[dict[str, Any]] = page["alerts"]
        while page["next"]:
            page = await gateway.get(f"{query}&after={page['next']}")
            found += page["alerts"]
        return found

    async def _same_on_the_page(self, gateway: Gateway) -> bool:
        assert self._board is not None
        page = await self._board.shown()
        standing = {
            alert["id"]
            for alert in await gateway.every_alert()
            if alert["priority"] != "technical" and alert["handling"] != "suppressed"
        }
        assert len(page) == len(set(page)), f"twice on the page: {page}"
        assert set(page) == standing, (
            f"on the page alone {set(page) - standing}, missing {standing - set(page)}"
        )
        return True

    async def _verify(self, gateway: Gateway) -> None:
        done = await asyncio.to_thread(velgate, "alert", "audit", "--verify", "--state", str(gateway.state))
        assert done.returncode == 0, done.stderr
        log = gateway.log()
        for word in ("Traceback", "never retrieved"):
            assert word not in log, log[max(0, log.index(word) - 500) :][:3000]


def _fork(rng: random.Random) -> random.Random:
    return random.Random(rng.randrange(1 << 32))


@asynccontextmanager
async def campaign(folder: Path, seed: int, *, grace_s: float = GRACE_S) -> AsyncIterator[Campaign]:
    """Build the home: 12 buttons (3 in baths, 3 encrypted), 28 sensors, two people, a page, short steps.

    A press `grace_s` before a kill must have been heard; a machine that is busy with other things needs more.
    """
    async with receiver() as hook:
        steps = [{"targets": ["page", "channel:hook"], "after": f"{after:g}s"} for after in STEPS_S]
        policy = {"steps": steps, "return_after": "8s", "presence_after": "12s"}
        pins = {name: {"pin": pin_hash()} for name in PEOPLE}
        settings = merged(
            channel(hook, timeout="30s"),
            {
                "alerts": {"policies": {"emergency": policy, "call": policy}},
                "board": {"host": "127.0.0.1", "port": free_port()},
                "place": {f"bath-{n:02d}": {"label": f"Bad {n}", "kind": "bath"} for n in BATHS},
                "device": {
                    spec.name: {"address": spec.address, "place": "room-01", "driver": "bthome"}
                    | {"profile": "climate"}
                    for spec in load_specs(CHATTER)
                },
                "secrets": {"person": pins},
            },
        )
        load = ["--devices", str(CHATTER), "--rate", "1"]
        with home(folder, BUTTONS, settings=settings, simulator=load) as house:
            yield Campaign(house=house, hook=hook, seed=seed, books=Accounts(grace_s=grace_s))

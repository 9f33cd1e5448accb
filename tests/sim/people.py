"""The staff: they see alerts on the page and take them, twice, from each other, late, at the worst moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gateway.alerts.engine import AlertEngine
from gateway.model.alert import Alert, Concern, Handling, Priority
from gateway.model.clock import Instant, iso
from gateway.model.refusal import Refused
from sim.home import NAMES, PEOPLE
from sim.trace import Trace
from sim.wires import Wires

Door = Callable[[], Awaitable[tuple[AlertEngine, Wires] | None]]
"""Gives the gateway that answers now, after a while of trying; None where none does."""


LATEST_S = 200.0  # by then somebody has seen an alert


@dataclass
class Habits:
    """How the staff is in this home."""

    never: float = 0.1
    """How likely nobody takes an alert at all."""
    races: float = 0.2
    """How likely somebody takes it within milliseconds of the moment it is told again."""
    twice: float = 0.2
    """How likely it is taken twice: from two phones, or by two people."""
    forgets: float = 0.2
    """How likely it is taken and left."""
    slow_s: float = 15.0
    shelves: float = 0.1
    commands: float = 0.1
    """How likely it is taken by another system, over MQTT, and nobody waits for an answer."""
    objects: float = 0.03


@dataclass
class Staff:
    """Everybody who works there."""

    trace: Trace
    random: Random
    door: Door
    now: Callable[[], Instant]
    command: Callable[[str, dict[str, Any]], bool]
    """Sends a command by MQTT; False where nobody hears it."""
    habits: Habits = field(default_factory=Habits)
    diligent: bool = False
    """From now on everything is taken and closed soon."""
    _asks: int = 0
    _plans: dict[tuple[str, int], asyncio.Task[None]] = field(default_factory=dict)

    def sees(self, alert: Alert) -> None:
        """Look at an alert on the page, and perhaps do something about it."""
        plan = (alert.id, alert.cycle)
        before = self._plans.get(plan)
        if alert.handling is not Handling.UNACKNOWLEDGED:
            return
        if before is not None and not (self.diligent and before.done()):
            return
        if alert.concern is Concern.TECHNICAL and self.random.random() < 0.6:
            return
        if not self.diligent and self.random.random() < self.habits.never:
            return
        self._plans[plan] = asyncio.create_task(self._deal(alert), name=f"staff-{alert.id}")

    def stop(self) -> list[asyncio.Task[None]]:
        """End what is under way; gives what to wait for."""
        for task in self._plans.values():
            task.cancel()
        return list(self._plans.values())

    def failures(self) -> list[BaseException]:
        """Give what went wrong in a way that nobody expects."""
        done = [task for task in self._plans.values() if task.done() and not task.cancelled()]
        return [error for task in done if (error := task.exception()) is not None]

    async def _deal(self, alert: Alert) -> None:
        random, habits = self.random, self.habits
        await asyncio.sleep(self._until_seen(alert))
        who = random.choice(PEOPLE)
        if not self.diligent and random.random() < habits.objects:
            await self.ask(who, alert.id, "object")
        if not self.diligent and random.random() < habits.shelves:
            reason = random.choice(("optaget", f"{NAMES[0]} sover"))
            if await self.ask(who, alert.id, "shelve", until="2m", reason=reason, spoken=True):
                return
        if not await self._take(who, alert):
            return
        if not self.diligent and random.random() < habits.forgets:
            return
        await asyncio.sleep(random.uniform(1, 20 if self.diligent else 120))
        await self._go_on(who, alert)

    def _until_seen(self, alert: Alert) -> float:
        if alert.escalate_at is not None and self.random.random() < self.habits.races:
            left = alert.escalate_at.since(self.now()).total_seconds()
            if left < LATEST_S:  # a moment of a clock that is wrong tells nobody when to look
                return max(0.0, left + self.random.uniform(-0.06, 0.02))
        return min(self.random.expovariate(1 / self.habits.slow_s), LATEST_S)

    async def _take(self, who: str, alert: Alert) -> bool:
        random = self.random
        if not self.diligent and random.random() < self.habits.commands:
            self._asks += 1
            body = {"action": "acknowledge", "by": who, "rev": alert.rev, "issued": iso(self.now().wall_ns)}
            self.trace.note(
                "ask",
                number=self._asks,
                by=who,
                alert=alert.id,
                action="acknowledge",
                take_over=False,
                life=0,
                heard=self.command(alert.id, body),
            )
            await asyncio.sleep(random.uniform(0.01, 1.0))
            return True
        if random.random() >= self.habits.twice:
            return await self.ask(who, alert.id, "acknowledge")
        other = who if random.random() < 0.5 else random.choice(PEOPLE)
        more = {"take_over": True} if random.random() < 0.3 else {}

        async def again() -> bool:
            await asyncio.sleep(random.uniform(0, 0.02))
            return await self.ask(other, alert.id, "acknowledge", **more)

        first, second = await asyncio.gather(self.ask(who, alert.id, "acknowledge"), again())
        return first or second

    async def _go_on(self, who: str, alert: Alert) -> None:
        random = self.random
        wild = not self.diligent
        if random.random() < 0.6:
            await self.ask(who, alert.id, "presence", how=random.choice(("button", "page")))
        if wild and random.random() < 0.15:
            await self.ask(who, alert.id, "extend")
        if wild and random.random() < 0.1:
            await self.ask(random.choice(PEOPLE), alert.id, "acknowledge", take_over=True)
        if wild and random.random() < 0.1:
            await self.ask(who, alert.id, "assist")
        if wild and random.random() < 0.15:
            await self.ask(who, alert.id, "release")
            return
        await asyncio.sleep(random.uniform(0.5, 10))
        outcome = (
            "technical" if alert.priority is Priority.TECHNICAL else random.choice(("assisted", "checked"))
        )
        closed = await self.ask(who, alert.id, "resolve", outcome=outcome, spoken=True)
        if closed and wild and random.random() < 0.15:
            await asyncio.sleep(random.uniform(0, 30))
            await self.ask(random.choice(PEOPLE), alert.id, "reopen")

    async def ask(self, by: str, alert: str, action: str, **fields: Any) -> bool:
        """Ask the gateway for something; gives whether it confirmed."""
        self._asks += 1
        number = self._asks
        await asyncio.sleep(self.random.uniform(0.001, 0.02))
        found = await self.door()
        if found is None:
            return False
        engine, wires = found
        self.trace.note(
            "ask",
            number=number,
            by=by,
            alert=alert,
            action=action,
            take_over=bool(fields.get("take_over")),
            life=wires.number,
        )
        doing = asyncio.create_task(
            engine.act(alert, action, by=by, source="page", fields=fields), name=f"ask-{number}"
        )
        gone = asyncio.create_task(wires.cut.wait())
        try:
            await asyncio.wait((doing, gone), return_when=asyncio.FIRST_COMPLETED, timeout=20)
        finally:
            gone.cancel()
            if not doing.done():
                doing.cancel()
        if not wires.live or not doing.done() or doing.cancelled():
            if doing.done() and not doing.cancelled():
                doing.exception()
            self.trace.note("answer", number=number, by=by, alert=alert, action=action, said="nothing")
            return False
        error = doing.exception()
        if isinstance(error, Refused):
            self.trace.note("answer", number=number, by=by, alert=alert, action=action, said=error.code)
            return False
        if error is not None:
            raise error
        after = doing.result()
        self.trace.note(
            "answer",
            number=number,
            by=by,
            alert=alert,
            action=action,
            said="done",
            handling=after.handling.value,
            rev=after.rev,
            key=after.key,
            return_s=None if after.taken is None else after.taken.return_at.since(self.now()).total_seconds(),
        )
        return True

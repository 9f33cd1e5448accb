"""What goes on in the home: residents press, two people answer them. It goes on over every kill."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from kills.accounts import Accounts, Press
from support.eventually import eventually
from support.gateway_process import Gateway, Home, button

CHATTER = 28
"""Sensors beside the buttons, each speaking once a second."""
KEY = "5b51a7c91e4f2c0d8896aa10f3e27b64"
BATHS = (10, 11, 12)
"""Buttons in a bath, whose calls are emergencies."""
BUTTONS = [
    button(
        number, place=f"bath-{number:02d}" if number in BATHS else None, key=KEY if number % 4 == 0 else None
    )
    for number in range(1, 13)
]
PEOPLE = ("ab", "cd")
PRESSES_A_S = 5.0
DEEDS_A_S = 3.0
WORDS = ("press", "press", "press", "double_press", "long_press", "triple_press")


@dataclass
class Life:
    """The gateway as people find it: none while it is dead."""

    gateway: Gateway | None = None
    may_press: asyncio.Event = field(default_factory=asyncio.Event)
    may_act: asyncio.Event = field(default_factory=asyncio.Event)
    busy: int = 0
    """How many are in the middle of a deed."""

    async def rest(self) -> None:
        """Let nobody do anything, once whoever is at it has finished."""
        self.may_press.clear()
        self.may_act.clear()
        await eventually(lambda: self.busy == 0)

    def go_on(self) -> None:
        """Let everybody go on."""
        self.may_press.set()
        self.may_act.set()


async def residents(house: Home, life: Life, books: Accounts, rng: random.Random) -> None:
    """Press buttons at random, for ever; also while nobody listens."""

    async def press() -> None:
        name = rng.choice(BUTTONS).name
        sent_s = await asyncio.to_thread(house.do, name, rng.choice(WORDS))
        books.press(Press(name, sent_s))

    await _again_and_again(press, life, life.may_press, PRESSES_A_S, rng)


async def carer(name: str, life: Life, books: Accounts, rng: random.Random) -> None:
    """Take, visit, give back and close calls, for ever."""

    async def deed() -> None:
        gateway = life.gateway
        if gateway is None:
            return
        try:
            alerts = await gateway.alerts()
            if not alerts:
                return
            alert = rng.choice(alerts)
            action, fields = _choose(alert, name, rng)
            status, answer = await gateway.act(alert["id"], action, by=name, **fields)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return  # it was killed in the middle: whether it counts, nobody was told
        if status == 200:
            books.kept(answer)

    await _again_and_again(deed, life, life.may_act, DEEDS_A_S, rng)


def _choose(alert: Mapping[str, Any], me: str, rng: random.Random) -> tuple[str, dict[str, Any]]:
    if alert["handling"] != "acknowledged":
        return "acknowledge", {}
    if alert["taken"]["by"].lower() != me:
        return rng.choice((("join", {}), ("acknowledge", {"take_over": True}), ("acknowledge", {})))
    closing: tuple[str, dict[str, Any]] = (
        "resolve",
        {"outcome": rng.choice(("assisted", "checked", "false_alarm")), "spoken": True},
    )
    return rng.choice((("presence", {"how": "page"}), ("extend", {}), ("release", {}), closing, closing))


async def _again_and_again(
    work: Callable[[], Awaitable[None]], life: Life, may: asyncio.Event, times_a_s: float, rng: random.Random
) -> None:
    while True:
        await asyncio.sleep(rng.expovariate(times_a_s))
        await may.wait()
        life.busy += 1
        try:
            await work()
        finally:
            life.busy -= 1

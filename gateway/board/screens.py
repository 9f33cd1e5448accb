"""Wall screens: enrolled once by a one-time code, and missed when they stop drawing or lose their sound."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from gateway.board.callers import Register, hashed
from gateway.board.house import House
from gateway.model.clock import NS, Instant, iso
from gateway.model.rows import Screen
from gateway.model.trouble import Trouble

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that looks like something else
CODE_LENGTH = 10
CODE_LIFE_S = 3600.0
CODES_MAX = 20
SILENT_S = 90.0  # three beats of 30 s
BEHIND_S = 60.0  # a stream tells the time every 5 s
EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A one-time code that has been given out."""

    code: str
    screen: str
    public: bool
    by: str
    until_s: float


@dataclass(frozen=True, slots=True)
class LastBeat:
    """What a screen said last, and when."""

    at: Instant
    drawing: bool
    sound: bool
    old: str = ""
    """Why what it shows is old, in one sentence; empty: it is not."""


class ScreenWatch:
    """Enrols screens, takes their beats, and tells when one stops."""

    def __init__(self, house: House, register: Register) -> None:
        """Begin with no codes given out."""
        self._house = house
        self._register = register
        self._offers: OrderedDict[str, Offer] = OrderedDict()
        self._beats: dict[str, LastBeat] = {}
        self._told: dict[tuple[str, str], Trouble] = {}
        self._began = house.clock.now()

    def offer(self, screen: str, *, public: bool, by: str) -> Offer:
        """Make a one-time code for a screen; one given out before for that name is void."""
        for old in [offer.code for offer in self._offers.values() if offer.screen == screen]:
            del self._offers[old]
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        made = Offer(code, screen, public, by, self._now_s() + CODE_LIFE_S)
        self._offers[code] = made
        while len(self._offers) > CODES_MAX:
            self._offers.popitem(last=False)
        return made

    def find(self, code: str) -> Offer | None:
        """Give the offer of a code that is still good."""
        offer = self._offers.get(code.strip().upper().replace("-", ""))
        return offer if offer and offer.until_s > self._now_s() else None

    async def enrol(self, offer: Offer) -> str:
        """Use up a code; gives the screen's cookie. Returns after the commit."""
        self._offers.pop(offer.code, None)
        token = secrets.token_urlsafe(32)
        screen = Screen(
            token_hash=hashed(token),
            name=offer.screen,
            public=offer.public,
            created=self._house.clock.now(),
            by=offer.by,
        )
        await self._register.add_screen(screen)
        self._beats.pop(screen.name, None)
        return token

    async def remove(self, name: str) -> bool:
        """End a screen's right to look; gives whether there was one. Returns after the commit."""
        gone = await self._register.end_screen(name)
        self._beats.pop(name, None)
        for key in [key for key in self._told if key[1] == name]:
            self._house.engine.trouble(replace(self._told.pop(key), present=False))
        return gone

    def beat(
        self,
        name: str,
        *,
        drawing: bool,
        sound: bool,
        version: str | None = None,
        behind_s: float | None = None,
    ) -> None:
        """Take what a screen says of itself.

        `version` is the gateway's that its page came from; `behind_s` how far the time it shows lies behind.
        """
        old = ""
        if version is not None and version != self._house.version:
            old = f"the screen shows the page of version {version}, the gateway is {self._house.version}"
        elif behind_s is not None and abs(behind_s) > BEHIND_S:
            old = f"the time that the screen shows is {behind_s:+.0f} s from the gateway's: its stream stands"
        self._beats[name] = LastBeat(self._house.clock.now(), drawing, sound, old)

    async def rows(self) -> list[dict[str, Any]]:
        """Give every enrolled screen with its last beat."""
        return [
            {
                "screen": screen.name,
                "public": screen.public,
                "since": iso(screen.created.wall_ns),
                "by": screen.by or None,
                "last_beat": iso(beat.at.wall_ns) if beat else None,
                "drawing": beat.drawing if beat else None,
                "sound": beat.sound if beat else None,
                "old": (beat.old or None) if beat else None,
            }
            for screen in await self._register.screens()
            for beat in (self._beats.get(screen.name),)
        ]

    async def run(self) -> None:
        """Miss screens that stop, for ever; ends by cancellation only."""
        while True:
            now = self._house.clock.now()
            for screen in await self._register.screens():
                self._judge(screen, now)
            await asyncio.sleep(EVERY_S)

    def _judge(self, screen: Screen, now: Instant) -> None:
        beat = self._beats.get(screen.name)
        last = beat.at if beat else screen.created
        # Since this board began at the earliest: what the one before heard is not known here.
        since = last if last.boot == now.boot and last.mono_ns > self._began.mono_ns else self._began
        silent = (now.mono_ns - since.mono_ns) / NS > SILENT_S or (beat is not None and not beat.drawing)
        muted = beat is not None and not silent and not beat.sound
        old = beat.old if beat is not None and not silent else ""
        self._tell("screen.old", screen.name, bool(old), old)
        never = beat is None and not screen.created.wall_ns < self._began.wall_ns
        since_when = "since it was enrolled" if never else "for 90 s"
        still = beat is not None and not beat.drawing
        detail = "the wall screen does not draw" if still else f"no beat of the wall screen {since_when}"
        self._tell("screen.silent", screen.name, silent, detail)
        self._tell("screen.muted", screen.name, muted, "the browser of the wall screen blocks its sound")

    def _tell(self, kind: str, name: str, present: bool, detail: str) -> None:
        """Tell what has changed; at first also that it is well: the board before may have said otherwise."""
        before = self._told.get((kind, name))
        if before is not None and before.present == present:
            return
        trouble = Trouble(kind=kind, subject=name, present=present, detail=detail if present else "")
        self._told[kind, name] = trouble
        self._house.engine.trouble(trouble)

    def _now_s(self) -> float:
        return self._house.clock.now().mono_ns / NS

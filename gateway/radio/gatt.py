"""Devices that must be connected to: who gets one of the few connections, when, and for how long.

A device is connected to when it is heard. Those with something to listen to stay; those that are only read
let go by themselves. Where more want a connection than there are, the one that has held longest makes room,
so that each gets its turn: at once for a meter that is on the air for seconds, else after half a minute.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bleak.backends.device import BLEDevice

from gateway.model.clock import Clock
from gateway.model.frames import GattValue
from gateway.model.gatt import GattPlan, merged
from gateway.radio.backoff import Backoff
from gateway.radio.gatt_link import Link, LinkPatience
from gateway.radio.saying import said

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GattPatience:
    """How long things may take or last, in seconds."""

    link: LinkPatience = field(default_factory=LinkPatience)
    turn_s: float = 30.0
    """How long a connection may be held while another device waits."""
    turn_for_brief_s: float = 2.0
    """The same while a device waits that is on the air only for seconds, or that carries calls."""
    heard_recently_s: float = 15.0
    """A device heard within this can be connected to; after 30 s BlueZ has forgotten it."""
    pause_first_s: float = 1.0
    pause_most_s: float = 60.0
    read_again_s: float = 3600.0
    """How often what is only read is read, where its driver does not say."""
    look_every_s: float = 1.0


@dataclass(slots=True)
class _Peer:
    plan: GattPlan
    backoff: Backoff
    device: BLEDevice | None = None
    heard_at: float = -math.inf
    not_before: float = -math.inf
    waiting_since: float | None = None
    link: Link | None = None
    since: float = 0.0
    """Since when it has had its connection."""


class Gatt:
    """Serves the connected devices of one adapter."""

    def __init__(
        self,
        adapter: str,
        *,
        slots: int,
        clock: Clock,
        put: Callable[[GattValue], None],
        patience: GattPatience | None = None,
        random: Random | None = None,
    ) -> None:
        """`slots` is how many connections may stand at once; `put` takes each value and returns at once."""
        self._adapter, self._slots, self._clock, self._put = adapter, slots, clock, put
        self._patience = patience or GattPatience()
        self._random = random or Random()  # noqa: S311  (jitter)
        self._peers: dict[str, _Peer] = {}
        self._active: dict[Link, _Peer] = {}
        self._stir = asyncio.Event()
        self._connecting = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    def plan(self, plans: Iterable[GattPlan]) -> None:
        """Serve these devices from now on; one whose plan changed or went is let go."""
        wanted = merged(plans)
        for address, peer in list(self._peers.items()):
            if wanted.get(address) != peer.plan:
                if peer.link is not None:
                    peer.link.let_go()
                del self._peers[address]
        for address, plan in wanted.items():
            if address not in self._peers:
                pause = Backoff(self._patience.pause_first_s, self._patience.pause_most_s, self._random)
                self._peers[address] = _Peer(plan, pause)
        self._stir.set()

    def limit(self, slots: int) -> None:
        """Change how many connections may stand at once; those above are not cut, but not renewed."""
        self._slots = slots
        self._stir.set()

    def on_device(self, device: BLEDevice) -> None:
        """Take note that a device was heard; costs one look-up for devices that are not connected to."""
        peer = self._peers.get(device.address)
        if peer is not None:
            peer.device, peer.heard_at = device, self._loop.time()
            if peer.link is None:
                self._stir.set()

    def on_present(self, devices: Mapping[str, Mapping[str, Any]]) -> None:
        """Find devices that are still connected: after a crash of ours they are, and do not advertise.

        `devices` is what BlueZ knows: D-Bus path to properties.
        """
        for path, props in devices.items():
            if props.get("Connected") and (address := str(props.get("Address"))) in self._peers:
                self.on_device(BLEDevice(address, props.get("Name"), {"path": path, "props": dict(props)}))
                self._peers[address].heard_at = math.inf  # until it is tried

    def links_lost(self) -> None:
        """End all connections: bluetoothd went, and took them and its memory of the devices along."""
        for peer in self._peers.values():
            peer.device, peer.heard_at = None, -math.inf
            if peer.link is not None:
                peer.link.lost()
        self._stir.set()

    def standing(self) -> dict[str, bool]:
        """Tell by device whether it is connected."""
        return {
            peer.plan.device: peer.link is not None and peer.link.connected for peer in self._peers.values()
        }

    async def run(self) -> None:
        """Serve for ever. Ends by cancellation only; connections are let go then."""
        async with asyncio.TaskGroup() as links:
            while True:
                self._stir.clear()
                now = self._loop.time()
                waiting = self._waiting(now)
                free = self._slots - len(self._active)
                for peer in waiting[: max(free, 0)]:
                    self._begin(links, peer, now)
                self._make_room(waiting[max(free, 0) :], now)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._patience.look_every_s):
                        await self._stir.wait()

    def _waiting(self, now: float) -> list[_Peer]:
        """Give the devices that could be connected to now, those first that should be served first."""
        busy = {peer.plan.address for peer in self._active.values()}
        waiting = []
        for address, peer in self._peers.items():
            heard = peer.device is not None and now - peer.heard_at < self._patience.heard_recently_s
            if address in busy or not heard or now < peer.not_before:
                peer.waiting_since = None
                continue
            if peer.waiting_since is None:
                peer.waiting_since = now
            waiting.append(peer)
        return sorted(waiting, key=lambda peer: (not _urgent(peer.plan), peer.waiting_since))

    def _begin(self, links: asyncio.TaskGroup, peer: _Peer, now: float) -> None:
        assert peer.device is not None
        link = Link(
            peer.device,
            peer.plan,
            adapter=self._adapter,
            clock=self._clock,
            put=self._put,
            patience=self._patience.link,
        )
        peer.link, peer.since, peer.waiting_since = link, now, None
        peer.heard_at = -math.inf  # it must be heard anew before the next try
        self._active[link] = peer
        links.create_task(self._serve(peer, link), name=f"gatt {peer.plan.device}")

    async def _serve(self, peer: _Peer, link: Link) -> None:
        began = self._loop.time()
        problem = ""
        try:
            await link.serve(self._connecting)
        except Exception as error:  # noqa: BLE001  bleak's errors are no closed set; one device must not end the others
            problem = said(error)
        finally:
            del self._active[link]
            peer.link = None
            self._stir.set()
        now = self._loop.time()
        if link.was_connected:
            peer.heard_at = -math.inf  # what was heard meanwhile was before the connection
        if link.values or link.given_up:
            peer.backoff.reset()
        if problem and not link.given_up:
            log.log(logging.INFO if link.values else logging.WARNING, "%s: %s", peer.plan.device, problem)
            peer.not_before = now + peer.backoff.next_s()
        elif link.values and not link.listens:
            every = peer.plan.poll_every
            peer.not_before = began + (every.total_seconds() if every else self._patience.read_again_s)
        elif not link.given_up:
            peer.not_before = now + peer.backoff.next_s()

    def _make_room(self, waiting: list[_Peer], now: float) -> None:
        """Let those go whose turn is over, as many as there are devices waiting."""
        leaving = sum(link.given_up for link in self._active)
        for wanting in waiting[leaving:]:
            turn = self._patience.turn_for_brief_s if _urgent(wanting.plan) else self._patience.turn_s
            holders = [
                (peer.since, link)
                for link, peer in self._active.items()
                if link.connected and not link.given_up and not peer.plan.keep and now - peer.since >= turn
            ]
            if not holders:
                return
            _, link = min(holders, key=lambda holder: holder[0])
            link.let_go()


def _urgent(plan: GattPlan) -> bool:
    return plan.keep or plan.brief

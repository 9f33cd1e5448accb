"""Bridges behind the broker: one that is offline is one trouble, not each device behind it.

Source: the Zigbee2MQTT documentation, "MQTT topics and messages": `zigbee2mqtt/bridge/state` is retained,
`{"state": "online"}` or `{"state": "offline"}`, the bare word before 1.35, and also the bridge's last will.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson

from gateway.model.ids import is_slug
from gateway.model.trouble import TellTrouble, Trouble

STATE = "/bridge/state"
TELL_AFTER_S = 20.0  # one that is updated is back by then
BRIDGES_MAX = 32  # a guest on the broker who invents bridges must not fill the memory


def bridge_topics(device_topics: Iterable[str]) -> list[str]:
    """Give where the bridges of these devices tell how they are, each once."""
    bases = (topic.rpartition("/")[0] for topic in device_topics)
    return [f"{base}{STATE}" for base in dict.fromkeys(bases) if base and not {"#", "+"} & set(base)]


class Bridges:
    """What the bridges have said of themselves. Belongs to the event loop."""

    def __init__(self, tell: TellTrouble, *, tell_after_s: float = TELL_AFTER_S) -> None:
        """Know nothing of any."""
        self._tell = tell
        self._tell_after_s = tell_after_s
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._told: set[str] = set()

    def hear(self, topic: str, payload: bytes) -> bool:
        """Take a message, if it is a bridge's word about itself; gives whether it was."""
        if not topic.endswith(STATE):
            return False
        name = _name(topic)
        online = _online(payload)
        if online is None or not is_slug(name):
            return True
        if online:
            self._is_back(name)
        elif name not in self._waiting and name not in self._told and self._known() < BRIDGES_MAX:
            loop = asyncio.get_running_loop()
            self._waiting[name] = loop.call_later(self._tell_after_s, self._is_gone, name)
        return True

    def forget(self) -> None:
        """Know nothing of any again: the broker is away, and that is told by itself."""
        for name in [*self._waiting, *sorted(self._told)]:
            self._is_back(name)

    def keep(self, topics: Iterable[str]) -> None:
        """Forget those that speak on none of these topics: no device of the configuration is behind them."""
        wanted = {_name(topic) for topic in topics}
        for name in sorted({*self._waiting, *self._told} - wanted):
            self._is_back(name)

    def _known(self) -> int:
        return len(self._waiting) + len(self._told)

    def _is_gone(self, name: str) -> None:
        self._waiting.pop(name, None)
        self._told.add(name)
        detail = f"the bridge {name} says that it is offline; nothing behind it is heard"
        self._tell(Trouble(kind="source.down", subject=name, present=True, detail=detail))

    def _is_back(self, name: str) -> None:
        waiting = self._waiting.pop(name, None)
        if waiting is not None:
            waiting.cancel()
        if name in self._told:
            self._told.discard(name)
            self._tell(Trouble(kind="source.down", subject=name, present=False))


def _name(topic: str) -> str:
    return topic.removesuffix(STATE).replace("/", "-").lower()


def _online(payload: bytes) -> bool | None:
    """Read what a bridge says; None for what nobody understands."""
    word: object = payload.decode("utf-8", "replace").strip()
    if payload[:1] == b"{":
        try:
            said = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return None
        word = said.get("state")
    return {"online": True, "offline": False}.get(word) if isinstance(word, str) else None

"""A trial of a whole home leaves hands free for a call, and a machine without threads ends no sending."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.alerts.channels.base import Message, Taken
from gateway.alerts.channels.child import Desk
from gateway.alerts.reach import SENT_AT_ONCE, Reach
from gateway.health.clock import SystemClock
from gateway.model.catalogue import shipped
from gateway.model.framing import LENGTH, length_of, parsed


class Counts:
    """A channel that counts how many sends are under way."""

    def __init__(self) -> None:
        """None yet."""
        self.now = self.most = self.sent = 0

    async def send(self, message: Message) -> Taken:
        """Take a while."""
        del message
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(5):
            await asyncio.sleep(0)
        self.now -= 1
        self.sent += 1
        return "sent"


async def test_a_trial_of_a_whole_home_is_sent_a_few_at_a_time() -> None:
    """Everybody gets one all the same."""
    names = [f"P{number}" for number in range(3 * SENT_AT_ONCE)]
    person = SimpleNamespace(channels=("sms",), language="da")
    sms = SimpleNamespace(kind="apprise", digest=None, timeout=SimpleNamespace(total_seconds=lambda: 10.0))
    settings = SimpleNamespace(person=dict.fromkeys(names, person), channel={"sms": sms})
    counts = Counts()
    channels: Mapping[str, Any] = {"sms": counts}
    reach = Reach(
        engine=lambda: cast("Any", None),
        settings=lambda: cast("Any", settings),
        clock=SystemClock(),
        words=shipped,
        channels=lambda: channels,
    )
    trials = await reach.start(names)
    assert [each.person for each in trials] == names
    assert {each.state for each in trials} == {"waiting"}
    assert (counts.sent, counts.most) == (len(names), SENT_AT_ONCE)


def test_a_machine_that_gives_no_thread_fails_one_attempt_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sending process goes on: what else it has in hand would end with it."""

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    ours, theirs = socket.socketpair()
    with ours, theirs:
        desk = Desk(theirs)
        asked = {"id": 7, "do": "send", "channel": "sms", "kind": "apprise", "timeout_s": 1.0}
        with monkeypatch.context() as spent:
            spent.setattr(threading.Thread, "start", none_left)
            desk.take({**asked, "config": {}, "message": {}})
        answer = parsed(ours.recv(length_of(ours.recv(LENGTH))))
    assert (answer["id"], answer["lasting"]) == (7, False)

"""Messages in hand: one that waits for the disk, or cannot be taken, is nobody else's loss."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from gateway.health.clock import SystemClock
from gateway.model.frames import Frame, Message
from gateway.radio.in_hand import IN_HAND_MAX
from gateway.radio.mqtt_in import MqttIn
from support.eventually import eventually
from support.mosquitto import Mosquitto, mosquitto
from support.radio import Heard, over_mqtt

TOPIC = "zigbee2mqtt/kald-1"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path, persistence=True) as running:
        yield running


class Hands:
    """Takes messages: `hang` and `fail` for ever, `slow` for a moment, all others at once."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.taken: list[bytes] = []
        self.cancelled: list[bytes] = []
        self.free = asyncio.Event()

    async def take(self, frame: Frame) -> None:
        assert isinstance(frame, Message)
        self.begun.append(frame.payload)
        word = frame.payload.partition(b" ")[0]
        try:
            if word == b"hang":
                await self.free.wait()
            if word == b"slow":
                await asyncio.sleep(0.3)
            if word == b"fail":
                raise ZeroDivisionError
        except asyncio.CancelledError:
            self.cancelled.append(frame.payload)
            raise
        self.taken.append(frame.payload)


async def listening(broker: Mosquitto, hands: Hands) -> tuple[MqttIn, asyncio.Task[None]]:
    source = MqttIn(
        over_mqtt(broker.login(), {"kald-1": TOPIC}),
        clock=SystemClock(),
        on_frame=hands.take,
        tell=Heard().tell,
        instance="of-the-test",
    )
    task = asyncio.create_task(source.run())
    await eventually(lambda: source.state == "up")
    return source, task


async def publish(broker: Mosquitto, *payloads: str, qos: int = 0) -> None:
    async with aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5) as sender:
        for payload in payloads:
            await sender.publish(TOPIC, payload, qos=qos)


async def test_a_commit_that_hangs_keeps_no_later_call_from_being_told(broker: Mosquitto) -> None:
    """A busy home sends a hundred measurements a second; the next resident's call comes behind them."""
    hands = Hands()
    _, task = await listening(broker, hands)
    await publish(broker, "hang", *(f"measurement {n}" for n in range(3 * IN_HAND_MAX)), "press")
    await eventually(lambda: b"press" in hands.taken)
    assert not hands.cancelled
    hands.free.set()
    await eventually(lambda: b"hang" in hands.taken)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_message_that_cannot_be_taken_and_never_comes_again_ends_nothing(broker: Mosquitto) -> None:
    """At QoS 0 a new connection would bring nothing back, and would lose what is in hand."""
    hands = Hands()
    source, task = await listening(broker, hands)
    await publish(broker, "hang", "fail", "press")
    await eventually(lambda: b"press" in hands.taken)
    hands.free.set()
    await eventually(lambda: b"hang" in hands.taken)
    assert (source.state, source.set_aside, hands.cancelled) == ("up", 1, [])
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_is_in_hand_beside_a_message_that_cannot_be_taken_is_taken(broker: Mosquitto) -> None:
    """The run ends, so that the message comes again; but not in the middle of somebody else's call."""
    hands = Hands()
    _, task = await listening(broker, hands)
    await publish(broker, "slow")
    await publish(broker, "fail", qos=1)
    await asyncio.wait((task,), timeout=60)
    assert isinstance(task.exception(), ZeroDivisionError)
    assert hands.taken == [b"slow"]
    assert not hands.cancelled


async def test_new_settings_do_not_stop_a_call_in_hand(broker: Mosquitto) -> None:
    """A device is added, and the connection made anew for its topic."""
    hands = Hands()
    source, task = await listening(broker, hands)
    await publish(broker, "slow")
    await eventually(lambda: hands.begun)
    source.reload(over_mqtt(broker.login(), {"kald-1": TOPIC, "kald-2": "zigbee2mqtt/kald-2"}))
    await eventually(lambda: hands.taken or hands.cancelled)
    assert (hands.taken, hands.cancelled) == ([b"slow"], [])
    await eventually(lambda: source.state == "up")
    await publish(broker, "press")
    await eventually(lambda: b"press" in hands.taken)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

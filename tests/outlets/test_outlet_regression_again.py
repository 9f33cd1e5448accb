"""What is open is told again with each connection; that must not bring back what ends meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from gateway.model.alert import Alert
from gateway.outlets.deliver import Rows
from gateway.outlets.mqtt_link import Link
from support.outlet_house import alert, closed, lone_outlet

pytestmark = pytest.mark.looptime


class SlowLink:
    """A link to a broker that takes its time, with what the broker retains."""

    def __init__(self) -> None:
        """Nothing is retained."""
        self.retained: dict[str, bytes] = {}

    async def send(self, topic: str, payload: bytes, *, retain: bool = False, properties: Any = None) -> None:
        """Take a message."""
        del properties
        await asyncio.sleep(1)
        if retain and payload:
            self.retained[topic] = payload
        elif retain:
            self.retained.pop(topic, None)
        await asyncio.sleep(1)


@pytest.mark.parametrize("noted_after_s", [0, 30])
@pytest.mark.parametrize("ends_after_s", [0.5, 2.5, 4.5, 6.5])
async def test_an_alert_that_ends_while_all_are_told_again_is_not_retained(
    ends_after_s: float, noted_after_s: float
) -> None:
    """Found by the simulation: its state of before went out after its end, and nobody cleared it.

    Its lane hears of the end with the commit; what is open is asked for where that is noted later.
    """
    link, opened = SlowLink(), [alert(f"a-{number}") for number in range(5)]

    outlet = lone_outlet(lambda: list(opened))
    outlet._link = cast("Link", link)
    again = asyncio.create_task(outlet._again(outlet._link))
    await asyncio.sleep(ends_after_s)
    ended: Alert = closed(opened[-1])
    asyncio.get_running_loop().call_later(noted_after_s, opened.pop)
    await outlet.send_alerts(Rows(((7, ended),), 7, 7))
    await again
    assert [topic.rpartition("/")[2] for topic in link.retained] == ["a-0", "a-1", "a-2", "a-3"]

"""A disk that hangs, and one that is full: calls are told, and nothing is confirmed that is not kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from support.disk import Disk
from support.eventually import eventually, holds
from support.gateway_process import Gateway, Home, Simulated, Stream, button, home, policies
from support.gateway_process import merged as over
from support.webhook import Receiver, channel, receiver

MB = 1 << 20
HANG_S = 3.0
OTHERS_AFTER_S = 5.0
CLIMATE = Simulated(
    name="klima-01", kind="climate", address="A4:C1:38:00:02:01", place="room-01", interval=0.3
)


async def not_durable(gateway: Gateway, alert: str) -> None:
    """Somebody tries to take it, and is told why that cannot be confirmed."""
    status, answer = await gateway.act(alert, "acknowledge")
    assert (status, answer["code"]) == (503, "not_durable"), answer


async def shown_unkept(stream: Stream, device: str) -> dict[str, Any]:
    """Wait for the stream to tell an alert that is not kept yet."""
    return (await stream.seen("alert", device=device, durable=False)).data


async def test_an_fsync_that_hangs_is_told_at_once_and_openly(tmp_path: Path) -> None:
    """Page and stream have the call, marked as not kept; when the disk answers it is the same alert, kept."""
    disk = Disk(tmp_path, tmp_path / "gateway-state")
    async with receiver() as hook:
        settings = over(channel(hook), {"alerts": policies(60, targets=["page", "channel:hook"])})
        with home(tmp_path, [button(1), button(2)], settings=settings) as house:
            await _hangs(house, house.start(env=disk.env), disk, hook)


async def _hangs(house: Home, gateway: Gateway, disk: Disk, hook: Receiver) -> None:
    async with gateway.stream() as stream:
        with disk.hanging():
            began = time.monotonic()
            house.do("kald-01", "press")
            told = await shown_unkept(stream, "kald-01")
            house.do("kald-02", "press")  # the next resident does not wait behind the first
            other = await shown_unkept(stream, "kald-02")
            listed = {one["id"]: one for one in await gateway.alerts()}
            assert [listed[one["id"]]["durable"] for one in (told, other)] == [False, False]
            await not_durable(gateway, told["id"])
            while time.monotonic() - began < HANG_S:
                assert await gateway.text("/healthz") == (200, "ok")
            await gateway.trouble("journal.slow")
            await eventually(lambda: len(_keys(hook)) == 2)  # other systems wait longer, and not for ever
            assert min(each.at_s for each in hook.received) - began >= OTHERS_AFTER_S
        kept = (await stream.seen("alert", device="kald-01", durable=True)).data
        assert kept["id"] == told["id"]
        assert (await stream.seen("alert", device="kald-02", durable=True)).data["id"] == other["id"]
        await holds(lambda: len(_keys(hook)) == 2, for_s=1)
        for alert in (told, other):
            status, taken = await gateway.act(alert["id"], "acknowledge")
            assert (status, taken["handling"], taken["count"]) == (200, "acknowledged", 1)
        await gateway.trouble_over("journal.slow")
    assert len(await gateway.readings("quantity=help_call")) == 2


def _keys(hook: Receiver) -> set[str]:
    return {each.key for each in hook.received}


async def test_a_full_disk_stops_readings_first_and_confirms_nothing_it_cannot_keep(tmp_path: Path) -> None:
    """Nearly full: readings stop. Full: the reserve goes, calls are kept. Quite full: told from memory."""
    disk = Disk(tmp_path, tmp_path / "gateway-state")
    disk.resize(200 * MB)
    with home(tmp_path, [*(button(n) for n in range(1, 5)), CLIMATE], broker=False) as house:
        gateway = house.start(env=disk.env)
        reserve = gateway.state / "reserve"
        await eventually(lambda: _history(gateway))
        assert reserve.exists()

        disk.leave(40 * MB)
        filling = await gateway.trouble("disk.filling")
        assert filling["concern"] == "technical"
        await eventually(lambda: _at_rest(gateway))
        await taken_and_kept(house, gateway, "kald-01")

        disk.leave(0)
        await _press_until(house, "kald-02", lambda: not reserve.exists())
        await taken_and_kept(house, gateway, "kald-02")

        async with gateway.stream() as stream:
            disk.leave(0)

            async def refused() -> bool:
                disk.leave(0)  # what an attempt freed is taken by somebody else
                house.do("kald-03", "press")
                return any(not one["durable"] for one in stream.alerts("kald-03"))

            await eventually(refused, within_s=60, every_s=0.1)
            told = await shown_unkept(stream, "kald-03")
            await not_durable(gateway, told["id"])
            failing = (await stream.seen("alert", kind="journal.failing")).data
            assert (failing["concern"], failing["priority"]) == ("technical", "high")
            house.do("kald-04", "press")
            last = await shown_unkept(stream, "kald-04")
            assert await gateway.text("/healthz") == (200, "ok")

            disk.resize(200 * MB)
            durable = await stream.seen("alert", device="kald-04", durable=True)
            assert durable.data["id"] == last["id"]
        for alert in (told, last):
            status, taken = await gateway.act(alert["id"], "acknowledge")
            assert (status, taken["handling"]) == (200, "acknowledged")
        await gateway.trouble_over("journal.failing")
        await gateway.trouble_over("disk.filling")
        before = await _history(gateway)
        await eventually(lambda: _more(gateway, before))
        assert reserve.exists()


async def test_a_gateway_that_starts_on_a_full_disk_hears_calls(tmp_path: Path) -> None:
    """No room, no reserve, and the power failed: it starts, tells calls from memory, and keeps them later."""
    disk = Disk(tmp_path, tmp_path / "gateway-state")
    disk.resize(200 * MB)
    with home(tmp_path, [button(1), button(2)], broker=False) as house:
        gateway = house.start(env=disk.env)
        house.do("kald-01", "press")
        first = await gateway.alert_of("kald-01")
        gateway.kill()
        (gateway.state / "reserve").unlink()
        disk.leave(0)
        gateway = house.start(env=disk.env)
        assert (await gateway.alert_of("kald-01"))["id"] == first["id"]
        async with gateway.stream() as stream:

            async def told_from_memory() -> bool:
                disk.leave(0)
                house.do("kald-02", "press")
                return any(not one["durable"] for one in stream.alerts("kald-02"))

            await eventually(told_from_memory, within_s=60, every_s=0.1)
            told = await shown_unkept(stream, "kald-02")
            await not_durable(gateway, told["id"])
            disk.resize(200 * MB)
        assert (await gateway.alert_of("kald-02"))["id"] == told["id"]


async def taken_and_kept(house: Home, gateway: Gateway, device: str) -> None:
    """Press, take and close: each is confirmed, so each is kept."""
    house.do(device, "press")
    alert = await gateway.alert_of(device, durable=True)
    assert (await gateway.act(alert["id"], "acknowledge"))[0] == 200
    assert (await gateway.act(alert["id"], "resolve", outcome="assisted", spoken=True))[0] == 200


async def _press_until(house: Home, device: str, so: Any) -> None:
    async def press() -> bool:
        house.do(device, "press")
        return bool(so())

    await eventually(press, within_s=60, every_s=0.1)


async def _history(gateway: Gateway) -> int:
    return len(await gateway.readings("device=klima-01&quantity=temperature"))


async def _at_rest(gateway: Gateway) -> bool:
    """Tell whether nothing is added for a while in which five readings come."""
    count = await _history(gateway)

    async def still() -> bool:
        return await _history(gateway) == count

    await holds(still, for_s=1.5, every_s=0.2)
    return True


async def _more(gateway: Gateway, count: int) -> bool:
    return await _history(gateway) > count

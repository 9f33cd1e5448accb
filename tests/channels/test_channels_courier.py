"""The sending process itself: what it takes when it dies or hangs, and what of it others can see."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.alerts.channels import courier as courier_module
from gateway.alerts.channels.base import ChannelDown
from gateway.alerts.channels.courier import LEFT_MAX, Answer, Courier
from gateway.model.framing import LENGTH, MESSAGE_MAX, NoSense, length_of, packed, parsed
from gateway.model.trouble import Trouble
from support.courier import running
from support.eventually import eventually

ODD = (sys.executable, str(Path(__file__).parents[1] / "support" / "odd_child.py"))
SECRET = "hemmelig-noegle-42"


def odd(tell: Any = lambda _trouble: None) -> Courier:
    """Make a courier whose process misbehaves when told to."""
    return Courier(tell, command=ODD)


async def ask(courier: Courier, does: str, *, channel: str = "one", timeout_s: float = 30) -> Answer:
    """Have something done."""
    return await courier.send(channel, "odd", {"secret": SECRET}, {"does": does}, timeout_s)


async def test_it_takes_and_answers() -> None:
    """With what the channel wants to know beside it."""
    async with running(odd()) as courier:
        answer = await ask(courier, "take")
        assert answer == Answer(taken="delivered", data={"pid": courier.pid})
        assert len((await ask(courier, "large")).data["filler"]) == 200_000
        assert courier.in_hand == 0


async def test_what_a_kind_needs_is_loaded_before_the_first_message() -> None:
    """No call waits for an import; a kind that does not load is no reason to end."""
    heavy = "gateway.alerts.channels.apprise_send"
    async with running(odd()) as courier:
        assert heavy not in (await ask(courier, "loaded")).data["modules"]
        courier.wanted(True, {"apprise", "gone"})

        async def loaded() -> bool:
            return heavy in (await ask(courier, "loaded")).data["modules"]

        await eventually(loaded)
        first = courier.pid
        with suppress(ChannelDown):
            await ask(courier, "die")
        await eventually(lambda: courier.pid not in (None, first))
        await eventually(loaded)


async def test_a_refusal_comes_as_it_was_said() -> None:
    """Reason, whether it lasts, and the channel's own data."""
    async with running(odd()) as courier:
        with pytest.raises(ChannelDown) as refused:
            await ask(courier, "refuse")
    assert (refused.value.reason, refused.value.lasting, refused.value.data) == ("no", True, {"gone": True})


async def test_what_a_library_raises_is_contained_and_not_quoted() -> None:
    """Its text may hold a key."""
    async with running(odd()) as courier:
        with pytest.raises(ChannelDown, match="it raised ZeroDivisionError") as raised:
            await ask(courier, "raise")
        assert SECRET not in str(raised.value)
        assert (await ask(courier, "take")).taken == "delivered"


async def test_a_kind_that_is_not_there_or_does_not_load_fails_alone() -> None:
    """A missing library is named."""
    async with running(odd()) as courier:
        for kind, why in (("pigeon", "no kind of channel"), ("gone", "no_such_module")):
            with pytest.raises(ChannelDown, match=why) as failed:
                await courier.send("one", kind, {}, {}, 30)
            assert failed.value.lasting


async def test_a_hanging_channel_delays_no_other_and_is_left_in_time() -> None:
    """While four attempts of one hang, another channel's is answered; then the four are given up on."""
    async with running(odd()) as courier:
        await ask(courier, "take")
        hanging = [asyncio.create_task(ask(courier, "hang", timeout_s=60)) for _ in range(4)]
        await eventually(lambda: courier.in_hand == 4)
        for _ in range(20):
            await ask(courier, "take", channel="two")
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        assert courier.in_hand == 0
        with pytest.raises(ChannelDown, match=r"no answer within 0\.05 s"):
            await ask(courier, "hang", timeout_s=0.05)
        assert (await ask(courier, "take")).taken == "delivered"


async def test_a_channel_whose_threads_all_hang_fails_at_once_and_the_process_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No thread can be ended from outside; a new process has none of them. Others are answered throughout."""
    monkeypatch.setattr(courier_module, "LEFT_LONGEST_S", 0.0)
    async with running(odd()) as courier:
        first = (await ask(courier, "take")).data["pid"]
        for _ in range(LEFT_MAX):
            with suppress(ChannelDown):
                await ask(courier, "hang", timeout_s=0.01)
        assert (await ask(courier, "take", channel="two")).taken == "delivered"
        with suppress(ChannelDown):  # until the process has been made anew
            await ask(courier, "hang", timeout_s=0.01)

        async def anew() -> bool:
            with suppress(ChannelDown):
                return (await ask(courier, "take", timeout_s=1)).data["pid"] != first
            return False

        await eventually(anew)


async def test_a_full_channel_says_so_instead_of_filling_the_process() -> None:
    """Bounded: attempts that hang, by channel."""
    async with running(odd()) as courier:
        await ask(courier, "take")
        for _ in range(LEFT_MAX):
            with pytest.raises(ChannelDown, match="no answer"):
                await ask(courier, "hang", timeout_s=0.01)
        with pytest.raises(ChannelDown, match="still hang"):
            await ask(courier, "take")
        assert (await ask(courier, "take", channel="two")).taken == "delivered"


async def test_a_process_that_dies_fails_what_is_in_hand_at_once_and_is_started_again() -> None:
    """Everything in hand is tried again by whoever asked; the next attempt waits for the new process."""
    async with running(odd()) as courier:
        first = (await ask(courier, "take")).data["pid"]
        others = [asyncio.create_task(ask(courier, "hang", channel=f"c{n}")) for n in range(3)]
        await eventually(lambda: courier.in_hand == 3)
        with pytest.raises(ChannelDown, match="the sending process ended"):
            await ask(courier, "die")
        for failed in await asyncio.gather(*others, return_exceptions=True):
            assert isinstance(failed, ChannelDown)
            assert not failed.lasting
        assert (await ask(courier, "take")).data["pid"] != first


async def test_one_that_dies_again_and_again_is_told_and_its_recovery_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A trouble of the house, for whoever relies on SMS."""
    told: list[Trouble] = []
    async with running(odd(told.append)) as courier:
        while not told:
            with suppress(ChannelDown):
                await ask(courier, "die")
        assert (told[0].kind, told[0].subject, told[0].present) == ("room.failing", "courier", True)
        assert "signal 9" in told[0].detail or "closed its end" in told[0].detail
        monkeypatch.setattr(courier_module, "HEALTHY_AFTER_S", 0.0)
        await eventually(lambda: not told[-1].present)


async def test_a_process_that_cannot_be_started_is_told_and_fails_attempts_in_their_time() -> None:
    """A broken installation."""
    told: list[Trouble] = []
    async with running(Courier(told.append, command=("/nonexistent/python",))) as courier:
        with pytest.raises(ChannelDown, match="no answer within"):
            await ask(courier, "take", timeout_s=0.3)
        await eventually(lambda: told)


async def test_nothing_of_a_message_or_a_url_stands_where_others_can_read_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in arguments, environment, log; of the gateway's environment only how to leave the network."""
    monkeypatch.setenv("VELGATE_TEST_TOKEN", "miljoe-hemmelighed")
    monkeypatch.setenv("NO_PROXY", "localhost")
    caplog.set_level("DEBUG")
    async with running(odd()) as courier:
        with suppress(ChannelDown):
            await ask(courier, "raise")
        process = Path(f"/proc/{courier.pid}")
        seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        assert b"NO_PROXY=localhost" in seen
        for secret in (SECRET.encode(), b"miljoe-hemmelighed"):
            assert secret not in seen
        with suppress(ChannelDown):
            await ask(courier, "die")
    assert SECRET not in caplog.text


async def test_it_runs_only_while_somebody_needs_it_and_ends_with_the_gateway() -> None:
    """A home without such channels has no second process; and none is left behind."""
    courier = odd()
    task = asyncio.create_task(courier.run())
    try:
        await asyncio.sleep(0)
        assert courier.pid is None
        courier.wanted(True)
        first = await eventually(lambda: courier.pid)
        await ask(courier, "take")
        courier.wanted(False)
        await eventually(lambda: courier.pid is None and not _alive(first))
        courier.wanted(True)
        second = await eventually(lambda: courier.pid)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await eventually(lambda: not _alive(second))


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def test_it_ends_by_itself_when_the_gateway_is_killed() -> None:
    """Its end of the pair closes; it waits for no attempt that hangs."""
    script = (
        "import asyncio, sys\n"
        "from gateway.alerts.channels.courier import Courier\n"
        f"courier = Courier(print, command={ODD!r})\n"
        "async def main():\n"
        "    courier.wanted(True)\n"
        "    room = asyncio.create_task(courier.run())\n"
        "    await courier.send('one', 'odd', {}, {'does': 'take'}, 30)\n"
        "    hanging = asyncio.create_task(courier.send('one', 'odd', {}, {'does': 'hang'}, 600))\n"
        "    while not courier.in_hand:\n"
        "        await asyncio.sleep(0.01)\n"
        "    print(courier.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert gateway.stdout is not None
    pid = int(await gateway.stdout.readline())
    assert _alive(pid)
    gateway.send_signal(signal.SIGKILL)
    await gateway.wait()
    await eventually(lambda: not _running(pid))


def _running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody has reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_nonsense_from_the_other_end_is_told_as_such(data: bytes) -> None:
    """Whatever comes, it is an object or NoSense."""
    with suppress(NoSense):
        assert isinstance(parsed(data), dict)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=10), st.text(max_size=50) | st.integers(-(2**63), 2**64 - 1) | st.none(), max_size=5
    )
)
def test_what_is_packed_is_read_back(document: dict[str, Any]) -> None:
    """Length and body."""
    whole = packed(document)
    assert length_of(whole[:LENGTH]) == len(whole) - LENGTH
    assert parsed(whole[LENGTH:]) == document


def test_nothing_is_without_a_bound() -> None:
    """In both directions."""
    with pytest.raises(NoSense):
        packed({"text": "x" * MESSAGE_MAX})
    with pytest.raises(NoSense):
        packed({"number": 2**64})  # no JSON number of 64 bits, which is all that the other side reads
    with pytest.raises(NoSense):
        length_of((MESSAGE_MAX + 1).to_bytes(LENGTH, "big"))

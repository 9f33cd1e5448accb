"""Drivers of third parties: each in a process of its own, with limits, killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gateway.driver import AdvertisementDriver, Availability, Counter, Fact, LastSeen, Sequence, Standing
from gateway.driver import quantities as q
from gateway.intake import wire
from gateway.intake.children import Children
from gateway.intake.host import DriverHost
from gateway.intake.loading import load
from gateway.model.framing import NoSense, length_of
from support.eventually import eventually
from support.guests import frame, package

KEY = bytes(range(16))

GOOD = """
def decode(frame):
    reader = Reader(frame.payload)
    yield Sequence(reader.u8())
    yield Counter(7)
    yield q.temperature(reader.i16() / 100, channel=2)
    yield q.help_call("press")
    yield Standing("sos", q.fall("detected"))
    yield Standing("calm", None)
    yield Availability(True)
    yield LastSeen(5)
    if reader.left:
        frame.key(16)
        raise Unsupported(f"block {reader.u8():#04x}")

driver = made("{name}", decode, reports=(q.temperature, q.help_call, q.fall))
"""
WILD = """
kept = []
def decode(frame):
    match frame.payload:
        case b"loop":
            while True:
                pass
        case b"sleep":
            time.sleep(60)
        case b"eat":
            while True:
                kept.append(bytearray(8 << 20))
        case b"die":
            os._exit(3)
        case b"raise":
            raise RuntimeError("resident Hansen")
        case b"write":
            with open(os.path.dirname(__file__) + "/written", "w") as file:
                file.write("x")
        case b"print":
            print("noise " * 10000, flush=True)
        case b"lie":
            yield Reading("soul", Kind.EVENT, "weighed")
        case b"object":
            yield object()
        case b"talk":
            while True:
                yield q.battery(1)
    yield q.battery(50)

driver = made("{name}", decode)
"""


def installed(folder: Path, name: str, code: str, calls_itself: str | None = None) -> EntryPoint:
    """Install a package whose driver bears its name, unless it calls itself something else."""
    return package(folder, name, code.replace("{name}", calls_itself or name))


@pytest.fixture
def children() -> Iterator[Children]:
    """The child processes; none outlives its test."""
    made = Children()
    yield made
    made.close()


def host_of(children: Children, *points: EntryPoint) -> DriverHost:
    """Load packages that are not Velgate's own."""
    drivers, findings = load(children, points=points)
    return DriverHost(drivers, children=children, findings=findings)


def once(host: DriverHost, data: bytes, key: bytes | None = None) -> tuple[list[Fact], str | None]:
    """Decode one frame and give facts and code."""
    given = frame(data)
    facts, fault, _ = host.decode(host.routes(given)[0], given, lambda _address: key)
    return facts, fault and fault.code


def pid_of(children: Children, name: str) -> int:
    """Give the process of a driver."""
    process = children._by_name[name]._process
    assert process is not None
    return process.pid


def test_a_driver_runs_elsewhere_and_says_all_that_one_can_say(tmp_path: Path, children: Children) -> None:
    """Every kind of fact, the key, and a decode error come through; the module is never imported here."""
    import sys

    host = host_of(children, installed(tmp_path, "guest-good", GOOD))
    assert host.findings == []
    loaded = host.drivers["guest-good"]
    assert (loaded.shipped, loaded.distribution) == (False, "velgate-guest-good")
    assert loaded.file == str(tmp_path / "guest_good.py")
    assert loaded.driver.said == (q.temperature, q.help_call, q.fall)
    assert isinstance(loaded.driver, AdvertisementDriver)
    said = [
        Sequence(9),
        Counter(7),
        q.temperature(25.0, channel=2),
        q.help_call("press"),
        Standing("sos", q.fall("detected")),
        Standing("calm", None),
        Availability(True),
        LastSeen(5),
    ]
    assert once(host, b"\x09\xc4\x09") == (said, None)
    assert once(host, b"\x09\xc4\x09\x01", KEY) == (said, "unsupported")
    assert once(host, b"\x09\xc4\x09\x01") == (said, "key_missing")
    assert once(host, b"\x09") == ([Sequence(9), Counter(7)], "truncated")
    assert "guest_good" not in sys.modules
    assert pid_of(children, "guest-good") != os.getpid()


@pytest.mark.parametrize("data", [b"loop", b"sleep", b"eat", b"die", b"lie", b"object", b"raise", b"write"])
def test_a_wild_driver_costs_its_own_frame(tmp_path: Path, children: Children, data: bytes) -> None:
    """Whatever it does, the answer is `driver_failed`, and the next frame is decoded."""
    host = host_of(children, installed(tmp_path, "guest-wild", WILD))
    assert once(host, data) == ([], "driver_failed")
    assert once(host, b"ok") == ([q.battery(50)], None)
    assert not (tmp_path / "written").exists() or (tmp_path / "written").read_bytes() == b""


def test_what_it_prints_goes_nowhere(
    tmp_path: Path, children: Children, capfd: pytest.CaptureFixture[str]
) -> None:
    """A guest's stdout is not ours, where data for other programs goes."""
    host = host_of(children, installed(tmp_path, "guest-wild", WILD))
    assert once(host, b"print") == ([q.battery(50)], None)
    assert capfd.readouterr() == ("", "")


def test_memory_is_limited(tmp_path: Path, children: Children) -> None:
    """A driver that eats memory meets the limit of its own process; this one does not grow."""
    host = host_of(children, installed(tmp_path, "guest-wild", WILD))
    before = int(Path("/proc/self/statm").read_text().split()[1])
    assert once(host, b"eat") == ([], "driver_failed")
    after = int(Path("/proc/self/statm").read_text().split()[1])
    assert (after - before) * os.sysconf("SC_PAGE_SIZE") < 64 << 20


def test_a_child_that_was_killed_is_started_again(tmp_path: Path, children: Children) -> None:
    """Somebody else ends it: one frame is lost, not the driver."""
    host = host_of(children, installed(tmp_path, "guest-good", GOOD))
    first = pid_of(children, "guest-good")
    os.kill(first, signal.SIGKILL)
    assert once(host, b"\x09\xc4\x09")[1] == "driver_failed"
    assert once(host, b"\x09\xc4\x09")[1] is None
    assert pid_of(children, "guest-good") != first


async def test_the_loop_goes_on_while_a_child_hangs(tmp_path: Path, children: Children) -> None:
    """A driver that loops holds up its own answer; the event loop turns, and the child comes back."""
    host = host_of(children, installed(tmp_path, "guest-wild", WILD))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def asked(data: bytes) -> tuple[list[Fact], str | None]:
        given = frame(data)
        facts, fault, _ = await host.decode_in_turn(host.routes(given)[0], given)
        return facts, fault and fault.code

    ticking = asyncio.create_task(tick())
    assert await asked(b"ok") == ([q.battery(50)], None)
    first = pid_of(children, "guest-wild")
    assert await asked(b"loop") == ([], "driver_failed")
    assert ticks >= 5
    assert not Path(f"/proc/{first}").exists(), "killed and reaped"

    async def back() -> bool:
        return await asked(b"ok") == ([q.battery(50)], None)

    await eventually(back)
    ticking.cancel()


async def test_a_dropped_question_does_not_answer_the_next(tmp_path: Path, children: Children) -> None:
    """Cancelled while it waits, the exchange is thrown away with the child."""
    host = host_of(children, installed(tmp_path, "guest-wild", WILD))
    slow, quick = frame(b"sleep"), frame(b"ok")
    asking = asyncio.create_task(host.decode_in_turn(host.routes(slow)[0], slow))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    async def back() -> bool:
        outcome = await host.decode_in_turn(host.routes(quick)[0], quick)
        return outcome.facts == [q.battery(50)]

    await eventually(back)


def test_a_package_that_does_not_come_up_is_named(tmp_path: Path, children: Children) -> None:
    """An import error, a missing driver or another name: the finding says so, and what does load works."""
    host = host_of(
        children,
        installed(tmp_path, "guest-broken", "import nothing_of_that_name"),
        installed(tmp_path, "guest-empty", "x = 1"),
        installed(tmp_path, "guest-other", GOOD, calls_itself="somebody-else"),
        installed(tmp_path, "guest-good", GOOD),
    )
    assert set(host.drivers) == {"guest-good"}
    found = {finding.expected.rpartition(" ")[2]: finding.found for finding in host.findings}
    assert "nothing_of_that_name" in found["guest-broken"]
    assert "AttributeError" in found["guest-empty"]
    assert "somebody-else" in found["guest-other"]


def test_a_guest_cannot_take_what_a_shipped_driver_takes(tmp_path: Path, children: Children) -> None:
    """The shipped driver stays; the finding names both files."""
    code = """
    driver = AdvertisementDriver(name="guest-thief", version="1", models=(), match=Match.service_data("fcd2"),
                                 heard_every=None, decode=lambda frame: [q.battery(1)])
    """
    own, _ = load(children, only="bthome")
    theirs, _ = load(children, points=[installed(tmp_path, "guest-thief", code)])
    host = DriverHost([*own, *theirs], children=children)
    assert set(host.drivers) == {"bthome"}
    assert "bthome.py" in host.findings[0].found
    assert host.findings[0].where == str(tmp_path / "guest_thief.py")


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        ["reading"],
        ["reading", "temperature", "measurement", None, "Cel", None],
        ["reading", "soul", "event", "weighed", None, None],
        ["reading", "temperature", "event", 1.0, None, None],
        ["reading", "temperature", "measurement", 1.0, 5, None],
        ["counter", "1"],
        ["standing", "sos", ["counter", 1]],
        ["standing", "s" * 33, None],
        ["reading", "button", "event", "press", None, 0],
        ["reading", "button", "event", "press", None, 256],
        ["sequence", 1],
        ["availability", "yes"],
        ["anything"],
    ],
)
def test_nothing_that_a_child_says_is_taken_on_trust(row: object) -> None:
    """A fact of another form is a fault."""
    with pytest.raises(NoSense):
        wire.fact_from_wire(row)


def test_lengths_beyond_all_bounds_are_refused() -> None:
    """A child cannot make the gateway wait for gigabytes."""
    with pytest.raises(NoSense):
        length_of(b"\xff\xff\xff\xff")

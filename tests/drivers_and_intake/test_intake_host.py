"""The driver host: who takes a frame, and what a driver that misbehaves costs: its own frame alone."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from gateway.driver import Advertisement, Fact, GattDriver, Match, MessageDriver, Unsupported
from gateway.driver import quantities as q
from gateway.intake.budget import HARD_S, LIMIT_S
from gateway.intake.children import Children
from gateway.intake.host import FACTS_MAX, DriverHost
from gateway.intake.index import Loaded, build
from gateway.intake.loading import checked, load
from gateway.intake.quarantine import ASIDE_FIRST_S, FAILURES_MAX
from gateway.model.frames import Advertisement as Frame
from gateway.model.frames import GattValue, Message
from support.guests import frame, guest


def good(_frame: Advertisement) -> Iterator[Fact]:
    """Say one thing."""
    yield q.battery(50)


class Time:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Told:
    """Keeps what was said of quarantine."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bool, str]] = []

    def __call__(self, driver: str, aside: bool, reason: str) -> None:
        self.said.append((driver, aside, reason))


@pytest.fixture
def told() -> Told:
    """What was told of quarantine."""
    return Told()


@pytest.fixture
def clock() -> Time:
    """The host's clock."""
    return Time()


@pytest.fixture
def host_of(clock: Time, told: Told) -> Iterator[object]:
    """Make hosts of the given drivers, and close them afterwards."""
    made: list[DriverHost] = []

    def make(*drivers: Loaded, share_max: float = 0.2) -> DriverHost:
        made.append(DriverHost(drivers, monotonic=clock, changed=told, share_max=share_max))
        return made[-1]

    yield make
    for host in made:
        host.close()


def once(host: DriverHost, given: Frame | None = None) -> tuple[list[Fact], str | None]:
    """Decode one frame and give facts and code."""
    given = given or frame()
    facts, fault, _ = host.decode(host.routes(given)[0], given)
    return facts, fault and fault.code


# -- who takes a frame ---------------------------------------------------------------------------------


def test_the_longest_beginning_wins_and_is_cut_off() -> None:
    """Among drivers of one company the most specific takes the frame; its payload follows what matched."""
    short = guest(good, "short", Match.company(1))
    longer = guest(good, "longer", Match.company(1, starts=b"\xbd\x02"))
    long = guest(good, "long", Match.company(1, starts=b"\xbd"))
    index, drivers, findings = build([short, long, longer])
    assert findings == []
    assert set(drivers) == {"short", "long", "longer"}
    for data, name, payload in (
        (b"\xbd\x02\x07", "longer", b"\x07"),
        (b"\xbd\x03", "long", b"\x03"),
        (b"\xbd", "long", b""),
        (b"", "short", b""),
    ):
        (route,) = index.routes(frame(data, 1))
        assert (route.loaded.name, route.payload) == (name, payload)
    assert index.routes(frame(b"\xbd", 2)) == []


def test_of_several_formats_in_one_frame_the_most_specific_stands_first() -> None:
    """Service data stands before manufacturer data, unless that matched more of the frame."""
    service, maker = (
        guest(good, "service", Match.service_data("fcd2")),
        guest(good, "maker", Match.company(1)),
    )
    exact = guest(good, "exact", Match.company(2, starts=b"\x01"))
    index, _, _ = build([maker, service, exact])
    given = Frame(address="x", service_data={"fcd2": b""}, manufacturer_data={1: b"", 2: b"\x01"})
    assert [route.loaded.name for route in index.routes(given)] == ["exact", "service", "maker"]


def test_names_and_service_uuids_match_where_nothing_else_does() -> None:
    """A name is a last resort; a service UUID alone is enough."""
    by_name, by_uuid = guest(good, "name", Match.name("BD2-*")), guest(good, "uuid", Match.service("180d"))
    index, _, _ = build([by_name, by_uuid])
    assert [r.loaded.name for r in index.routes(Frame(address="x", name="BD2-17"))] == ["name"]
    both = Frame(address="x", name="BD2-17", service_uuids=("180d",))
    assert [r.loaded.name for r in index.routes(both)] == ["uuid"]
    assert index.routes(Frame(address="x", name="bd2-17")) == []


def test_values_are_found_by_service_and_characteristic() -> None:
    """A characteristic that no driver names is nobody's, even of a known service."""
    driver = GattDriver(
        name="strap", version="1", models=(), match=Match.service("180d"), heard_every=None,
        decode=lambda _value: [], listen=("2a37",), also=("2a38",),
    )  # fmt: skip
    index, _, _ = build([Loaded(driver=driver, file="f", distribution="velgate", shipped=True)])
    for service, characteristic, count in (
        ("180d", "2a37", 1),
        ("180d", "2a38", 1),
        ("180d", "2aff", 0),
        ("1809", "2a37", 0),
    ):
        value = GattValue(address="x", service=service, characteristic=characteristic, value=b"")
        assert len(index.routes(value)) == count


def test_topics_are_found_by_shape() -> None:
    """One level for each name, a last one for the rest; the more literal pattern wins."""

    def messages(name: str, pattern: str) -> Loaded:
        driver = MessageDriver(
            name=name,
            version="1",
            models=(),
            match=Match.topic(pattern),
            heard_every=None,
            decode=lambda _m: [],
        )
        return Loaded(driver=driver, file=f"{name}.py", distribution="velgate", shipped=True)

    index, _, _ = build(
        [
            messages("any", "z/{device...}"),
            messages("exact", "z/one/{part}"),
            messages("status", "{who}/status"),
        ]
    )
    for topic, names in (
        ("z/lamp", ["any"]),
        ("z/floor/lamp", ["any"]),
        ("z/one/lamp", ["exact"]),
        ("z/one/lamp/x", ["any"]),
        ("z/", []),
        ("z", []),
        ("y/status", ["status"]),
        ("y/other", []),
        ("", []),
    ):
        assert [r.loaded.name for r in index.routes(Message(topic=topic, payload=b""))] == names, topic


def test_equal_matches_do_not_load_together_and_both_files_are_named() -> None:
    """The one that came first stays; the finding names both, and the rest loads."""
    first, second = guest(good, "first", file="first.py"), guest(good, "second", file="second.py")
    other = guest(good, "other", Match.company(3))
    index, drivers, (finding,) = build([first, second, other])
    assert set(drivers) == {"first", "other"}
    assert finding.where == "second.py"
    assert "first.py" in finding.found
    assert [route.loaded.name for route in index.routes(frame())] == ["first"]


# -- containment ---------------------------------------------------------------------------------------


def test_a_driver_that_raises_costs_its_own_frame(host_of: object) -> None:
    """What it said before is not believed; no message of its own gets out; other drivers go on."""

    def bad(_frame: Advertisement) -> Iterator[Fact]:
        yield q.battery(50)
        raise ZeroDivisionError("resident Hansen")

    host = host_of(guest(bad), guest(good, "good", Match.company(2)))  # type: ignore[operator]
    given = frame()
    facts, fault, _ = host.decode(host.routes(given)[0], given)
    assert facts == []
    assert fault == ("driver_failed", "it raised ZeroDivisionError")
    assert once(host, frame(company=2)) == ([q.battery(50)], None)


def test_what_came_before_a_decode_error_stands(host_of: object) -> None:
    """A decode error is no failure of the driver."""

    def partly(_frame: Advertisement) -> Iterator[Fact]:
        yield q.battery(50)
        raise Unsupported("block 9")

    host = host_of(guest(partly))  # type: ignore[operator]
    for _ in range(FAILURES_MAX * 3):
        assert once(host) == ([q.battery(50)], "unsupported")
    assert host.quarantine.aside() == {}


def loops(_frame: Advertisement) -> Iterator[Fact]:
    """Never come to an end, and swallow what can be swallowed."""
    while True:
        with contextlib.suppress(Exception):
            sum(range(100))
    yield q.battery(1)


def sleeps(_frame: Advertisement) -> Iterator[Fact]:
    """Wait for something."""
    time.sleep(60)
    yield q.battery(1)


def pattern(_frame: Advertisement) -> Iterator[Fact]:
    """Meet a regular expression that needs for ever."""
    import re

    re.match(r"(a+)+$", "a" * 64 + "b")
    yield q.battery(1)


@pytest.mark.parametrize("bad", [loops, sleeps, pattern])
def test_a_driver_that_does_not_end_is_interrupted(host_of: object, bad: object) -> None:
    """After its budget it is stopped; the next frame is decoded as ever."""
    host = host_of(guest(bad), guest(good, "good", Match.company(2)))  # type: ignore[operator, arg-type]
    began = time.monotonic()
    assert once(host) == ([], "driver_failed")
    assert LIMIT_S * 0.9 <= time.monotonic() - began < HARD_S + 5
    assert once(host, frame(company=2)) == ([q.battery(50)], None)


def test_a_driver_that_never_stops_talking_is_cut_off(host_of: object) -> None:
    """More facts than a frame can hold are a failure."""

    def talks(_frame: Advertisement) -> Iterator[Fact]:
        while True:
            yield q.battery(1)

    assert once(host_of(guest(talks))) == ([], "driver_failed")  # type: ignore[operator]
    assert FAILURES_MAX < FACTS_MAX


def test_the_timer_disturbs_nobody_between_calls(host_of: object) -> None:
    """It may fire after a call has ended; nothing is raised then."""
    host = host_of(guest(good))  # type: ignore[operator]
    once(host)
    end = time.monotonic() + LIMIT_S * 2
    while time.monotonic() < end:
        pass
    assert once(host) == ([q.battery(50)], None)


def test_outside_the_main_thread_drivers_run_without_a_timer(host_of: object) -> None:
    """A signal reaches the main thread only: elsewhere it must not be set."""
    host = host_of(guest(good))  # type: ignore[operator]
    out: list[object] = []
    thread = threading.Thread(target=lambda: out.append(once(host)))
    thread.start()
    thread.join()
    assert out == [([q.battery(50)], None)]


def test_the_cipher_is_loaded_before_a_driver_needs_it() -> None:
    """Loading it takes longer than a driver may: the first encrypted press after a start would be lost."""
    script = """
import sys
from gateway.model.ccm import decrypt_ccm, prepare
from gateway.model.decoding import KeyWrong
prepare()
before = set(sys.modules)
try:
    decrypt_ccm(bytes(16), bytes(13), bytes(8))
except KeyWrong:
    print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


# -- quarantine ----------------------------------------------------------------------------------------


def test_repeated_failures_set_a_driver_aside_and_a_trial_brings_it_back(
    host_of: object, clock: Time, told: Told
) -> None:
    """It is not called any more until its time is up; then one frame decides."""
    calls: list[bytes] = []
    broken = [True]

    def sometimes(given: Advertisement) -> Iterator[Fact]:
        calls.append(given.payload)
        if broken[0]:
            raise RuntimeError
        yield q.battery(50)

    host = host_of(guest(sometimes), guest(good, "good", Match.company(2)))  # type: ignore[operator]
    for _ in range(FAILURES_MAX):
        assert once(host)[1] == "driver_failed"
    assert told.said == [("guest", True, "it raised RuntimeError")]
    assert host.quarantine.aside() == {"guest": "it raised RuntimeError"}
    assert once(host) == ([], "driver_failed")
    assert len(calls) == FAILURES_MAX, "set aside: not called"
    assert once(host, frame(company=2)) == ([q.battery(50)], None)
    clock.now = ASIDE_FIRST_S + 1
    assert once(host)[1] == "driver_failed"
    assert len(calls) == FAILURES_MAX + 1, "one trial"
    assert once(host)[1] == "driver_failed"
    assert len(calls) == FAILURES_MAX + 1
    broken[0] = False
    clock.now += ASIDE_FIRST_S * 2 + 1
    assert once(host) == ([q.battery(50)], None)
    assert told.said[1:] == [("guest", False, "")]
    assert host.quarantine.aside() == {}


def test_a_single_bad_device_does_not_set_its_driver_aside(host_of: object) -> None:
    """Failures count only without a success between them: a forged frame must not silence the others."""

    def picky(given: Advertisement) -> Iterator[Fact]:
        if given.payload == b"\x00":
            raise RuntimeError
        yield q.battery(50)

    host = host_of(guest(picky))  # type: ignore[operator]
    for _ in range(FAILURES_MAX * 4):
        assert once(host, frame(b"\x00"))[1] == "driver_failed"
        assert once(host, frame(b"\x01")) == ([q.battery(50)], None)
    assert host.quarantine.aside() == {}


def test_a_driver_that_takes_too_large_a_share_is_set_aside(host_of: object, told: Told) -> None:
    """Each call keeps its limit, all together do not."""

    def slow(_frame: Advertisement) -> Iterator[Fact]:
        end = time.perf_counter() + 0.02
        while time.perf_counter() < end:
            pass
        yield q.battery(50)

    host = host_of(guest(slow), share_max=0.02)  # type: ignore[operator]
    for _ in range(12):
        once(host)
    assert [said[:2] for said in told.said] == [("guest", True)]
    assert once(host)[1] == "driver_failed"


# -- loading -------------------------------------------------------------------------------------------


class Own:
    """Stands for Velgate's own distribution."""

    name = "velgate"


def point(value: str, name: str) -> EntryPoint:
    """Make an entry point of Velgate's own."""
    made = EntryPoint(name, value, "velgate.drivers")
    vars(made).update(dist=Own())
    return made


def test_a_broken_package_does_not_stop_the_rest() -> None:
    """What does not import, is no driver, or has another name, is named; the others load."""
    drivers, findings = load(
        Children(),
        points=[
            point("drivers.nothing_there:driver", "gone"),
            point("drivers.bthome:V1_PLAIN", "no-driver"),
            point("drivers.ruuvi:driver", "renamed"),
            point("drivers.bthome:driver", "bthome"),
        ],
    )
    assert [one.name for one in drivers] == ["bthome"]
    assert [finding.expected for finding in findings] == [
        "a driver named gone",
        "a driver named no-driver",
        "a driver named renamed",
    ]
    assert "ModuleNotFoundError" in findings[0].found
    assert "type str" in findings[1].found
    assert "'ruuvi'" in findings[2].found


def test_one_driver_can_be_loaded_alone() -> None:
    """`only` leaves the others out."""
    drivers, findings = load(Children(), only="ruuvi")
    assert ([one.name for one in drivers], findings) == (["ruuvi"], [])


def test_a_match_that_the_kind_of_driver_cannot_have_is_refused() -> None:
    """An advertisement driver for a topic would never be asked: better said at once."""
    driver = guest(good, match=Match.topic("a/{b}")).driver
    fault = checked(driver, "guest")
    assert fault is not None
    assert "topic a/{b}" in fault
    assert checked(guest(good).driver, "guest") is None

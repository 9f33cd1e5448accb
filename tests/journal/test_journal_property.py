"""Any interleaving of append, read, restart and crash equals a list."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.journal import Journal, Ledger
from gateway.model.alert import Alert, Handling
from gateway.model.readings import Guard, Kind, Record
from support.inline_threads import InlineThreads
from support.journal import HandClock, Told, alert
from support.records import record

T = TypeVar("T")
DEVICES = ("klima-01", "klima-02", "kald-12")


class JournalMachine(RuleBasedStateMachine):
    """A journal beside plain lists."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.lives = 0
        self.loop = asyncio.new_event_loop()
        self.clock = HandClock()
        self.appended: list[Record] = []
        self.kept = 0
        self.events: list[Record] = []
        self.log: list[Alert] = []
        self.guards: dict[str, str] = {}
        self.cursor = 0
        self.open()

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.run(self.journal.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    # What happens.

    @rule(devices=st.lists(st.sampled_from(DEVICES), min_size=1, max_size=5), late=st.booleans())
    def append(self, devices: list[str], late: bool) -> None:
        at = self.clock.forward(7)
        new = [record(device=device, value=float(len(self.appended)), at=at) for device in devices]
        if late:
            new = [replace(each, time_ns=each.time_ns - 7_000_000_000_000) for each in new]
        self.run(self.call(self.journal.readings.append, new, [Guard(devices[0], "counter", "1", at)]))
        self.appended += new

    @rule()
    def flush(self) -> None:
        self.run(self.journal.readings.flush())
        self.kept = len(self.appended)

    @rule(device=st.sampled_from(DEVICES), fails=st.booleans())
    def press(self, device: str, fails: bool) -> None:
        event = record("help_call", "press", kind=Kind.EVENT, device=device, at=self.clock.forward(3))
        raised = alert(f"a-{len(self.log)}", at=event.at)

        def work(ledger: Ledger) -> None:
            ledger.add_event(event)
            ledger.put_guard(Guard(device, "sequence", str(len(self.events)), event.at))
            ledger.put_alert(raised)
            ledger.audit("raised", by=None, source="rule", alert=raised.id)
            if fails:
                raise ZeroDivisionError

        try:
            self.run(self.journal.alarms.write(work))
        except ZeroDivisionError:
            assert fails
            return
        self.guards[device] = str(len(self.events))
        self.events.append(event)
        self.log.append(raised)

    @rule(which=st.integers(0, 50))
    def close_an_alert(self, which: int) -> None:
        still_open = [each for each in self.latest().values() if each.open]
        if still_open:
            chosen = still_open[which % len(still_open)]
            closed = replace(chosen, handling=Handling.RESOLVED, rev=chosen.rev + 1)
            self.run(self.journal.alarms.write(lambda ledger: ledger.put_alert(closed)))
            self.log.append(closed)

    @rule(steps=st.integers(1, 4))
    def deliver(self, steps: int) -> None:
        if self.cursor < self.journal.readings.head:
            batch = self.run(self.journal.readings.after(self.cursor, steps))
            self.cursor = batch.end
            self.run(self.journal.readings.advance("mqtt/readings", batch.end))

    @rule()
    def restart(self) -> None:
        self.run(self.journal.close())
        self.kept = len(self.appended)
        self.open()
        assert self.run(self.journal.readings.cursor("mqtt/readings")) == self.cursor

    @rule()
    def crash(self) -> None:
        """Take what is on the disk into a new life, as after `kill -9`."""
        self.lives += 1
        after = self.folder / f"life-{self.lives}"
        shutil.copytree(self.state, after)
        self.run(self.journal.close())
        self.open()
        kept = [each for _, each in self.all_readings()]
        assert kept == self.appended[: len(kept)], "what is kept is a beginning of what came"
        assert len(kept) >= self.kept, "what was flushed is kept"
        self.appended, self.kept = kept, len(kept)
        cursor = self.run(self.journal.readings.cursor("mqtt/readings"))
        assert cursor <= self.cursor
        self.cursor = cursor

    # What must hold.

    @invariant()
    def alarms_are_as_they_were(self) -> None:
        if not hasattr(self, "journal"):
            return
        read = self.journal.alarms.read
        assert [
            each for _, each in self.run(read(lambda ledger: ledger.events_after(0, 1000)))
        ] == self.events
        assert [each for _, each in self.run(read(lambda ledger: ledger.log_after(0, 1000)))] == self.log
        latest = self.latest()
        assert {each.id for each in self.run(read(Ledger.open_alerts))} == {
            each.id for each in latest.values() if each.open
        }
        assert {guard.device: guard.value for guard in self.run(read(Ledger.guards))} == self.guards
        assert self.run(self.journal.alarms.verify_audit()) is None

    @invariant()
    def readings_are_as_they_were(self) -> None:
        if not hasattr(self, "journal"):
            return
        kept = self.all_readings()
        assert [each for _, each in kept] == self.appended[: len(kept)]
        assert len(kept) >= self.kept

    @invariant()
    def the_history_has_each_once(self) -> None:
        if not hasattr(self, "journal"):
            return
        committed = self.appended[: self.journal.readings.head]
        for device in (None, DEVICES[0]):
            expected = sorted(
                (each for each in committed + self.events if device in (None, each.device)),
                key=lambda each: each.time_ns,
            )
            found, after = [], None
            while True:
                page, after = self.run(
                    self.journal.readings.history(
                        since_ns=0, until_ns=2**62, device=device, after=after, limit=7
                    )
                )
                found += page
                if after is None:
                    break
            assert sorted(each.id for each in found) == sorted(each.id for each in expected)
            assert [each.time_ns for each in found] == [each.time_ns for each in expected]

    # How.

    def open(self) -> None:
        self.state = self.folder / f"life-{self.lives}"
        self.journal = self.run(Journal.open(self.state, self.clock, Told(), threads=InlineThreads()))

    def all_readings(self) -> list[tuple[int, Record]]:
        found: list[tuple[int, Record]] = []
        while (found[-1][0] if found else 0) < self.journal.readings.head:
            found += self.run(self.journal.readings.after(found[-1][0] if found else 0, 1000)).rows
        return found

    def latest(self) -> dict[str, Alert]:
        return {each.id: each for each in self.log}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def call(self, function: Any, *arguments: Any) -> None:
        function(*arguments)
        await asyncio.sleep(0)


TestJournalMachine = JournalMachine.TestCase
TestJournalMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)

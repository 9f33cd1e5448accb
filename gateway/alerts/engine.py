"""The alerts as the rest of the house sees them: events in, people's doings in; alerts and notifications out.

An engine lives as long as the gateway. Each `run` is a run of the room: it begins from what the journal has,
and a run that crashed hands on nothing but what the disk has not taken yet.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Protocol, TypeVar

from gateway.alerts import objections, people
from gateway.alerts.basis import BasisBook
from gateway.alerts.book import Recorder
from gateway.alerts.bulletin import SUBSCRIPTION_MAX, Bulletin, Shown, Subscription
from gateway.alerts.chain import ChainTest, quieted, test_chain, test_record
from gateway.alerts.channels.base import Channel
from gateway.alerts.clerk import SEND_AFTER_S, Store, Work
from gateway.alerts.desk import Desk, Ids
from gateway.alerts.duty_book import Kept, read_kept
from gateway.alerts.inputs import PresenceHow
from gateway.alerts.load_watch import LoadWatch
from gateway.alerts.notes import MEMO as NOTES_MEMO
from gateway.alerts.notes import Note, prune_notes, read_notes
from gateway.alerts.notices import shown_on
from gateway.alerts.office import BATTERIES, EVERY_RULE, Office, Rules
from gateway.alerts.opening import (
    REACH,
    Opened,
    ReadStore,
    read_open,
    resume,
    written_proof,
)
from gateway.alerts.presence_button import keeps_presence, pressed_by_staff
from gateway.alerts.roster import Duty, Proof, Roster
from gateway.alerts.rounds import Rounds
from gateway.alerts.rules import RuleBook
from gateway.alerts.supervision import Heard, Supervision
from gateway.alerts.unjudged import judge_again, keep_unjudged
from gateway.alerts.verdicts import Failed, Gone, Judged, Verdict
from gateway.alerts.watched import DriverOf, Watched, watched
from gateway.journal.errors import NotDurable
from gateway.model.alert import Alert, Concern
from gateway.model.catalogue import shipped
from gateway.model.clock import Clock, Instant, iso
from gateway.model.ids import NewId
from gateway.model.problem import Exit, Problem
from gateway.model.readings import Guard, Record
from gateway.model.rows import Basis
from gateway.model.together import together
from gateway.model.trouble import Trouble
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

JUDGE_AGAIN_S = 60.0  # how often events that a rule could not judge are tried again
EARLY_MAX = 1000  # troubles told before the first run; with more the oldest is forgotten


class AlarmStore(Store, ReadStore, Protocol):
    """The journal's alarm file."""


class Readings(Protocol):
    """The journal's readings, as far as rules need them."""

    def latest(self) -> list[Record]:
        """Give the last record of each device, quantity and channel."""
        ...


class Journal(Protocol):
    """`gateway.journal.journal.Journal`."""

    @property
    def alarms(self) -> AlarmStore:
        """The alarm file."""
        ...

    @property
    def readings(self) -> Readings:
        """The readings."""
        ...


@dataclass
class _Run:
    """What one run of the room is made of."""

    office: Office
    rounds: Rounds
    opened: Opened


class AlertEngine:
    """Alerts, from a device's word to the person who takes it. Belongs to the event loop."""

    def __init__(
        self,
        *,
        journal: Journal,
        settings: Settings,
        clock: Clock,
        new_id: NewId,
        random: Random,
        channels: Callable[[Settings], Mapping[str, Channel]],
        driver_of: DriverOf,
        heard: Callable[[], Mapping[str, Heard]],
        centre_up: Callable[[str], bool] = lambda _name: False,
        unkept: Callable[[Alert], None] = lambda _alert: None,
        phones: Callable[[str], tuple[str, ...]] = lambda _person: (),
    ) -> None:
        """`channels` makes those of a configuration; `heard` is intake's; `driver_of` knows the drivers.

        `phones` names the channels by which a person's own phones take pushes.
        """
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self._random = random
        self._make_channels = channels
        self._driver_of = driver_of
        self._heard = heard
        self._centre_up = centre_up
        self._unkept = unkept
        self._phones = phones
        self._bulletin = Bulletin()
        self._ids = Ids(new_id)
        self._watched: Mapping[str, Watched] = watched(settings, driver_of)
        self.basis = BasisBook(settings)
        """The legal basis of every place; `basis.keeps` is what intake asks."""
        self._basis_watchers: list[Callable[[], None]] = []
        self._supervision = Supervision(settings, self._watched, clock.now())
        self._proofs: dict[str, Proof] = {}
        self._kept = Kept()
        self._taking = asyncio.Lock()
        self.load = LoadWatch(settings.alerts.load, clock, self.trouble, self._persons_on_duty)
        """How many alerts are too many, and what chatters."""
        self._early: list[Trouble] = []
        self._run: _Run | None = None
        self._spent = False

    # The room.

    async def start(self) -> None:
        """Read back what is open, and begin a new run of the room with it; `run` then does the work."""
        now = self._clock.now()
        opened = await read_open(self._journal.alarms)
        self._proofs, self._kept = dict(opened.proofs), opened.kept
        self.basis.take(opened.bases)
        before = self._run.office if self._run else None
        left = before.clerk.left() if before else []
        for work in left:
            opened.memory.adopt(work.memos)
        office = Office(
            store=self._journal.alarms,
            mirror=opened.mirror,
            memory=opened.memory,
            rules=self._rules(),
            ids=self._ids,
            clock=self._clock,
            random=self._random,
            bulletin=self._bulletin,
            trouble=self.trouble,
            unkept=self._unkept,
        )
        rounds = Rounds(office, self._supervision, self._heard, self._basis_due)
        await self.load.seed(self._journal.alarms)
        office.watchers.append(self.load.moved)
        channels = self._make_channels(self._settings)
        office.outbox.configure(channels)
        known = {name: channel.knows_key for name, channel in channels.items()}
        resumed = resume(opened.mirror, now, lambda name: known.get(name, True))
        office.submit(Work(run=resumed.work))
        office.outbox.offer(resumed.waiting)
        self._run, self._spent = _Run(office, rounds, opened), False
        if before is not None:
            office.take_over(before)
            self._bulletin.end()  # what was kept and not told any more nobody knows: every screen looks again
            office.clerk.resume(left, refusing=before.clerk.refusing)
        self._catch_up(now)
        for trouble in self._early:
            self.trouble(trouble)
        self._early.clear()

    async def run(self) -> None:
        """Keep, tell, escalate and supervise, for ever. After a crash call it again: it starts anew."""
        if self._run is None or self._spent:
            await self.start()
        run = self._run
        assert run is not None
        self._spent = True
        await together(
            run.office.clerk.run(),
            run.office.outbox.run(),
            run.rounds.timers(),
            run.rounds.looks(),
            self._judge_again(run.office),
            self.load.run(),
        )

    def reload(self, settings: Settings) -> None:
        """Take a new configuration. Alerts that are open stay, by the policies as they now are."""
        now = self._clock.now()
        self._settings = settings
        self._watched = watched(settings, self._driver_of)
        self.basis.configure(settings)
        self.load.configure(settings.alerts.load)
        if self._run is None:
            self._supervision = Supervision(settings, self._watched, now)
            return
        office = self._run.office
        office.rules = self._rules()
        office.outbox.configure(self._make_channels(settings))
        verdicts = self._supervision.configure(settings, self._watched, now, office.memory)
        office.submit(office.judged(Judged(tuple(verdicts)), now, source="reload"))
        self._catch_up(now, source="reload")
        office.timers_moved.set()

    # What devices say.

    async def event(self, records: Sequence[Record], guards: Sequence[Guard]) -> None:
        """Keep events with everything they cause, and return after the commit.

        May be called again while it waits; events are kept in the order of the calls. Raises NotDurable
        where the disk refuses, or has not answered when the alarm has gone out everywhere from memory; it is
        kept when the disk is back. Who brings it is one of few hands, and must be let go.
        """
        office, now = self._office, self._clock.now()
        judged = _joined([office.judge(record, now) for record in records])
        work = office.judged(judged, now, records=records, guards=guards)
        if work is None:
            return
        presses = pressed_by_staff(records, self._watched)
        if presses:
            work.run = _both(work.run, keeps_presence(presses, office.desk, now))
        try:
            await _kept_in_time(office, work)
        except NotDurable:
            raise
        except Exception as error:  # whatever failed, the event itself must be kept
            log.exception("what follows from an event failed; the event is kept and judged again")
            failed = Failed(EVERY_RULE, type(error).__name__, calls_unheard=True)
            office = self._office  # another one, where the room has begun anew meanwhile
            office.submit(office.judged(Judged(failed=(failed,)), now))
            await _kept_in_time(office, keep_unjudged(records, guards))

    def observe(self, records: Sequence[Record]) -> None:
        """Let the rules look at measurements and states. Returns at once; evidence is kept with an alert."""
        if self._run is None:
            return  # the last states are looked at when the room opens
        office, now = self._office, self._clock.now()
        for record in records:
            judged = office.judge(record, now)
            look = partial(self._supervision.observe, record, now, office.memory)
            watched = office.supervise(BATTERIES, look, ends=False)
            every = Judged((*judged.verdicts, *watched), judged.failed)
            office.submit_judged(every, now, evidence=[record] if every.raises else ())

    def trouble(self, trouble: Trouble) -> None:
        """Take a trouble of the gateway's own, or its end. Returns at once."""
        if self._run is None:
            self._early = [*self._early, trouble][-EARLY_MAX:]
            return
        office, now = self._office, self._clock.now()
        try:
            verdicts = self._supervision.trouble(trouble, now, office.memory)
        except Exception:  # contained: whoever has a trouble to tell is on the way of an alarm, mostly
            log.exception("the trouble %s of %s could not be taken", trouble.kind, trouble.subject)
            return
        office.submit_judged(Judged(tuple(verdicts)), now, source="gateway")

    # What people do.

    async def act(
        self,
        alert: str,
        action: str,
        *,
        by: str,
        source: str,
        fields: Mapping[str, Any],
        rev: int | None = None,
    ) -> Alert:
        """Do what a person asked, and return the alert after the commit. Raises Refused.

        `source` is where it came from (`page`, `socket`, `mqtt`); `rev` the revision that the person saw.
        """
        if action == "object":
            return await self._object(alert, by=by, source=source, fields=fields)
        return await people.act(self._office, alert, action, by=by, source=source, fields=fields, rev=rev)

    async def holder_left(self, person: str, *, source: str = "page") -> None:
        """Give back what somebody had who has signed out or ended the shift. Raises NotDurable."""
        await people.holder_left(self._office, person, source)

    async def present_at(
        self, place: str, *, by: str, how: PresenceHow = "button", source: str = "device"
    ) -> list[Alert]:
        """Record that somebody is at a place (a presence button or tag there). Raises NotDurable."""
        return await people.present_at(self._office, place, by, how, source)

    async def prove_reach(self, person: str, *, reached: bool) -> None:
        """Note what a trial of somebody's reach has shown (R9). Raises NotDurable."""
        proof = Proof(reached, self._clock.now())
        await self._keep_memo(REACH + person, written_proof(proof))
        self._proofs = {**self._proofs, person: proof}
        self._office.rules = self._rules()

    async def change_duty(self, change: Callable[[Any], T]) -> T:
        """Let overrides or imports be changed (`gateway.alerts.duty_book`) in one transaction.

        In force when this returns. Raises NotDurable, and what `change` raises.
        """
        # Read in the same turn: what was changed is in force although a disk is slow to read.
        given, self._kept = await self._journal.alarms.write(
            lambda ledger: (change(ledger), read_kept(ledger))
        )
        if self._run is not None:
            self._office.rules = self._rules()
        return given

    # What others ask.

    def open(self) -> list[Shown]:
        """Give every alert that is not resolved, and whether its last state is kept."""
        return self._office.open() if self._run else []

    def subscribe(self, maxsize: int = SUBSCRIPTION_MAX) -> Subscription:
        """Hear of each new state from now on. Ends where the reader is more than `maxsize` behind.

        Subscribe first and ask `open` afterwards. Close it when it is not read any more.
        """
        return self._bulletin.subscribe(maxsize)

    def page_shown(self, alert: str, who: str) -> None:
        """Note that an alert stands on somebody's page: a person's, or a screen's by its name."""
        if self._run is not None:
            self._office.page_shown(alert, who)

    def shown_on(self, alert: str) -> tuple[int, int]:
        """Give on how many of how many asked people's pages it is shown."""
        view = self._office.clerk.view
        found = view.alert(alert)
        return shown_on(view.notifications(alert), found.cycle) if found else (0, 0)

    def duty(self) -> list[Duty]:
        """Tell who is on duty in each group."""
        now = self._clock.now()
        roster = self.roster()
        return [roster.duty(name, now) for name in self._settings.group]

    def duty_document(self) -> dict[str, Any]:
        """Give the duty as it is published: numbers, no persons."""
        groups = [
            {
                "group": duty.group,
                "until": None if duty.until_ns is None else iso(duty.until_ns),
                "on": len(duty.persons),
                "reached": duty.reached,
            }
            for duty in self.duty()
        ]
        return {"groups": groups, "centre": None}

    async def notes(self) -> list[Note]:
        """Give the notes that have not vanished yet."""
        memo = await self._journal.alarms.read(lambda ledger: ledger.memo(NOTES_MEMO))
        return read_notes(memo, self._clock.now())

    def no_basis(self) -> list[dict[str, Any]]:
        """List the rules that rest for lack of a legal basis: `rule`, `place`, `count`, `standing`."""
        if self._run is None:
            return []
        office = self._office
        return self.basis.no_basis(office.rules.book, self._watched, self._clock.now(), office.no_basis)

    async def basis_changed(self) -> None:
        """Take the legal bases as they are recorded now; in force when this returns."""
        async with self._taking:  # or an older read that is slow would take an objection back
            self.basis.take(await self._journal.alarms.read(lambda ledger: ledger.basis()))
        for watcher in self._basis_watchers:
            watcher()

    async def withdraw(
        self, place: str, concern: Concern, rule: str | None, *, by: str | None, source: str
    ) -> Basis:
        """Record that a resident says no; in force when this returns. Raises Refused."""
        row = await objections.withdraw(self._office, self.basis, place, concern, rule, by=by, source=source)
        await self.basis_changed()
        return row

    async def take_back(
        self, place: str, concern: Concern, rule: str | None, *, by: str, source: str
    ) -> Basis:
        """Take an objection back; in force when this returns. Raises Refused."""
        row = await objections.take_back(self._office, self.basis, place, concern, rule, by=by, source=source)
        await self.basis_changed()
        return row

    def on_basis(self, watcher: Callable[[], None]) -> None:
        """Have somebody hear of each change of a legal basis, once it is in force."""
        self._basis_watchers.append(watcher)

    def waiting(self) -> int:
        """How many works are not kept yet: the room's queue."""
        return self._run.office.clerk.waiting if self._run else 0

    async def canary(self) -> None:
        """Go the way of an alarm through the journal, and return after the commit. Raises NotDurable."""
        at = self._clock.now()
        await self._office.keep(Work(run=lambda book: _canary(book, at), tells=False))

    def devices(self) -> Mapping[str, Watched]:
        """Give what is known of each configured device: how often it speaks, whether calls hang on it."""
        return self._watched

    async def test(self, device: str, *, by: str, quiet: bool = False) -> ChainTest:
        """Send a test of a device through the real path. Raises Problem and NotDurable.

        The page adds `shown` itself, when it shows the alert. A `quiet` one wakes nobody; `end_test` ends it.
        """
        known = self._watched.get(device)
        if known is None:
            raise Problem(
                device,
                expected="a device of the configuration",
                found="no device of that name",
                do="see them all: velgate device list",
                exit=Exit.NOT_FOUND,
            )
        driver = self._driver_of(device, self._settings.device[device])
        says = known.says or {quantity.name for quantity in (driver.said if driver else ())}
        record = test_record(self._office, known, says, self._new_id)
        begun = self._clock.now()
        log.info("chain test of %s, asked for by %s", device, by)
        coming = self._quietly(record) if quiet else self.event([record], [])
        return await test_chain(self._office, coming, record, begun)

    def end_test(self, alert: str) -> None:
        """End a quiet test: unless somebody has taken it, it closes. Returns at once."""
        office, now = self._office, self._clock.now()
        found = office.clerk.kept.alert(alert)
        if found is not None and found.quiet:
            office.submit_judged(Judged((Gone(found.key),)), now, source="test")

    async def _quietly(self, record: Record) -> None:
        office, now = self._office, self._clock.now()
        judged = quieted(office.judge(record, now))
        work = office.judged(judged, now, source="test", records=[record])
        if work is not None:
            await _kept_in_time(office, work)

    # Inside.

    @property
    def _office(self) -> Office:
        assert self._run is not None, "the alerts have not been started"
        return self._run.office

    def _rules(self) -> Rules:
        book = RuleBook(self._settings, self._watched, self.basis.allows)
        desk = Desk(self._settings, self.roster(), self._ids)
        return Rules(book, desk, shipped().overlaid(self._settings.wording))

    def roster(self) -> Roster:
        """Give who is on duty when, and how they are reached, as of now."""
        roster = self._kept.roster(self._settings, self._proofs, self._centre_up)
        return replace(roster, phones=self._phones)

    def _persons_on_duty(self) -> int:
        """Count who is on duty; where no group says, everybody of the home may be."""
        groups = self.duty()
        on_duty = {person for group in groups for person in group.persons}
        return len(on_duty) if groups else len(self._settings.person)

    def _basis_due(self, now: Instant) -> list[Verdict]:
        return self.basis.due(now, self._office.memory)

    def _catch_up(self, now: Instant, *, source: str = "start") -> None:
        """Judge what this gateway may have missed of states, and end what the configuration no longer has.

        A rule that was changed holds at once for what is so now, not from the next word of each device on.
        """
        office = self._office
        book, memory = office.rules.book, office.memory
        latest = self._journal.readings.latest()
        judged = _joined([book.prune(memory), book.started(now, memory), book.catch_up(latest, now, memory)])
        raising = {getattr(verdict, "reading", None) for verdict in judged.verdicts}
        evidence = [record for record in latest if record.id in raising]
        office.submit_judged(judged, now, source=source, evidence=evidence)

    async def _judge_again(self, office: Office) -> None:
        """Judge what could not be judged: at the beginning, then as long as something is left, for ever."""
        left = 1
        while True:
            if left or office.failing:
                try:
                    left = await judge_again(office, self._journal.alarms)
                except (TimeoutError, sqlite3.Error) as busy:
                    log.warning("events are judged again later: %s", busy)
            await asyncio.sleep(JUDGE_AGAIN_S)

    async def _object(self, alert: str, *, by: str, source: str, fields: Mapping[str, Any]) -> Alert:
        changed = await people.object_to(self._office, self.basis, alert, by=by, source=source, fields=fields)
        await self.basis_changed()
        return changed

    async def _keep_memo(self, key: str, value: dict[str, Any]) -> None:
        await self._office.keep(Work(run=lambda book: book.put_memo(key, value), tells=False))


async def _kept_in_time(office: Office, work: Work[None]) -> None:
    """Wait for the commit as long as other systems do. Raises NotDurable then."""
    try:
        async with asyncio.timeout(SEND_AFTER_S):
            await office.keep(work)
    except TimeoutError:
        raise NotDurable(f"the disk has not answered within {SEND_AFTER_S:g} s") from None


def _both(first: Callable[[Recorder], None], then: Callable[[Recorder], None]) -> Callable[[Recorder], None]:
    """Do two things in one transaction."""

    def run(book: Recorder) -> None:
        first(book)
        then(book)

    return run


def _joined(every: Sequence[Judged]) -> Judged:
    return Judged(
        tuple(verdict for each in every for verdict in each.verdicts),
        tuple(failed for each in every for failed in each.failed),
    )


def _canary(book: Recorder, at: Instant) -> None:
    book.put_memo("canary", {"wall_ns": at.wall_ns})
    prune_notes(book, at)

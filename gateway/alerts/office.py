"""Where the alerts of a run come together: what is open, who keeps it, who is told.

The office turns judgements into works, publishes what has become of them, and hands rows to the outbox.
Everything here belongs to the event loop; only the works themselves run in the journal's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import TypeVar

from gateway.alerts.book import Moved, Recorder
from gateway.alerts.bulletin import Bulletin, Published, Shown
from gateway.alerts.clerk import Clerk, Store, Work
from gateway.alerts.desk import Desk, Ids
from gateway.alerts.inputs import NotificationFailed
from gateway.alerts.memory import Memory
from gateway.alerts.mirror import Mirror
from gateway.alerts.notices import shows
from gateway.alerts.opening import UNJUDGED
from gateway.alerts.outbox import Outbox
from gateway.alerts.rules import RuleBook
from gateway.alerts.verdicts import Failed, Judged, NoBasis, Occurrence, Verdict
from gateway.journal.errors import NotDurable
from gateway.model.alert import Alert, Handling, Outcome
from gateway.model.catalogue import Catalogue
from gateway.model.clock import Clock, Instant
from gateway.model.readings import Guard, Record
from gateway.model.rows import Notification, NotificationChanges
from gateway.model.trouble import Trouble
from gateway.settings.alerting import PAGE

log = logging.getLogger(__name__)

T = TypeVar("T")

EVERY_RULE = "every-rule"
"""Stands for all rules where none could judge."""
SUPERVISION, BATTERIES, TIMERS = "supervision", "battery-supervision", "timers"
"""Subjects of the trouble that one of our own looks fails."""


@dataclass(frozen=True)
class Rules:
    """One configuration, as the alerts use it. A reload makes another."""

    book: RuleBook
    desk: Desk
    words: Catalogue


class Office:
    """The alerts of one run. A room that begins anew has a new office, read from the journal."""

    def __init__(
        self,
        *,
        store: Store,
        mirror: Mirror,
        memory: Memory,
        rules: Rules,
        ids: Ids,
        clock: Clock,
        random: Random,
        bulletin: Bulletin,
        trouble: Callable[[Trouble], None],
        unkept: Callable[[Alert], None],
    ) -> None:
        """`mirror` and `memory` are as the journal has them; `unkept` tells other systems from memory."""
        self.clock = clock
        self.memory = memory
        self.rules = rules
        self.bulletin = bulletin
        self.timers_moved = asyncio.Event()
        self.watchers: list[Callable[[Moved], None]] = []
        """Called with each change that is kept, after it is published."""
        self.unmanned: set[tuple[str, str]] = set()
        """Targets that had nobody when they were asked, with why; told until they have."""
        self.failing: set[str] = set()
        """Rules that could not judge something; told until everything is judged."""
        self.no_basis: Counter[tuple[str, str]] = Counter()
        self.unsupervised: set[str] = set()
        """What of supervision fails; told until it works again."""
        self._ids = ids
        self._trouble = trouble
        self._unkept = unkept
        self._provisional: dict[str, Alert] = {}
        self.clerk = Clerk(store, mirror, self)
        self.outbox = Outbox(
            view=lambda: self.clerk.view,
            notes=self,
            tell=trouble,
            clock=clock,
            random=random,
            words=lambda: self.rules.words,
            language=self._language,
        )

    @property
    def desk(self) -> Desk:
        """The desk of the present configuration."""
        return self.rules.desk

    def open(self) -> list[Shown]:
        """Give every open alert, and whether its last state is kept."""
        every = self.clerk.view.open_alerts()
        return [Shown(alert, not self.clerk.provisional(alert.id)) for alert in every]

    # Works.

    def judge(self, record: Record, now: Instant) -> Judged:
        """Let the rules judge a record. What they fail at is contained: no reading is held up by it."""
        try:
            return self.rules.book.judge(record, now, self.memory)
        except Exception as error:  # the rule book contains its rules; this is its own mistake
            log.exception("a record could not be judged")
            return Judged(failed=(Failed(EVERY_RULE, type(error).__name__, calls_unheard=True),))

    def supervise(
        self, what: str, look: Callable[[], Iterable[Verdict]], *, ends: bool = True
    ) -> tuple[Verdict, ...]:
        """Let supervision look. What it fails at is told, and contained: it must not stop a call.

        `ends`: a look that succeeds takes back that one failed; else that stays until the room begins anew.
        """
        try:
            verdicts = tuple(look())
        except Exception as error:
            log.exception("%s failed", what)
            self.fails(what, error)
            return ()
        if ends:
            self.works(what)
        return verdicts

    def fails(self, what: str, error: BaseException) -> None:
        """Say that one of our own looks fails; once, until `works` takes it back."""
        if what not in self.unsupervised:
            self.unsupervised.add(what)
            self._trouble(Failed(what, type(error).__name__, calls_unheard=True).trouble())

    def works(self, what: str) -> None:
        """Take back that it fails."""
        if what in self.unsupervised:
            self.unsupervised.discard(what)
            self._trouble(Trouble(kind="rule.failing", subject=what, present=False))

    def all_judged(self) -> None:
        """Take back that something could not be judged."""
        for rule in self.failing:
            self._trouble(Trouble(kind="rule.failing", subject=rule, present=False))
        self.failing.clear()

    def judged(
        self,
        judged: Judged,
        now: Instant,
        *,
        source: str = "rule",
        records: Sequence[Record] = (),
        guards: Sequence[Guard] = (),
        evidence: Sequence[Record] = (),
        before: Callable[[Recorder], None] | None = None,
    ) -> Work[None] | None:
        """Make the work that keeps what was judged, with the events it was judged from; None for nothing."""
        memos = self.memory.changes()
        failing: dict[str, list[str]] = {}
        if judged.failed and records:
            failing = {record.id: [failed.rule for failed in judged.failed] for record in records}
        for verdict in judged.verdicts:
            if isinstance(verdict, NoBasis):
                self.no_basis[verdict.rule, verdict.place] += 1
        for failed in judged.failed:
            self.failing.add(failed.rule)
            self._trouble(failed.trouble())
        verdicts = [verdict for verdict in judged.verdicts if not isinstance(verdict, NoBasis)]
        if not (verdicts or memos or records or guards or before):
            return None
        desk = self.desk

        def run(book: Recorder) -> None:
            if before is not None:
                before(book)
            news = [book.add_event(record, judged=record.id not in failing) for record in records]
            if records and all(seq is None for seq in news):
                return  # it was kept before, with all that follows from it
            for record_id, rules in failing.items():
                book.put_memo(UNJUDGED + record_id, {"rules": rules})
            for guard in guards:
                book.put_guard(guard)
            for record in evidence:
                book.add_event(record, evidence=True)
            keep_memos(book, memos)
            desk.carry_out(book, verdicts, now, source=source)

        called = bool(records) or any(isinstance(verdict, Occurrence) for verdict in verdicts)
        return Work(run=run, called=called, sync=called or bool(verdicts or before), memos=memos)

    def submit(self, work: Work[None] | None) -> None:
        """Have a work kept without waiting for it; a failure is in the log, and its effects do not happen."""
        if work is not None:
            self.clerk.submit(work).add_done_callback(_logged)

    def submit_judged(
        self,
        judged: Judged,
        now: Instant,
        *,
        source: str = "rule",
        evidence: Sequence[Record] = (),
    ) -> None:
        """Have kept what was judged, without waiting.

        Where that fails, the condition is forgotten, so that the next word of it raises it again: smoke is no
        event that is judged again, but a state that is told by its edge.
        """
        work = self.judged(judged, now, source=source, evidence=evidence)
        if work is not None:
            self.clerk.submit(work).add_done_callback(partial(self._was_kept, judged, source))

    def _was_kept(self, judged: Judged, source: str, done: asyncio.Future[None]) -> None:
        _logged(done)
        error = None if done.cancelled() else done.exception()
        if error is None or isinstance(error, NotDurable):
            return
        for verdict in judged.verdicts:
            if isinstance(verdict, Occurrence):
                self.memory.forget(verdict.key)
        if source != "gateway":  # or telling that it cannot be told would never end
            self.fails(f"alerts-of-{source}", error)

    async def keep(self, work: Work[T]) -> T:
        """Have a work kept and wait for it. Raises NotDurable."""
        return await self.clerk.keep(work)

    def take_over(self, before: Office) -> None:
        """Know what the run before has told of its troubles, and sent from memory: we tell their end."""
        self.unmanned |= before.unmanned
        self.failing |= before.failing
        self.unsupervised |= before.unsupervised
        self.no_basis.update(before.no_basis)
        self.outbox.take_over(before.outbox)

    # What the clerk tells.

    def kept(self, moved: Moved, withdrawn: frozenset[str]) -> None:
        """Publish what is durable, and let it be sent."""
        latest = moved.latest()
        self._ids.used(alert for _, alert in latest)
        for _, alert in latest:
            self._provisional.pop(alert.id, None)
        gone = [self._provisional.pop(alert) for alert in withdrawn if alert in self._provisional]
        self.bulletin.publish(Published(seq, alert, durable=True) for seq, alert in latest)
        self.bulletin.publish(Published(None, _nothing(alert), durable=False) for alert in gone)
        self._sent_to_pages(moved.rows)
        self.outbox.offer(moved.rows)
        self.timers_moved.set()
        for watcher in tuple(self.watchers):
            watcher(moved)
        for why, target in moved.unmanned:
            self._tell_unmanned(why, target)

    def told(self, moved: Moved) -> None:
        """Show what is not kept yet."""
        for _, alert in moved.latest():
            self._provisional[alert.id] = alert
            self.bulletin.publish([Published(None, alert, durable=False)])
        self.timers_moved.set()

    def overdue(self, moved: Moved) -> None:
        """Let channels and other systems have what is not kept yet."""
        self.outbox.offer(moved.rows)
        for _, alert in moved.alerts:
            self._unkept(alert)

    def refused(self, reason: str | None) -> None:
        """Say that calls cannot be kept; they go out from memory."""
        self._trouble(
            Trouble(
                kind="journal.failing",
                subject="alarms",
                present=reason is not None,
                detail=f"calls cannot be kept: {reason}" if reason else "",
                calls_unheard=True,
            )
        )

    # What the outbox tells.

    def note(self, row: str, changes: NotificationChanges) -> None:
        """Keep what became of a row; housekeeping, which need not wait for the disk."""
        self.note_all({row: changes})

    def note_all(self, rows: Mapping[str, NotificationChanges]) -> None:
        """Keep what became of several rows."""

        def run(book: Recorder) -> None:
            for row, changes in rows.items():
                if book.notification(row) is not None:
                    book.update_notification(row, **changes)

        self.submit(Work(run=run, sync=False))

    def step_failed(self, alert: str, step: int, cycle: int) -> None:
        """Start the next step of an alert at once."""
        now, desk = self.clock.now(), self.desk

        def run(book: Recorder) -> None:
            found = book.alert(alert)
            if found is not None and found.handling is Handling.UNACKNOWLEDGED:
                desk.apply(book, found, NotificationFailed(step, cycle), now, source="outbox")

        self.submit(Work(run=run, called=True))

    def page_shown(self, alert: str, who: str) -> None:
        """Note that an alert stands on somebody's page: of a person, or of a screen by its name."""
        now = self.clock.now()
        delivered: NotificationChanges = {"state": "delivered", "changed": now}
        rows = {
            row.id: delivered
            for row in self.clerk.view.notifications(alert)
            if row.state != "delivered" and shows(row, who)
        }
        if rows:
            self.note_all(rows)

    def _sent_to_pages(self, rows: Iterable[Notification]) -> None:
        """A page has it as soon as it is published; that somebody sees it the page says itself."""
        sent: NotificationChanges = {"state": "sent", "attempts": 1, "changed": self.clock.now()}
        now_sent = {row.id: sent for row in rows if row.channel == PAGE and row.state == "sending"}
        if now_sent:
            self.note_all(now_sent)

    def _tell_unmanned(self, why: str, target: str) -> None:
        if (why, target) not in self.unmanned:
            self.unmanned.add((why, target))
            detail = f"{target} was asked and has nobody; the next step was started at once"
            self._trouble(Trouble(kind=why, subject=target_slug(target), present=True, detail=detail))

    def manned(self, why: str, target: str) -> None:
        """Take back that a target has nobody."""
        self.unmanned.discard((why, target))
        self._trouble(Trouble(kind=why, subject=target_slug(target), present=False))

    def _language(self, person: str | None) -> str:
        known = self.desk.settings.person.get(person or "")
        return known.language if known else "da"


def keep_memos(book: Recorder, memos: Mapping[str, dict[str, object] | None]) -> None:
    """Keep what rules remember."""
    for key, value in memos.items():
        if value is None:
            book.end_memo(key)
        else:
            book.put_memo(key, value)


def target_slug(target: str) -> str:
    """Give a target as the subject of a trouble."""
    kind, _, name = target.partition(":")
    return (name or kind).replace("/", "-").lower()


def _nothing(alert: Alert) -> Alert:
    """Give an alert that was shown and has come to nothing, so that every screen takes it away."""
    return replace(alert, handling=Handling.RESOLVED, outcome=Outcome.AUTO, rev=alert.rev + 1)


def _logged(done: asyncio.Future[None]) -> None:
    error = None if done.cancelled() else done.exception()
    if error is not None and not isinstance(error, NotDurable):  # that one is told as a trouble
        log.error("a change of the alerts was not kept", exc_info=error)

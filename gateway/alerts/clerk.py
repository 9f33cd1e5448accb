"""Keeps works in the journal in their order, and tells from memory what the disk holds up.

Each work runs in the journal's writer, one after the other, so an acknowledgement and a timer can never
both act on the same old state. Where the disk has not answered after 250 ms, the same works run on a copy of
what is open: the page tells at once, says that it is not kept yet, and nobody can take it. Where the disk
refuses, the works stay here in order, alarms go out from memory, and all is kept once the disk is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from gateway.alerts.book import Book, Moved, Recorder
from gateway.alerts.mirror import Mirror
from gateway.journal.errors import NotDurable

log = logging.getLogger(__name__)

T = TypeVar("T")

TELL_AFTER_S = 0.25  # the page and the local sound wait for the disk no longer than this
SEND_AFTER_S = 5.0  # other channels and systems
QUEUE_MAX = 1000  # works that no run has taken up; further ones are held in memory, or refused
UNKEPT_MAX = 20_000  # works held in memory while the disk refuses; then those that nobody called with go
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 10.0
AT_ONCE = 200  # unkept works that are tried together: one commit of the journal
ANEW = "the alerts are being started anew"


class Store(Protocol):
    """The journal's alarm file: `gateway.journal.alarm_store.AlarmStore`."""

    async def write(self, work: Callable[[Any], T], *, sync: bool = True) -> T:
        """Run a work in the writer, and return after the fsync."""
        ...


@dataclass(eq=False, kw_only=True)
class Work(Generic[T]):
    """One input on its way into the journal. `run` may be run again, on a book without its changes."""

    run: Callable[[Recorder], T]
    tells: bool = True
    """It is told from memory if the disk does not answer, and held if it refuses. A person's doing is not."""
    called: bool = False
    """Somebody called with it: of held works, the last to be given up."""
    sync: bool = True
    """It waits for the disk. Housekeeping need not."""
    memos: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """What it keeps of the rules' memory, for a run that begins before it is kept."""
    done: asyncio.Future[T] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    ticket: int = 0
    covered: bool = False
    """It has run on the copy of what is open."""
    told: set[str] = field(default_factory=set)
    """Alerts that were told from memory because of it."""
    sent: bool = False
    """Its notifications have gone out from memory."""
    flight: asyncio.Task[Any] | None = None
    """It is on its way through the journal. A run of the alerts that ends does not stop it: the next one
    waits for its end, or would not know what has been kept."""
    alarms: list[asyncio.TimerHandle] = field(default_factory=list)
    """When it will be told, and sent, from memory."""

    def on(self, book: Book) -> tuple[T, Moved]:
        """Run it on a book; gives its result and what has changed."""
        recorder = Recorder(book)
        result = self.run(recorder)
        return result, recorder.moved


class Listener(Protocol):
    """What the engine does with what is kept, or told from memory."""

    def kept(self, moved: Moved, withdrawn: frozenset[str]) -> None:
        """Publish what is durable. `withdrawn`: alerts told from memory that have come to nothing."""
        ...

    def told(self, moved: Moved) -> None:
        """Publish what is not kept yet."""
        ...

    def overdue(self, moved: Moved) -> None:
        """Let channels and other systems have what is not kept yet."""
        ...

    def refused(self, reason: str | None) -> None:
        """Say that the disk refuses; None once it has taken everything."""
        ...


class Clerk:
    """One for a run of the alerts. Belongs to the event loop."""

    def __init__(self, store: Store, mirror: Mirror, listener: Listener) -> None:
        """`mirror` follows every commit from here on."""
        self._store = store
        self._mirror = mirror
        self._listener = listener
        self._queue: asyncio.Queue[Work[Any]] = asyncio.Queue(QUEUE_MAX)
        self._pending: dict[int, Work[Any]] = {}
        self._unkept: dict[int, Work[Any]] = {}
        self._tickets = 0
        self._overlay: Mirror | None = None
        self._overlaid = 0
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._over = False
        self.refusing = False
        """The disk refuses, and that is told; until it has taken everything."""

    @property
    def view(self) -> Mirror:
        """What is open, as far as anybody knows: with what is not kept yet, if that has been told."""
        return self._covered() or self._mirror

    @property
    def kept(self) -> Mirror:
        """What is open and kept."""
        return self._mirror

    @property
    def unkept(self) -> int:
        """How many works the disk has refused so far."""
        return len(self._unkept)

    @property
    def waiting(self) -> int:
        """How many works are not kept yet."""
        return len(self._pending) + len(self._unkept)

    def provisional(self, alert: str) -> bool:
        """Whether the last that was told of an alert is not kept yet."""
        works = (*self._pending.values(), *self._unkept.values())
        return any(alert in work.told for work in works)

    async def keep(self, work: Work[T]) -> T:
        """Have a work kept, and return its result after the commit.

        Raises NotDurable where the disk refuses or too much waits; a work that `tells` has then been told
        from memory, and is kept once the disk is back. Any other is refused at once between two runs, for
        nobody would come to answer it. Cancelling the wait undoes nothing. Works are kept in the order of
        the calls.
        """
        if not work.tells and (self._over or self._queue.full()):
            raise NotDurable(ANEW if self._over else "too much waits for the disk")
        self.submit(work)
        return await asyncio.shield(work.done)

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Have a work kept without waiting; where too much waits already it is held in memory."""
        self._numbered(work)
        if self._queue.full() and work.tells:
            self._hold(work, "too much waits for the disk")
        else:
            self._queue.put_nowait(work)
        return work.done

    def resume(self, works: Iterable[Work[Any]], *, refusing: bool) -> None:
        """Begin with what the run before has left (`left`); what it has told is told at once."""
        self.refusing = refusing
        for work in works:
            told = work.covered
            work.covered, work.sent, work.told = False, False, set()
            self.submit(work)
            if told:
                self._late(work)

    async def run(self) -> None:
        """Keep what comes, for ever."""
        try:
            async with asyncio.TaskGroup() as desk:
                desk.create_task(self._try_again(), name="alerts-unkept")
                while True:
                    work = await self._queue.get()
                    desk.create_task(self._write(work), name=f"alerts-work-{work.ticket}")
        finally:
            self._abandon()

    def _numbered(self, work: Work[T]) -> Work[T]:
        self._tickets += 1
        work.ticket = self._tickets
        self._pending[work.ticket] = work
        work.done.add_done_callback(_heard)
        if work.tells:  # from here on, whether or not a run of the alerts is there to take it up
            loop = asyncio.get_running_loop()
            work.alarms = [
                loop.call_later(TELL_AFTER_S, self._late, work),
                loop.call_later(SEND_AFTER_S, self._later, work),
            ]
        return work

    async def _write(self, work: Work[Any]) -> None:
        if self._unkept and work.flight is None:
            if work.tells:
                self._hold(work, "the disk refuses")
                return
            await self._flush()
        try:
            result, moved = await self._fly(work)
        except NotDurable as refusal:
            if work.tells:
                self._hold(work, refusal.reason)
            else:
                self._pending.pop(work.ticket, None)
                _answer(work, refusal)
        except Exception as error:  # noqa: BLE001  (it undoes itself alone; whoever brought it must know)
            self._has_kept(work, None, Moved(), error)
        else:
            self._has_kept(work, result, moved)

    async def _fly(self, work: Work[T]) -> tuple[T, Moved]:
        """Have a work go through the journal, or wait for the end of a flight that has begun."""
        if work.flight is None:
            work.flight = asyncio.create_task(self._store.write(work.on, sync=work.sync))
            work.flight.add_done_callback(_heard)
        try:
            landed: tuple[T, Moved] = await asyncio.shield(work.flight)
        finally:
            if work.flight.done():
                work.flight = None
        return landed

    def _has_kept(self, work: Work[Any], result: Any, moved: Moved, error: Exception | None = None) -> None:
        self._pending.pop(work.ticket, None)
        self._unkept.pop(work.ticket, None)
        _silence(work)
        self._mirror.follow(moved)
        if not (work.covered and self._unkept):  # of many that were held each would make the copy anew
            self._uncover()
        gone = frozenset(
            alert
            for alert in work.told
            if self._mirror.alert(alert) is None and all(alert != each.id for _, each in moved.alerts)
        )
        try:
            self._listener.kept(moved, gone)
        finally:  # a mistake in telling ends this run, and keeps nobody waiting
            if error is not None:
                _answer(work, error)
            elif not work.done.done():
                work.done.set_result(result)
        if self.refusing and not self._unkept:
            self.refusing = False
            self._listener.refused(None)

    # Telling from memory.

    def _late(self, work: Work[Any]) -> None:
        """Tell a work that the disk holds up, and those before it."""
        for each in self._waiting_through(work.ticket):
            if each.covered or not each.tells:
                continue
            each.covered = True
            moved = self._cover(each)
            each.told.update(alert.id for _, alert in moved.alerts)
            self._listener.told(moved)

    def _later(self, work: Work[Any]) -> None:
        """Send what a work wants sent, though it is not kept yet."""
        if work.sent:
            return
        self._late(work)
        work.sent = True
        view, late = self.view, Moved()
        late.alerts = [(0, alert) for each in work.told if (alert := view.alert(each)) is not None]
        late.rows = [row for _, alert in late.alerts for row in view.notifications(alert.id)]
        self._listener.overdue(late)

    def _waiting_through(self, ticket: int) -> list[Work[Any]]:
        every = {**self._unkept, **self._pending}
        return [every[each] for each in sorted(every) if each <= ticket]

    def _cover(self, work: Work[Any]) -> Moved:
        """Run a work on the copy of what is open."""
        overlay = self._covered() or self._mirror.copy()
        self._overlay, self._overlaid = overlay, max(self._overlaid, work.ticket)
        return self._run_on(overlay, work)

    def _covered(self) -> Mirror | None:
        """Give the copy, made anew where a commit has overtaken it; None where everything is kept."""
        if self._overlay is None and self._overlaid:
            works = [each for each in self._waiting_through(self._overlaid) if each.covered]
            if not works:
                self._overlaid = 0
                return None
            self._overlay = self._mirror.copy()
            for each in works:
                self._run_on(self._overlay, each)
        return self._overlay

    def _uncover(self) -> None:
        self._overlay = None

    def _run_on(self, overlay: Mirror, work: Work[Any]) -> Moved:
        try:
            return work.on(overlay)[1]
        except Exception:  # what fails here fails in the journal too, and is answered there
            log.exception("a work failed in memory")
            return Moved()

    # Holding what the disk refuses.

    def _hold(self, work: Work[Any], reason: str) -> None:
        self._pending.pop(work.ticket, None)
        self._unkept[work.ticket] = work
        if len(self._unkept) > UNKEPT_MAX:
            self._give_up()
        self._late(work)
        self._later(work)
        _silence(work)
        _answer(work, NotDurable(reason))
        if not self.refusing:
            self.refusing = True
            self._listener.refused(reason)
        self._wake.set()

    def _give_up(self) -> None:
        """Let the oldest work go with which nobody called: its timers are due anew once the disk is back."""
        idle = next((ticket for ticket in sorted(self._unkept) if not self._unkept[ticket].called), None)
        self._unkept.pop(min(self._unkept) if idle is None else idle)

    async def _try_again(self) -> None:
        pause = RETRY_FIRST_S
        while True:
            if not self._unkept:
                self._wake.clear()
                await self._wake.wait()
                pause = RETRY_FIRST_S
            await asyncio.sleep(pause)
            await self._flush()
            pause = min(pause * 2, RETRY_MAX_S)

    async def _flush(self) -> None:
        """Try to keep what was refused, in its order; more may come to it meanwhile."""
        async with self._flushing:
            while self._unkept:
                works = [self._unkept[ticket] for ticket in sorted(self._unkept)[:AT_ONCE]]
                outcomes = await asyncio.gather(*(self._fly(work) for work in works), return_exceptions=True)
                if not self._taken(works, outcomes):
                    return

    def _taken(self, works: list[Work[Any]], outcomes: list[Any]) -> bool:
        """Take over what was kept; gives whether the disk took everything."""
        whole = True
        for work, outcome in zip(works, outcomes, strict=True):
            match outcome:
                case NotDurable():
                    whole = False
                case Exception():
                    log.error("a work that was held could not be kept", exc_info=outcome)
                    self._has_kept(work, None, Moved(), outcome)
                case BaseException():
                    raise outcome
                case (result, moved):
                    self._has_kept(work, result, moved)
        return whole

    def left(self) -> list[Work[Any]]:
        """Give what the next run must begin with, in order, once `run` has ended; this one tells no more.

        It is what tells and is not kept, and whatever is on its way through the journal: what comes of that
        must be seen, an acknowledgement not least.
        """
        every = self._waiting_through(self._tickets)
        for work in every:
            _silence(work)
            if not work.tells and work.flight is None:
                _answer(work, NotDurable(ANEW))
        return [work for work in every if work.tells or work.flight is not None]

    def _abandon(self) -> None:
        """Leave nobody waiting for a run that is over: what is on its way is answered when it gets there."""
        self._over = True
        for work in (*self._pending.values(), *self._unkept.values()):
            if work.flight is not None:
                work.flight.add_done_callback(partial(_landed, work))
            elif not work.tells:
                _answer(work, NotDurable(ANEW))


def _landed(work: Work[Any], flight: asyncio.Task[Any]) -> None:
    if flight.cancelled():
        _answer(work, NotDurable(ANEW))
    elif (error := flight.exception()) is not None:
        _answer(work, error)
    elif not work.done.done():
        work.done.set_result(flight.result()[0])


def _answer(work: Work[Any], error: BaseException) -> None:
    if not work.done.done():
        work.done.set_exception(error)


def _silence(work: Work[Any]) -> None:
    """Have it told from memory no more: it is kept, or held, or another run's."""
    for alarm in work.alarms:
        alarm.cancel()
    work.alarms.clear()


def _heard(done: asyncio.Future[Any]) -> None:
    """Take note of a failure that nobody waits for any more (its caller has gone)."""
    if not done.cancelled():
        done.exception()

"""How a run begins: what was open is read back, what came due meanwhile happens once, nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gateway.alerts.memory import MEMO
from gateway.alerts.mirror import Mirror
from gateway.alerts.notices import row_for
from gateway.alerts.opening import read_open, resume, written_proof
from gateway.alerts.roster import Address, Proof
from gateway.model.alert import Handling
from gateway.model.clock import ClockQuality, Instant
from gateway.model.rows import Notification, Timer
from support.alarm_cases import at
from support.alarm_every import alert

U, A, R = Handling.UNACKNOWLEDGED, Handling.ACKNOWLEDGED, Handling.RESOLVED
CALLING = alert(U, id="calling", key="call/1", changed=at(2))
TAKEN = alert(A, id="taken", key="call/2", changed=at(3))
NEXT = Instant(at(100).wall_ns, 7, "22222222-2222-2222-2222-222222222222")


class Kept(Mirror):
    """A ledger of memos, alerts, timers and rows."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.kept: dict[str, dict[str, Any]] = {}
        self.reads = 0

    def memos(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Give the memos that begin so."""
        return {key: memo for key, memo in self.kept.items() if key.startswith(prefix)}


class Store:
    """Reads; a read of all notifications of an alert that has too many takes too long."""

    def __init__(self, ledger: Kept, *, most: int = 10_000) -> None:
        """Read from this ledger."""
        self.ledger, self.most = ledger, most
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    async def read(self, work: Callable[[Any], Any]) -> Any:
        """Run a work."""
        begin = len(self.asked)
        answer = work(self)
        mine = self.asked[begin:]
        whole = sum(len(self.ledger.notifications(of, states)) for of, states in mine if not states)
        if whole > self.most:
            raise TimeoutError
        return answer

    def notifications(self, of: str, states: tuple[str, ...] = ()) -> list[Notification]:
        """Give and count."""
        self.asked.append((of, tuple(states)))
        return self.ledger.notifications(of, states)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        """Everything else is the ledger's."""
        return getattr(self.ledger, name)


def row(of: Any, channel: str = "sms", **changes: Any) -> Notification:
    """Give a notification."""
    return replace(row_for(of, Address("group:nat", channel, "AB"), at(5)), **changes)


def timer(of: Any, kind: str, seconds: float) -> Timer:
    """Give a timer."""
    return Timer(subject=f"alert:{of.id}", kind=kind, rev=of.rev, due=at(seconds))


async def test_what_is_open_is_read_back_with_what_was_told_of_it() -> None:
    """Alerts, timers, their notifications, conditions, proofs of reach; what is unreadable is nothing."""
    ledger = Kept()
    many = [alert(U, id=f"a{number}", key=f"call/{number}") for number in range(25)]
    for each in many:
        ledger.keep_alert(each)
        ledger.keep_row(row(each, state="delivered"))
        ledger.keep_row(row(each, "mail", state="failed"))
    ledger.set_timer(timer(many[0], "escalate", 60))
    proof = Proof(True, at(40, quality=ClockQuality.HOLDOVER))
    ledger.kept = {
        "reach/AB": written_proof(proof),
        "reach/KL": {"reached": "of another version"},
        "reach/MN": {"reached": True, "at": [1, 2]},
        f"{MEMO}room-cold/klima-12": {
            "holds": ["klima-12/temperature/"],
            "active": True,
            "since": None,
            "seen": None,
            "said": "",
        },
    }
    store = Store(ledger)
    opened = await read_open(store)
    assert store.asked == [(each.id, ()) for each in many], "each alert's rows once"
    assert opened.mirror.open_alerts() == many
    assert opened.mirror.timers() == ledger.timers()
    assert opened.mirror.notifications() == ledger.notifications()
    assert len(opened.mirror.notifications()) == 50
    assert opened.proofs == {"AB": proof}
    assert opened.memory["room-cold/klima-12"].active
    assert list(opened.bases) == []
    assert (opened.kept.overrides, opened.kept.imports) == ((), ())


async def test_of_an_alert_with_too_many_notifications_those_to_be_sent_are_read() -> None:
    """Nothing that still has to go out is lost because so much has gone out."""
    ledger = Kept()
    loud, quiet = [alert(U, id=name, key=f"call/{name}") for name in ("loud", "quiet")]
    for each in (loud, quiet):
        ledger.keep_alert(each)
    for number in range(20):
        ledger.keep_row(row(loud, id=f"told-{number}", state="delivered"))
    unsent = [row(loud, id=f"open-{state}", state=state) for state in ("pending", "sending", "failed")]
    for each in unsent:
        ledger.keep_row(each)
    opened = await read_open(Store(ledger, most=15))
    assert opened.mirror.notifications() == unsent


def runs(timer: Timer, due: Instant) -> Timer:
    """Give a timer of the boot before as it runs in this one: it remembers for which moment it stands."""
    return replace(timer, due=due, data={"of": f"{timer.due.boot}/{timer.due.mono_ns}"})


def test_a_run_goes_on_where_the_last_one_ended() -> None:
    """Timers run on in this boot; nothing already acknowledged is sent again; the rest is sent at once."""
    mirror = Mirror()
    for each in (CALLING, TAKEN):
        mirror.keep_alert(each)
    running, late, owned = (
        timer(CALLING, "escalate", 160),
        timer(TAKEN, "return", 50),
        timer(TAKEN, "missing", 50),
    )
    owned = replace(owned, due=replace(owned.due, quality=ClockQuality.UNSYNCED))
    here = Timer(subject="alert:calling", kind="shelf", rev=1, due=replace(NEXT, wall_ns=1))
    for each in (running, late, owned, here):
        mirror.set_timer(each)
    sending, known = row(CALLING, "sms"), row(CALLING, "webhook")
    pending, failed = (
        row(CALLING, "mail", state="pending"),
        row(CALLING, "ntfy", state="failed", repeated=True),
    )
    done, stale = row(CALLING, "pager", state="sent"), row(TAKEN, "sms")
    for each in (sending, known, pending, failed, done, stale):
        mirror.keep_row(each)
    gone = row(alert(U, id="gone", key="call/gone"))
    resumed = resume(mirror, NEXT, lambda channel: channel == "webhook")
    assert gone not in resumed.dropped
    moved = runs(running, NEXT.plus(running.due.since(NEXT)))
    assert resumed.timers == ((running, moved), (late, runs(late, NEXT)), (owned, None))
    assert (moved.due.boot, moved.due.wall_ns) == (NEXT.boot, at(160).wall_ns)
    assert mirror.timers() == [here, moved, runs(late, NEXT)]
    assert resumed.dropped == (stale,)
    assert resumed.repeated == (sending,)
    assert resumed.waiting == (
        replace(sending, next=NEXT, repeated=True),
        replace(known, next=NEXT),
        replace(pending, next=NEXT),
        replace(failed, next=NEXT),
    )


def test_going_on_is_kept_in_the_journal() -> None:
    """A timer that has changed since is left alone; what is dropped or repeated says so."""
    mirror = Mirror()
    for each in (CALLING, TAKEN):
        mirror.keep_alert(each)
    moved, owned, changed = (
        timer(CALLING, "escalate", 160),
        replace(timer(TAKEN, "missing", 50), due=at(50, quality=ClockQuality.UNSYNCED)),
        timer(TAKEN, "return", 70),
    )
    for each in (changed, moved, owned):
        mirror.set_timer(each)
    sending, stale = row(CALLING, "sms"), row(TAKEN, "sms")
    for each in (sending, stale):
        mirror.keep_row(each)
    book = mirror.copy()
    resumed = resume(mirror, NEXT, lambda _: False)
    later = replace(changed, due=at(900))
    book.set_timer(later)
    resumed.work(book)
    assert book.timers("alert:calling") == [runs(moved, NEXT.plus(moved.due.since(NEXT)))]
    assert book.timers("alert:taken") == [later]
    assert book.notification(stale.id) == replace(stale, state="dropped")
    assert book.notification(sending.id) == replace(sending, repeated=True)


def test_a_clock_that_stands_before_the_alerts_last_change_is_not_right() -> None:
    """Its timers are due at once, for early beats late; what belongs to no open alert waits by the clock."""
    mirror = Mirror()
    changed = alert(U, id="changed", key="call/3", changed=at(500))
    mirror.keep_alert(changed)
    own, another = (
        timer(changed, "escalate", 600),
        replace(timer(changed, "held", 600), subject="rule:cold/k"),
    )
    nobodys = replace(timer(changed, "return", 600), subject="alert:nobody")
    for each in (own, another, nobodys):
        mirror.set_timer(each)
    later = NEXT.plus(own.due.since(NEXT))
    resumed = resume(mirror, NEXT, lambda _: True)
    assert resumed.timers == (
        (own, runs(own, NEXT)),
        (another, runs(another, later)),
        (nobodys, runs(nobodys, later)),
    )

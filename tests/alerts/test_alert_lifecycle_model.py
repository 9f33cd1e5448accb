"""Random lives of an alert against the law of its life-cycle, and what must hold whatever happens."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.alerts.effects import Audit, CancelTimer, Effect, Notify, Publish, SetTimer
from gateway.alerts.inputs import (
    Acknowledge,
    BasisChanged,
    Cancelled,
    ConditionGone,
    Dispatch,
    Extend,
    HolderLeft,
    Input,
    Join,
    NotificationFailed,
    Presence,
    Release,
    Reopen,
    Resolve,
    ScheduleChanged,
    Shelve,
    TimerDue,
)
from gateway.alerts.lifecycle import step
from gateway.model.alert import Alert, Concern, Condition, Handling, Outcome, Priority
from support.alarm_cases import at, call, refusal, room
from support.alarm_law import differs, policies
from support.alarm_law_people import law, words

WHO = st.sampled_from(["KL", "AB", "kl", "kommune-a/nat:KL"])
OPENED = st.sampled_from(
    [
        replace(opened, policy=policy)
        for policy in ("plain", "grave")
        for opened in (
            call(),
            call(priority=Priority.EMERGENCY, kind="help_call.long_press"),
            call(kind="fall.detected", concern=Concern.FALL, priority=Priority.EMERGENCY),
            room(),
            room(auto_resolve=False, priority=Priority.HIGH),
            room(suppressed="schedule"),
            call(concern=Concern.PRESENCE, suppressed="maintenance", latching=True),
            room(priority=Priority.TECHNICAL, concern=Concern.TECHNICAL),
            call(test=True),
        )
    ]
)


class Life(RuleBasedStateMachine):
    """One alert, its timers as a table, and everything that can happen."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        super().__init__()
        self.seconds = 0.0
        self.alert: Alert | None = None
        self.timers: dict[str, tuple[int, float]] = {}
        self.told: list[int] = []
        self.serial = 1
        self.last: tuple[object, ...] | None = None

    @initialize(opened=OPENED)
    def begin(self, opened: object) -> None:
        """Open it."""
        self.opened = opened
        self.happens(opened)  # type: ignore[arg-type]

    def happens(self, given: Input) -> tuple[Effect, ...]:
        """Let one thing happen, and check what must always hold of a transition."""
        before = self.alert
        after, effects = step(before, given, at(self.seconds), policies)
        again = words(given) is not None and words(given) == self.last
        if not (again and (after, effects) == (before, ())):
            found = differs(before, given, at(self.seconds), law(before, given, at(self.seconds)))
            assert found is None, f"{given} of {before}: {found}"
        if after is not before and getattr(after, "rev", None) != getattr(before, "rev", None):
            self.last = words(given) or self.last
        refused = refusal(effects)
        if refused is not None:
            assert after is before
            assert sum(isinstance(each, Audit) for each in effects) == 1
        elif after != before:
            assert Publish() in effects
            assert any(isinstance(each, Audit) for each in effects)
        if before is not None and after is not None and after.id == before.id:
            assert after.rev - before.rev in (0, 1)
            assert after.priority.rank <= before.priority.rank, "nothing lowers an alert"
            if after.handling is not before.handling:
                assert after.rev == before.rev + 1
        for each in effects:
            match each:
                case CancelTimer(kind):
                    self.timers.pop(kind, None)
                case SetTimer(kind, due):
                    assert after is not None
                    self.timers[kind] = (after.rev, due.since(at(0)).total_seconds())
                case Notify(number):
                    assert after is not None
                    assert after.handling is Handling.UNACKNOWLEDGED, "only what nobody has is told"
                    self.told.append(number)
        if before is not None and after is not None and after.id != before.id:
            self.timers = {kind: each for kind, each in self.timers.items() if kind == "escalate"}
        self.alert = after
        return effects

    @rule(seconds=st.floats(0.1, 700))
    def time_passes(self, seconds: float) -> None:
        """Fire what is due, in order, as the one loop over the one table does."""
        until = self.seconds + seconds
        for _ in range(100):
            late = [(due, kind, rev) for kind, (rev, due) in self.timers.items() if due <= until]
            if not late:
                break
            due, kind, rev = min(late)
            self.seconds = max(self.seconds, due)
            self.timers.pop(kind)
            effects = self.happens(TimerDue(kind, rev))  # type: ignore[arg-type]
            assert refusal(effects) is None, "the table never holds a timer that is out of date"
        self.seconds = until

    @rule(graver=st.booleans())
    def occurs(self, graver: bool) -> None:
        """It occurs again, maybe graver."""
        self.serial += 1
        again = replace(self.opened, id=f"alert-{self.serial}")  # type: ignore[type-var]
        if graver:
            again = replace(again, priority=Priority.EMERGENCY)  # type: ignore[type-var]
        before = self.alert
        self.happens(again)  # type: ignore[arg-type]
        assert self.alert is not None
        assert before is not None
        if before.open:
            assert self.alert.count == before.count + 1, "a press is never lost"
            grave = self.alert.priority in (Priority.EMERGENCY, Priority.HIGH)
            if before.handling in (Handling.ACKNOWLEDGED, Handling.SHELVED) and grave:
                assert self.alert.handling is Handling.UNACKNOWLEDGED
        else:
            assert self.alert.id != before.id

    @rule(by=WHO, over=st.booleans())
    def acknowledges(self, by: str, over: bool) -> None:
        """Somebody takes it."""
        before = self.alert
        assert before is not None
        effects = self.happens(Acknowledge(by, over))
        free = before.handling in (Handling.UNACKNOWLEDGED, Handling.SHELVED)
        if free or (before.handling is Handling.ACKNOWLEDGED and over):
            assert refusal(effects) is None
            assert self.alert is not None
            assert self.alert.taken is not None
            assert self.alert.taken.by.casefold() == by.casefold()

    @rule(
        by=WHO,
        given=st.sampled_from(
            ["join", "presence", "extend", "release", "shelve", "dispatch", "reopen", "left", "gone"]
        ),
    )
    def does(self, by: str, given: str) -> None:
        """Somebody does something else."""
        self.happens(
            {
                "join": Join(by),
                "presence": Presence(by, "tag"),
                "extend": Extend(by),
                "release": Release(by),
                "shelve": Shelve(by=by, until=at(self.seconds + 300), spoken=by == "KL"),
                "dispatch": Dispatch(by, "group:nat"),
                "reopen": Reopen(by),
                "left": HolderLeft(by),
                "gone": ConditionGone(),
            }[given]
        )

    @rule(by=WHO, spoken=st.booleans())
    def resolves(self, by: str, spoken: bool) -> None:
        """Somebody closes it."""
        before = self.alert
        assert before is not None
        self.happens(Resolve(by=by, outcome=Outcome.CHECKED, spoken=spoken))
        closed = self.alert
        assert closed is not None
        grave = closed.priority in (Priority.EMERGENCY, Priority.HIGH)
        if before.open and not closed.open and grave and closed.concern is not Concern.TECHNICAL:
            assert closed.present is not None, "nobody closes what nobody has been to"

    @rule(
        given=st.sampled_from(
            [Cancelled(), ScheduleChanged(None), ScheduleChanged("schedule"), BasisChanged(False)]
        )
    )
    def changes_around_it(self, given: Input) -> None:
        """The world around it changes."""
        self.happens(given)

    @rule()
    def fails(self) -> None:
        """The present step reaches nobody."""
        assert self.alert is not None
        self.happens(NotificationFailed(self.alert.step, self.alert.cycle))

    @invariant()
    def timers_follow_the_state(self) -> None:
        """The table of timers says what the state says; nothing that must call is without one."""
        alert = self.alert
        if alert is None:
            return
        kinds = set(self.timers)
        match alert.handling:
            case Handling.UNACKNOWLEDGED:
                assert kinds <= {"escalate"}
                if alert.lasting:
                    assert kinds == {"escalate"}, "an emergency or a call is never given up on"
            case Handling.ACKNOWLEDGED:
                assert alert.taken is not None
                assert kinds == ({"return"} if alert.warned else {"return", "warn"})
            case Handling.SHELVED:
                assert kinds == {"shelf"}
            case _:
                assert kinds == set()
        assert all(rev == alert.rev for rev, _ in self.timers.values())

    @invariant()
    def words_fit_the_state(self) -> None:
        """What an alert says of itself fits together."""
        alert = self.alert
        if alert is None:
            return
        assert (alert.taken is not None) >= (alert.handling is Handling.ACKNOWLEDGED)
        assert (alert.outcome is not None) == (alert.handling is Handling.RESOLVED)
        assert (alert.suppressed is not None) == (alert.handling is Handling.SUPPRESSED)
        assert not (alert.concern in (Concern.SELF, Concern.FALL) and alert.suppressed)
        if alert.handling is Handling.UNACKNOWLEDGED:
            assert alert.taken is None
        if alert.priority is Priority.EMERGENCY and alert.outcome is Outcome.AUTO:
            assert alert.condition is Condition.GONE


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase

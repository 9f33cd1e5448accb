"""docs/reference/alert-states.md: what each input does in each state, found out by asking `step` itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias, get_args

from docs.making import markdown
from docs.making.markdown import code, codes, table
from gateway.alerts.effects import Effect, Notify, Raise, Refuse, Tell
from gateway.alerts.handling import EXTENSION, REOPEN_WITHIN, SHELF_MAX
from gateway.alerts.inputs import (
    Acknowledge,
    Assist,
    BasisChanged,
    Cancelled,
    ConditionGone,
    Dispatch,
    Extend,
    HolderLeft,
    Input,
    Join,
    NotificationFailed,
    Occurred,
    Presence,
    Release,
    Reopen,
    Resolve,
    ScheduleChanged,
    Shelve,
    TimerDue,
)
from gateway.alerts.lifecycle import step
from gateway.alerts.transition import WARNING, timers
from gateway.model.alert import Alert, Concern, Handling, Outcome, Priority
from gateway.model.clock import NS, Instant
from gateway.settings.alerting import Policy, Step
from gateway.settings.span import write_span

POLICY = Policy(
    steps=(
        Step(targets=("page", "group:nat"), after=timedelta(minutes=2)),
        Step(targets=("everyone",), after=timedelta(minutes=2)),
    )
)
START = Instant(wall_ns=1_795_530_000 * NS, mono_ns=NS, boot="one")
SOON = timedelta(seconds=30)
"""When the input comes, after the alert has come into its state."""

Given: TypeAlias = Callable[[Alert], Input]

INTRODUCTION = """
The life-cycle of an alert is one function, `step(alert, input, now)`. This table is made by asking it: an
alert in each state (columns) is given each input (rows) 30 s later. Why it is so: [what an alert
is](../explanation/alerts.md).

In the table *KL* has taken the alert, has set it aside, or has closed it; *AB* is somebody else. `→` is the
new state, a code alone is a [refusal](errors.md#refusals-by-http-and-mqtt) that changes nothing and is
audited, *stays* means that something is noted and shown, *nothing* that it was answered as done or does not
concern this alert.

Calls and falls are never suppressed: the column `suppressed` is that of a bed that was left outside the
hours of its rule.
"""

AT_A_GLANCE = """
What leads from one state to another, gathered from the tables below. In brackets: only for a condition that
ends by itself, such as a cold room; a call stays until a person closes it.
"""

MEDIUM_INTRODUCTION = """
A condition that comes and goes (here a room that is too cold: priority `medium`, `auto_resolve = true`)
differs from a call in these:
"""


def page() -> str:
    """Write the page."""
    heads = ("input", *map(code, Handling))
    return markdown.page(
        "The states of an alert",
        INTRODUCTION,
        "## At a glance",
        AT_A_GLANCE,
        table(("from", "to", "by"), _ways()),
        "## A resident's call",
        f"{len(inputs())} inputs in {len(Handling)} states, each of them decided. Where there is no alert, "
        f"an occurrence opens one ({_opening()}); everything else is {code(_without_alert())}.",
        table(heads, ((name, *cells) for name, cells in rows(call()))),
        "## A condition that ends by itself",
        MEDIUM_INTRODUCTION,
        table(heads, _differing(cold())),
        "## Timers",
        "Timers follow from the state alone. Each transition sets them anew; one that was set at an older "
        "`rev` is refused. They are kept on disk, and go on after a restart.",
        table(("state", "timers"), [(code(state), _timers(state)) for state in Handling]),
        f"The holder is asked {write_span(WARNING)} before the return timer is due. `extend` leaves at least "
        f"{write_span(EXTENSION)}. A closing can be taken back for {write_span(REOPEN_WITHIN)}.",
        "## How long an alert may be set aside",
        table(("priority", "at most"), [(code(p), write_span(span)) for p, span in SHELF_MAX.items()]),
        "An emergency, and a resident's own call, only after `presence` or having `spoken` with them.",
        "## Words",
        table(
            ("field", "words"),
            [
                ("`handling`", codes(Handling)),
                ("`priority`", codes(Priority)),
                ("`concern`", codes(Concern)),
                ("`outcome`", codes(Outcome) + " (`auto` is the rule's own)"),
            ],
        ),
    )


def inputs() -> dict[str, Given]:
    """Give every input in its variants, by what it is called on the page."""
    colleague = replace(call(), id="2", key="assist/room-12", rule="assist", kind="assist")
    graver = replace(call(), id="3", kind="help_call.long_press", priority=Priority.EMERGENCY)
    seen = {"outcome": Outcome.CHECKED, "spoken": True}
    until = START.plus(SOON + timedelta(minutes=15))

    def due(timer: str) -> Given:
        assert timer in TIMERS
        return lambda alert: TimerDue(timer, alert.rev)  # type: ignore[arg-type]

    return {
        "occurs again (pressed again)": lambda alert: _again(alert, call()),
        "occurs again, graver (a long press)": lambda alert: replace(graver, key=alert.key),
        "the condition is gone": lambda _: ConditionGone(),
        "the device takes it back": lambda _: Cancelled(),
        "`acknowledge` by AB": lambda _: Acknowledge("AB"),
        "`acknowledge` by KL": lambda _: Acknowledge("KL"),
        "`acknowledge` by AB with `take_over`": lambda _: Acknowledge("AB", take_over=True),
        "`join` by AB": lambda _: Join("AB"),
        "`presence` of AB": lambda _: Presence("AB", "page"),
        "`extend` by KL": lambda _: Extend("KL"),
        "`extend` by AB": lambda _: Extend("AB"),
        "`release` by KL": lambda _: Release("KL"),
        "`release` by AB": lambda _: Release("AB"),
        "`assist` by KL": lambda _: Assist("KL", colleague),
        "`resolve` by AB, who was there or has spoken": lambda _: Resolve(by="AB", **seen),  # type: ignore[arg-type]
        "`resolve` by AB, unseen": lambda _: Resolve(by="AB", outcome=Outcome.CHECKED),
        "`reopen` by AB": lambda _: Reopen("AB"),
        "`reopen` by AB, a newer one being open": lambda _: Reopen("AB", newer=True),
        "`shelve` by AB for 15 min, who has spoken": lambda _: Shelve(by="AB", until=until, spoken=True),
        "`shelve` by AB for 15 min, unseen": lambda _: Shelve(by="AB", until=until),
        "`dispatch` by AB of `group:nat`": lambda _: Dispatch("AB", "group:nat"),
        "`dispatch` by KL of `group:nat`": lambda _: Dispatch("KL", "group:nat"),
        "timer `escalate`": due("escalate"),
        "timer `return`": due("return"),
        "timer `warn`": due("warn"),
        "timer `shelf`": due("shelf"),
        "a step reached nobody": lambda alert: NotificationFailed(alert.step, alert.cycle),
        "its schedule opens, or maintenance ends": lambda _: ScheduleChanged(None),
        "maintenance begins": lambda _: ScheduleChanged("maintenance"),
        "the legal basis ends": lambda _: BasisChanged(present=False),
        "KL signs out, or the shift ends": lambda _: HolderLeft("KL"),
        "AB signs out": lambda _: HolderLeft("AB"),
    }


TIMERS = ("escalate", "return", "warn", "shelf")


def rows(opened: Occurred) -> Iterator[tuple[str, list[str]]]:
    """Give a row an input: its name, and what becomes of an alert in each state."""
    for name, given in inputs().items():
        yield name, [_cell(in_state(state, opened), given) for state in Handling]


def _ways() -> list[tuple[str, str, str]]:
    """Give each way from one state to another, and the inputs that go it."""
    found: dict[tuple[Handling, str], dict[str, None]] = {}
    usual = dict.fromkeys(_arrivals(call()))
    for way in dict.fromkeys([*usual, *_arrivals(cold())]):
        before, after, name = way
        found.setdefault((before, after), {})[name if way in usual else f"({name})"] = None
    states = list(Handling)
    order = sorted(found, key=lambda way: (states.index(way[0]), way[1]))
    return [(code(before), code(after), "; ".join(found[before, after])) for before, after in order]


def _arrivals(opened: Occurred) -> list[tuple[Handling, str, str]]:
    """Give every pair that leads into another state: the state, the one after, the input."""
    ways = []
    for name, given in inputs().items():
        for state in Handling:
            before = in_state(state, opened)
            after, _ = step(before, given(before), START.plus(SOON), lambda _: POLICY)
            if after is not None and after.id == before.id and after.handling is not state:
                deed = name.split("`")[1] if name.startswith("`") else ""
                ways.append((state, after.handling.value, code(deed) if deed else name))
    return ways


def _opening() -> str:
    """Say in which states an alert may begin."""
    held = replace(cold(), suppressed="schedule")
    begin = _after(None, call()).handling
    return f"{code(begin)}; {code(_after(None, held).handling)} outside the hours of its rule"


def _without_alert() -> str:
    """Give the one refusal of everything that finds no alert."""
    like = in_state(Handling.UNACKNOWLEDGED, call())
    others = [given(like) for given in inputs().values() if not isinstance(given(like), Occurred)]
    refusals = [step(None, each, START, lambda _: POLICY)[1][0] for each in others]
    codes_ = {each.code for each in refusals if isinstance(each, Refuse)}
    assert len(codes_) == 1, "whatever finds no alert is answered alike"
    return codes_.pop()


def in_state(state: Handling, opened: Occurred) -> Alert:
    """Bring an alert into a state by the shortest way."""
    if state is Handling.SUPPRESSED:
        personal = Concern.PRESENCE if opened.concern is Concern.SELF else opened.concern
        return _after(None, replace(opened, concern=personal, suppressed="schedule"))
    alert = _after(None, opened)
    match state:
        case Handling.ACKNOWLEDGED:
            return _after(alert, Acknowledge("KL"))
        case Handling.SHELVED:
            until = START.plus(timedelta(minutes=10))
            return _after(alert, Shelve(by="KL", until=until, spoken=True))
        case Handling.RESOLVED:
            return _after(alert, Resolve(by="KL", outcome=Outcome.ASSISTED, spoken=True))
        case _:
            return alert


def input_types() -> set[type]:
    """Give the types of all inputs that `step` takes."""
    return set(_leaves(Input))


def _leaves(union: object) -> list[type]:
    return [leaf for part in get_args(union) for leaf in (_leaves(part) if get_args(part) else [part])]


def call() -> Occurred:
    """Give a plain call from a resident's home: high, latched, the resident's own."""
    return Occurred(
        id="1",
        key="help-call/kald-12",
        rule="help-call",
        kind="help_call.press",
        concern=Concern.SELF,
        priority=Priority.HIGH,
        policy="call",
        device="kald-12",
        place="room-12",
        label="Bolig 12",
        title={"da": "Kald – Bolig 12", "en": "Call – Bolig 12"},
        do={"da": "Gå til boligen", "en": "Go to the home"},
    )


def cold() -> Occurred:
    """Give a room that is too cold: medium, not latched, closes by itself."""
    return replace(
        call(),
        key="room-cold/klima-12",
        rule="room-cold",
        kind="room.cold",
        concern=Concern.ROOM,
        priority=Priority.MEDIUM,
        policy="medium",
        latching=False,
        auto_resolve=True,
    )


def _again(alert: Alert, given: Occurred) -> Occurred:
    """The same occurrence once more, with an id of its own in case it opens another alert."""
    return replace(
        given,
        id="3",
        key=alert.key,
        kind=alert.kind,
        concern=alert.concern,
        priority=alert.priority,
        latching=alert.latching,
        auto_resolve=alert.auto_resolve,
    )


def _after(alert: Alert | None, given: Input) -> Alert:
    after, _ = step(alert, given, START, lambda _: POLICY)
    assert after is not None
    return after


def _cell(before: Alert, given: Given) -> str:
    after, effects = step(before, given(before), START.plus(SOON), lambda _: POLICY)
    assert after is not None
    refused = next((each for each in effects if isinstance(each, Refuse)), None)
    if refused is not None:
        return code(refused.code)
    told = [words for each in effects if (words := _told(each))]
    if after.id != before.id:
        state = f"another alert, {after.handling}"
    elif after.handling is not before.handling:
        state = f"→ {after.handling}"
    else:
        state = "nothing" if after == before and not told else "" if after == before else "stays"
    return ", ".join(filter(None, [state, *told]))


def _told(effect: Effect) -> str | None:
    match effect:
        case Notify():
            return f"tells step {effect.step}"
        case Tell():
            return f"tells {effect.to.removeprefix('person:')}"
        case Raise():
            return f"another alert: {effect.given.rule}"
        case _:
            return None


def _differing(opened: Occurred) -> Iterator[tuple[str, ...]]:
    usual = dict(rows(call()))
    for name, cells in rows(opened):
        if cells != usual[name]:
            yield (name, *cells)


def _timers(state: Handling) -> str:
    words = {
        "escalate": "the next step, or the last one again",
        "return": "it calls again, because nobody finished it",
        "warn": "its holder is asked",
        "shelf": "it comes back",
    }
    return "; ".join(f"{code(kind)}: {words[kind]}" for kind in timers(in_state(state, call())))

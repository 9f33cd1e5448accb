"""Spans in which an alert had somebody by the gateway's own word, and what may rightly end them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sim.facts import Facts, Span
from sim.trace import Event


@dataclass(frozen=True)
class Held:
    """A confirmed doing that ends the telling, and until when nothing may be told because of it."""

    alert: str
    by: str
    since_s: float
    until_s: float
    closed: bool


def held(facts: Facts) -> Iterator[Held]:
    """Give every span in which a call or fall had somebody, or was closed.

    It ends where the alert may rightly call again: pressed again, given back, set aside, or its time is up.
    """
    for answer in facts.every("answer"):
        device = facts.callers.get(answer["alert"])
        if device is None or answer["said"] != "done":
            continue
        asked = facts.asks[answer["number"]]
        closed = answer["action"] == "resolve" and answer["handling"] == "resolved"
        if closed or (answer["action"] == "acknowledge" and answer["handling"] == "acknowledged"):
            until_s = min(_ends(facts, asked, device, closed=closed), default=float("inf"))
            yield Held(answer["alert"], answer["by"], answer.at_s, until_s, closed)


def _ends(facts: Facts, asked: Event, device: str, *, closed: bool) -> Iterator[float]:
    from_s = asked.at_s
    again = _pressed_again(facts, device, from_s)
    if again is not None:
        yield again
    undone = ("reopen",) if closed else ("release", "shelve")
    for other in facts.asks_of[asked["alert"]]:
        # one whose answer never came may be done before this one, or after
        if other["action"] in undone and other.at_s >= from_s - 30.0 and other is not asked:
            yield max(other.at_s, from_s)
    if closed:
        return
    # A second acknowledgement by the same person is a retry: the first one's time runs, since nobody had it.
    free_s = _free_since(facts, asked)
    first_s = min(
        other.at_s
        for other in facts.asks_of[asked["alert"]]
        if other["action"] == "acknowledge" and free_s <= other.at_s <= from_s
    )
    soonest_s = min(facts.steps.return_s, facts.steps.presence_s)
    yield max(from_s, first_s + soonest_s)
    yield from doubtful_boots(facts, from_s)


def _free_since(facts: Facts, asked: Event) -> float:
    """Give since when the page showed that nobody had it when it was asked for; 0 where somebody had."""
    shown = [
        event for event in facts.every("page") if event["alert"] == asked["alert"] and event.at_s < asked.at_s
    ]
    return shown[-1].at_s if shown and shown[-1]["handling"] == "unacknowledged" else 0.0


def doubtful_boots(facts: Facts, from_s: float) -> Iterator[float]:
    """Across a boot whose clock cannot be trusted timers are due at once: early beats late."""
    wrong = any(event["kind"].startswith(("clock", "boot")) for event in facts.every("fault"))
    boots = facts.every("life")
    for before, after in itertools.pairwise(boots):
        if after.at_s >= from_s and after["boot"] != before["boot"] and (wrong or after["clock"] != "synced"):
            yield after.at_s


def _pressed_again(facts: Facts, device: str, from_s: float) -> float | None:
    """Give when something was heard that may be a new press: no repeat of one taken before in this life."""
    soonest: list[float] = []
    for call in facts.calls_of[device]:
        before = {
            copy["life"]
            for copy in call.heard
            if (done := facts.taken.get((copy["life"], copy["wall_ns"]))) is not None and done.at_s < from_s
        }
        soonest += [copy.at_s for copy in call.heard if copy.at_s >= from_s and copy["life"] not in before]
    return min(soonest, default=None)


def clear_of(span: Span, hindered: Iterable[Span]) -> list[Span]:
    """Give the parts of a span in which nothing hindered."""
    parts = [span]
    for begin, end in hindered:
        parts = [
            piece
            for low, high in parts
            for piece in ((low, min(high, begin)), (max(low, end), high))
            if piece[0] < piece[1]
        ]
    return parts

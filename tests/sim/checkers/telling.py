"""Telling goes on until somebody has it, and not a moment longer."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

from sim.checkers.spans import clear_of, doubtful_boots, held
from sim.facts import Facts, Span

SLACK_S = 10.0  # a commit on a bad card, the pager's own slowness, four attempts at a time
CLOCK_S = 0.01  # the moment a timer is due and the moment it was asked for are counted apart
SETTLES_S = 45.0  # after a trouble: a retry may wait 30 s, an attempt that hangs some more


def nothing_is_told_of_what_somebody_has(facts: Facts) -> Iterator[str]:
    """Once it is confirmed that somebody has it, or that it is closed, nobody is told of it any more."""
    tellings = defaultdict(list)
    for event in facts.every("telling"):
        if event["about"] == "alert":
            tellings[event["alert"]].append(event)
    for each in held(facts):
        for event in tellings[each.alert]:
            if each.since_s < event.at_s < each.until_s - CLOCK_S:
                what = "closed" if each.closed else "taken"
                yield (
                    f"{event['channel']} was told of {each.alert} at {event.at_s:.3f},"
                    f" {what} by {each.by} at {each.since_s:.3f}"
                )


def two_people_do_not_both_have_it(facts: Facts) -> Iterator[str]:
    """Who takes what another has is told so, unless it is said to be taken over."""
    for each in held(facts):
        if each.closed:
            continue
        for answer in facts.every("answer"):
            asked = facts.asks[answer["number"]]
            if (
                answer["alert"] == each.alert
                and answer["action"] == "acknowledge"
                and answer["said"] == "done"
                and answer["by"] != each.by
                and not asked["take_over"]
                and each.since_s < asked.at_s
                and answer.at_s < each.until_s
                and not _taken_over(facts, each.alert, each.by, answer.at_s)
            ):
                yield f"{answer['by']} took {each.alert} at {answer.at_s:.3f}, which {each.by} had"


def _taken_over(facts: Facts, alert: str, by: str, before_s: float) -> bool:
    """Whether somebody else took it over, or opened it again after it was closed: then that one has it."""
    return any(
        (other["take_over"] or other["action"] == "reopen") and other["by"] != by and other.at_s <= before_s
        for other in facts.asks_of[alert]
    )


def what_nobody_has_is_told_again(facts: Facts) -> Iterator[str]:
    """A call or fall that nobody has is told again within its step, as long as nobody has it."""
    hindered = _hindered(facts, "pager")
    told = defaultdict(list)
    for event in facts.every("telling"):
        if event["channel"] == "pager" and event["about"] == "alert":
            told[event["alert"]].append(event.at_s)
    for alert, priority, span in _nobody_has(facts):
        step_s = facts.steps.emergency_s if priority == "emergency" else facts.steps.call_s
        times = [span[0], *(at for at in told[alert] if span[0] < at < span[1]), span[1]]
        for before, after in itertools.pairwise(times):
            for low, high in clear_of((before, after), hindered):
                if high - low > step_s + SLACK_S:
                    yield (
                        f"nobody was told of {alert} ({priority}) from {low:.3f} to {high:.3f},"
                        f" its step is {step_s:g} s"
                    )


def what_is_taken_and_left_comes_back(facts: Facts) -> Iterator[str]:
    """Whoever takes a call and does nothing more has it for a while only; then it calls again."""
    hindered = _hindered(facts, "pager")
    tellings = facts.every("telling")
    for each in held(facts):
        boots = list(doubtful_boots(facts, each.since_s))
        met = any(
            other["action"] in ("presence", "shelve", "resolve") and other.at_s <= each.since_s
            for other in facts.asks_of[each.alert]
        )
        due_s = each.since_s + (facts.steps.presence_s if met else facts.steps.return_s)
        late_s = due_s + SETTLES_S
        if each.closed or late_s > facts.end_s or any(boot < late_s for boot in boots):
            continue
        if clear_of((due_s, late_s), hindered) != [(due_s, late_s)]:
            continue
        done = [*facts.asks_of[each.alert], *(event for event in tellings if event["alert"] == each.alert)]
        if not any(each.since_s < event.at_s < late_s for event in done):
            yield f"{each.alert}, taken at {each.since_s:.3f} and left, never came back"


def _nobody_has(facts: Facts) -> Iterator[tuple[str, str, Span]]:
    """Give the spans in which the page shows that nobody has a call, and nobody asks for it."""
    lasting = {
        event["alert"]
        for event in facts.every("page")
        if event["priority"] == "emergency" or event["concern"] == "self"
    }
    begun: dict[str, tuple[str, float]] = {}
    for event in facts.trace.events:
        if event.what not in ("page", "ask") or event["alert"] not in lasting:
            continue
        alert = event["alert"]
        calls = event.what == "page" and event["handling"] == "unacknowledged"
        if alert in begun and (not calls or event["priority"] != begun[alert][0]):
            priority, since = begun.pop(alert)
            yield alert, priority, (since, event.at_s)
        if calls and event["durable"] and alert not in begun:
            begun[alert] = event["priority"], event.at_s
    for alert, (priority, since) in begun.items():
        yield alert, priority, (since, facts.end_s)


def _hindered(facts: Facts, channel: str) -> list[Span]:
    """When nobody can be asked to tell: no gateway, a disk or a channel that does not work."""
    own = ("receiver_fails", "receiver_hangs", "receiver_takes_and_dies")
    troubles = [*facts.disk_troubles, *facts.during(own, "receiver_well")]
    del channel
    return [
        *((begin, end + SLACK_S) for begin, end in facts.dark),
        *((begin - 1.0, end + SETTLES_S) for begin, end in troubles),
    ]

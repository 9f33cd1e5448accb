"""No call is lost, and none is in two alerts.

A call counts as taken when the gateway has said so of one of its copies while its disk worked, or lived on
until the disk worked again. A repeat is no second call; that it may be one is proved by its number alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from sim.facts import Call, Facts

SETTLES_S = 8.0  # how long after the disk works again everything held in memory is on it


def every_call_is_in_one_alert(facts: Facts) -> Iterator[str]:
    """Each press that was taken is one event, and that is in exactly one alert, open or closed."""
    by_time = defaultdict(list)
    for record in facts.ended.events:
        by_time[record.device, record.time_ns].append(record)
    seen: Counter[str] = Counter()
    for alert in facts.ended.every_alert:
        seen.update(alert["readings"])
    counts = {alert["id"]: alert["count"] for alert in facts.ended.every_alert}
    if sum(counts.values()) and not seen:
        yield "no alert names what it was raised by"
    for call in facts.calls:
        records = [
            record
            for wall_ns in dict.fromkeys(copy["wall_ns"] for copy in call.heard)
            for record in by_time[call.device, wall_ns]
        ]
        what = f"{call.device} pressed at {call.made.at_s:.3f} (transmission {call.number})"
        if len(records) > 1:
            yield f"{what} was counted {len(records)} times"
        if not records and must_count(facts, call):
            yield f"{what} was taken and is lost"
        for record in records:
            if seen[record.id] != 1:
                yield f"{what} is in {seen[record.id]} alerts"


def must_count(facts: Facts, call: Call) -> bool:
    """Tell whether a call was taken, by the rules of the air and of the disk."""
    if call.counter is not None and _overtaken(facts, call):
        return False
    return any(_was_kept(facts, copy["life"], copy["wall_ns"]) for copy in call.heard)


def _overtaken(facts: Facts, call: Call) -> bool:
    """Whether a frame with a later counter of the same device was heard before it: then it is a replay."""
    first = min((copy.at_s for copy in call.heard), default=0.0)
    address = next(thing.address for thing in facts.things if thing.name == call.device)
    return any(
        event["address"] == address
        and event["whole"]
        and event["number"] is not None
        and event["number"] > call.number
        and event.at_s <= first
        for event in facts.trace.of("heard")
    )


def _was_kept(facts: Facts, life: int, wall_ns: int) -> bool:
    taken = next(
        (
            event
            for event in facts.trace.of("taken")
            if event["life"] == life and event["wall_ns"] == wall_ns and event["failed"] is None
        ),
        None,
    )
    if taken is None:
        return False
    ended_s = facts.lives[life].ended_s
    troubles = [
        *facts.during("disk_full", "disk_free"),
        *facts.during("disk_hangs", "disk_goes_on"),
    ]
    free_s = max(
        (until for since, until in troubles if since - 6.0 <= taken.at_s <= until + SETTLES_S), default=None
    )
    return free_s is None or ended_s >= free_s + SETTLES_S

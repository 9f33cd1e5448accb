"""No call is lost, and none is in two alerts.

A call counts as taken when the gateway has said so of one of its copies while its disk worked, or lived on
until the disk worked again. A repeat is no second call; that it may be one is proved by its number alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from gateway.model.readings import Record
from sim.facts import Call, Facts

SETTLES_S = 12.0  # how long after the disk works again everything held in memory is on it
HELD_S = 6.0  # how long a press waits for the disk before it goes out from memory


def every_call_is_in_one_alert(facts: Facts) -> Iterator[str]:
    """Each press that was taken is one event, and that is in exactly one alert, open or closed."""
    by_time = defaultdict(list)
    for record in facts.ended.events:
        by_time[record.device, record.time_ns].append(record)
    seen: Counter[str] = Counter()
    for alert in facts.ended.every_alert:
        seen.update(alert["readings"])
    full = {  # alerts that name the newest of their readings only
        alert["device"] for alert in facts.ended.every_alert if alert["count"] > len(alert["readings"])
    }
    for call in facts.calls:
        records = [
            record
            for wall_ns in dict.fromkeys(copy["wall_ns"] for copy in call.heard)
            for record in by_time[call.device, wall_ns]
        ]
        what = f"{call.device} pressed at {call.made.at_s:.3f} (transmission {call.number})"
        if len(records) > 1 and not _cannot_be_proved(facts, call, records):
            yield f"{what} was counted {len(records)} times"
        if _objected(facts, call):
            continue
        if not records and must_count(facts, call):
            yield f"{what} was taken and is lost"
        for record in records:
            if seen[record.id] != 1 and not (seen[record.id] == 0 and call.device in full):
                yield f"{what} is in {seen[record.id]} alerts"


def _cannot_be_proved(facts: Facts, call: Call, records: list[Record]) -> bool:
    """Whether the repeat could no longer be proved: something else was heard between, or a battery changed.

    A device's last number is compared, and what was heard in the last seconds; an older number may be that
    of a new battery, and once somebody has said that it is new, any number may be. Doubled, a press adds to
    a count; lost, nobody comes.
    """
    begin_s, *_, end_s = sorted(
        copy.at_s for copy in call.heard for record in records if copy["wall_ns"] == record.time_ns
    )
    if any(
        event["device"] == call.device and begin_s < event.at_s < end_s for event in facts.every("accepted")
    ):
        return True
    return any(
        event["address"] == facts.address_of[call.device]
        and begin_s < event.at_s < end_s
        and not (event["number"] == call.number and event["whole"])
        for event in facts.every("heard")  # what the air has spoiled may say anything
    )


def _objected(facts: Facts, call: Call) -> bool:
    """Whether the resident had said no to what this device raises: then it raises nothing."""
    return any(
        ask["action"] == "object" and facts.callers.get(ask["alert"]) == call.device
        for ask in facts.every("ask")
    )


def must_count(facts: Facts, call: Call) -> bool:
    """Tell whether a call was taken, by the rules of the air and of the disk."""
    if not call.heard or (call.counter is not None and _overtaken(facts, call)):
        return False
    waiting: set[int] = set()  # lives in which an earlier copy was in hand still: the others repeat that one
    for copy in call.heard:
        life = copy["life"]
        if copy["brought"] == 1 and life not in waiting and _was_kept(facts, life, copy["wall_ns"]):
            return True
        if (life, copy["wall_ns"]) not in facts.taken:
            waiting.add(life)
    return False


def _overtaken(facts: Facts, call: Call) -> bool:
    """Whether no lower counter of the device was heard before it: then it is a replay.

    Unless somebody has said since that its battery was changed.
    """
    first_s = call.heard[0].at_s
    accepted_s = max(
        (
            event.at_s
            for event in facts.every("accepted")
            if event["device"] == call.device and event.at_s < first_s
        ),
        default=0.0,
    )
    return any(
        event["counter"] is not None
        and event["counter"] >= call.counter
        and event["number"] != call.number
        and accepted_s <= event.at_s <= first_s
        for event in facts.heard_of[facts.address_of[call.device]]
    )


def _was_kept(facts: Facts, life: int, wall_ns: int) -> bool:
    taken = facts.taken.get((life, wall_ns))
    if taken is None:
        return False
    free_s = max(
        (until for since, until in facts.disk_troubles if since - HELD_S <= taken.at_s <= until + SETTLES_S),
        default=None,
    )
    return free_s is None or facts.lives[life].ended_s >= free_s + SETTLES_S

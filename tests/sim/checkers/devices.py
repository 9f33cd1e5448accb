"""A device whose frames are refused is heard of before a call of it can go unheard for long."""

from __future__ import annotations

from collections.abc import Iterator

from sim.checkers.spans import clear_of
from sim.facts import Facts

WITHIN_S = 60.0
SLACK_S = 12.0  # it is looked for every few seconds, and kept on a bad card


def what_is_refused_is_told(facts: Facts) -> Iterator[str]:
    """Of a call device whose counter begins anew the page says within a minute that it is not believed.

    That is, where frames of it are heard all that time and none is accepted.
    """
    calling = {thing.name: thing for thing in facts.things if thing.kind in ("call", "fall")}
    hindered = [*facts.dark, *((begin - 1, end + 15) for begin, end in facts.disk_troubles)]
    for fault in facts.every("fault"):
        if fault["kind"] != "battery_changed" or fault["device"] not in calling:
            continue
        device = fault["device"]
        accepted_s = min(
            (
                event.at_s
                for event in facts.every("accepted")
                if event["device"] == device and event.at_s > fault.at_s
            ),
            default=facts.end_s,
        )
        refused = [
            event
            for event in facts.heard_of[facts.address_of[device]]
            if fault.at_s < event.at_s < accepted_s and event["brought"] == 1
        ]
        if not refused or not all(_is_old(facts, device, event["counter"], fault.at_s) for event in refused):
            continue
        since_s = refused[0].at_s
        late_s = since_s + WITHIN_S + SLACK_S
        if late_s > accepted_s or clear_of((since_s - 1, late_s), hindered) != [(since_s - 1, late_s)]:
            continue
        if not any(
            event["key"].endswith(f"/{device}")
            and event["concern"] == "technical"
            and event["handling"] != "resolved"
            and event.at_s <= late_s
            for event in facts.every("page")
        ):
            yield f"{device} was refused from {since_s:.3f} on, and nobody was told"


def _is_old(facts: Facts, device: str, counter: int, before_s: float) -> bool:
    """Whether a counter is lower than one that was heard and taken before."""
    return any(
        event["counter"] is not None
        and event["counter"] > counter
        and event.at_s < before_s
        and (event["life"], event["wall_ns"]) in facts.taken
        for event in facts.heard_of[facts.address_of[device]]
    )

"""A gateway's journal under load in a process of its own: `python journal_child.py STATE [SECONDS]`.

It is there to be killed, and to have its disk taken away. It writes events with their alerts, and readings;
each line on stdout says what the journal has confirmed, and is written only afterwards: `event ID`,
`closed ID`, `readings N`; or what it has refused.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gateway.journal import Journal, Ledger, NotDurable
from gateway.journal.folder import Room
from gateway.model.alert import Handling
from gateway.model.readings import Guard, Kind
from support.journal import HandClock, Told, alert
from support.records import record

ROOM = Room(
    reserve_bytes=int(os.environ.get("CHILD_RESERVE", "1000000")),
    low_bytes=int(os.environ.get("CHILD_LOW", "0")),
)


PAUSE_S = float(os.environ.get("CHILD_PAUSE", "0"))


def say(*words: object) -> None:
    """Write a line that survives the death of the process."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def presses(journal: Journal, clock: HandClock, number: int) -> None:
    """Press a button again and again; one alert each, taken and closed."""
    while True:
        event = record("help_call", "press", kind=Kind.EVENT, device=f"kald-{number}", at=clock.forward(0.1))
        raised = alert(event.id, at=event.at)

        def work(ledger: Ledger) -> None:
            ledger.add_event(event)  # noqa: B023  (it is awaited before the loop goes on)
            ledger.put_guard(Guard(event.device, "payload", event.id, event.at))  # noqa: B023
            ledger.put_alert(raised)  # noqa: B023
            ledger.audit("raised", by=None, source="rule", alert=raised.id)  # noqa: B023

        try:
            await journal.alarms.write(work)
        except NotDurable as refusal:
            say("refused", refusal.reason)
            await asyncio.sleep(0.02)
            continue
        say("event", event.id)
        taken = alert(event.id, at=event.at, rev=2, handling=Handling.RESOLVED)
        try:
            await journal.alarms.write(lambda ledger, a=taken: ledger.put_alert(a))  # type: ignore[misc]
        except NotDurable as refusal:
            say("refused", refusal.reason)
            continue
        say("closed", event.id)
        await asyncio.sleep(PAUSE_S)


async def measures(journal: Journal, clock: HandClock) -> None:
    """Append readings, a hundred at a time."""
    sent = 0
    while True:
        journal.readings.append([record(value=float(sent + n), at=clock.forward(0.01)) for n in range(100)])
        sent += 100
        try:
            await journal.readings.flush()
        except NotDurable as refusal:
            say("unkept", refusal.reason)
        else:
            say("readings", journal.readings.head)
        await asyncio.sleep(0.02)


async def beats() -> None:
    """Show that the loop turns."""
    while True:
        say("beat")
        await asyncio.sleep(0.05)


async def main(state: Path, seconds: float) -> None:
    """Write until killed, or for a while."""
    clock = HandClock()
    journal = await Journal.open(state, clock, Told(), room=ROOM)
    say("open", journal.instance)
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            group.create_task(journal.run())
            group.create_task(beats())
            group.create_task(measures(journal, clock))
            for number in range(3):
                group.create_task(presses(journal, clock, number))
    except TimeoutError:
        pass
    await journal.close()
    say("closed well")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 600.0))

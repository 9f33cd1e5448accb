"""A rule in a technician's words, for a list: what it watches, and when it rings."""

from __future__ import annotations

from gateway.settings.conditions import Condition, Schedule, When
from gateway.settings.rules import Rule
from gateway.settings.span import write_span


def in_words(when: When) -> str:
    """Say what a rule watches: `opening is true, and every motion is false, for 2m`."""
    said = f"a person does {when.action}" if when.action else condition(when)
    if when.event:
        said += f": {' or '.join(when.event)}"
    for also in when.also:
        said += f", and {'every ' if also.every else ''}{condition(also)}"
    said += f", {window(when.during)}" if when.during else ""
    return said + (f", for {write_span(when.held)}" if when.held else "")


def condition(watched: Condition) -> str:
    """Say one condition."""
    said, state = " or ".join(watched.quantity), watched.state
    if state is not None:
        said += f" is {str(state).lower()}"
    said += f" above {watched.above:g}" if watched.above is not None else ""
    said += f" below {watched.below:g}" if watched.below is not None else ""
    said += f" rises by {watched.rises_by:g}" if watched.rises_by is not None else ""
    either = " or" if watched.rises_by is not None else ""
    said += f"{either} falls by {watched.falls_by:g}" if watched.falls_by is not None else ""
    said += f" within {write_span(watched.within)}" if watched.within else ""
    return said + (f", not once in {write_span(watched.missing)}" if watched.missing else "")


def window(hours: Schedule) -> str:
    """Say a window of the week: `from 23:00 to 07:00`."""
    days = "" if len(hours.weekdays) == 7 else f" on days {', '.join(map(str, hours.weekdays))}"
    whole = hours.start == hours.end
    return f"{'all day' if whole else f'from {hours.start:%H:%M} to {hours.end:%H:%M}'}{days}"


def hours(rule: Rule) -> str:
    """Say when it rings."""
    return "always" if rule.schedule is None else window(rule.schedule)

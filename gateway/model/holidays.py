"""Public holidays of Denmark, computed for any year.

The days on which the Danish act on closing hours of shops (`lukkeloven`) and the national church count a
holiday: fixed ones, and those that follow Easter. General Prayer Day (store bededag, the fourth Friday after
Easter) is none since 2024: act 214 of 6 March 2023. Constitution Day, Christmas Eve and New Year's Eve are
none by law; where an agreement makes them so, a home adds them to its list.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

FROM_EASTER = {
    -3: "skærtorsdag",
    -2: "langfredag",
    0: "påskedag",
    1: "2. påskedag",
    39: "Kristi himmelfartsdag",
    49: "pinsedag",
    50: "2. pinsedag",
}
"""Days after Easter Sunday, and what the day is called."""
PRAYER_DAY = 26
PRAYER_DAY_UNTIL = 2023
FIXED = {(1, 1): "nytårsdag", (12, 25): "juledag", (12, 26): "2. juledag"}
"""Month and day, and what the day is called."""


def easter(year: int) -> date:
    """Give Easter Sunday of the Gregorian calendar (the anonymous algorithm that Meeus printed)."""
    golden = year % 19
    century, in_century = divmod(year, 100)
    leap_centuries, rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - correction + 15) % 30
    leaps, years = divmod(in_century, 4)
    weekday = (32 + 2 * rest + 2 * leaps - epact - years) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def danish_holidays(year: int) -> dict[date, str]:
    """Give the public holidays of a year, each with its Danish name."""
    sunday = easter(year)
    days = {sunday + timedelta(days=after): name for after, name in FROM_EASTER.items()}
    if year <= PRAYER_DAY_UNTIL:
        days[sunday + timedelta(days=PRAYER_DAY)] = "store bededag"
    return days | {date(year, month, day): name for (month, day), name in FIXED.items()}

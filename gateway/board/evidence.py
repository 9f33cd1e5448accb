"""Why the board may be empty: when it was last proved to work, who was heard, who can be reached.

Never "all is well" without evidence: a line that is not true turns yellow and says what to do.
`assets/evidence.js` says the same in the browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.board.words import Words
from gateway.model.clock import NS, parse_iso

FRESH_NS = 24 * 3600 * NS
"""A proof older than this is old news: try a call button today."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and whether it is as it should be."""

    text: str
    good: bool


def evidence(standing: Mapping[str, Any], words: Words) -> list[Line]:
    """Give the lines under `Ingen kald.`"""
    now_ns = parse_iso(standing["now"])
    lines: list[Line] = []
    if not standing["me"]["public"]:
        lines.append(_proved(standing["proved"], words, now_ns))
    lines.append(_heard(standing["health"].get("devices") or {}, words))
    if not standing["me"]["public"]:
        lines.extend(_duty(standing["duty"], words))
    flood = standing.get("flood")
    if flood:
        lines.append(Line(_flooded(flood, words), good=False))
    if standing["no_basis"]:
        lines.append(Line(words.t("page.empty.no_basis", count=standing["no_basis"]), good=False))
    return lines


def _flooded(flood: Mapping[str, Any], words: Words) -> str:
    what, span = flood["what"][words.language], words.span(flood["window_s"])
    return words.t("page.empty.flood", count=flood["count"], span=span, what=what, place=flood["label"])


def _proved(proof: Mapping[str, Any] | None, words: Words, now_ns: int) -> Line:
    if proof is None:
        return Line(words.t("board.never_tested"), good=False)
    at = parse_iso(proof["time"])
    time = words.clock(at)
    if not proof["ok"]:
        return Line(words.t("page.empty.tested_failed", time=time), good=False)
    if now_ns - at > FRESH_NS or proof["ms"] is None:
        return Line(words.t("page.empty.tested_old", time=time), good=False)
    return Line(words.t("board.last_tested", time=time, seconds=words.seconds(proof["ms"])), good=True)


def _heard(devices: Mapping[str, Any], words: Words) -> Line:
    known, heard = devices.get("known"), devices.get("heard")
    if not known or heard is None:
        return Line(words.t("page.empty.heard_nothing"), good=False)
    if heard >= known:
        return Line(words.t("board.heard", heard=heard, known=known), good=True)
    return Line(words.t("board.heard_missing", heard=heard, known=known, missing=known - heard), good=False)


def _duty(groups: list[Mapping[str, Any]], words: Words) -> Iterator[Line]:
    people: dict[str, bool] = {}
    for group in groups:
        people.update({each["person"]: each["reached"] for each in group["persons"]})
    if not people:
        yield Line(words.t("board.on_duty_none"), good=False)
        return
    persons = words.people(people)
    missing = [person for person, reached in people.items() if not reached]
    if missing:
        text = words.t(
            "page.empty.duty_missing",
            persons=persons,
            missing=words.people(missing),
            reached=len(people) - len(missing),
            on=len(people),
        )
        yield Line(text, good=False)
        return
    match len(people):
        case 1:
            reach = words.t("page.empty.duty_one", person=persons)
        case 2:
            reach = words.t("page.empty.duty_both")
        case _:
            reach = words.t("board.on_duty_some", reached=len(people), on=len(people))
    yield Line(words.t("board.on_duty", persons=persons, reach=reach), good=True)

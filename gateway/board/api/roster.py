"""The duty roster over the API: who is on duty when, overrides, imported calendars."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from gateway.alerts import duty_book
from gateway.alerts.duty_table import duty_table, import_row, moment_of, override_row
from gateway.alerts.shifts import Imported, Override
from gateway.board.bodies import ByPerson, Name, Slug
from gateway.board.callers import Needs
from gateway.board.endpoint import Call, Endpoint, json
from gateway.board.problems import invalid
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.ids import uuid7
from gateway.model.refusal import Refused

IMPORT_BYTES_MAX = 2 << 20
LONGEST_NS = 400 * 86_400 * NS
Moment = Annotated[str, Field(max_length=40)]


class NewOverride(ByPerson):
    """Somebody else: on the duty that begins on `date`, or from `start` to `end`.

    Times are RFC 3339, or the home's own without zone. `instead_of` is whom they stand in for; without it
    `persons` alone are the duty.
    """

    group: Slug
    persons: Annotated[list[Name], Field(min_length=1, max_length=50)]
    instead_of: Name | None = None
    date: Annotated[str, Field(max_length=10)] | None = None
    start: Moment | None = None
    end: Moment | None = None


class EndOverride(ByPerson):
    """Take an override back, by its id or the last characters of it."""

    id: Annotated[str, Field(min_length=3, max_length=36)]


class NewImport(ByPerson):
    """What a calendar says, in place of what its source said before."""

    source: Slug
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    stretches: Annotated[list[tuple[int, int, Slug, Name]], Field(max_length=duty_book.SPELLS_MAX)]
    """Begin and end in Unix seconds, group, person."""


class EndImport(ByPerson):
    """Drop what was imported from a source."""

    source: Slug


async def show(call: Call) -> Response:
    """`GET /api/v1/roster`: who is on duty at a time, by which rule, until when, and gaps ahead."""
    if call.caller.public:
        raise Refused("not_allowed", "a screen that visitors can see shows no persons")
    house = call.board.house
    roster, now = house.engine.roster(), house.clock.now()
    name, at = call.query("group"), call.query("at")
    if name is not None and name not in roster.settings.group:
        raise Refused("not_found", f"no group {name!r}; see `velgate staff roster show`")
    moment = now if at is None else Instant(_moment(call, "at", at), 0, "", ClockQuality.SYNCED)
    groups = sorted(roster.settings.group) if name is None else [name]
    ahead = [each for each in roster.overrides if each.until_ns > now.wall_ns and name in (None, each.group)]
    return json(
        duty_table(roster, groups, moment)
        | {
            "overrides": [override_row(each) for each in ahead],
            "imports": [import_row(each) for each in roster.imports],
        }
    )


async def override(call: Call) -> Response:
    """`POST /api/v1/roster/override`: somebody else for a while. In force when it is answered."""
    given = await call.body(NewOverride)
    acting = await call.person(given, operator=True)
    house, now = call.board.house, call.board.house.clock.now()
    _known_group(call, given.group)
    persons = _known(call, given.persons)
    away = _known(call, [given.instead_of])[0] if given.instead_of else None
    since_ns, until_ns = _span(call, given)
    if until_ns <= now.wall_ns:
        raise invalid(("end", given.end or given.date or "", "an end that has not passed"))
    new = Override(
        uuid7(now.wall_ns), given.group, persons, since_ns, until_ns, instead_of=away, by=acting.person
    )
    source = acting.source
    await house.engine.change_duty(lambda ledger: duty_book.put_override(ledger, new, now, source=source))
    return json(override_row(new), 201)


async def end_override(call: Call) -> Response:
    """`DELETE /api/v1/roster/override`: the shifts hold again."""
    given = await call.body(EndOverride)
    acting = await call.person(given, operator=True)
    engine, person, source = call.board.house.engine, acting.person, acting.source
    found = [each for each in engine.roster().overrides if each.id.endswith(given.id)]
    if len(found) != 1:
        none = "no such override; see `velgate staff roster show`"
        several = "several overrides end so; give more characters" if found else none
        raise Refused("not_found", several)
    name = found[0].id
    await engine.change_duty(lambda ledger: duty_book.end_override(ledger, name, by=person, source=source))
    return json(override_row(found[0]))


async def put_import(call: Call) -> Response:
    """`POST /api/v1/roster/import`: replace what a source said, as a whole."""
    given = await call.body(NewImport, most=IMPORT_BYTES_MAX)
    acting = await call.person(given, operator=True)
    engine, person, source = call.board.house.engine, acting.person, acting.source
    for group in {row[2] for row in given.stretches}:
        _known_group(call, group)
    names = sorted({row[3] for row in given.stretches})
    spelled = dict(zip(names, _known(call, names), strict=True))
    if any(not 0 < begin < end or (end - begin) * NS > LONGEST_NS for begin, end, _, _ in given.stretches):
        raise invalid(("stretches", "one that ends before it begins", "begin and end in Unix seconds"))
    spells = [
        Imported(begin * NS, end * NS, group, spelled[name]) for begin, end, group, name in given.stretches
    ]
    await engine.change_duty(
        lambda ledger: duty_book.put_import(
            ledger, given.source, spells, by=person, source=source, digest=given.sha256
        )
    )
    kept = next(each for each in engine.roster().imports if each.source == given.source)
    return json(import_row(kept), 201)


async def end_import(call: Call) -> Response:
    """`DELETE /api/v1/roster/import`: drop what a source said."""
    given = await call.body(EndImport)
    acting = await call.person(given, operator=True)
    engine, person, source = call.board.house.engine, acting.person, acting.source
    await engine.change_duty(
        lambda ledger: duty_book.end_import(ledger, given.source, by=person, source=source)
    )
    return json({"source": given.source})


def _span(call: Call, given: NewOverride) -> tuple[int, int]:
    table = call.board.house.engine.roster().table
    if given.date is not None and given.start is None and given.end is None:
        try:
            return table.span_of(given.group, date.fromisoformat(given.date))
        except ValueError:
            raise invalid(("date", repr(given.date), "a date such as 2026-12-24")) from None
    if given.date is not None or given.start is None or given.end is None:
        raise invalid(("date", "something else", "either a date, or a start and an end"))
    since_ns, until_ns = _moment(call, "start", given.start), _moment(call, "end", given.end)
    if not 0 < until_ns - since_ns <= LONGEST_NS:
        raise invalid(("end", repr(given.end), "a time after the start, within 400 days"))
    return since_ns, until_ns


def _moment(call: Call, key: str, text: str) -> int:
    expected = "a time: 2026-12-24T23:00 of the home's own, or RFC 3339 with a zone"
    try:
        return moment_of(text.replace(" ", "+"), call.board.house.engine.roster().zone)
    except (ValueError, OverflowError):
        raise invalid((key, repr(text)[:60], expected)) from None


def _known_group(call: Call, name: str) -> None:
    if name not in call.board.house.settings().group:
        raise Refused("not_found", f"no group {name!r}; see `velgate staff roster show`")


def _known(call: Call, names: Iterable[Any]) -> tuple[str, ...]:
    spelling = {person.casefold(): person for person in call.board.house.settings().person}
    found: list[str] = []
    for name in names:
        person = spelling.get(str(name).casefold())
        if person is None:
            raise Refused("not_found", f"no person {str(name)[:20]!r}; see `velgate staff list`")
        found.append(person)
    return tuple(found)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/roster",
        needs=Needs.LOOK,
        handler=show,
        summary="Who is on duty when, by which rule, and gaps in the next 24 h",
        query=("at", "group"),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/roster/override",
        needs=Needs.LOOK,
        handler=override,
        summary="Somebody else for a while",
        body=NewOverride,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/roster/override",
        needs=Needs.LOOK,
        handler=end_override,
        summary="Take an override back",
        body=EndOverride,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/roster/import",
        needs=Needs.LOCAL,
        handler=put_import,
        summary="Replace what a calendar said",
        body=NewImport,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/roster/import",
        needs=Needs.LOCAL,
        handler=end_import,
        summary="Drop what a calendar said",
        body=EndImport,
    ),
)

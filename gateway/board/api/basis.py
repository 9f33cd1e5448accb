"""Legal bases over the API: what is recorded, recording, withdrawing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from gateway.alerts.basis import Standing
from gateway.board.bodies import NewBasis, WithdrawBasis
from gateway.board.callers import Needs
from gateway.board.endpoint import Call, Endpoint, json
from gateway.board.problems import invalid
from gateway.model.alert import Concern
from gateway.model.clock import NS, ClockQuality, iso
from gateway.model.refusal import Refused
from gateway.model.rows import Basis


def _row(basis: Basis) -> dict[str, Any]:
    return {
        "place": basis.place,
        "concern": basis.concern,
        "rule": basis.rule,
        "kind": basis.kind,
        "until": basis.until.isoformat(),
        "case": basis.case,
        "recorded": iso(basis.recorded.wall_ns),
        "by": basis.by or None,
        "withdrawn": basis.withdrawn and iso(basis.withdrawn.wall_ns),
    }


async def list_basis(call: Call) -> Response:
    """`GET /api/v1/basis`: what is recorded, and the rules that rest for lack of it."""
    call.looking()
    rows = await call.board.house.journal.alarms.read(lambda ledger: ledger.basis())
    no_basis = [dict(row) for row in call.board.house.engine.no_basis()]
    return json({"basis": [_row(row) for row in rows], "no_basis": no_basis})


async def record(call: Call) -> Response:
    """`POST /api/v1/basis`: record; needs the right `basis`. Also lifts an objection at that place."""
    given = await call.body(NewBasis)
    acting = await call.person(given, "basis", operator=True)
    house, person, source = call.board.house, acting.person, acting.source
    if given.place not in house.settings().place:
        raise Refused("not_found", f"no place {given.place!r}; see `velgate config show place`")
    now = house.clock.now()
    today = datetime.fromtimestamp(now.wall_ns / NS, ZoneInfo(house.settings().site.zone)).date()
    if given.kind == "decision" and now.quality is not ClockQuality.UNSYNCED and given.until < today:
        raise invalid(("until", given.until.isoformat(), "a last day that has not passed"))
    basis = Basis(
        place=given.place,
        concern=given.concern,
        kind=given.kind,
        until=given.until,
        case=given.case,
        recorded=now,
        by=person or "",
    )

    standing = house.engine.basis.standing(given.place, Concern(given.concern), now)
    lifts = standing is Standing.WITHDRAWN

    def keep(ledger: Any) -> None:
        ledger.put_basis(basis)
        detail: dict[str, Any] = {
            "place": basis.place,
            "concern": basis.concern,
            "kind": basis.kind,
            "until": str(basis.until),
        }
        if lifts:
            detail["lifts_objection"] = True
        ledger.audit("basis_recorded", by=person, source=source, detail=detail)

    await house.journal.alarms.write(keep)
    await house.engine.basis_changed()
    return json(_row(basis), 201)


async def withdraw(call: Call) -> Response:
    """`DELETE /api/v1/basis`: the resident objects, to a concern at a place or to one rule there.

    With `undo` that is taken back: within a minute by who did it, later by the right `basis` alone.
    """
    given = await call.body(WithdrawBasis)
    acting = await call.person(given, operator=True)
    house, person, source = call.board.house, acting.person, acting.source
    if given.place not in house.settings().place:
        raise Refused("not_found", f"no place {given.place!r}; see `velgate config show place`")
    concern = Concern(given.concern) if given.concern else None
    if given.rule is not None:
        rule = house.settings().alerts.rules.get(given.rule)
        if rule is None:
            raise Refused("not_found", f"no rule {given.rule!r}; see `velgate alert rules list`")
        concern = rule.concern
    assert concern is not None
    if not given.undo:
        return json(
            _row(await house.engine.withdraw(given.place, concern, given.rule, by=person, source=source))
        )
    if person is None:
        raise invalid(("by", "nothing", "the person who takes it back"))
    return json(
        _row(await house.engine.take_back(given.place, concern, given.rule, by=person, source=source))
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/basis",
        needs=Needs.PERSON,
        handler=list_basis,
        summary="Legal bases recorded",
    ),
    Endpoint(
        method="POST",
        path="/api/v1/basis",
        needs=Needs.LOOK,
        handler=record,
        right="basis",
        summary="Record a legal basis",
        body=NewBasis,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/basis",
        needs=Needs.LOOK,
        handler=withdraw,
        summary="Withdraw one: the resident objects",
        body=WithdrawBasis,
    ),
)

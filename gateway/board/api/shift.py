"""The shift view over the API: hand-over, notes."""

from __future__ import annotations

from starlette.responses import Response

from gateway.board.bodies import ByPerson, ShiftNote
from gateway.board.callers import Needs
from gateway.board.endpoint import Call, Endpoint, json
from gateway.board.shift import add_note, shift_view
from gateway.model.clock import iso
from gateway.model.refusal import Refused


async def view(call: Call) -> Response:
    """`GET /api/v1/shift`."""
    if call.caller.public:
        raise Refused("not_allowed", "a screen that visitors can see shows no hand-over")
    return json(await shift_view(call.board, call.time("since")))


async def note(call: Call) -> Response:
    """`POST /api/v1/shift/notes`: at most 280 characters, gone after 48 h."""
    given = await call.body(ShiftNote)
    acting = await call.person(given)
    assert acting.person is not None
    return json(await add_note(call.board, given.text, acting.person), 201)


async def reached(call: Call) -> Response:
    """`POST /api/v1/shift/reached`: the person heard the trial sound of the page."""
    acting = await call.person(await call.body(ByPerson))
    assert acting.person is not None
    await call.board.house.engine.prove_reach(acting.person, reached=True)
    return json({"person": acting.person, "time": iso(call.board.house.clock.now().wall_ns)})


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/shift",
        needs=Needs.LOOK,
        handler=view,
        summary="What the next shift must know",
        query=("since",),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/shift/notes",
        needs=Needs.LOOK,
        handler=note,
        summary="A short note for the next shift",
        body=ShiftNote,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/shift/reached",
        needs=Needs.LOOK,
        handler=reached,
        summary="The person heard the trial sound",
        body=ByPerson,
    ),
)

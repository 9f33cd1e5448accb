"""The shift view over the API: hand-over, notes."""

from __future__ import annotations

from starlette.responses import Response

from gateway.board.bodies import ShiftNote
from gateway.board.callers import Needs
from gateway.board.endpoint import Call, Endpoint, json
from gateway.board.shift import add_note, shift_view
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
)

"""Wall screens and pages over the API: enrolling, beats, rounds."""

from __future__ import annotations

from starlette.responses import Response

from gateway.board.bodies import Beat, ByPerson, NewScreen, Rounds
from gateway.board.callers import Needs
from gateway.board.endpoint import Call, Endpoint, json, nothing
from gateway.model.clock import NS, iso
from gateway.model.refusal import Refused


async def beat(call: Call) -> Response:
    """`POST /api/v1/screens/beat`: a screen, or a page of a person, says that it draws and can sound."""
    given = await call.body(Beat)
    screen = call.caller.screen
    if screen is not None and call.caller.person is None:
        call.board.screens.beat(
            screen.name,
            drawing=given.drawing,
            sound=given.sound,
            version=given.version,
            behind_s=_behind_s(call, given),
        )
    viewer = call.board.hub.viewers.find(given.viewer)
    if viewer is not None and viewer.caller.client == call.caller.client:
        viewer.sound = given.sound and given.drawing
        viewer.drawing = given.drawing
    if call.caller.session is not None:
        await call.board.register.seen(call.caller.session)
    return nothing()


def _behind_s(call: Call, given: Beat) -> float | None:
    """Give by how much the time that a page shows lies behind the gateway's; None where it says none."""
    if given.time is None:
        return None
    return call.board.house.clock.now().wall_ns / NS - given.time.timestamp()


async def list_screens(call: Call) -> Response:
    """`GET /api/v1/screens`."""
    return json({"screens": await call.board.screens.rows()})


async def add(call: Call) -> Response:
    """`POST /api/v1/screens`: a one-time code that makes a browser this screen; needs the right `enrol`."""
    given = await call.body(NewScreen)
    acting = await call.person(given, "enrol", operator=True)
    offer = call.board.screens.offer(given.screen, public=given.public, by=acting.person or "")
    await call.board.note("screen_offered", acting.person, acting, screen=given.screen, public=given.public)
    now = call.board.house.clock.now()
    left_s = offer.until_s - now.mono_ns / NS
    return json(
        {
            "screen": offer.screen,
            "public": offer.public,
            "code": offer.code,
            "path": f"/screen?code={offer.code}",
            "until": iso(now.wall_ns + round(left_s * NS)),
        },
        201,
    )


async def remove(call: Call) -> Response:
    """`DELETE /api/v1/screens/{screen}`; needs the right `enrol`."""
    given = await call.body(ByPerson)
    acting = await call.person(given, "enrol", operator=True)
    name = call.path("screen")
    if not await call.board.screens.remove(name):
        raise Refused("not_found", f"no screen {name!r}; see `velgate screen list`")
    call.board.hub.viewers.end_where(lambda caller: caller.screen is not None and caller.screen.name == name)
    await call.board.note("screen_removed", acting.person, acting, screen=name)
    return nothing()


async def rounds(call: Call) -> Response:
    """`POST /api/v1/rounds`: contact was lost since then; logged on return."""
    given = await call.body(Rounds)
    by = call.caller.person
    pressed = iso(round(given.pressed.timestamp() * NS)) if given.pressed else None
    since = iso(round(given.since.timestamp() * NS))
    await call.board.note("contact_lost", by, call.caller, since=since, rounds=pressed)
    return nothing()


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/screens/beat",
        needs=Needs.LOOK,
        handler=beat,
        summary="A screen draws, and its sound is free or not; every 30 s",
        body=Beat,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/screens",
        needs=Needs.PERSON,
        handler=list_screens,
        summary="Enrolled wall screens",
    ),
    Endpoint(
        method="POST",
        path="/api/v1/screens",
        needs=Needs.LOOK,
        handler=add,
        right="enrol",
        summary="A one-time code for a wall screen",
        body=NewScreen,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/screens/{screen}",
        needs=Needs.LOOK,
        handler=remove,
        right="enrol",
        summary="Remove a wall screen",
        body=ByPerson,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/rounds",
        needs=Needs.LOOK,
        handler=rounds,
        summary="Contact was lost, and somebody did rounds",
        body=Rounds,
    ),
)

"""Trials of who can be reached, over the API (R9): anybody who may act begins one, each answers their own."""

from __future__ import annotations

from starlette.responses import Response

from gateway.board.bodies import ByPerson
from gateway.board.callers import Needs, find_person
from gateway.board.endpoint import Call, Endpoint, json
from gateway.board.reach_bodies import AnswerTrial, StartTrials
from gateway.model.clock import iso
from gateway.model.refusal import Refused


async def start(call: Call) -> Response:
    """`POST /api/v1/reach`: send a trial to each, and answer when they have gone out."""
    given = await call.body(StartTrials)
    acting = await call.person(given, operator=True)
    board = call.board
    settings = board.house.settings()
    persons: list[str] = []
    for name in given.persons:
        known = find_person(settings, name)
        if known is None:
            raise Refused("not_found", f"no person {name!r}; see `velgate staff list`")
        persons.append(known[0])
    for group in given.groups:
        if group not in settings.group:
            raise Refused("not_found", f"no group {group!r}; see `velgate staff roster show`")
        persons += board.reach.on_duty(group)
    if not given.persons and not given.groups:
        persons = board.reach.on_duty()
    wanted = list(dict.fromkeys(persons))
    await board.note("reach_tried", acting.person, call.caller, persons=wanted)
    trials = await board.reach.start(wanted)
    return json({"trials": [each.document() for each in trials]})


async def trials(call: Call) -> Response:
    """`GET /api/v1/reach?trial=A,B`: how trials stand; one that nobody knows any more is left out."""
    names = (call.query("trial") or "").split(",")
    found = [call.board.reach.find(name) for name in names]
    return json({"trials": [each.document() for each in found if each is not None]})


async def answer(call: Call) -> Response:
    """`POST /api/v1/reach/answer`: the person signed in has got the trial."""
    given = await call.body(AnswerTrial)
    person = call.caller.person
    if person is None:
        raise Refused("not_signed_in", "a trial is answered by whoever is signed in on the phone")
    trial = await call.board.reach.answer(person, **given.model_dump())
    await call.board.note("reach_proved", person, call.caller, way=trial.way)  # never how fast
    return json(trial.document())


async def heard(call: Call) -> Response:
    """`POST /api/v1/shift/reached`: the person heard the trial sound of the page.

    That proves reach where the page is all there is. Who has a phone that takes pushes proves it by a trial.
    """
    acting = await call.person(await call.body(ByPerson))
    assert acting.person is not None
    house = call.board.house
    by_phone = house.push is not None and bool(house.push.ways(acting.person))
    if not by_phone:
        await house.engine.prove_reach(acting.person, reached=True)
    return json(
        {"person": acting.person, "time": iso(house.clock.now().wall_ns), "reached": not by_phone},
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/reach",
        needs=Needs.LOOK,
        handler=start,
        summary="Try whether people can be reached: persons, groups, or everybody on duty",
        body=StartTrials,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/reach",
        needs=Needs.LOOK,
        handler=trials,
        summary="How trials of reach stand",
        query=("trial",),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/reach/answer",
        needs=Needs.PERSON,
        handler=answer,
        summary="The person signed in has got the trial",
        body=AnswerTrial,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/shift/reached",
        needs=Needs.LOOK,
        handler=heard,
        summary="The person heard the trial sound of the page",
        body=ByPerson,
    ),
)

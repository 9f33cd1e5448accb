"""Phones that take pushes, over the API: what a page subscribes with, subscribing, ending it."""

from __future__ import annotations

from starlette.responses import Response

from gateway.alerts.channels.push import Push
from gateway.alerts.channels.push_book import Subscription
from gateway.alerts.channels.push_crypto import Receiver
from gateway.alerts.channels.push_services import permitted
from gateway.board.callers import Caller, Needs
from gateway.board.endpoint import Call, Endpoint, json, nothing
from gateway.board.problems import invalid
from gateway.board.reach_bodies import Subscribe, Unsubscribe
from gateway.model.refusal import Refused


def _push(call: Call) -> Push:
    push = call.board.house.push
    if push is None or push.public_key is None:
        raise Refused("wrong_state", "no channel of kind web_push is configured", reason="no_push")
    return push


def _signed_in(call: Call) -> tuple[str, Caller]:
    """Give who is signed in by a page: a screen is nobody's phone, and a token is no browser."""
    caller = call.caller
    if caller.session is None or caller.person is None:
        raise Refused("not_signed_in", "a phone is subscribed by whoever is signed in on its page")
    return caller.person, caller


async def state(call: Call) -> Response:
    """`GET /api/v1/push`: the key to subscribe with (null: nothing is pushed), and one's own phones."""
    push, person = call.board.house.push, call.caller.person
    key = push.public_key if push else None
    own = push.book.of(person) if push and key and person else ()
    return json({"key": key, "phones": len(own)})


async def subscribe(call: Call) -> Response:
    """`POST /api/v1/push/subscriptions`: this browser takes pushes for the person signed in here."""
    given = await call.body(Subscribe)
    person, caller = _signed_in(call)
    push = _push(call)
    channel = push.channel
    assert channel is not None
    try:
        permitted(given.endpoint, channel[1].services)
    except ValueError as error:
        raise invalid(("endpoint", "another address", str(error))) from None
    try:
        Receiver.read(given.keys.p256dh, given.keys.auth.get_secret_value())
    except ValueError as error:
        raise invalid(("keys", "something else", str(error))) from None
    subscription = Subscription(
        person=person,
        endpoint=given.endpoint,
        p256dh=given.keys.p256dh,
        auth=given.keys.auth.get_secret_value(),
        session=caller.session.token_hash if caller.session else "",
    )
    now = call.board.house.clock.now()
    await push.book.put(subscription, now, instead_of=given.instead_of, source=caller.source)
    trial = (await call.board.reach.start([person]))[0].document() if given.trial else None
    return json({"subscription": subscription.id, "trial": trial}, 201)


async def unsubscribe(call: Call) -> Response:
    """`DELETE /api/v1/push/subscriptions`: this browser takes no more pushes; without one it is done too."""
    given = await call.body(Unsubscribe)
    person, caller = _signed_in(call)
    push = call.board.house.push
    found = push.book.find(given.endpoint) if push else None
    if push is None or found is None or found.person.casefold() != person.casefold():
        return nothing()
    await push.book.end([found], why="person", source=caller.source)
    if not push.book.of(person):
        await call.board.reach.left(person)
    return nothing()


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/push",
        needs=Needs.PERSON,
        handler=state,
        summary="The key that a page subscribes to pushes with; null where nothing is pushed",
    ),
    Endpoint(
        method="POST",
        path="/api/v1/push/subscriptions",
        needs=Needs.PERSON,
        handler=subscribe,
        summary="This browser takes pushes for the person signed in here",
        body=Subscribe,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/push/subscriptions",
        needs=Needs.PERSON,
        handler=unsubscribe,
        summary="This browser takes no more pushes",
        body=Unsubscribe,
    ),
)

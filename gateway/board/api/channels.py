"""Channels over the API: what there is, and a trial message through one of them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gateway.alerts.channels.trial import MEMO, trial_message, try_channel
from gateway.board.bodies import ByPerson
from gateway.board.callers import Needs
from gateway.board.endpoint import Call, Endpoint, json
from gateway.model.catalogue import shipped
from gateway.model.refusal import Refused


async def list_channels(call: Call) -> Response:
    """`GET /api/v1/channels`: each with its last trial; addresses and keys are shown to nobody."""
    house = call.board.house
    memos = await house.journal.alarms.read(lambda ledger: ledger.memos(MEMO))
    rows: list[dict[str, Any]] = [
        {
            "channel": name,
            "kind": channel.kind,
            "way": channel.way,
            "detail": "short" if channel.short else "full",
            "timeout_s": channel.timeout.total_seconds(),
            "digest": channel.digest and f"{channel.digest:%H:%M}",
            "tried": memos.get(MEMO + name),
        }
        for name, channel in sorted(house.settings().channel.items())
    ]
    return json({"channels": rows})


async def test(call: Call) -> Response:
    """`POST /api/v1/channels/{channel}/test`: send a trial message now, and answer what came of it."""
    given = await call.body(ByPerson)
    acting = await call.person(given, operator=True)
    house, name = call.board.house, call.path("channel")
    channel = house.channels().get(name)
    if channel is None:
        raise Refused("not_found", f"no channel {name!r}; see `velgate channel list`")
    settings = house.settings()
    message = trial_message(
        house.clock.now(),
        house=settings.site.title or settings.site.home,
        language="da",
        words=shipped().overlaid(settings.wording),
    )
    await call.board.note("channel_tried", acting.person, call.caller, channel=name)
    tried = (await try_channel(channel, message, house.clock)).document()
    await house.journal.alarms.write(lambda ledger: ledger.put_memo(MEMO + name, tried))
    return json(tried)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/channels",
        needs=Needs.PERSON,
        handler=list_channels,
        summary="The channels, and the last trial of each",
    ),
    Endpoint(
        method="POST",
        path="/api/v1/channels/{channel}/test",
        needs=Needs.LOOK,
        handler=test,
        summary="Send a trial message through a channel",
        body=ByPerson,
    ),
)

"""Devices, health, readings and the gateway itself over the API."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from gateway.board import metrics
from gateway.board.bodies import ByPerson
from gateway.board.callers import Needs
from gateway.board.documents import personal
from gateway.board.endpoint import Call, Endpoint, json
from gateway.board.objected import objected
from gateway.board.problems import invalid
from gateway.model.clock import iso
from gateway.model.refusal import Refused

FOR_EVER_NS = 1 << 62  # later than any reading
LOOKED = "looked_at_values"
"""What the audit log calls a look: who, when, which places, what kinds."""


async def list_devices(call: Call) -> Response:
    """`GET /api/v1/devices`."""
    if call.caller.public:
        raise Refused("not_allowed", "a screen that visitors can see shows no devices")
    return json({"devices": call.board.house.devices()})


async def accept(call: Call) -> Response:
    """`POST /api/v1/devices/{device}/accept`: a battery was changed, its counter may begin anew."""
    given = await call.body(ByPerson)
    acting = await call.person(given, operator=True)
    device = call.path("device")
    if device not in call.board.house.settings().device:
        raise Refused("not_found", f"no device {device!r}; see `velgate device list`")
    await call.board.house.accept(device)
    await call.board.note("battery_changed", acting.person, acting, device=device)
    row = next((row for row in call.board.house.devices() if row["device"] == device), None)
    return json(row or {"device": device})


async def list_readings(call: Call) -> Response:
    """`GET /api/v1/readings`, oldest first; values of `presence` and `vital` only with `see_values`."""
    looking = call.looking()
    if looking.public:
        raise Refused("not_allowed", "a screen that visitors can see shows no readings")
    device, place, quantity = call.query("device"), call.query("place"), call.query("quantity")
    may = looking.has("see_values")
    if quantity and personal(quantity) and not may:
        raise Refused("not_allowed", f"values of {quantity} are shown only with the right see_values")
    since_ns, until_ns, after = call.time("since"), call.time("until"), call.query("after")
    try:
        records, following = await call.board.house.journal.readings.history(
            device=device,
            place=place,
            quantity=quantity,
            since_ns=since_ns if since_ns is not None else 0,
            until_ns=until_ns if until_ns is not None else FOR_EVER_NS,
            after=after or None,
            limit=call.limit(),
        )
    except ValueError:
        raise invalid(("after", repr(after)[:60], "the `next` of the page before")) from None
    shown = [
        record
        for record in records
        if (may or not personal(record.quantity)) and not objected(call.board.house, record)
    ]
    if any(personal(record.quantity) for record in shown):
        places = sorted({record.place for record in shown if personal(record.quantity)})
        kinds = sorted({record.quantity for record in shown if personal(record.quantity)})
        await call.board.note(LOOKED, looking.person, looking, places=places, quantities=kinds)
    return json(
        {
            "readings": [record.document() for record in shown],
            "next": following,
        }
    )


async def health(call: Call) -> Response:
    """`GET /api/v1/health`."""
    return json(call.board.house.health())


async def reload(call: Call) -> Response:
    """`POST /api/v1/reload`: read the configuration anew; one that is wrong leaves the old one in force."""
    findings = await call.board.house.reload()
    errors = [finding for finding in findings if not finding.warning]
    if errors:
        rows = [
            {
                "key": each.key or each.where,
                "found": each.found,
                "expected": each.expected,
                "where": each.where,
                "do": each.do,
            }
            for each in errors
        ]
        raise Refused("invalid", "the configuration is invalid; the old one holds", errors=rows)
    return json({"reloaded": True, "warnings": [f"{each.where}: {each.found}" for each in findings]})


async def on_air(call: Call) -> Response:
    """`GET /api/v1/air`: what the radio hears now, known or not."""
    return json({"air": call.board.house.on_air()})


async def audit(call: Call) -> Response:
    """`GET /api/v1/audit`: the audit log, which names people; only with the right `audit`."""
    call.looking("audit")
    after, looks = call.query("after") or "0", call.query("looks") == "1"
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise invalid(("after", repr(after)[:60], "the `next` of the page before"))
    limit = call.limit()
    rows = await call.board.house.journal.alarms.read(
        lambda ledger: ledger.audit_entries(int(after), limit, what=LOOKED if looks else None)
    )
    entries = [
        {
            "seq": row.seq,
            "time": iso(row.at.wall_ns),
            "what": row.what,
            "by": row.by,
            "source": row.source,
            "alert": row.alert,
            "detail": row.detail,
            "hash": row.hash,
        }
        for row in rows
    ]
    return json({"entries": entries, "next": str(rows[-1].seq) if len(rows) == limit else None})


async def healthz(call: Call) -> Response:
    """`GET /healthz`: the loop turns."""
    return PlainTextResponse("ok")


async def readyz(call: Call) -> Response:
    """`GET /readyz`: everything answers."""
    ready = call.board.house.ready()
    return PlainTextResponse("ok" if ready else "not ready", 200 if ready else 503)


async def show_metrics(call: Call) -> Response:
    """`GET /metrics`."""
    return Response(call.board.metrics.text(), media_type=metrics.CONTENT_TYPE)


ENDPOINTS = (
    Endpoint(
        method="GET", path="/api/v1/devices", needs=Needs.LOOK, handler=list_devices, summary="The devices"
    ),
    Endpoint(
        method="POST",
        path="/api/v1/devices/{device}/accept",
        needs=Needs.LOOK,
        handler=accept,
        summary="Its battery was changed: take its new counter",
        body=ByPerson,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/readings",
        needs=Needs.LOOK,
        handler=list_readings,
        summary="Readings, oldest first, paged",
        query=("device", "place", "quantity", "since", "until", "limit", "after"),
    ),
    Endpoint(
        method="GET", path="/api/v1/health", needs=Needs.LOOK, handler=health, summary="How the gateway is"
    ),
    Endpoint(
        method="GET", path="/api/v1/status", needs=Needs.LOOK, handler=health, summary="The same as health"
    ),
    Endpoint(
        method="POST",
        path="/api/v1/reload",
        needs=Needs.LOCAL,
        handler=reload,
        summary="Read the configuration anew",
    ),
    Endpoint(
        method="GET",
        path="/api/v1/air",
        needs=Needs.LOCAL,
        handler=on_air,
        summary="What the radio hears now",
    ),
    Endpoint(
        method="GET",
        path="/api/v1/audit",
        needs=Needs.LOOK,
        handler=audit,
        right="audit",
        summary="The audit log",
        query=("after", "limit", "looks"),
    ),
    Endpoint(
        method="GET",
        path="/healthz",
        needs=Needs.NOTHING,
        handler=healthz,
        summary="200 while the loop turns",
        gives="text/plain",
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        needs=Needs.LOOK,
        handler=readyz,
        summary="200 once everything answers, else 503",
        gives="text/plain",
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        needs=Needs.LOOK,
        handler=show_metrics,
        summary="Figures for Prometheus",
        gives=metrics.CONTENT_TYPE,
    ),
)

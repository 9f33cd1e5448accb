"""`velgate status` and `velgate tail`: the running gateway at a glance, and its readings live."""

from __future__ import annotations

from typing import Annotated, Any

from typer import Option

from gateway.cli.options import STATE, By, Json, State

STATUS_EXAMPLE = "Example: velgate status"
TAIL_EXAMPLE = "Example: velgate tail --device bed-12 --json"
COLOURS = {"ok": "32", "warn": "33", "error": "31"}


def status(state: State = STATE, json: Json = False) -> None:
    """Show the running gateway at a glance.

    --json prints its health as it is at /api/v1/health.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit

    health = Gateway(state).get("/api/v1/health")
    if json:
        emit(health)
    else:
        _glance(health)


def _glance(health: dict[str, Any]) -> None:
    import sys

    from gateway.cli.say import paint, say, show, table

    level = str(health["level"])
    mark = paint(level, COLOURS.get(level, "0"), sys.stdout)
    up, clock = _since(health["uptime_s"]), _told(health["clock"])
    show(f"{health['gateway']}: {mark}, Velgate {health['version']}, up {up}, clock {clock}")
    known, alerts = health["devices"], health["alerts"]
    show(f"devices: {_told(known['heard'])} of {_told(known['known'])} heard in their time")
    waiting, taken, technical = (
        _told(alerts[key]) for key in ("unacknowledged", "acknowledged", "technical")
    )
    show(f"alerts: {waiting} waiting, {taken} taken, {technical} technical")
    journal = health["journal"]
    free = journal["disk_free"]
    show(
        f"journal: {_told(journal['records'])} records, fsync 99 % {_told(journal['fsync_p99_ms'])} ms, "
        f"disk free {'unknown' if free is None else f'{free:.0%}'}"
    )
    if health["drivers"]["quarantined"]:
        show(f"drivers stopped: {', '.join(map(str, health['drivers']['quarantined']))}")
    rows = [
        ("adapter", each["name"], each["state"], f"silent {_told(each['silent_s'])} s")
        for each in health["adapters"]
    ]
    rows += [
        (
            "outlet",
            each["name"],
            each["state"],
            f"{_told(each['lag'])} waiting, {_told(each['aside'])} set aside",
        )
        for each in health["outlets"]
    ]
    rows += [
        (
            "room",
            each["name"],
            each["state"],
            f"{_told(each['restarts'])} restarts, {_told(each['queue'])} queued",
        )
        for each in health["rooms"]
    ]
    table(("part", "name", "state", ""), rows)
    if level != "ok":
        say("What is wrong, and what to do:  velgate alert list")


def tail(
    device: Annotated[str | None, Option(metavar="NAME", help="Only this device.")] = None,
    quantity: Annotated[str | None, Option(metavar="NAME", help="Only this quantity.")] = None,
    seconds: Annotated[float | None, Option(min=0.1, metavar="N", help="Stop by itself.")] = None,
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Show readings as they come.

    Until Ctrl-C, or --seconds; with --json one reading a line.

    Values of presence and vital signs are shown only to a person (--by) with the right see_values, and
    each look is logged.
    """
    import time

    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, show

    ends = None if seconds is None else time.monotonic() + seconds
    try:
        for event in Gateway(state).stream("/api/v1/stream", readings=1, by=by):
            if ends is not None and time.monotonic() >= ends:
                return
            reading = event.data
            if event.name != "reading" or not isinstance(reading, dict):
                continue
            if device not in (None, reading.get("device")) or quantity not in (None, reading.get("quantity")):
                continue
            if json:
                emit(reading)
            else:
                show(_line(reading))
    except KeyboardInterrupt:
        return  # that is how it ends


def _line(reading: dict[str, Any]) -> str:
    quantity = (
        reading["quantity"]
        if reading.get("channel") is None
        else f"{reading['quantity']} {reading['channel']}"
    )
    value, unit = reading["value"], f" {reading['unit']}" if reading.get("unit") else ""
    said = ("yes" if value else "no") if isinstance(value, bool) else value
    return f"{reading['time']}  {reading['place']}  {reading['device']}  {quantity} {said}{unit}"


def _told(value: object) -> object:
    """What cannot be measured is null, and is said so."""
    return "unknown" if value is None else value


def _since(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    days, rest = divmod(int(seconds), 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"

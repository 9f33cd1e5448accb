"""`velgate device`: the devices of this home, kept in the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from gateway.cli.options import CONFIG, STATE, By, Config, Json, State
from gateway.model.problem import Exit, Problem

if TYPE_CHECKING:
    from gateway.settings.loader import Loaded

app = typer.Typer(
    no_args_is_help=True,
    help="The devices: add, list, show, rename, move, remove, test.",
    epilog="Example: velgate device list",
)

Name = Annotated[str, Argument(metavar="NAME", help="The device's name, as in velgate device list.")]


@app.command(epilog="Example: velgate device add kald-12 --address A4:C1:38:00:00:01 --place room-12 --key -")
def add(
    name: Annotated[
        str | None, Argument(help="A slug, such as kald-12-bad; never a resident's name.")
    ] = None,
    address: Annotated[str | None, Option(metavar="ADDR", help="Its radio address.")] = None,
    topic: Annotated[
        str | None, Option(metavar="TOPIC", help="Its MQTT topic, instead of an address.")
    ] = None,
    place: Annotated[str | None, Option(metavar="PLACE", help="Where it is; a new place is added.")] = None,
    driver: Annotated[str | None, Option(metavar="NAME", help="See velgate driver list.")] = None,
    profile: Annotated[
        str | None, Option(metavar="NAME", help="What product it is, if a profile says so.")
    ] = None,
    key: Annotated[
        str | None, Option(metavar="HEX|-", help="Its key, 32 digits; - reads it from stdin.")
    ] = None,
    config: Config = CONFIG,
    state: State = STATE,
) -> None:
    """Add a device; alone, it asks.

    It goes to the gateway layer, its key to secrets.toml. Alone, the command offers what is on the air.
    Comments and order of the files stay. A running gateway takes the device over at once.
    """
    from gateway.cli.options import secret
    from gateway.cli.reload import commit
    from gateway.settings import entries
    from gateway.settings.edits import Change

    if name is None and address is None and topic is None:
        from gateway.cli.asking import ask_device

        asked = ask_device(config)
        name, address, place, driver = asked.name, asked.address, asked.place, asked.driver
        key, profile = asked.key or key, asked.profile or profile
    if name is None or place is None or (address is None) == (topic is None):
        missing = [
            word
            for word, wrong in (
                ("NAME", name is None),
                ("--place PLACE", place is None),
                ("either --address or --topic", (address is None) == (topic is None)),
            )
            if wrong
        ]
        do = "velgate device add NAME (--address ADDR | --topic TOPIC) --place PLACE"
        expected, found = " and ".join(missing), "something else"
        raise Problem("velgate device add", expected=expected, found=found, do=do, exit=Exit.USAGE)
    if key == "-":
        key = secret("Its key (32 hexadecimal digits)", "--key", "copy it from the sensor's label or app")
    change = Change(config)
    new = entries.add_device(
        change,
        name,
        place=place,
        address=address,
        topic=topic,
        driver=driver,
        profile=profile,
        key="".join(key.split()) if key else None,
    )
    commit(change, state, f"Added {name} at {place}.")
    _place(place, new=new)
    from gateway.cli.say import say

    say(f"Prove it:  velgate device test {name}")


@app.command("list", epilog="Example: velgate device list --json")
def list_(config: Config = CONFIG, state: State = STATE, json: Json = False) -> None:
    """List the devices, and how they are heard."""
    from gateway.cli.say import count, emit, say, table
    from gateway.settings.loader import load

    found = load(config)
    live, told = _live(state)
    rows = [_row(name, found, live) for name in sorted(found.settings.device)]
    if json:
        emit({"devices": rows})
        return
    heads = ("device", "place", "driver", "available", "last_seen", "battery", "signal")
    table(heads, [[row[head] for head in heads] for row in rows])
    say(f"{count(len(rows), 'device')}." + ("" if told else " No gateway is running here: nothing is heard."))


@app.command(epilog="Example: velgate device show kald-12")
def show(name: Name, config: Config = CONFIG, state: State = STATE, json: Json = False) -> None:
    """Show one device: what is configured and heard.

    Its key is never shown.
    """
    from gateway.cli.say import emit, table
    from gateway.settings.loader import load
    from gateway.settings.span import write_span

    found = load(config)
    device = _known(found, name)
    live, _ = _live(state)
    origin = found.origin("device", name)
    row: dict[str, Any] = {
        **_row(name, found, live),
        "label": found.settings.label(device.place),
        "address": device.address,
        "topic": device.topic,
        "profile": device.profile,
        "heard_every": write_span(device.heard_every) if device.heard_every else None,
        "maintenance_until": device.maintenance_until,
        "key": device.key is not None,
        "origin": str(origin) if origin else None,
    }
    row |= {key: value for key, value in live.get(name, {}).items() if key not in row}
    if json:
        emit(row)
        return
    row["title"] = (row.get("title") or {}).get("en")
    table(("", ""), [(key.replace("_", " "), value) for key, value in row.items()])


@app.command(epilog="Example: velgate device rename kald-12 kald-12-bad")
def rename(
    name: Name,
    new: Annotated[str, Argument(help="Its new name, a slug.")],
    config: Config = CONFIG,
    state: State = STATE,
) -> None:
    """Rename a device wherever it is named.

    Its entry, its key, the rules that mean it.
    """
    from gateway.cli.reload import commit
    from gateway.settings import entries
    from gateway.settings.edits import Change

    change = Change(config)
    entries.rename_device(change, name, new)
    commit(change, state, f"Renamed {name} to {new}.")


@app.command(epilog="Example: velgate device move kald-12 room-14")
def move(
    name: Name,
    place: Annotated[str, Argument(help="Where it is now; a new place is added.")],
    config: Config = CONFIG,
    state: State = STATE,
) -> None:
    """Say that a device is at another place now."""
    from gateway.cli.reload import commit
    from gateway.cli.say import say
    from gateway.settings import entries
    from gateway.settings.edits import Change

    change = Change(config)
    new = entries.move_device(change, name, place)
    commit(change, state, f"Moved {name} to {place}.")
    _place(place, new=new)
    say(f"Prove it there:  velgate device test {name}")


@app.command(epilog="Example: velgate device remove kald-12")
def remove(name: Name, config: Config = CONFIG, state: State = STATE) -> None:
    """Remove a device with its key.

    Rules that name it lose its name.
    """
    from gateway.cli.reload import commit
    from gateway.settings import entries
    from gateway.settings.edits import Change

    change = Change(config)
    entries.remove_device(change, name)
    commit(change, state, f"Removed {name}.")


@app.command("test", epilog="Example: velgate device test kald-12 --by KL")
def prove(
    name: Name,
    by: By = None,
    seconds: Annotated[float, Option(min=1, metavar="N", help="How long to wait for it.")] = 60,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Wait until a device is heard.

    Press it, move it, or take its battery out and in.

    Its counter may begin anew meanwhile, as after a change of battery. Not heard in time: exit 1.
    """
    from gateway.cli.client import Gateway, segment
    from gateway.cli.options import who_or_operator
    from gateway.cli.say import emit, say
    from gateway.cli.waiting import until_heard

    with Gateway(state) as house:
        before = house.post(f"/api/v1/devices/{segment(name)}/accept", {"by": who_or_operator(by)})
        say(f"Press {name}, or make it speak.")
        heard, row, took_s = until_heard(house, name, before, seconds)
    if json:
        emit(
            {
                "device": name,
                "heard": heard,
                "ms": round(took_s * 1000),
                **{k: row.get(k) for k in ("signal", "battery")},
            }
        )
    if not heard:
        do = "hold it near, change its battery, and see  velgate scan"
        found = f"nothing in {seconds:g} s"
        raise Problem(name, expected="to be heard", found=found, do=do)
    signal = f", signal {row['signal']} dBm" if row.get("signal") is not None else ""
    battery = f", battery {row['battery']} %" if row.get("battery") is not None else ""
    say(f"Heard after {took_s:.1f} s{signal}{battery}. The whole chain:  velgate alert test {name}")


def _place(place: str, *, new: bool) -> None:
    from gateway.cli.say import say

    if new:
        say(f"{place} is a new place. Say what staff call it:")
        say(f'  velgate config set place.{place}.label "Bolig 12"')


def _known(found: Loaded, name: str) -> Any:
    device = found.settings.device.get(name)
    if device is None:
        raise Problem(
            f"device.{name}",
            expected="a device of the configuration",
            found="none of this name",
            do="see  velgate device list",
            exit=Exit.NOT_FOUND,
        )
    return device


def _live(state: Path) -> tuple[dict[str, dict[str, Any]], bool]:
    """Ask the running gateway how the devices are heard; nothing where none runs."""
    from gateway.cli.client import Gateway

    try:
        rows = Gateway(state).get("/api/v1/devices")["devices"]
    except Problem:
        return {}, False
    return {row["device"]: row for row in rows}, True


def _row(name: str, found: Loaded, live: dict[str, dict[str, Any]]) -> dict[str, Any]:
    device, heard = found.settings.device[name], live.get(name, {})
    return {
        "device": name,
        "place": device.place,
        "driver": heard.get("driver") or device.driver,
        "available": heard.get("available"),
        "last_seen": heard.get("last_seen"),
        "battery": heard.get("battery"),
        "signal": heard.get("signal"),
    }

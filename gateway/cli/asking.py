"""`velgate device add` without arguments: it listens, offers what it hears, and asks for the rest."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.options import ask, secret
from gateway.model.problem import Exit, Problem

if TYPE_CHECKING:
    from gateway.intake.air import OnAir

LISTEN_S = 10.0  # most sensors speak every few seconds; a button must be pressed meanwhile
OFFERED_MAX = 12  # what fits on a phone's terminal beside the question


@dataclass(frozen=True, slots=True)
class Asked:
    """What a technician answered."""

    name: str
    address: str
    place: str
    driver: str | None
    profile: str | None
    key: str | None


def ask_device(config: Path) -> Asked:
    """Offer what is on the air and ask for name, place, product and key. Raises `Problem`."""
    from gateway.cli.say import say, table
    from gateway.settings.loader import load

    if not sys.stdin.isatty():
        do = "velgate device add NAME (--address ADDR | --topic TOPIC) --place PLACE"
        expected, found = "NAME, address and place, or a terminal to ask on", "neither"
        raise Problem("velgate device add", expected=expected, found=found, do=do, exit=Exit.USAGE)
    settings = load(config).settings
    offered = _offered(config, settings.radio.adapter)
    table(
        ("no.", "signal", "address", "name", "driver"),
        [(n, row.signal, row.address, row.name, row.driver) for n, row in enumerate(offered, 1)],
    )
    chosen = _choice(offered)
    say(f"Places: {', '.join(sorted(settings.place)) or 'none yet'}")
    place = ask("Place (a slug, such as room-12)", "--place", "name the place")
    profile = None
    if settings.profiles:
        say(f"Products: {', '.join(sorted(settings.profiles))}")
        answer = ask("Product (- for none of these)", "--profile", "name one, or -", "-")
        profile = None if answer == "-" else answer
    kind = profile or (chosen.driver or "device").removeprefix("gatt-")
    proposal = f"{kind}-{place.removeprefix('room-')}"
    name = ask("Name (a slug by what and where it is)", "NAME", "name the device", proposal)
    wants = ask("Does its label or app show a key? y/n", "--key", "answer y or n", "n")
    key = None
    if wants[:1] in "yjYJ":  # ja is yes to the technicians this is for
        key = secret("Its key (32 hexadecimal digits)", "--key", "copy it from the label or app")
    return Asked(name, chosen.address, place, chosen.driver, profile, key)


def _offered(config: Path, adapter: str) -> list[OnAir]:
    from gateway.cli.say import progress, say
    from gateway.cli.scan import configured, listen

    say("Hold the device near and make it speak: press it, or take its battery out and in.")
    with progress("Listening", LISTEN_S) as shown:
        known = configured(config)
        air = listen(adapter, LISTEN_S, known, lambda heard, at_s: shown.at(at_s, str(len(heard.list()))))
    strangers = [row for row in air.list() if row.device is None]
    offered = sorted(strangers, key=lambda row: (row.driver is None, -(row.signal or -999)))[:OFFERED_MAX]
    if not offered:
        do = "make it speak and try again, or give its address:  velgate device add NAME --address …"
        expected, found = "a device that is not configured yet", "none on the air"
        raise Problem(adapter, expected=expected, found=found, do=do, exit=Exit.NOT_FOUND)
    return offered


def _choice(offered: list[OnAir]) -> OnAir:
    answer = ask("Which one?", "no.", "give its number", "1")
    if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(offered):
        return offered[int(answer) - 1]
    expected = f"a number from 1 to {len(offered)}"
    raise Problem("no.", expected=expected, found=repr(answer), do="run the command again", exit=Exit.USAGE)

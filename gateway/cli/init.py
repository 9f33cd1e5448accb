"""`velgate init`: questions and answers that write a valid configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Option

from gateway.cli.options import CONFIG, Config, ask
from gateway.model.problem import Exit, Problem

EXAMPLE = "Example: velgate init --defaults --config ./home"

ZONE = "Europe/Copenhagen"

TEXT = """\
# Where this gateway stands. Names are slugs: lower-case letters, digits and hyphens.
# `phone` is what the staff page shows when it has lost contact: a number that somebody answers.
[site]
municipality = {municipality}
home = {home}
gateway = {gateway}
zone = {zone}
phone = {phone}
title = {title}

# Places, as staff call them. Never a resident's name.
#   [place.room-12]
#   label = "Bolig 12"
#   [place.bath-12]
#   label = "Bad 12"
#   kind = "bath"
#   within = "room-12"

# Devices: added by `velgate device add`, which asks and offers what is on the air.

# People, by initials: added by `velgate staff add KL`, then `velgate staff pin KL`.
{mqtt}"""

MQTT = """
# The broker. Its password stands in secrets.toml:  velgate config set mqtt.password -
[mqtt]
host = {host}
port = {port}
"""

NO_MQTT = """
# A broker, if there is one:
#   [mqtt]
#   host = "broker.local"
#   port = 8883
#   tls = true
#   username = "gw-1"
"""

SECRETS = """\
# Keys and passwords, under the same key paths as elsewhere. Mode 0600; never in a repository or a mail.
#   device.kald-12.key = "…"
#   mqtt.password = "…"
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the questions ask."""

    municipality: str = "kommune"
    home: str = "hjem"
    gateway: str = "gw-1"
    zone: str = ZONE
    phone: str = ""
    title: str = ""
    broker: str = ""


def init(
    config: Config = CONFIG,
    defaults: Annotated[bool, Option("--defaults", help="Ask nothing.")] = False,
) -> None:
    """Write a first configuration.

    gateway.toml and secrets.toml; one that is there is never overwritten.
    """
    from gateway.cli.say import explain, say
    from gateway.settings.atomic import write
    from gateway.settings.edits import FILE_MODE, SECRET_MODE
    from gateway.settings.loader import load

    target, secrets = config / "gateway.toml", config / "secrets.toml"
    for path in (target, secrets, config / "gateway"):
        if path.exists():
            do = "velgate config set KEY VALUE changes it; or name another folder with --config"
            expected, found = "a folder without a configuration", "one; nothing was changed"
            raise Problem(str(path), expected=expected, found=found, do=do, exit=Exit.REFUSED)
    answers = Answers(zone=_zone()) if defaults else _asked()
    try:
        config.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        what = error.strerror or "it cannot be made"
        do = "run it as root, or name another folder with --config"
        raise Problem(str(config), expected="a folder to write to", found=what, do=do) from error
    wrong = load(config, replaced={target: text(answers)}).errors
    if wrong:
        first, exit_ = wrong[0], Exit.USAGE
        expected, have, do = first.expected, first.found, first.do
        raise Problem(first.where, expected=expected, found=have, do=do, exit=exit_, findings=wrong)
    write(target, text(answers), FILE_MODE)
    write(secrets, SECRETS, SECRET_MODE, exact=True)
    say(f"Wrote {target} and {secrets}.")
    explain(load(config).findings)
    say("Next:  velgate staff add KL, velgate staff pin KL, velgate device add, velgate check, velgate run")


def text(answers: Answers) -> str:
    """Write the file that the answers make."""
    from gateway.settings.rewrite import literal

    host, _, port = answers.broker.partition(":")
    mqtt = MQTT.format(host=literal(host), port=port or "1883") if host else NO_MQTT
    fields = ("municipality", "home", "gateway", "zone", "phone", "title")
    return TEXT.format(mqtt=mqtt, **{name: literal(getattr(answers, name)) for name in fields})


def _asked() -> Answers:
    do = "velgate init --defaults asks nothing"
    plain = Answers(zone=_zone())
    return Answers(
        municipality=ask("Municipality (a slug)", "municipality", do, plain.municipality),
        home=ask("Home (a slug, such as solhjem)", "home", do, plain.home),
        gateway=ask("This gateway", "gateway", do, plain.gateway),
        zone=ask("Time zone", "zone", do, plain.zone),
        phone=_or_nothing(ask("Phone number that somebody always answers (- for none)", "phone", do, "-")),
        title=_or_nothing(ask("The home's name, as the staff page shows it (- for none)", "title", do, "-")),
        broker=_or_nothing(ask("MQTT broker, HOST or HOST:PORT (- for none)", "broker", do, "-")),
    )


def _or_nothing(answer: str) -> str:
    return "" if answer == "-" else answer


def _zone() -> str:
    """The machine's zone if it says one, else the one most homes are in."""
    from zoneinfo import available_timezones

    try:
        named = Path("/etc/timezone").read_text(encoding="utf-8").strip()
    except OSError:
        named = ""
    return named if named in available_timezones() and "/" in named and not named.startswith("Etc/") else ZONE

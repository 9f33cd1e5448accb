"""`velgate run` and `velgate demo`: the gateway itself, and the whole thing on simulated devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from gateway.cli.options import CONFIG, STATE, Config, State

RUN_EXAMPLE = "Example: velgate run --config /etc/velgate --state /var/lib/velgate"
DEMO_EXAMPLE = "Example: velgate demo --seconds 60"


def run(
    config: Config = CONFIG,
    state: State = STATE,
    json: Annotated[bool, Option("--json", help="Print one JSON line once everything answers.")] = False,
) -> None:
    """Run the gateway in the foreground.

    SIGTERM drains and stops in under 10 s; SIGHUP reads the configuration anew, and keeps the old one if
    the new one is wrong. A second gateway on the same state folder is refused.
    """
    from gateway import app

    raise typer.Exit(app.run(config, state, json))


def demo(
    seconds: Annotated[
        float | None, Option(min=0, metavar="N", help="Stop by itself after N seconds.")
    ] = None,
    quiet: Annotated[
        bool, Option("--quiet", help="Let nothing happen but what velgate-sim do does.")
    ] = False,
    state: Annotated[
        Path | None, Option(metavar="DIR", help="Keep the state here, to go on with it later.")
    ] = None,
    scenario: Annotated[str | None, Option(metavar="NAME", help="What happens in the home.")] = None,
    json: Annotated[bool, Option("--json", help="Print one JSON line once everything answers.")] = False,
) -> None:
    """Run a small care home of simulated devices.

    With broker, store and staff page. It needs no configuration, no root and no hardware.
    It prints where to look and how to sign in.
    """
    from gateway import demo as home

    raise typer.Exit(home.demo(seconds=seconds, quiet=quiet, state=state, scenario=scenario, json=json))

"""Every command of `velgate`, gathered. What a command needs beyond its arguments it imports when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import (
    alert_actions,
    alert_audit,
    alert_load,
    alert_rules,
    basis,
    channel,
    check,
    config,
    device,
    driver,
    info,
    init,
    run,
    scan,
    screen,
    staff,
    status,
)
from gateway.cli.decoding import EPILOG, HELP

EXAMPLE = "Example: velgate demo"

app = typer.Typer(
    name="velgate",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXAMPLE,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"velgate {version('velgate')}")
        raise typer.Exit


@app.callback()
def velgate(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Velgate hears the devices in a care home and gets alerts to the people who answer them."""


@app.command(help=HELP, epilog=EPILOG)
def decode(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE|-]", help="Frames, one JSON object a line.")
    ] = None,
    key: Annotated[list[str] | None, typer.Option(metavar="ADDRESS=HEX", help="The key of a device.")] = None,
    driver: Annotated[str | None, typer.Option(metavar="NAME", help="Ask this driver alone.")] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Say at the end how many frames a second.")] = False,
) -> None:
    """Stand in the list of commands and complete arguments; `main` itself takes a shorter way to decode."""
    from gateway.cli.decode import decode_command

    raise typer.Exit(decode_command(file, key or (), driver, stats))


app.command(epilog=run.RUN_EXAMPLE)(run.run)
app.command(epilog=run.DEMO_EXAMPLE)(run.demo)
app.command(epilog=init.EXAMPLE)(init.init)
app.command(epilog=check.EXAMPLE)(check.check)
app.command(epilog=scan.EXAMPLE)(scan.scan)
app.command(epilog=status.STATUS_EXAMPLE)(status.status)
app.command(epilog=status.TAIL_EXAMPLE)(status.tail)
app.add_typer(device.app, name="device")
app.add_typer(driver.app, name="driver", epilog="Example: velgate driver list")
app.add_typer(driver.app, name="driver", epilog="Example: velgate driver list")
app.add_typer(config.app, name="config")
alert_actions.app.command("audit", epilog=alert_audit.EXAMPLE)(alert_audit.audit)
alert_actions.app.command("load", epilog=alert_load.EXAMPLE)(alert_load.load)
app.add_typer(alert_actions.app, name="alert")
alert_actions.app.add_typer(alert_rules.app, name="rules")
app.add_typer(staff.app, name="staff")
app.add_typer(basis.app, name="basis")
app.add_typer(screen.app, name="screen")
app.add_typer(info.app, name="info")
app.add_typer(channel.app, name="channel")

"""`velgate info`: notices in plain words, made from the configuration as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from gateway.cli.options import CONFIG, Config, Json
from gateway.model.problem import Exit, Problem

if TYPE_CHECKING:
    from gateway.settings.models import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Notices in plain words: staff.",
    epilog="Example: velgate info staff",
)

POINTS = ("what", "why", "not", "see", "kept", "leaves", "roster", "rights")
"""The paragraphs of the notice, in order."""


@app.callback()
def info() -> None:
    """Print notices in plain words."""


@app.command(epilog="Example: velgate info staff --language en")
def staff(
    language: Annotated[str, Option(metavar="da|en", help="The language of the notice.")] = "da",
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Print the notice that employees must have before Velgate starts.

    What is kept about them, why, who sees it, for how long, and what is never worked out.
    """
    from gateway.cli.say import emit, show
    from gateway.settings.loader import load

    if language not in ("da", "en"):
        found = repr(language)[:20]
        raise Problem("--language", expected="da or en", found=found, do="choose one", exit=Exit.USAGE)
    title, paragraphs = staff_notice(load(config).settings, language)
    if json:
        emit({"title": title, "paragraphs": [{"head": head, "text": text} for head, text in paragraphs]})
        return
    show(title)
    for head, text in paragraphs:
        show(f"\n{head}\n{text}")


def staff_notice(settings: Settings, language: str) -> tuple[str, list[tuple[str, str]]]:
    """Give the notice's title, and its paragraphs with their heads."""
    from gateway.model.catalogue import shipped

    words, kept = shipped().overlaid(settings.wording), settings.retention
    readers = sorted(name for name, person in settings.person.items() if "audit" in person.rights)
    ways = sorted({channel.kind for channel in settings.channel.values()})
    if settings.mqtt.host:
        ways = sorted({*ways, "mqtt"})
    known = {
        "home": settings.site.title or settings.site.home,
        "readers": ", ".join(readers) or words.text("info.staff.nobody", language),
        "alerts": kept.alerts.days,
        "audit": kept.audit.days,
        "owner": kept.because.audit.owner,
        "reason": kept.because.audit.reason,
        "ways": ", ".join(words.text(f"info.staff.way.{way}", language) for way in ways)
        or words.text("info.staff.nowhere", language),
    }
    title = words.text("info.staff.title", language, home=known["home"])
    return title, [
        (
            words.text(f"info.staff.head.{point}", language),
            words.text(f"info.staff.text.{point}", language, **known),
        )
        for point in POINTS
    ]

"""Arguments of `velgate decode`, read without Typer: a frame is decoded before that would have loaded."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

HELP = "Frames in, readings out, offline."
EPILOG = """Example: velgate decode frames.jsonl --driver bthome

One JSON line comes out for each frame, in order. FILE holds JSON lines, one
frame each; - or nothing reads standard input. What cannot be decoded gives a
line with an error and never stops the run."""


def parser() -> argparse.ArgumentParser:
    """Make the parser; its help is that of the command reference too."""
    made = argparse.ArgumentParser(
        "velgate decode",
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("file", nargs="?", metavar="FILE", help="frames, one JSON object a line; - is stdin")
    made.add_argument("--key", action="append", default=[], metavar="ADDRESS=HEX", help="the key of a device")
    made.add_argument("--driver", metavar="NAME", help="ask this driver alone")
    made.add_argument("--stats", action="store_true", help="say at the end how many frames a second")
    return made


def decode(arguments: Sequence[str]) -> int:
    """Decode, and give the exit code. Raises `Problem`."""
    try:
        given = parser().parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    from gateway.cli.decode import decode_command

    return decode_command(given.file, given.key, given.driver, given.stats)

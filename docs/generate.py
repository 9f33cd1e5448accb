"""Writes the parts of the documentation that the code knows best: `python -m docs.generate [--check]`.

With `--check` nothing is written: what differs is named, and the exit code is 1. Each page is a function of
the code alone, without clock, machine or network, so that the same code gives the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from docs.making import (
    alert_states,
    asyncapi,
    commands,
    configuration,
    drivers,
    errors,
    openapi,
    quantities,
    schemas,
    words,
)

FOLDER = Path(__file__).parent
MEND = "make docs"

PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands.page,
    "reference/configuration.md": configuration.page,
    "reference/quantities.md": quantities.page,
    "reference/drivers.md": drivers.page,
    "reference/alert-states.md": alert_states.page,
    "reference/words.md": words.page,
    "reference/errors.md": errors.page,
    **{f"schemas/{name}.json": making for name, making in schemas.FILES.items()},
    "asyncapi.yaml": asyncapi.page,
    "openapi.json": openapi.page,
}
"""What is generated, by path below `docs/`."""


def check(folder: Path = FOLDER) -> list[str]:
    """Name the generated files that differ from what the code says now."""
    return [name for name, making in PAGES.items() if _read(folder / name) != making()]


def write(folder: Path = FOLDER) -> list[str]:
    """Write what differs and name it."""
    changed = check(folder)
    for name in changed:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(PAGES[name](), encoding="utf-8")
    return changed


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def main(arguments: Sequence[str]) -> int:
    """Write or check, and say what differed."""
    if list(arguments) == ["--check"]:
        for name in (differing := check()):
            sys.stderr.write(f"docs/{name} is not what the code says. Run: {MEND}\n")
        return 1 if differing else 0
    if arguments:
        sys.stderr.write("usage: python -m docs.generate [--check]\n")
        return 2
    for name in write():
        sys.stderr.write(f"wrote docs/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

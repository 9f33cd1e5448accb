"""docs/reference/errors.md: every code that a program or a technician meets, and what to do about it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from docs.making import markdown
from docs.making.markdown import code, table
from gateway.cli.client import EXIT_OF
from gateway.model.catalogue import OWN_KINDS, shipped
from gateway.model.decoding import DecodeError
from gateway.model.problem import Exit
from gateway.model.refusal import STATUS

MEANINGS: dict[str, dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "meanings.toml").read_text(encoding="utf-8")
)
EXITS, REFUSALS = MEANINGS["exits"], MEANINGS["refusals"]
DECODING, TROUBLES = MEANINGS["decoding"], MEANINGS["troubles"]

HOST_CODES = ("replayed", "implausible", "driver_failed")
"""What the host finds out, not a driver."""

INTRODUCTION = """
An error says where it is, what was expected, what was found, and what to do:

```text
secrets.toml:14  device.bed-12.key
  expected  32 hexadecimal digits (16 bytes)
  found     31 digits
  do        copy it again from the sensor's label, then run  velgate device test bed-12
```

No error and no log line holds a key, a resident's name or a health value.
"""

HTTP_INTRODUCTION = """
HTTP errors are `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail` and `code`. A
command over MQTT is answered with the same document on its response topic, and the status in the user
property `status`. The command line turns them into its exit codes.
"""

TROUBLE_INTRODUCTION = """
What goes wrong with devices and with the gateway itself is an alert of its own: of priority `technical`,
counted in the chip **Teknik** on the staff page, or of priority `high`, among the calls, where calls or
falls may go unheard because of it. `velgate alert list` shows them, `velgate alert show` the sentence for
the technician. An alert closes by itself when its cause is over and nobody has taken it, with the
exceptions named here.
"""


def exit_codes() -> str:
    """Give the table of exit codes."""
    _whole(EXITS, [each.name for each in Exit], "exit code")
    return table(("exit code", "meaning"), [(each.value, EXITS[each.name]) for each in Exit])


def decode_codes() -> list[str]:
    """Name every code that an `error` of `velgate decode` may have."""
    return [*_own_codes(DecodeError), *HOST_CODES]


def page() -> str:
    """Write the page."""
    _whole(DECODING, decode_codes(), "decode error")
    _whole(REFUSALS, STATUS, "refusal")
    _whole(TROUBLES, OWN_KINDS, "trouble")
    return markdown.page(
        "Errors and troubles",
        INTRODUCTION,
        "## Exit codes",
        exit_codes(),
        "## Errors of one frame",
        "The `code` of an `error` of `velgate decode`; in a gateway, why a device's frames are refused.",
        table(
            ("code", "meaning", "what to do"),
            [(code(name), *DECODING[name].values()) for name in decode_codes()],
        ),
        "## Refusals by HTTP and MQTT",
        HTTP_INTRODUCTION,
        table(
            ("code", "status", "exit code", "meaning"),
            [(code(name), status, _exit(status), REFUSALS[name]) for name, status in STATUS.items()],
        ),
        "## Troubles",
        TROUBLE_INTRODUCTION,
        table(
            ("kind", "on the staff page", "in English", "when", "what to do"),
            [(code(kind), *_words(kind), *TROUBLES[kind].values()) for kind in sorted(OWN_KINDS)],
        ),
    )


def _words(kind: str) -> tuple[str, str]:
    short = shipped().short(kind)
    return short["da"], short["en"]


def _own_codes(kind: type[DecodeError]) -> list[str]:
    return [code for each in kind.__subclasses__() for code in (each.code, *_own_codes(each))]


def _exit(status: int) -> int:
    return int(EXIT_OF.get(status, Exit.FAILED))


def _whole(meanings: Mapping[str, object], codes: Collection[str], what: str) -> None:
    """See that a meaning is written for each code and for no other. Raises LookupError."""
    if missing := set(codes) - set(meanings):
        raise LookupError(
            f"docs/making/meanings.toml lacks what these mean ({what}): {', '.join(sorted(missing))}"
        )
    if extra := set(meanings) - set(codes):
        raise LookupError(
            f"docs/making/meanings.toml explains what is no {what} any more: {', '.join(sorted(extra))}"
        )

"""What went wrong, as fields, so that terminal, JSON and staff page each say it their own way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every `velgate` command; fixed, other programs rely on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    REFUSED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: where, what was expected, what was found, what to do next.

    `found` never holds a key, a name or a health value. `where` is a file with its line, a device,
    an address or a service; `key` the configuration key path, if it is about one.
    """

    where: str
    expected: str
    found: str
    do: str
    key: str | None = None
    warning: bool = False


class Problem(Exception):
    """A failure that a person can act on. Carries its findings and the exit code of a command."""

    def __init__(
        self,
        where: str,
        *,
        expected: str,
        found: str,
        do: str,
        exit: Exit = Exit.FAILED,  # noqa: A002  (the field's word)
        code: str | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        """Make a problem from one finding, or from `findings` where there are several."""
        self.findings = findings or (Finding(where=where, expected=expected, found=found, do=do),)
        self.exit = exit
        self.code = code
        super().__init__(f"{where}: expected {expected}, found {found}. {do}")

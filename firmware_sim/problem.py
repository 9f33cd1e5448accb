"""What went wrong, as fields: the command line prints them as text, the control socket as JSON."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `velgate-sim`, the same as those of `velgate`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    NOT_FOUND = 4
    UNREACHABLE = 5


class SimProblem(Exception):
    """A failure that a person can act on: which thing, what was expected, what was found, what to do."""

    def __init__(self, where: str, *, expected: str, found: str, do: str, exit_code: Exit) -> None:
        """Keep the fields; the text is made of them."""
        super().__init__(f"{where}: expected {expected}, found {found}. {do}")
        self.where = where
        self.expected = expected
        self.found = found
        self.do = do
        self.exit_code = exit_code

    def fields(self) -> dict[str, str | int]:
        """Return the fields as the control socket sends them."""
        return {
            "where": self.where,
            "expected": self.expected,
            "found": self.found,
            "do": self.do,
            "exit": int(self.exit_code),
        }

    @classmethod
    def from_fields(cls, fields: dict[str, str | int]) -> SimProblem:
        """Rebuild the problem that the other end of a control socket met."""
        return cls(
            str(fields["where"]),
            expected=str(fields["expected"]),
            found=str(fields["found"]),
            do=str(fields["do"]),
            exit_code=Exit(int(fields["exit"])),
        )

    def text(self) -> str:
        """Return the lines that a terminal shows."""
        return f"{self.where}\n  expected  {self.expected}\n  found     {self.found}\n  do        {self.do}"

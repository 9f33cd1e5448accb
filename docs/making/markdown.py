"""The Markdown that generated pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

NOTE = "<!-- Written by `make docs` from the code; change it there. -->"


def page(title: str, *parts: str) -> str:
    """Put a page together: its title, the note that it is generated, then its parts."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip("\n") for part in parts)]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table. None and "" become a dash; whoever calls marks up what is code."""
    ruled = [heads, ["---"] * len(heads)]
    lines = [*ruled, *([_cell(value) or "–" for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def code(text: object) -> str:
    """Mark a text as code, in Markdown, also where it holds backticks."""
    said = str(text)
    fence = "`" * (max([0, *map(len, re.findall(r"`+", said))]) + 1)
    pad = " " if said.startswith("`") or said.endswith("`") else ""
    return f"{fence}{pad}{said}{pad}{fence}"


def codes(texts: Iterable[object], between: str = ", ") -> str:
    """Mark several texts as code."""
    return between.join(map(code, texts))


def anchor(heading: str) -> str:
    """Give the anchor under which GitHub and others show a heading: `#profilesname` of `profiles.NAME`."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return "#" + kept.strip().replace(" ", "-")


def block(text: str, language: str = "") -> str:
    """Write a block of code."""
    return f"```{language}\n{text.strip()}\n```"


def unwrapped(text: str | None) -> str:
    """Give a docstring as running text: paragraphs stay, line ends within them do not."""
    paragraphs = re.split(r"\n\s*\n", (text or "").strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return " ".join(re.sub(r"(?<!\\)\|", r"\\|", text).split())

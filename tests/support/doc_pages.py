"""The Markdown of the project as tests read it: pages, links, anchors, blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_FENCE = re.compile(
    r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of code: where it stands, its language, what is said behind it, its text."""

    page: Path
    line: int
    language: str
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page: those of docs/, and those that stand at the top and beside the code."""
    making = DOCS / "making"
    below = [page for page in sorted(DOCS.rglob("*.md")) if not page.is_relative_to(making)]
    beside = [ROOT / "firmware_sim" / "README.md", ROOT / "config" / "examples" / "README.md"]
    return [*sorted(ROOT.glob("*.md")), *below, *beside]


@cache
def text_of(page: Path) -> str:
    """What a page says."""
    return page.read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """Every block of code in one of these languages, or of all."""
    found = []
    for page in pages():
        for match in _FENCE.finditer(text_of(page)):
            language, _, info = match["info"].strip().partition(" ")
            line = text_of(page)[: match.start()].count("\n") + 1
            if not languages or language in languages:
                found.append(Block(page, line, language, info, match["text"]))
    return found


def links() -> Iterator[tuple[Path, str]]:
    """Every link of every page, without those in blocks of code."""
    for page in pages():
        for match in _LINK.finditer(re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text_of(page)))):
            yield page, match[1]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text_of(page))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        kept = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(kept if kept not in found else f"{kept}-1")
    return found

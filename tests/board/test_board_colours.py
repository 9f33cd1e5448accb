"""Contrast of every pair of colours, computed as WCAG 2.2 does it: words 4.5, edges and signs 3."""

from __future__ import annotations

import re

import pytest

from gateway.board.assets_store import FOLDER

WORDS = [
    ("text", "page"), ("text", "card"), ("muted", "page"), ("muted", "card"),
    ("on-emergency", "emergency"), ("on-emergency-act", "emergency-act"),
    ("on-high", "high"), ("on-high-badge", "high-badge"),
    ("on-medium-badge", "medium-badge"), ("on-technical-badge", "technical-badge"),
    ("on-taken", "taken"), ("on-action", "action"), ("on-test", "test"), ("on-lost", "lost"),
    ("on-odd", "odd"), ("page", "text"),
]  # fmt: skip
EDGES = [
    ("emergency-edge", "page"), ("emergency-blink", "emergency-under"), ("emergency-act", "emergency"),
    ("high-edge", "page"), ("medium-edge", "page"), ("medium-edge", "card"),
    ("technical-edge", "page"), ("technical-edge", "card"),
    ("taken", "page"), ("taken", "card"), ("action", "page"), ("action", "card"), ("action", "high"),
    ("ring", "page"), ("ring", "card"), ("ring", "high"), ("on-emergency", "emergency"),
    ("test", "page"), ("test", "card"), ("good", "page"), ("good", "card"), ("muted", "card"),
]  # fmt: skip

# people.md: what the house promised, theme by theme: (name, value, against, at least).
PROMISED = {
    "day": [
        ("text", "#14181D", "card", 17.8), ("muted", "#4A5560", "page", 7.0),
        ("emergency", "#B3121D", "page", 6.4), ("on-emergency-act", "#7A0C14", "emergency-act", 11.1),
        ("high", "#FFC400", "on-high", 11.2), ("high-edge", "#8A5A00", "page", 5.4),
        ("medium-badge", "#7FD6E6", "on-medium-badge", 10.7), ("medium-edge", "#0B6B7D", "page", 5.6),
        ("technical-badge", "#D5DBE1", "on-technical-badge", 12.8),
        ("technical-edge", "#5B6875", "page", 5.2),
        ("taken", "#1E6B3A", "on-taken", 6.5), ("action", "#0B4F9E", "on-action", 8.0),
        ("test", "#6B2A7F", "on-test", 9.3), ("lost", "#FFE04D", "on-lost", 13.6),
    ],
    "night": [
        ("text", "#E6E1D8", "card", 13.0), ("muted", "#A9A296", "card", 6.7),
        ("emergency", "#B3121D", "on-emergency", 6.9), ("emergency-edge", "#FF7A7D", "page", 7.5),
        ("high-edge", "#E0A800", "page", 8.7), ("medium-edge", "#4FB3C6", "page", 7.7),
        ("technical-edge", "#8B95A0", "page", 6.2), ("taken", "#4FA36D", "page", 6.1),
        ("action", "#9CC4FF", "on-action", 10.0), ("ring", "#FFD75E", "page", 13.5),
        ("test", "#C79AD6", "page", 8.1), ("lost", "#FFE04D", "page", 14.3),
    ],
}  # fmt: skip


def tokens(theme: str) -> dict[str, str]:
    """Give the colours of a theme; night lies over day."""
    text = (FOLDER / "tokens.css").read_text("utf-8")
    day, night = text.split(':root[data-light="night"]')
    found = dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", day))
    over = dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", night))
    assert found.keys() == over.keys()
    made = found if theme == "day" else over
    # By day the frame of an emergency blinks on its own fill, by night at its edge, on the page.
    return made | {"emergency-under": made["emergency" if theme == "day" else "page"]}


def luminance(colour: str) -> float:
    """Give the relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["day", "night"])
def test_every_pair_is_legible(theme: str) -> None:
    """Words at least 4.5, edges and signs at least 3."""
    colours = tokens(theme)
    weak = [
        (one, other, round(contrast(colours[one], colours[other]), 2))
        for pairs, least in ((WORDS, 4.5), (EDGES, 3.0))
        for one, other in pairs
        if contrast(colours[one], colours[other]) < least
    ]
    assert weak == []


@pytest.mark.parametrize("theme", ["day", "night"])
def test_the_colours_are_those_that_were_promised(theme: str) -> None:
    """Value by value, with the contrast as it was measured (to a tenth)."""
    colours = tokens(theme)
    for name, value, against, least in PROMISED[theme]:
        assert colours[name] == value, name
        assert contrast(value, colours[against]) >= least - 0.06, (name, contrast(value, colours[against]))


def test_no_colour_stands_outside_the_tokens() -> None:
    """Styles name colours by their meaning; what is exempt draws hatching, print or shade."""
    visited = 0
    for path in FOLDER.glob("*.css"):
        if path.name == "tokens.css":
            continue
        text = re.sub(r"@media print \{.*", "", path.read_text("utf-8"), flags=re.DOTALL)
        for line in text.splitlines():
            if ".contact" in line:
                continue
            assert not re.search(r"#[0-9A-Fa-f]{3,8}\b(?![^{]*\{)", line), (path.name, line)
        visited += 1
    assert visited == 3

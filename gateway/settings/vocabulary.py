"""Words of the configuration that must be words of the vocabulary: quantities, and texts laid over ours."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from gateway.model import meaning, quantities
from gateway.model.catalogue import shipped
from gateway.model.problem import Finding
from gateway.settings.checks import finding
from gateway.settings.merge import Node, match, plain
from gateway.settings.positions import Path
from gateway.settings.shape import shown


def meanings(tree: Node) -> Iterator[Finding]:
    """What a product's profile says its signals mean, and what rules watch."""
    for path, held in match(tree, "profiles.*.means.*"):
        found = list(_means(path, held))
        yield from found or _unread(path, held)
    also = "alerts.rules.*.when.also.*.quantity"
    for pattern in ("alerts.rules.*.when.quantity", "alerts.rules.*.when.quantity.*", also, f"{also}.*"):
        for path, held in match(tree, pattern):
            if isinstance(held.value, str) and not _known(held.value):
                yield _no_quantity(path, held, held.value)


def _means(path: Path, held: Node) -> Iterator[Finding]:
    name = str(path[-1])
    if not quantities.named(name):
        yield _no_quantity(path, held, name)
    for at, item in [(path, held), *(((*path, word), item) for word, item in held.items())]:
        if isinstance(item.value, str):
            yield from _meaning(at, item, item.value, worded=item is not held)


def _unread(path: Path, held: Node) -> Iterator[Finding]:
    """Ask intake's own reader, which knows what may mean what."""
    try:
        meaning.read({str(path[-1]): plain(held)})
    except ValueError as error:
        _, _, rest = str(error).partition("expected ")
        expected, _, found = rest.partition(", found ")
        yield finding(path, held, expected or str(error), found or shown(path, held), "correct the meaning")


def _known(name: str) -> bool:
    return bool(quantities.named(name) or quantities.by_key(name))


def _no_quantity(path: Path, held: Node, name: str) -> Finding:
    near = get_close_matches(name, {row.name for row in quantities.ALL.values()}, 1)
    do = f"did you mean {near[0]}?" if near else "see the table of quantities in the handbook"
    return finding(path, held, "a quantity of the vocabulary", repr(name), do)


def _meaning(path: Path, held: Node, value: str, *, worded: bool) -> Iterator[Finding]:
    """Judge what a quantity means (`help_call`), or one word of it (`fall.detected`)."""
    name, _, word = value.partition(".")
    rows = quantities.named(name)
    if not rows:
        yield _no_quantity(path, held, name)
    elif worded and not word:
        words = rows[0].words
        expected = f"a quantity with its word, such as {name}.{words[0]}" if words else "an event or its word"
        yield finding(path, held, expected, shown(path, held), "add the word")
    elif word and not any(word in row.words for row in rows):
        words = tuple(each for row in rows for each in row.words)
        near = get_close_matches(word, words, 1)
        do = f"did you mean {name}.{near[0]}?" if near else "use one of these"
        yield finding(path, held, f"a word of {name}: {', '.join(words) or 'it has none'}", repr(word), do)


def texts(tree: Node) -> Iterator[Finding]:
    """Texts laid over the catalogue's: words may change, keys and the values in braces may not."""
    words = tree.get("wording")
    table = plain(words) if words is not None else {}
    if not isinstance(table, dict) or not all(isinstance(texts, dict) for texts in table.values()):
        return  # its shape is judged elsewhere
    for key, expected in shipped().misfits(table):
        lang, _, name = key.partition(".")
        path = _path(words, lang, name) if words is not None else ()
        held = tree.get("wording", *path) or words
        if held is not None:
            do = "keep the key and the {values} of the text that ships with Velgate"
            yield finding(("wording", *path), held, expected, "another text", do)


def _path(words: Node, lang: str, name: str) -> Path:
    """Find how a dotted key is written: as tables, as one quoted key, or mixed."""
    path: Path = (lang,)
    left = name.split(".") if name else []
    while left:
        for size in range(len(left), 0, -1):
            step = ".".join(left[:size])
            if words.get(*path, step) is not None:
                path, left = (*path, step), left[size:]
                break
        else:
            return path
    return path

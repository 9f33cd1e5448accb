"""The files of a configuration, read into one tree a layer.

`base` comes with Velgate; over it `municipality`, `home` and `gateway`, each a file `NAME.toml`, a
folder `NAME/` of files in order of name, or both (the file first). A layer's folder may hold
`profiles/NAME.toml`, one product a file. `secrets.toml` lies over all and is nobody else's to read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path as File
from typing import Any

from gateway.model.problem import Finding
from gateway.settings.merge import Misfit, Node, Origin, merge, node, written
from gateway.settings.positions import Path, scan
from gateway.settings.syntax import parse

LAYERS = ("municipality", "home", "gateway")
"""From the farthest to the nearest; the nearer wins."""
SECRETS = "secrets.toml"
MODE = "mode 0600: for its owner alone"
TRUST = "trust.toml"
FOLDERS = ("profiles", "kinds")
"""What a layer's folder may hold beside its files; `kinds` belongs to tenders and is not merged."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of one layer."""

    layer: str
    path: File
    name: str
    """As people know it: below the configuration folder, or `base/…`."""
    profile: str | None = None
    """Set for a file that holds one product's profile."""


@dataclass(slots=True)
class Read:
    """What the files say, and what is wrong with them as files."""

    tree: Node
    layers: dict[str, Node]
    trust: Node | None = None
    findings: list[Finding] = field(default_factory=list)
    files: int = 0
    broken: str = ""
    """The text of lines that could not be read: what they name is not called unknown."""
    incomplete: bool = False
    """A whole file could not be read, so that nothing may be called missing."""


def base_folder() -> File:
    """Find the defaults: inside the installed package, or in the checkout this runs from."""
    packaged = File(__file__).parent / "base"
    return packaged if packaged.is_dir() else File(__file__).parents[2] / "config" / "base"


def sources(config: File, base: File, also: Collection[File] = ()) -> Iterator[Source]:
    """List the files in the order in which they are laid over each other, secrets last, without trust.

    `also` names files that are about to be written and may not exist yet.
    """
    yield from _folder("base", base, also)
    for layer in LAYERS:
        path = config / f"{layer}.toml"
        if path.is_file() or path in also:
            yield Source(layer, path, path.name)
        yield from _folder(layer, config / layer, also)
    if (config / SECRETS).is_file() or config / SECRETS in also:
        yield Source("secrets", config / SECRETS, SECRETS)


def _folder(layer: str, folder: File, also: Collection[File]) -> Iterator[Source]:
    def files(below: File) -> list[File]:
        return sorted({*below.glob("*.toml"), *(path for path in also if path.parent == below)})

    for path in files(folder):
        yield Source(layer, path, f"{layer}/{path.name}")
    for path in files(folder / "profiles"):
        yield Source(layer, path, f"{layer}/profiles/{path.name}", profile=path.stem)


def read(config: File, base: File, replaced: Mapping[File, str] | None = None) -> Read:
    """Read every file; `replaced` gives texts that are to be judged before they are written."""
    texts = replaced or {}
    found = Read(Node({}, Origin("base", "base", 1)), {})
    misfits: list[Misfit] = []
    for source in sources(config, base, texts):
        tree = _tree(source, texts.get(source.path), found)
        found.tree = merge(found.tree, tree, misfits)
        below = found.layers.get(source.layer)
        found.layers[source.layer] = tree if below is None else merge(below, tree, [])
    if (config / TRUST).is_file():
        found.trust = _tree(Source("trust", config / TRUST, TRUST), None, found)
    found.findings += [*map(_misfit, misfits), *_mode(config / SECRETS), *_strangers(config)]
    return found


def _tree(source: Source, text: str | None, found: Read) -> Node:
    """Read one file; what cannot be read is noted and left out."""
    found.files += 1
    values: dict[str, Any] = {}
    lines: dict[Path, int] = {}
    if text is None:
        text = _text(source, found)
    if text is not None:
        parsed = parse(text.replace("\r\n", "\n"))
        values, lines = parsed.values, scan(parsed.text).lines()
        found.broken += parsed.broken
        found.incomplete |= not parsed.complete
        do = "mend this line; it is read as if it were not there"
        found.findings += [
            Finding(where=f"{source.name}:{wrong.line}", expected=wrong.expected, found=wrong.found, do=do)
            for wrong in parsed.mistakes
        ]
    if source.profile is not None:
        lines = {("profiles", source.profile, *path): line for path, line in lines.items()}
        values = {"profiles": {source.profile: values}}
    return node(values, lines, source.layer, source.name)


def _text(source: Source, found: Read) -> str | None:
    try:
        return source.path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        expected, have, do = "text in UTF-8", f"byte {error.start} is not", "save the file as UTF-8"
    except OSError as error:
        expected, have = "a readable file", error.strerror or type(error).__name__
        do = "let the user that runs Velgate read it"
    found.incomplete = True
    found.findings.append(Finding(where=source.name, expected=expected, found=have, do=do))
    return None


def _misfit(misfit: Misfit) -> Finding:
    do = f"write it as in {misfit.below}, or change it there"
    return Finding(
        where=str(misfit.origin),
        key=written(misfit.path),
        expected=misfit.expected,
        found=misfit.found,
        do=do,
    )


def _mode(secrets: File) -> Iterator[Finding]:
    if secrets.is_file() and (mode := secrets.stat().st_mode & 0o777) & 0o077:
        yield Finding(where=SECRETS, expected=MODE, found=f"mode {mode:04o}", do=f"chmod 600 {secrets}")


def _strangers(config: File) -> Iterator[Finding]:
    """A file with a wrong name would have no effect, and nobody would know."""
    names = [*(f"{layer}.toml" for layer in LAYERS), SECRETS, TRUST]
    for path in sorted(config.glob("*.toml")):
        if path.name not in names:
            near = get_close_matches(path.name, names, 1)
            do = f"did you mean {near[0]}?" if near else "put it into one of these, or a folder of that name"
            yield Finding(
                where=path.name,
                expected=", ".join(names),
                found="a file that is not read",
                do=do,
                warning=True,
            )
    for layer in LAYERS:
        for path in sorted((config / layer).glob("*")):
            if path.suffix != ".toml" and path.name not in FOLDERS and not path.name.startswith("."):
                do = "give it the ending .toml, or take it away"
                expected = "files NAME.toml and a folder profiles"
                where = f"{layer}/{path.name}"
                yield Finding(
                    where=where, expected=expected, found="something that is not read", do=do, warning=True
                )

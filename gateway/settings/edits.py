"""Change the configuration files: comments and order stay, nothing half-written, nothing made worse.

A `Change` gathers edits, has the whole configuration judged with them, and writes all files or none
that would add an error. Files are replaced by renaming, so that a power cut leaves the old or the new.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path as File
from typing import Any

from gateway.model.problem import Exit, Finding, Problem
from gateway.settings.atomic import locked, write
from gateway.settings.layers import LAYERS, SECRETS, base_folder, sources
from gateway.settings.loader import Loaded, load
from gateway.settings.merge import written
from gateway.settings.positions import Path
from gateway.settings.rewrite import CannotRewrite, cut, put, rename
from gateway.settings.shape import secret

SECRET_MODE = 0o600
FILE_MODE = 0o640


class Change:
    """Edits of one configuration folder, kept in memory until `commit`."""

    def __init__(self, folder: File, *, base: File | None = None) -> None:
        """Begin with what the files say now. Raises `Problem` if there is no such folder."""
        self.folder = folder
        self._base = base or base_folder()
        self.before = load(folder, base=self._base)
        if not folder.is_dir():
            raise Problem(
                str(folder),
                expected="a folder of settings",
                found="nothing",
                do=f"velgate init --config {folder}",
                exit=Exit.CONFIGURATION,
            )
        self._texts: dict[File, str] = {}  # as they will be
        self._read: dict[File, str] = {}  # as they were

    def set(self, path: Path, value: Any, *, layer: str | None = None) -> File:
        """Set one value and give the file. Secrets go to `secrets.toml`, all else to a layer.

        Without `layer` it is written where it stands already, if that is not base, else to `gateway`.
        """
        file = self.folder / SECRETS if secret(path) else self._file(path, layer)
        self._edit(file, path, partial(put, path=path, value=value))
        return file

    def remove(self, path: Path) -> list[File]:
        """Take a key away wherever a file of this folder has it, secrets first. Gives the files."""
        found = [file for file in self._files() if _has(self._data(file), path)]
        for file in sorted(found, key=lambda file: file.name != SECRETS):
            self._edit(file, path, partial(cut, path=path))
        return found

    def rename(self, path: Path, name: str) -> list[File]:
        """Rename a key in every file of this folder that has it. Gives the files."""
        found = [file for file in self._files() if _has(self._data(file), path)]
        for file in found:
            self._edit(file, path, partial(rename, path=path, name=name))
        return found

    def replace_item(self, pattern: Path, old: str, new: str | None) -> None:
        """Replace a word in the lists at a pattern (`*` is any key), compared without case; None: away."""
        for file in self._files():
            for path in list(_lists(self._data(file), pattern)):
                items = _at(self._data(file), path)
                for number in range(len(items) - 1, -1, -1):
                    if str(items[number]).casefold() != old.casefold():
                        continue
                    item = (*path, number)
                    self._edit(
                        file,
                        item,
                        partial(cut, path=item) if new is None else partial(put, path=item, value=new),
                    )

    def judged(self) -> Loaded:
        """Judge the configuration as it would be."""
        return load(self.folder, base=self._base, replaced=self._texts)

    def commit(self) -> list[File]:
        """Write what has changed, and give the files. Raises `Problem` if it would add an error."""
        if not self._texts:
            return []
        # Not by what was expected: that lists what there is, and a new entry of it is no new error.
        old = Counter((finding.key, finding.found) for finding in self.before.errors)
        worse = []
        for error in self.judged().errors:
            old[error.key, error.found] -= 1
            if old[error.key, error.found] < 0:
                worse.append(error)
        if worse:
            raise _refused(worse)
        # Secrets last: a device without its key is told, a key without its device is of no use.
        order = sorted(self._texts, key=lambda file: file.name == SECRETS)
        with locked(self.folder):
            for file in order:
                if _read(file) != self._read[file]:
                    found, do = "a change made meanwhile", "run the command again; nothing was changed"
                    raise Problem(str(file), expected="the file as it was read", found=found, do=do)
            for file in order:
                own = file.name == SECRETS
                write(file, self._texts[file], SECRET_MODE if own else FILE_MODE, exact=own)
        return order

    def _files(self) -> Iterator[File]:
        for source in sources(self.folder, self._base, list(self._texts)):
            if source.layer != "base" and source.profile is None:
                yield source.path

    def _file(self, path: Path, layer: str | None) -> File:
        """Choose the file of a layer: the one that has the key, else a neighbour of it, else the first."""
        wanted = [
            source for source in sources(self.folder, self._base, list(self._texts)) if not source.profile
        ]
        if layer is None:
            held = self.before.tree.get(*path)
            layers = ("gateway",) if held is None or isinstance(held.value, dict) else LAYERS
            for source in reversed(wanted):
                if source.layer in layers and _has(self._data(source.path), path):
                    return source.path
        files = [source.path for source in wanted if source.layer == (layer or "gateway")]
        for depth in range(len(path) - 1, 0, -1):
            for file in reversed(files):
                if _has(self._data(file), path[:depth]):
                    return file
        return files[0] if files else self.folder / f"{layer or 'gateway'}.toml"

    def _data(self, file: File) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text(file).replace("\r\n", "\n"))
        except tomllib.TOMLDecodeError:
            return {}  # what is wrong with it, `judged` says

    def _text(self, file: File) -> str:
        return self._texts[file] if file in self._texts else _read(file)

    def _edit(self, file: File, path: Path, edit: Callable[[str], str]) -> None:
        old = self._text(file)
        try:
            new = edit(old)
        except (CannotRewrite, tomllib.TOMLDecodeError) as error:
            broken = isinstance(error, tomllib.TOMLDecodeError)
            raise Problem(
                str(file),
                expected=f"a file in which {written(path)} can be changed without touching the rest",
                found="lines that are not TOML" if broken else "one that is written in another way",
                do="run  velgate check" if broken else "change it by hand, then run  velgate check",
                exit=Exit.CONFIGURATION,
            ) from error
        if new != old:
            self._read.setdefault(file, old)
            self._texts[file] = new


def _read(file: File) -> str:
    if not file.is_file():
        return ""
    with file.open(encoding="utf-8", newline="") as opened:
        return opened.read()


def _refused(findings: list[Finding]) -> Problem:
    first = findings[0]
    return Problem(
        first.where,
        expected=first.expected,
        found=first.found,
        do=first.do,
        exit=Exit.CONFIGURATION,
        findings=tuple(findings),
    )


def _has(data: Any, path: Path) -> bool:
    try:
        _at(data, path)
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return True


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[int(step)] if isinstance(data, list) else data[str(step)]
    return data


def _lists(data: Any, pattern: Path, path: Path = ()) -> Iterator[Path]:
    if not pattern:
        if isinstance(data, list):
            yield path
        return
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, item in items:
        if pattern[0] in ("*", key):
            yield from _lists(item, pattern[1:], (*path, key))

"""The page's own files, read once, served under a path that names their contents: browsers keep them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "assets"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    name: str
    body: bytes
    type: str


@cache
def assets() -> dict[str, Asset]:
    """Give all files by name."""
    return {
        path.name: Asset(path.name, path.read_bytes(), TYPES[path.suffix])
        for path in sorted(FOLDER.iterdir())
        if path.suffix in TYPES
    }


@cache
def digest() -> str:
    """Name the contents of all files: another version of one is another path."""
    whole = hashlib.sha256()
    for name, asset in assets().items():
        whole.update(name.encode() + b"\0" + asset.body + b"\0")
    return whole.hexdigest()[:12]


def url(name: str) -> str:
    """Give where a file is served. Raises KeyError for one that is not there."""
    return f"/assets/{digest()}/{assets()[name].name}"

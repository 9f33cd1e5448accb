"""YAML from plain data, in the one form that needs no library to write and none of its guesses to read.

Every text is quoted as JSON quotes it, which YAML 1.2 reads alike; mappings and lists are blocks.
"""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z$][A-Za-z0-9_$-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def dump(value: Any) -> str:
    """Write a document. Takes what JSON has: mappings with text keys, lists, texts, numbers, truth, null."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> list[str]:
    match value:
        case dict() if value:
            out = []
            for key, item in value.items():
                out += _under(f"{_key(key)}:", item)
            return out
        case list() if value:
            out = []
            for item in value:
                first, *rest = _lines(item)
                out += [f"- {first}", *(f"  {line}" for line in rest)]
            return out
        case _:
            return [json.dumps(value, ensure_ascii=False)]


def _under(head: str, item: Any) -> list[str]:
    lines = _lines(item)
    if isinstance(item, dict | list) and item:
        return [head, *(f"  {line}" for line in lines)]
    return [f"{head} {lines[0]}"]


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) and key.lower() not in _WORDS else json.dumps(key, ensure_ascii=False)

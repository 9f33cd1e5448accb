"""Errors as RFC 9457 problems, `application/problem+json`, with the codes other programs rely on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from gateway.board.bodies import LACKING
from gateway.model.refusal import Refused, wrong_fields

SECRET = frozenset({"pin", "key", "token", "code"})
"""Keys whose value is never repeated in an error."""
FOUND_MAX = 80


def problem(refused: Refused, headers: Mapping[str, str] | None = None) -> Response:
    """Give the response for a refusal."""
    extra = dict(headers or {})
    wait = refused.values.get("retry_after_s")
    if refused.status == 429 and isinstance(wait, int | float):
        extra["Retry-After"] = str(max(1, round(wait)))
    return Response(
        orjson.dumps(refused.document(), default=str),
        status_code=refused.status,
        headers=extra,
        media_type="application/problem+json",
    )


def invalid(*errors: tuple[str, str, str]) -> Refused:
    """Make the refusal of a request whose fields are wrong: (key, found, expected)."""
    rows = [{"key": key, "found": found, "expected": expected} for key, found, expected in errors]
    return Refused("invalid", wrong_fields([key for key, _, _ in errors]), errors=rows)


def from_validation(failed: ValidationError) -> Refused:
    """Turn pydantic's findings into ours, without a secret in them."""
    return invalid(*(_row(dict(error)) for error in failed.errors(include_url=False)))


def _row(error: dict[str, Any]) -> tuple[str, str, str]:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == LACKING:
        return str(error["ctx"]["key"]), "nothing", str(error["msg"])
    if error["type"] == "missing":
        return key, "nothing", "a value"
    if SECRET & set(key.split(".")):
        return key, "not shown", _expected(key, error)
    found = "unknown key" if error["type"] == "extra_forbidden" else repr(error.get("input"))[:FOUND_MAX]
    return key, found, _expected(key, error)


def _expected(key: str, error: dict[str, Any]) -> str:
    """Say in plain words what was expected; pydantic's own where there are no plainer ones."""
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"])
    if error["type"].startswith("date_"):
        return "a date such as 2026-12-24"
    if key == "case" and error["type"] == "string_pattern_mismatch":
        return "a reference such as 26/1234: with a digit, and without a space"
    return str(error["msg"])

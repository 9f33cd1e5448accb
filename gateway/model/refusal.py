"""What the house will not do for a person, as fields: page, HTTP, MQTT and terminal each say it their way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

STATUS = {
    "not_signed_in": 401,
    "not_allowed": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "already_acknowledged": 409,
    "wrong_state": 409,
    "presence_missing": 409,
    "too_large": 413,
    "invalid": 422,
    "slow_down": 429,
    "not_durable": 503,
}
"""The codes that other programs rely on, and the HTTP status of each."""


class Refused(Exception):
    """An action that was not done, and why.

    `values` say more, e.g. `by` and `since` of `already_acknowledged`, or `errors` of `invalid`.
    """

    def __init__(self, code: str, detail: str = "", *, status: int | None = None, **values: Any) -> None:
        """Refuse with a code of `STATUS` and one sentence in English."""
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = status if status is not None else STATUS[code]
        self.detail = detail
        self.values = values

    def document(self) -> dict[str, Any]:
        """Give the RFC 9457 form, `application/problem+json`."""
        return {
            "type": "about:blank",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.values,
        }


def wrong_fields(keys: Sequence[str]) -> str:
    """Say in one sentence which fields of a request are wrong; `errors` beside it says how."""
    names = ", ".join(key or "the body" for key in keys)
    return f"wrong: {names}"

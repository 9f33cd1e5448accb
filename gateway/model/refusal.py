"""What the house will not do for a person, as fields: each face (page, HTTP, MQTT, terminal) says it its own way."""

from __future__ import annotations

from typing import Any

STATUS = {
    "not_signed_in": 401,
    "not_allowed": 403,
    "not_found": 404,
    "already_acknowledged": 409,
    "wrong_state": 409,
    "presence_missing": 409,
    "invalid": 422,
    "slow_down": 429,
    "not_durable": 503,
}
"""The codes that other programs rely on, and the HTTP status of each."""


class Refused(Exception):  # noqa: N818  (an answer to a person, no programming error)
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

"""docs/openapi.json: the HTTP API, as the gateway itself describes it at `/openapi.json`."""

from __future__ import annotations

import json

from gateway import __version__
from gateway.board.app import ENDPOINTS
from gateway.board.openapi import describe


def page() -> str:
    """Write the document."""
    return json.dumps(describe(ENDPOINTS, __version__), indent=2, ensure_ascii=False) + "\n"

"""The sending process as it is, in a world where every host is this machine: for services with a fixed host.

    python patched_child.py PORT SOCKET_FD

A request to `https://api.example/path` goes to `http://127.0.0.1:PORT/api.example/path`, so that the test
sees which host was meant. Requests to 127.0.0.1 go where they say. Nothing else differs.
"""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

import requests

from gateway.alerts.channels import child


def redirect(port: int) -> None:
    """Send what is meant for the world to a port of this machine."""
    request = requests.sessions.Session.request

    def here(self: Any, method: str, url: str, *args: Any, **given: Any) -> Any:
        parts = urlsplit(url)
        if parts.hostname not in ("127.0.0.1", "localhost"):
            query = f"?{parts.query}" if parts.query else ""
            url = f"http://127.0.0.1:{port}/{parts.hostname}{parts.path}{query}"
        return request(self, method, url, *args, **given)

    requests.sessions.Session.request = here  # type: ignore[method-assign]


if __name__ == "__main__":
    redirect(int(sys.argv[1]))
    sys.exit(child.main(sys.argv[2:]))

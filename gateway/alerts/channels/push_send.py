"""Hands one push to one push service (RFC 8030). Runs in the sending process, in a thread of its channel.

Of a task: `config` has `key` (32 bytes, base64url), `contact`, `services` and `now_s`; `message` has
`endpoint`, `p256dh`, `auth`, `payload` (a text), `ttl_s`, `urgency` and `topic`. The answer's `data` says
`ended` where the phone has no such subscription any more, `retry_after_s` where the service asks to wait.

Redirects are not followed. A proxy of the environment (HTTPS_PROXY) is used; the service's name is then its
to look up, so that the list of services alone says where a push may go.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from gateway.alerts.channels.push_crypto import Receiver, authorization, encrypt, private_key, unbase64
from gateway.alerts.channels.push_services import Endpoint, permitted, public_only
from gateway.alerts.channels.task import NotSent, Sent, Task

RETRY_AFTER_MAX_S = 600  # a resident may call again meanwhile; the service may say no once more
GONE = frozenset({404, 410})
LATER = frozenset({408, 425, 429})


def send(task: Task) -> Sent:
    """Encrypt, sign and post one push. Raises NotSent."""
    config, message = task.config, task.message
    try:
        endpoint = permitted(str(message["endpoint"]), tuple(config["services"]))
    except ValueError as error:
        raise NotSent(f"its push service is not {error}", lasting=True) from None
    try:
        receiver = Receiver.read(str(message["p256dh"]), str(message["auth"]))
        body = encrypt(str(message["payload"]).encode(), receiver)
    except ValueError as error:
        raise NotSent(f"it cannot be encrypted: {error}", lasting=True) from None
    key = private_key(unbase64(str(config["key"])))
    headers = {
        "Authorization": authorization(key, endpoint.origin, str(config["contact"]), int(config["now_s"])),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(int(message["ttl_s"])),
        "Urgency": str(message["urgency"]),
        "Topic": str(message["topic"]),
        "User-Agent": "velgate",
    }
    status, after = _post(endpoint, headers, body, task.timeout_s)
    return _judged(status, after, int(config["now_s"]))


def _judged(status: int, after: str | None, now_s: int) -> Sent:
    """Say what a status means. Raises NotSent."""
    if 200 <= status < 300:
        return Sent(taken="sent", data={"status": status})
    if status in GONE:
        reason = "the phone has ended its subscription"
        raise NotSent(reason, lasting=True, data={"ended": True, "status": status})
    data: dict[str, Any] = {"status": status}
    if (wait := retry_after_s(after, now_s)) is not None:
        data["retry_after_s"] = wait
    if status in LATER or status >= 500:
        raise NotSent(f"the push service answered with status {status}", data=data)
    meant = {
        400: "it does not understand the push",
        401: "it does not accept the signature: is the clock right?",
        403: "it does not accept the signature: the phone must subscribe anew, or the clock is wrong",
        413: "the push is too large for it",
    }.get(status, "it refuses the push")
    raise NotSent(f"the push service answered with status {status}: {meant}", lasting=True, data=data)


def retry_after_s(text: str | None, now_s: int) -> int | None:
    """Read `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. None where it says nothing."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:9])
    else:
        try:
            seconds = round(parsedate_to_datetime(text).timestamp() - now_s)
        except (TypeError, ValueError, OverflowError):
            return None
    return max(1, min(seconds, RETRY_AFTER_MAX_S))


def _post(
    endpoint: Endpoint, headers: Mapping[str, str], body: bytes, timeout_s: float
) -> tuple[int, str | None]:
    deadline = time.monotonic() + timeout_s
    connection = _connection(endpoint, timeout_s)
    try:
        connection.request("POST", endpoint.target, body, dict(headers))
        if connection.sock is not None:
            connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After")
    except TimeoutError:
        raise NotSent(f"the push service did not answer within {timeout_s:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"the push service shows no valid certificate: {error.verify_message}") from None
    except (OSError, HTTPException, UnicodeError) as error:
        raise NotSent(f"no connection to the push service: {_reason(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            connection.close()


def _connection(endpoint: Endpoint, timeout_s: float) -> HTTPConnection:
    if endpoint.secure and not endpoint.loopback and (proxy := _proxy(endpoint.host)):
        tunnel = HTTPSConnection(*proxy, timeout=timeout_s, context=ssl.create_default_context())
        tunnel.set_tunnel(endpoint.host, endpoint.port)
        return tunnel
    return _Checked(endpoint, timeout_s)


def _proxy(host: str) -> tuple[str, int] | None:
    proxies = getproxies()
    if "https" not in proxies or proxy_bypass(host):
        return None
    parts = urlsplit(proxies["https"])
    return (parts.hostname, parts.port or 8080) if parts.hostname else None


class _Checked(HTTPConnection):
    """Connects to the very address that was found to be one of the public Internet: no second look-up."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        super().__init__(endpoint.host, endpoint.port, timeout=timeout_s)
        # What http.client writes into `Host`, beside which the port of https must not stand.
        self.default_port = 443 if endpoint.secure else 80
        self._endpoint = endpoint

    def connect(self) -> None:
        endpoint = self._endpoint
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        addresses = public_only(endpoint, [str(each[4][0]) for each in found])
        if not addresses:
            raise NotSent("the push service's name leads into a network that is not public", lasting=True)
        failed: OSError | None = None
        for address in dict.fromkeys(addresses):
            try:
                plain = socket.create_connection((address, endpoint.port), self.timeout)
                break
            except OSError as error:
                failed = error
        else:
            assert failed is not None
            raise failed
        if endpoint.secure:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=endpoint.host)
        else:
            self.sock = plain


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    known = error.strerror if isinstance(error, OSError) else None
    return str(known or type(error).__name__)

"""What a service answered, seen where the libraries speak to it. In the sending process only.

Apprise says no more than whether it worked, and the text that it logs may hold addresses and keys. So the two
libraries that its plugins send with are listened to: the status of an HTTP answer, the code of a mail server,
the kind of error. Each thread has its own account; nothing else of an exchange is kept.
"""

from __future__ import annotations

import os
import smtplib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import requests

from gateway.alerts.channels.base import lasting
from gateway.alerts.channels.task import NotSent

MAIL_LATER = range(400, 500)  # RFC 5321, 4.2.1: 4yz is a transient refusal, 5yz a permanent one
MAIL_NEVER = range(500, 600)

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(slots=True)
class Account:
    """What one thread's attempt has met so far; the last counts."""

    status: int | None = None
    mail_code: int | None = None
    error: str | None = None

    def why(self, timeout_s: float) -> NotSent:
        """Say why the attempt failed."""
        if self.error is not None:
            return NotSent(self.error.format(timeout_s=timeout_s))
        if self.mail_code is not None:
            return NotSent(
                f"the mail server answered with code {self.mail_code}", lasting=self.mail_code in MAIL_NEVER
            )
        if self.status is not None and not 200 <= self.status < 300:
            return NotSent(f"answered with status {self.status}", lasting=lasting(self.status))
        if self.status is not None:
            return NotSent(f"answered with status {self.status}, but what it said was no success")
        return NotSent("the service did not take it")


_own = threading.local()


def begin() -> Account:
    """Open this thread's account anew."""
    _own.account = account = Account()
    return account


def _account() -> Account:
    return getattr(_own, "account", None) or begin()


def listen() -> None:
    """Begin to listen to both libraries. Once a process."""
    requests.adapters.HTTPAdapter.send = _http(requests.adapters.HTTPAdapter.send)  # type: ignore[method-assign]
    smtplib.SMTP.getreply = _mail(smtplib.SMTP.getreply)  # type: ignore[method-assign]
    smtplib.SMTP.connect = _connecting(smtplib.SMTP.connect)  # type: ignore[method-assign]


def _http(send: Function) -> Function:
    @wraps(send)
    def observed(*args: Any, **given: Any) -> Any:
        account = _account()
        try:
            answer = send(*args, **given)
        except requests.RequestException as error:
            account.status, account.error = None, _of_requests(error)
            raise
        account.status, account.error = answer.status_code, None
        return answer

    return observed  # type: ignore[return-value]


def _mail(getreply: Function) -> Function:
    @wraps(getreply)
    def observed(*args: Any, **given: Any) -> Any:
        account = _account()
        try:
            code, text = getreply(*args, **given)
        except (OSError, smtplib.SMTPException) as error:
            account.error = _of_socket(error)
            raise
        if code in MAIL_LATER or code in MAIL_NEVER:
            account.mail_code = code
        return code, text

    return observed  # type: ignore[return-value]


def _connecting(connect: Function) -> Function:
    @wraps(connect)
    def observed(*args: Any, **given: Any) -> Any:
        try:
            return connect(*args, **given)
        except OSError as error:
            _account().error = _of_socket(error)
            raise

    return observed  # type: ignore[return-value]


def _of_requests(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer within {timeout_s:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "no connection: its certificate is not trusted"
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.errno:
            return f"no connection: {os.strerror(below.errno)}"
        reason = getattr(below, "reason", None)
        below = reason if isinstance(reason, BaseException) else _first(below)
    return "no connection"


def _first(error: BaseException) -> BaseException | None:
    """Give the error that another one wraps: as its argument, or as its cause."""
    inner = next((each for each in error.args if isinstance(each, BaseException)), None)
    return inner or error.__cause__ or error.__context__


def _of_socket(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer within {timeout_s:g} s"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return f"no connection: {os.strerror(error.errno)}"
    return f"no connection: {type(error).__name__}"

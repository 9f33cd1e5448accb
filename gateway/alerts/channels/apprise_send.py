"""Sends by Apprise, one plugin a URL. In the sending process only: Apprise never comes into the gateway.

A plugin's class is found by its module, since asking Apprise for a URL would load all of them. It is called
by itself and not through `Apprise.notify`, whose one pool of threads for everything a single hanging service
would fill. Pauses that plugins make between messages are cut short: an alarm does not wait for politeness,
and what a service refuses for being too much is tried again by the outbox.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
from typing import Any

from apprise import AppriseAsset, NotifyFormat, NotifyType
from apprise.conversion import convert_between
from apprise.exception import AppriseException

from gateway.alerts.channels.apprise_priorities import parameters
from gateway.alerts.channels.observed import begin, listen
from gateway.alerts.channels.task import NotSent, Sent, Task
from gateway.settings.apprise_schemes import SCHEMES, scheme_of

PAUSE_MAX_S = 0.2  # between two requests of one message
IDLE_MAX = 4  # plugins of one URL kept for the next message: some sign in first
URLS_MAX = 64  # URLs and priorities of which plugins are kept; with more all are made anew
KINDS_OF_NOTE = {"emergency": NotifyType.FAILURE, "high": NotifyType.FAILURE}
LESSER_NOTE = NotifyType.WARNING
"""Never `INFO`: Opsgenie's plugin and Jira's then add a note to what they sent before, and where there is
nothing they send nothing and call it done."""
BREAK = "\n"

_asset = AppriseAsset(
    app_id="Velgate",
    app_desc="Velgate",
    app_url="",
    image_url_mask="",
    image_url_logo="",
    default_html_color="#8A1C1C",
    async_mode=False,
    secure_logging=True,
)
_idle: dict[str, list[Any]] = {}
_idle_lock = threading.Lock()
listen()


def send(task: Task) -> Sent:
    """Send one message. `config` is `{"url"}`; `message` is `{"text", "subject", "priority"}`.

    Raises NotSent. Many receivers in one URL are one message: where one of them is refused, all are tried
    again.
    """
    url, priority = str(task.config["url"]), str(task.message["priority"])
    key = sha256(f"{task.channel}\n{priority}\n{url}".encode()).hexdigest()
    plugin = _taken(key) or made(url, priority)
    plugin.socket_connect_timeout = plugin.socket_read_timeout = task.timeout_s
    plugin.request_rate_per_sec = min(plugin.request_rate_per_sec, PAUSE_MAX_S)
    account = begin()
    text, subject = str(task.message["text"]), str(task.message["subject"])
    written = plugin.resolve_format(NotifyFormat.TEXT)
    if plugin.title_maxlen <= 0 or subject == text:
        subject = ""  # a text of its own says it already
    try:
        taken = plugin.notify(
            body=convert_between(NotifyFormat.TEXT, written, content=text),  # type: ignore[no-untyped-call]
            title=subject,
            notify_type=KINDS_OF_NOTE.get(priority, LESSER_NOTE),
            body_format=written,
        )
    except (OSError, AppriseException) as error:
        raise NotSent(f"it raised {type(error).__name__}") from error
    if not taken:
        raise account.why(task.timeout_s)
    _put_back(key, plugin)
    return Sent(taken="sent")


def made(url: str, priority: str = "medium") -> Any:
    """Make the plugin of a URL. Raises NotSent, without the URL, where it cannot be made."""
    scheme = scheme_of(url)
    module = SCHEMES.get(scheme or "")
    if module is None:
        raise NotSent("its URL is of a scheme that Apprise does not know", lasting=True)
    try:
        kind = plugin_of(module, scheme or "")
        given = kind.parse_url(url.strip())
        if not given:
            raise NotSent(f"its URL is not one of {module}", lasting=True)
        return kind(**_with(given, parameters(module, priority)), asset=_asset)
    except ImportError as error:
        raise NotSent(f"{module} needs what is not installed: {error.name}", lasting=True) from error
    except (TypeError, ValueError, AttributeError, LookupError, AppriseException) as error:
        raise NotSent(f"its URL is not complete, or not right, for {module}", lasting=True) from error


def plugin_of(module: str, scheme: str) -> Any:
    """Give the class that speaks a scheme. Raises ImportError."""
    loaded = import_module(f"apprise.plugins.{module}")
    for each in vars(loaded).values():
        if isinstance(each, type) and scheme in {*_names(each, "protocol"), *_names(each, "secure_protocol")}:
            return each
    raise ImportError(f"no class for {scheme}", name=f"apprise.plugins.{module}")


def _names(kind: type, attribute: str) -> tuple[str, ...]:
    value = getattr(kind, attribute, None) or ()
    return (value,) if isinstance(value, str) else tuple(value)


def _with(given: Mapping[str, Any], urgency: Mapping[str, object]) -> dict[str, Any]:
    """Lay the urgency under what a URL says itself."""
    whole = dict(given)
    for name, value in urgency.items():
        if isinstance(value, dict):
            whole[name] = {**value, **(whole.get(name) or {})}
        elif whole.get(name) is None:
            whole[name] = value
    return whole


def _taken(key: str) -> Any | None:
    with _idle_lock:
        kept = _idle.get(key)
        return kept.pop() if kept else None


def _put_back(key: str, plugin: Any) -> None:
    with _idle_lock:
        if len(_idle) >= URLS_MAX and key not in _idle:
            _idle.clear()
        kept = _idle.setdefault(key, [])
        if len(kept) < IDLE_MAX:
            kept.append(plugin)

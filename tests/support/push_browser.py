"""A phone's browser for tests of pushes: Chromium, whose own push service is out of reach.

The page subscribes with a stand-in for `PushManager` that gives the keys of a phone of the tests; what the
push service of the tests has read is handed to Chromium's service worker by its developer protocol, so that
everything from the worker on is the browser's own.
"""

from __future__ import annotations

import json
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Worker

from support.eventually import eventually
from support.push_service import Phone

STAND_IN = """(given) => {
    const own = { endpoint: given.endpoint, options: {}, toJSON: () => given,
        unsubscribe: async () => { localStorage.removeItem("stand-in"); return true; } };
    PushManager.prototype.getSubscription = async () => (localStorage.getItem("stand-in") ? own : null);
    PushManager.prototype.subscribe = async (options) => {
        window.subscribedWith = options.applicationServerKey.length;
        localStorage.setItem("stand-in", "1");
        return own;
    };
}"""

BROKEN = "PushManager.prototype.subscribe = async () => { throw new DOMException('no', 'AbortError'); }"

PERMISSION = """(first, then) => {
    let now = first;
    Object.defineProperty(Notification, "permission", { get: () => now });
    Notification.requestPermission = async () => { now = then; return then; };
}"""

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)

SHOWN = """async () => (await self.registration.getNotifications()).map(
    ({ title, body, tag, silent, lang, data }) => ({ title, body, tag, silent, lang, data }))"""

TAP = """async (title) => {
    const [shown] = (await self.registration.getNotifications()).filter((each) => each.title === title);
    if (!shown) throw new Error(`nothing shown is called ${title}`);
    // A tap alone may open a window; an event made by a script may not, so it is told where to.
    const opened = [], waits = [];
    self.clients.openWindow = async (path) => { opened.push(path); return null; };
    const tap = new NotificationEvent("notificationclick", { notification: shown });
    tap.waitUntil = (promise) => { waits.push(promise); };
    self.dispatchEvent(tap);
    await Promise.all(waits);
    return opened;
}"""


def stand_in(phone: Phone) -> str:
    """Give the script that makes a page subscribe as this phone."""
    return f"({STAND_IN})({json.dumps(phone.subscription())})"


def permission(first: str, then: str) -> str:
    """Give the script that makes the browser ask for leave, and answer."""
    return f"({PERMISSION})({json.dumps(first)}, {json.dumps(then)})"


SENT_AGAIN_S = 15.0


class ServiceWorker:
    """The service worker of a context, spoken to past every page of it."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        """Name the origin whose worker is meant."""
        self.context, self.origin = context, origin.rstrip("/")
        self._cdp: CDPSession | None = None
        self._registration: str | None = None
        self._activated: set[str] = set()
        self._last: dict[str, str] | None = None

    async def open(self) -> None:
        """Find its registration, from a page that is nobody's."""
        blank = await self.context.new_page()
        self._cdp = await self.context.new_cdp_session(blank)
        self._cdp.on("ServiceWorker.workerRegistrationUpdated", self._registered)
        self._cdp.on("ServiceWorker.workerVersionUpdated", self._moved_on)
        await self._cdp.send("ServiceWorker.enable")
        # A push for a worker that is not active yet is dropped without a word.
        await eventually(lambda: self._registration in self._activated)

    def _registered(self, event: Any) -> None:
        for each in event["registrations"]:
            if each["scopeURL"].startswith(self.origin) and not each["isDeleted"]:
                self._registration = each["registrationId"]

    def _moved_on(self, event: Any) -> None:
        self._activated |= {
            each["registrationId"] for each in event["versions"] if each["status"] == "activated"
        }

    async def push(self, said: dict[str, Any] | str) -> None:
        """Hand it a push, as the browser does when one arrives."""
        assert self._cdp is not None
        assert self._registration is not None
        data = said if isinstance(said, str) else json.dumps(said)
        self._last = {"origin": self.origin, "registrationId": self._registration, "data": data}
        await self._cdp.send("ServiceWorker.deliverPushMessage", self._last)

    async def _worker(self) -> Worker:
        return await eventually(
            lambda: next((each for each in self.context.service_workers if self.origin in each.url), None)
        )

    async def shown(self) -> list[dict[str, Any]]:
        """Give what stands on the phone."""
        found: list[dict[str, Any]] = await (await self._worker()).evaluate(SHOWN)
        return found

    async def until(self, *titles: str) -> list[dict[str, Any]]:
        """Wait until these titles stand on the phone, and no others."""

        async def found() -> list[dict[str, Any]] | None:
            shown = await self.shown()
            return shown if sorted(each["title"] for each in shown) == sorted(titles) else None

        if not titles:
            await eventually(self._none)
            return []
        try:
            return await eventually(found, within_s=SENT_AGAIN_S)
        except AssertionError:
            # Dropped without a word where the worker does not start in time; a push service sends it again.
            assert self._cdp is not None
            assert self._last is not None
            await self._cdp.send("ServiceWorker.deliverPushMessage", self._last)
            return await eventually(found)

    async def _none(self) -> bool:
        return not await self.shown()

    async def tap(self, title: str) -> list[str]:
        """Tap one; gives the paths that it wants to open in a window of its own."""
        opened: list[str] = await (await self._worker()).evaluate(TAP, title)
        return opened

    async def evaluate(self, script: str, given: Any = None) -> Any:
        """Run a script in it."""
        return await (await self._worker()).evaluate(script, given)

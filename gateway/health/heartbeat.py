"""An outgoing heartbeat: a dead man's switch run by somebody else calls when it stays away."""

from __future__ import annotations

import asyncio
import http.client
import logging
import threading
import urllib.request
from collections.abc import Callable

from gateway.model.trouble import TellTrouble, Trouble
from gateway.settings.models import Heartbeat

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
TELL_AFTER = 3  # one that is lost is not worth a word
SUBJECT = "heartbeat"


async def beat(
    settings: Heartbeat, *, healthy: Callable[[], bool], tell: TellTrouble = lambda _trouble: None
) -> None:
    """Call the URL for ever while `healthy`; a call that fails is tried again at the next beat.

    Some in a row that fail are told: whoever runs the switch rings then, and the home should know why.
    """
    url = settings.url
    if url is None:
        await asyncio.Event().wait()
        return
    failures = 0
    while True:
        if healthy():
            failed = await _called(url)
            if failed:
                log.warning("the heartbeat could not be sent: %s", failed)
                failures += 1
                if failures == TELL_AFTER:
                    detail = f"{failures} heartbeats in a row did not get out: {failed}"
                    tell(Trouble(kind="heartbeat.failing", subject=SUBJECT, present=True, detail=detail))
            elif failures:
                if failures >= TELL_AFTER:
                    tell(Trouble(kind="heartbeat.failing", subject=SUBJECT, present=False))
                failures = 0
        await asyncio.sleep(settings.every.total_seconds())


async def _called(url: str) -> str:
    """Call once; gives why it failed, or nothing. Cancelled, it leaves a call that hangs to its thread.

    An executor would be waited for when the gateway ends, and with it the name server that hangs.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def work() -> None:
        failed = ""
        try:
            _call(url)
        except (OSError, ValueError) as error:
            failed = str(error) or type(error).__name__
        except http.client.HTTPException as error:
            failed = type(error).__name__  # its text may hold the URL, and that a secret

        def answer() -> None:
            if not done.done():
                done.set_result(failed)

        if not loop.is_closed():
            loop.call_soon_threadsafe(answer)

    threading.Thread(target=work, name="heartbeat", daemon=True).start()
    return await done


def _call(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"heartbeat.url is {url.partition(':')[0]}:…, expected http or https")
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  (checked above)
        answer.read(1)

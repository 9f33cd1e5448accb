"""PINs: kept as scrypt hashes, checked one at a time beside the loop, and slowed where they are guessed.

scrypt (RFC 7914) with n = 2^15, r = 8 takes about 0.1 s and 32 MB; several at once would take the
processor from the alarms, so there is one thread for it and a short queue before it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

N, R, P = 2**15, 8, 1
_MEMORY = 64 * 1024 * 1024  # scrypt needs 128 * n * r bytes; OpenSSL refuses more than it was told
_SALT, _LENGTH = 16, 32

TRIES = 5  # wrong ones before the first pause
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 900.0
FORGET_S = 3600.0  # without a wrong try, all is forgotten
REMEMBERED_MAX = 4096  # pairs of person and client; the oldest are forgotten first
WAITING_MAX = 16  # checks that may wait for the thread; the next is asked to come again


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """Give the form in which a PIN is kept: `scrypt$n$r$p$salt$hash`, the last two in base64."""
    salt = os.urandom(_SALT) if salt is None else salt
    digest = hashlib.scrypt(pin.encode(), salt=salt, n=N, r=R, p=P, maxmem=_MEMORY, dklen=_LENGTH)
    return _kept(salt, digest)


def _kept(salt: bytes, digest: bytes) -> str:
    return f"scrypt${N}${R}${P}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def verify_pin(pin: str, kept: str) -> bool:
    """Tell whether a PIN is the one that is kept; False also for a kept form that cannot be read."""
    try:
        name, n, r, p, salt, digest = kept.split("$")
        if name != "scrypt":
            return False
        wanted = base64.b64decode(digest, validate=True)
        found = hashlib.scrypt(
            pin.encode(),
            salt=base64.b64decode(salt, validate=True),
            n=int(n),
            r=int(r),
            p=int(p),
            maxmem=_MEMORY,
            dklen=len(wanted),
        )
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(found, wanted)


class SlowDown(Exception):
    """Too many tries. `retry_after_s` says when the next one will be looked at; `first` once a pause."""

    def __init__(self, retry_after_s: float, *, first: bool = False, busy: bool = False) -> None:
        """Say for how long."""
        super().__init__(f"wait {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s
        self.first = first
        self.busy = busy


@dataclass(slots=True)
class _Tries:
    wrong: int
    until_s: float
    last_s: float
    told: bool


class Lockout:
    """Counts wrong tries by person and client, so that nobody locks a colleague out elsewhere."""

    def __init__(self) -> None:
        """Begin with nothing held against anybody."""
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()

    def check(self, person: str, client: str, now_s: float) -> None:
        """Raise SlowDown while this pair must wait."""
        tries = self._tries.get((person, client))
        if tries and tries.until_s > now_s:
            first, tries.told = not tries.told, True
            raise SlowDown(tries.until_s - now_s, first=first)

    def wrong(self, person: str, client: str, now_s: float) -> None:
        """Note a wrong try: the fifth makes a pause of 60 s, each further one doubles it, at most 15 min."""
        pair = (person, client)
        tries = self._tries.pop(pair, None)
        if tries is None or now_s - tries.last_s > FORGET_S:
            tries = _Tries(0, 0.0, now_s, told=False)
        tries.wrong += 1
        tries.last_s = now_s
        if tries.wrong >= TRIES:
            pause = min(FIRST_PAUSE_S * 2 ** min(tries.wrong - TRIES, 10), LONGEST_PAUSE_S)
            tries.until_s, tries.told = now_s + pause, False
        self._tries[pair] = tries
        while len(self._tries) > REMEMBERED_MAX:
            self._tries.popitem(last=False)

    def right(self, person: str, client: str) -> None:
        """Forget the wrong tries of this pair."""
        self._tries.pop((person, client), None)

    def paused(self, now_s: float) -> int:
        """Tell how many pairs must wait now."""
        return sum(tries.until_s > now_s for tries in self._tries.values())


class PinDesk:
    """Checks PINs one at a time in a thread of its own."""

    def __init__(self) -> None:
        """Begin with an empty queue."""
        self.lockout = Lockout()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="velgate-pin")
        self._one = asyncio.Lock()
        self._waiting = 0
        # Somebody who does not exist takes as long to refuse as somebody with another PIN.
        self._nobody = _kept(os.urandom(_SALT), os.urandom(_LENGTH))

    async def check(self, person: str, pin: str, kept: str | None, client: str, now_s: float) -> bool:
        """Tell whether the PIN is right. Raises SlowDown; a cancelled check counts as none."""
        self.lockout.check(person, client, now_s)
        if self._waiting >= WAITING_MAX:
            raise SlowDown(2.0, busy=True)
        self._waiting += 1
        try:
            async with self._one:
                self.lockout.check(person, client, now_s)  # those that waited together count together
                loop = asyncio.get_running_loop()
                right = await loop.run_in_executor(self._thread, verify_pin, pin, kept or self._nobody)
        finally:
            self._waiting -= 1
        if right and kept:
            self.lockout.right(person, client)
            return True
        self.lockout.wrong(person, client, now_s)
        return False

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

"""Which phones may be pushed to: subscriptions, each a memo of the journal under `push/`, a copy at hand.

A subscription belongs to one browser and one person: whoever allowed pushes on that phone last. It is kept
until it is ended by its person, by another on the same phone, by the push service, or by signing out.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from gateway.model.clock import Instant
from gateway.model.refusal import Refused

log = logging.getLogger(__name__)

T = TypeVar("T")

PREFIX = "push/"
OF_PERSON_MAX = 8  # phones and tablets of one person; a further one takes the place of the oldest
SUBSCRIPTIONS_MAX = 1000  # of a home


class Store(Protocol):
    """The journal's alarm file."""

    async def write(self, work: Callable[[Any], T]) -> T:
        """Run a work in a transaction; returns after the fsync. Raises NotDurable."""
        ...

    async def read(self, work: Callable[[Any], T]) -> T:
        """Run a work on the committed state. Raises TimeoutError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One browser that takes pushes for one person."""

    person: str
    endpoint: str = field(repr=False)
    """Where to post to. Who knows it may push to the phone, so that it is told to nobody."""
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)
    session: str = ""
    """Hash of the session in which it was made or renewed: signing out ends it."""
    made_ns: int = 0
    """Unix time in nanoseconds of the last renewal."""

    @property
    def id(self) -> str:
        """Its name in the journal and in the log."""
        return subscription_id(self.endpoint)

    @property
    def service(self) -> str:
        """The host of its push service."""
        return urlsplit(self.endpoint).hostname or ""


def subscription_id(endpoint: str) -> str:
    """Name a subscription by its address without giving the address away."""
    return hashlib.sha256(endpoint.encode()).hexdigest()[:32]


class PushBook:
    """Every subscription. Belongs to the event loop; what is at hand is what was committed."""

    def __init__(self, store: Callable[[], Store]) -> None:
        """Begin empty; `load` reads what is kept."""
        self._store = store
        self._all: dict[str, Subscription] = {}

    async def load(self) -> None:
        """Read what is kept. Raises TimeoutError or sqlite3.Error where the disk does not answer."""
        memos = await self._store().read(lambda ledger: ledger.memos(PREFIX))
        self._all = {each.id: each for key, memo in memos.items() if (each := _read(key, memo))}

    def of(self, person: str) -> tuple[Subscription, ...]:
        """Give a person's, the one renewed last first. Compared without case."""
        own = [each for each in self._all.values() if each.person.casefold() == person.casefold()]
        return tuple(sorted(own, key=lambda each: each.made_ns, reverse=True))

    def find(self, endpoint: str) -> Subscription | None:
        """Give the one of an address."""
        return self._all.get(subscription_id(endpoint))

    def all(self) -> tuple[Subscription, ...]:
        """Give every one."""
        return tuple(self._all.values())

    def has(self, name: str) -> bool:
        """Tell whether there is one of that id."""
        return name in self._all

    def __len__(self) -> int:
        """Tell how many there are."""
        return len(self._all)

    async def put(self, new: Subscription, now: Instant, *, instead_of: str | None, source: str) -> None:
        """Keep one, in place of the one of the address `instead_of`. Returns after the commit.

        Raises Refused where the home has too many, and NotDurable.
        """
        before = self._all.get(new.id)
        gone = [each.id for each in self.of(new.person)[OF_PERSON_MAX - 1 :] if each.id != new.id]
        replaced = self.find(instead_of) if instead_of else None
        if replaced is not None and replaced.id != new.id and _same_person(replaced, new):
            gone.append(replaced.id)
        if before is None and len(self._all) - len(set(gone)) >= SUBSCRIPTIONS_MAX:
            detail = f"{SUBSCRIPTIONS_MAX} phones take pushes already"
            raise Refused("wrong_state", detail, reason="too_many")
        fresh = before is None or not _same_person(before, new)

        def keep(ledger: Any) -> None:
            for each in gone:
                ledger.end_memo(PREFIX + each)
            ledger.put_memo(PREFIX + new.id, _written(new, now))
            if fresh:
                detail = {"subscription": new.id, "service": new.service}
                ledger.audit("push_subscribed", by=new.person, source=source, detail=detail)

        await self._store().write(keep)
        for each in gone:
            self._all.pop(each, None)
        self._all[new.id] = Subscription(
            person=new.person,
            endpoint=new.endpoint,
            p256dh=new.p256dh,
            auth=new.auth,
            session=new.session,
            made_ns=now.wall_ns,
        )

    async def end(self, ended: Iterable[Subscription], *, why: str, source: str) -> None:
        """Remove some. Returns after the commit. Raises NotDurable.

        One that was renewed meanwhile, or belongs to somebody else by now, stays.
        """
        over = [each for each in ended if self._all.get(each.id) == each]
        if not over:
            return

        def drop(ledger: Any) -> None:
            for each in over:
                ledger.end_memo(PREFIX + each.id)
                detail = {"subscription": each.id, "service": each.service, "why": why}
                ledger.audit("push_ended", by=each.person, source=source, detail=detail)

        await self._store().write(drop)
        for each in over:
            if self._all.get(each.id) == each:
                del self._all[each.id]

    def of_session(self, session: str) -> tuple[Subscription, ...]:
        """Give those made or renewed in a session."""
        return tuple(each for each in self._all.values() if session and each.session == session)


def _same_person(one: Subscription, other: Subscription) -> bool:
    return one.person.casefold() == other.person.casefold()


def _written(each: Subscription, now: Instant) -> dict[str, Any]:
    return {
        "person": each.person,
        "endpoint": each.endpoint,
        "p256dh": each.p256dh,
        "auth": each.auth,
        "session": each.session,
        "made_ns": now.wall_ns,
    }


def _read(key: str, memo: Mapping[str, Any]) -> Subscription | None:
    try:
        return Subscription(
            person=str(memo["person"]),
            endpoint=str(memo["endpoint"]),
            p256dh=str(memo["p256dh"]),
            auth=str(memo["auth"]),
            session=str(memo["session"]),
            made_ns=int(memo["made_ns"]),
        )
    except (KeyError, TypeError, ValueError):  # of another version: the phone subscribes anew by itself
        log.warning("the memo %s cannot be read", key)
        return None

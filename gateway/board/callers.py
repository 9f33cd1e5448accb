"""Who asks: a signed-in person, an enrolled screen, a program on the Unix socket, or nobody yet."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import IntEnum
from typing import Literal

from starlette.requests import HTTPConnection

from gateway.board.house import House
from gateway.model.clock import Instant
from gateway.model.refusal import Refused
from gateway.model.rows import Screen, Session
from gateway.settings.models import Person, Settings

SESSION_COOKIE = "velgate_session"
SCREEN_COOKIE = "velgate_screen"
LANGUAGE_COOKIE = "velgate_language"
LIGHT_COOKIE = "velgate_light"
LOCAL = "velgate.local"
"""Set in the ASGI scope by the door that is the Unix socket; nothing that comes over TCP can set it."""

CACHED_MAX = 1000  # sessions and screens kept in memory; the journal has them all
SEEN_EVERY = timedelta(
    minutes=5
)  # how often "last seen" is written: looking at a page is no reason for an fsync

Door = Literal["nobody", "session", "token", "screen", "socket"]


class Needs(IntEnum):
    """What a request needs: nothing, to be known (a screen is enough), a person, or the Unix socket."""

    NOTHING = 0
    LOOK = 1
    PERSON = 2
    LOCAL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, by which door, and where from (for counting wrong PINs and for the audit log)."""

    door: Door = "nobody"
    person: str | None = None
    settings: Person | None = None
    screen: Screen | None = None
    session: Session | None = None
    client: str = ""

    @property
    def may_look(self) -> bool:
        """Whether anything but the sign-in page may be shown."""
        return self.door != "nobody"

    @property
    def source(self) -> str:
        """How the audit log names where it came from."""
        if self.screen:
            return f"screen:{self.screen.name}"
        return {"session": "page", "token": "api", "socket": "socket"}.get(self.door, "page")

    @property
    def public(self) -> bool:
        """Whether visitors can see what is shown."""
        return self.screen is not None and self.screen.public and self.person is None

    def has(self, right: str) -> bool:
        """Tell whether the person has a right."""
        return self.settings is not None and right in self.settings.rights

    def as_person(self, name: str, person: Person) -> Caller:
        """Give the same caller, acting for a person."""
        return replace(self, person=name, settings=person)


def find_person(settings: Settings, name: str) -> tuple[str, Person] | None:
    """Find a person, compared without case."""
    wanted = name.casefold()
    return next(((key, p) for key, p in settings.person.items() if key.casefold() == wanted), None)


def hashed(token: str) -> str:
    """Give the form in which a cookie or bearer token is kept: its SHA-256, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_token(settings: Settings, token: str) -> tuple[str, Person] | None:
    """Find whose bearer token this is."""
    digest = hashed(token)
    found = None
    for name, person in settings.person.items():
        kept = person.token.get_secret_value() if person.token else ""
        if kept and hmac.compare_digest(kept.lower(), digest):
            found = (name, person)
    return found


class Register:
    """The sessions and screens: rows in the journal, a bounded copy in memory."""

    def __init__(self, house: House) -> None:
        """Begin empty; rows are read when first asked for."""
        self._house = house
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._screens: OrderedDict[str, Screen] = OrderedDict()

    async def identify(self, connection: HTTPConnection) -> Caller:
        """Say who asks."""
        settings = self._house.settings()
        if connection.scope.get(LOCAL):
            return Caller(door="socket", client="socket")
        client = connection.client.host if connection.client else "unknown"
        bearer = connection.headers.get("authorization", "")
        if bearer:
            known = find_token(settings, bearer[7:].strip()) if bearer[:7].lower() == "bearer " else None
            return (
                Caller(door="token", person=known[0], settings=known[1], client=client)
                if known
                else Caller(client=client)
            )
        screen = await self._screen(connection.cookies.get(SCREEN_COOKIE))
        if screen:
            client = f"screen:{screen.name}"
        session = await self._session(connection.cookies.get(SESSION_COOKIE))
        person = find_person(settings, session.person) if session else None
        if session and person:
            return Caller(
                door="session",
                person=person[0],
                settings=person[1],
                screen=screen,
                session=session,
                client=client,
            )
        return Caller(door="screen", screen=screen, client=client) if screen else Caller(client=client)

    async def open_session(self, person: str, screen: Screen | None) -> tuple[str, Session]:
        """Begin a session and give its cookie. Returns after the commit."""
        token, now = secrets.token_urlsafe(32), self._house.clock.now()
        session = Session(
            token_hash=hashed(token),
            person=person,
            created=now,
            expires=now.plus(self._house.settings().board.session),
            seen=now,
            screen=screen.name if screen else None,
        )
        await self._house.journal.alarms.write(lambda ledger: ledger.put_session(session))
        self._keep(self._sessions, session.token_hash, session)
        return token, session

    async def end_session(self, session: Session) -> None:
        """End a session. Returns after the commit."""
        self._sessions.pop(session.token_hash, None)
        await self._house.journal.alarms.write(lambda ledger: ledger.end_session(session.token_hash))

    async def seen(self, session: Session) -> None:
        """Note that somebody is still there."""
        now = self._house.clock.now()
        if now.since(session.seen) < SEEN_EVERY:
            return
        later = replace(session, seen=now)
        self._keep(self._sessions, session.token_hash, later)
        await self._house.journal.alarms.write(lambda ledger: ledger.put_session(later))

    async def add_screen(self, screen: Screen) -> None:
        """Enrol a screen. Returns after the commit."""
        await self._house.journal.alarms.write(lambda ledger: ledger.put_screen(screen))
        for key in [key for key, old in self._screens.items() if old.name == screen.name]:
            del self._screens[key]  # one of that name gives way
        self._keep(self._screens, screen.token_hash, screen)

    async def end_screen(self, name: str) -> bool:
        """Remove a screen by its name; gives whether there was one. Returns after the commit."""
        for key in [key for key, screen in self._screens.items() if screen.name == name]:
            del self._screens[key]
        return await self._house.journal.alarms.write(lambda ledger: ledger.end_screen(name))

    async def screens(self) -> list[Screen]:
        """Give every enrolled screen."""
        return await self._house.journal.alarms.read(lambda ledger: ledger.screens())

    async def others(self, session: Session) -> list[Session]:
        """Give the same person's other sessions that have not ended."""
        now = self._house.clock.now()
        rows = await self._house.journal.alarms.read(lambda ledger: ledger.sessions(session.person))
        return [row for row in rows if row.token_hash != session.token_hash and not expired(row, now)]

    async def _session(self, token: str | None) -> Session | None:
        if not token:
            return None
        key = hashed(token)
        session = self._sessions.get(key)
        if session is None:
            session = await self._house.journal.alarms.read(lambda ledger: ledger.session(key))
            if session is None:
                return None
            self._keep(self._sessions, key, session)
        return None if expired(session, self._house.clock.now()) else session

    async def _screen(self, token: str | None) -> Screen | None:
        if not token:
            return None
        key = hashed(token)
        screen = self._screens.get(key)
        if screen is None:
            screen = await self._house.journal.alarms.read(lambda ledger: ledger.screen(key))
            if screen is not None:
                self._keep(self._screens, key, screen)
        return screen

    @staticmethod
    def _keep(
        rows: OrderedDict[str, Session] | OrderedDict[str, Screen], key: str, row: Session | Screen
    ) -> None:
        rows[key] = row  # type: ignore[assignment]
        rows.move_to_end(key)
        while len(rows) > CACHED_MAX:
            rows.popitem(last=False)


def expired(session: Session, now: Instant) -> bool:
    """Tell whether a session is over: by monotonic time within a boot, else by the wall clock."""
    return now.since(session.expires) >= timedelta(0)


def over(caller: Caller, settings: Settings, now: Instant) -> bool:
    """Tell whether somebody who was known when the request came may look no longer.

    A stream outlives its request: the session may have run out, the person be gone from the configuration.
    """
    if caller.session is not None and expired(caller.session, now):
        return True
    return caller.person is not None and find_person(settings, caller.person) is None


def require(caller: Caller, needs: Needs, right: str | None = None) -> None:
    """Refuse a caller who may not. Raises Refused."""
    if needs is Needs.NOTHING:
        return
    if caller.door == "nobody":
        raise Refused(
            "not_signed_in", "sign in, or send Authorization: Bearer with a token of `velgate staff token`"
        )
    if needs is Needs.LOCAL and caller.door != "socket":
        raise Refused("not_allowed", "only over the Unix socket of the gateway itself")
    if needs is Needs.PERSON and caller.person is None and caller.door != "socket":
        raise Refused("not_signed_in", "a screen may look; a person acts: sign in, or name person and PIN")
    if right and caller.person is not None and not caller.has(right):
        raise Refused("not_allowed", f"{caller.person} lacks the right {right!r}")
    if right and caller.person is None and caller.door != "socket":
        raise Refused("not_allowed", f"needs a person with the right {right!r}")

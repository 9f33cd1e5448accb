"""People in the ledger: legal bases, sessions, enrolled screens."""

from __future__ import annotations

from gateway.journal.documents import encode
from gateway.journal.ledger_part import LedgerPart
from gateway.journal.stored import stored
from gateway.model.clock import ClockQuality
from gateway.model.rows import Basis, Screen, Session

SESSIONS_MAX = 1000  # signed in at once; the one unused longest ends where there are more


class PeoplePart(LedgerPart):
    """Legal bases, sessions and screens."""

    __slots__ = ()

    def basis(self) -> list[Basis]:
        """Give every recorded basis and objection, also those withdrawn or past, the oldest first."""
        return [stored(Basis, row[0]) for row in self._db.execute("SELECT document FROM basis ORDER BY seq")]

    def put_basis(self, basis: Basis) -> None:
        """Record a basis, or change the one with its place, concern, rule and time of recording."""
        self._db.execute(
            "INSERT INTO basis (place, concern, rule, recorded_ns, document) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (place, concern, rule, recorded_ns) DO UPDATE SET document = excluded.document",
            (basis.place, basis.concern, basis.rule or "", basis.recorded.wall_ns, encode(basis)),
        )

    def session(self, token_hash: str) -> Session | None:
        """Give a session; whether it has expired is for the caller to judge."""
        row = self._db.execute("SELECT document FROM session WHERE token_hash = ?", (token_hash,)).fetchone()
        return None if row is None else stored(Session, row[0])

    def put_session(self, session: Session) -> None:
        """Keep a session or its change; expired ones are removed at the same time."""
        self._db.execute(
            "INSERT INTO session (token_hash, person, document) VALUES (?, ?, ?)"
            " ON CONFLICT (token_hash) DO UPDATE SET person = excluded.person, document = excluded.document",
            (session.token_hash, session.person, encode(session)),
        )
        self._prune_sessions()

    def end_session(self, token_hash: str) -> None:
        """Sign somebody out; one that is not there is no mistake."""
        self._db.execute("DELETE FROM session WHERE token_hash = ?", (token_hash,))

    def sessions(self, person: str | None = None) -> list[Session]:
        """Give the sessions of a person, or of all."""
        rows = self._db.execute(
            "SELECT document FROM session WHERE ?1 IS NULL OR person = ?1 COLLATE NOCASE", (person,)
        )
        return sorted((stored(Session, row[0]) for row in rows), key=lambda each: each.created.wall_ns)

    def screen(self, token_hash: str) -> Screen | None:
        """Give an enrolled screen by the hash of its token."""
        row = self._db.execute("SELECT document FROM screen WHERE token_hash = ?", (token_hash,)).fetchone()
        return None if row is None else stored(Screen, row[0])

    def put_screen(self, screen: Screen) -> None:
        """Enrol a screen; one of that name gives way (it was set up anew)."""
        self._db.execute("DELETE FROM screen WHERE name = ?", (screen.name,))
        self._db.execute(
            "INSERT INTO screen (token_hash, name, document) VALUES (?, ?, ?)",
            (screen.token_hash, screen.name, encode(screen)),
        )

    def end_screen(self, name: str) -> bool:
        """Take a screen's right to look; gives whether there was one of that name."""
        return self._db.execute("DELETE FROM screen WHERE name = ?", (name,)).rowcount > 0

    def screens(self) -> list[Screen]:
        """Give the enrolled screens in order of name."""
        return [
            stored(Screen, row[0]) for row in self._db.execute("SELECT document FROM screen ORDER BY name")
        ]

    def _prune_sessions(self) -> None:
        now = self._clock.now()
        every = self.sessions()
        ended = [
            each
            for each in every
            if (each.expires.boot == now.boot and each.expires.mono_ns < now.mono_ns)
            or (
                each.expires.boot != now.boot
                and ClockQuality.UNSYNCED not in (now.quality, each.expires.quality)
                and each.expires.wall_ns < now.wall_ns
            )
        ]
        gone = {each.token_hash for each in ended}
        living = sorted(
            (each for each in every if each.token_hash not in gone), key=lambda each: each.seen.wall_ns
        )
        ended.extend(living[: max(0, len(living) - SESSIONS_MAX)])
        self._db.executemany(
            "DELETE FROM session WHERE token_hash = ?", ((each.token_hash,) for each in ended)
        )

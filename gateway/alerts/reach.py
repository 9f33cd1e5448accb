"""Proves that people can be reached: a trial goes out, and who answers it in time is reached (R9).

A trial goes to each phone of a person that takes pushes, and with a code by each channel of the person's own
through which somebody can be written to (SMS, mail). Only where there is neither it is shown on the person's
open pages, for a page that is answered shows nothing about a phone in a pocket. So the answer to a trial must
hold what only the trial itself says: the token in the push, which the tap gives back, or the text's code.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from gateway.alerts.channels.base import Channel, ChannelDown, Message
from gateway.alerts.channels.push import KIND, Note, Push, topic
from gateway.alerts.reach_trial import PAGE, State, Trial
from gateway.alerts.roster import Roster
from gateway.model.catalogue import LANGUAGES, Catalogue
from gateway.model.clock import Clock, Instant, iso
from gateway.model.refusal import Refused
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

WITHIN = timedelta(minutes=2)
"""How long somebody has to answer."""
TRIALS_MAX = 500  # kept in memory; with more the oldest is forgotten
CODE_TRIES = 5  # wrong codes; then the trial has failed
CODE_DIGITS = 4
SENT_AT_ONCE = 16  # persons; a whole home's phones at once would leave no hand free for a call
LOOK_EVERY_S = 15.0  # how often it is looked who has gone off duty
WRITTEN_TO = frozenset({"apprise"})
"""Kinds of channel that carry a text to a person, who can type a code from it."""


class Engine(Protocol):
    """`gateway.alerts.engine.AlertEngine`, as far as reach needs it."""

    def roster(self) -> Roster:
        """Give who is on duty and who is proved."""
        ...

    async def prove_reach(self, person: str, *, reached: bool) -> None:
        """Keep what a trial has shown. Raises NotDurable."""
        ...


class Reach:
    """Trials under way. Belongs to the event loop; `run` is a room of the house.

    What a trial has shown is kept by the journal. Trials that wait are not: after a restart they are begun
    anew by whoever needs them.
    """

    def __init__(
        self,
        *,
        engine: Callable[[], Engine],
        settings: Callable[[], Settings],
        clock: Clock,
        words: Callable[[], Catalogue],
        push: Push | None = None,
        channels: Callable[[], Mapping[str, Channel]] = dict,
    ) -> None:
        """`channels` are those of the outbox; `push` where pushes can be sent."""
        self._engine, self._settings, self._clock, self._words = engine, settings, clock, words
        self._push, self._channels = push, channels
        self._trials: OrderedDict[str, Trial] = OrderedDict()
        self._moved = asyncio.Event()
        self._proving = asyncio.Lock()
        """What a trial has shown is kept one at a time, so that the last word said is the one that holds."""
        self._on_duty: frozenset[str] | None = None
        self.show: Callable[[Trial], int] = lambda _trial: 0
        """Shows a trial on the open pages of its person; gives on how many. The board sets it."""

    def find(self, name: str) -> Trial | None:
        """Give a trial by its id."""
        return self._trials.get(name)

    def waiting(self, person: str) -> Trial | None:
        """Give the trial that somebody has not answered yet."""
        return next(
            (
                each
                for each in reversed(self._trials.values())
                if each.state == "waiting" and each.person.casefold() == person.casefold()
            ),
            None,
        )

    def on_duty(self, group: str | None = None) -> list[str]:
        """Give who is on duty now, in one group or in any. Raises KeyError for a group that is not there."""
        roster, now = self._engine().roster(), self._clock.now()
        groups = self._settings().group if group is None else (group,)
        found = (person for name in groups for person in roster.duty(name, now).persons)
        return list(dict.fromkeys(found))

    async def start(self, persons: Sequence[str]) -> list[Trial]:
        """Send a trial to each, and return when it has gone out. `persons` as the configuration spells them.

        Raises NotDurable where the disk refuses what a trial that could not be sent has shown.
        """
        hands = asyncio.Semaphore(SENT_AT_ONCE)

        async def one(person: str) -> Trial:
            async with hands:
                return await self._send(self._new(person))

        async with asyncio.TaskGroup() as sending:
            sent = [sending.create_task(one(each), name="reach trial") for each in dict.fromkeys(persons)]
        trials = [task.result() for task in sent]
        for each in trials:
            if each.state == "failed":
                await self._engine().prove_reach(each.person, reached=False)
        self._moved.set()
        return trials

    async def answer(
        self, person: str, *, token: str | None = None, code: str | None = None, trial: str | None = None
    ) -> Trial:
        """Take the answer of a person; returns after the commit. Raises Refused and NotDurable.

        `token` comes from a push, `code` from a text; `trial` alone counts where the page is all there is.
        """
        found = self._meant(person, token=token, code=code, trial=trial)
        way = KIND if token is not None else found.written if code is not None else PAGE
        now = self._clock.now()
        took_ms = round(max(now.since(found.begun), timedelta(0)).total_seconds() * 1000)
        async with self._proving:
            found = self._trials.get(found.id, found)
            if found.state == "reached":
                return found  # the tap came twice
            if found.state != "waiting":
                raise _over()
            await self._engine().prove_reach(found.person, reached=True)
            found = self._trials.get(found.id, found)  # what it went out by may be known by now
            return self._keep(replace(found, state="reached", way=way, took_ms=took_ms, reason=None))

    async def run(self) -> None:
        """See trials run out and shifts end, for ever. Ends by cancellation; raises NotDurable."""
        while True:
            self._moved.clear()
            now = self._clock.now()
            for each in list(self._trials.values()):
                if each.state == "waiting" and now.since(each.ends) >= timedelta(0):
                    await self._missed(each.id)
            await self._shifts_ended(now)
            left = [
                each.ends.since(now).total_seconds()
                for each in self._trials.values()
                if each.state == "waiting"
            ]
            try:
                async with asyncio.timeout(max(0.0, min([*left, LOOK_EVERY_S]))):
                    await self._moved.wait()
            except TimeoutError:
                continue

    def look(self) -> None:
        """Look at once at what has run out, as after a change of the clock."""
        self._moved.set()

    async def left(self, person: str) -> None:
        """End the proof of somebody who has gone: signed out, or without a phone. Raises NotDurable.

        Who was not proved stays so: that alone must not bring R9 into force in a home that proves nobody.
        """
        if self._engine().roster().proved(person, self._clock.now()):
            await self._engine().prove_reach(person, reached=False)

    # Inside.

    async def _missed(self, name: str) -> None:
        async with self._proving:
            trial = self._trials.get(name)
            if trial is None or trial.state != "waiting":
                return  # the answer came in this moment, and stands
            await self._engine().prove_reach(trial.person, reached=False)
            self._keep(replace(self._trials.get(name, trial), state="missed"))

    def _new(self, person: str) -> Trial:
        now = self._clock.now()
        before = self.waiting(person)
        if before is not None:
            self._keep(replace(before, state="replaced"))
        trial = Trial(
            id=secrets.token_hex(8),
            person=person,
            begun=now,
            ends=now.plus(WITHIN),
            token=secrets.token_urlsafe(16),
            code=str(secrets.randbelow(10**CODE_DIGITS)).zfill(CODE_DIGITS),
        )
        while len(self._trials) >= TRIALS_MAX:
            self._trials.popitem(last=False)
        return self._keep(trial)

    async def _send(self, trial: Trial) -> Trial:
        """Send it by every way there is; gives it as it stands afterwards."""
        ways: list[str] = []
        reasons: list[str] = []

        async def by(way: str, attempt: Any) -> None:
            try:
                async with asyncio.timeout(self._timeout_s(way)):
                    await attempt
            except TimeoutError:
                reasons.append(f"{way}: no answer in time")
            except ChannelDown as down:
                reasons.append(f"{way}: {down.reason}")
            else:
                ways.append(way)

        async with asyncio.TaskGroup() as attempts:
            if self._push is not None and (phones := self._push.book.of(trial.person)):
                attempts.create_task(by(KIND, self._push.send(phones, self._note(trial))))
            for name, channel in self._written(trial.person).items():
                attempts.create_task(by(name, channel.send(self._message(trial))))
        if not ways and not reasons:
            if self.show(trial):
                ways.append(PAGE)
            else:
                reasons.append("no phone that takes pushes, no channel, and no page is open")
        now = self._trials.get(trial.id, trial)  # answered already, perhaps: a tap can be fast
        state: State = now.state if ways or now.state != "waiting" else "failed"
        reason = "; ".join(sorted(reasons)) or None
        return self._keep(replace(now, state=state, ways=tuple(sorted(ways)), reason=reason))

    def _meant(self, person: str, *, token: str | None, code: str | None, trial: str | None) -> Trial:
        if token is not None:
            found = next((t for t in self._trials.values() if hmac.compare_digest(t.token, token)), None)
        elif code is not None:
            found = self._by_code(person, code)
        else:
            found = self._trials.get(trial or "")
            if found is not None and found.ways != (PAGE,):
                raise Refused("wrong_state", "answer on the phone: tap the message", reason="by_phone")
        if found is None or found.person.casefold() != person.casefold():
            raise Refused("not_found", "no such trial; begin another")
        over = self._clock.now().since(found.ends) >= timedelta(0)
        if found.state not in ("waiting", "reached") or (found.state == "waiting" and over):
            raise _over()
        return found

    def _by_code(self, person: str, code: str) -> Trial | None:
        found = self.waiting(person)
        if found is None or found.written == PAGE:
            return None
        if hmac.compare_digest(found.code.encode(), code.strip().encode()):
            return found
        tried = replace(found, tries=found.tries + 1)
        if tried.tries >= CODE_TRIES:  # it runs out now
            tried = replace(tried, ends=self._clock.now(), reason="the code was wrong too often")
            self._moved.set()
        self._keep(tried)
        raise Refused("not_allowed", "that is not the code of the message", reason="wrong_code")

    def _written(self, person: str) -> dict[str, Channel]:
        known = self._settings()
        own = known.person[person].channels if person in known.person else ()
        made = self._channels()
        return {
            name: made[name]
            for name in own
            if name in made
            and name in known.channel
            and known.channel[name].kind in WRITTEN_TO
            and known.channel[name].digest is None
        }

    def _timeout_s(self, way: str) -> float:
        channel = self._settings().channel.get(way)
        if channel is None and self._push is not None and self._push.channel is not None:
            channel = self._push.channel[1]
        return channel.timeout.total_seconds() if channel else 10.0

    def _language(self, person: str) -> str:
        known = self._settings().person.get(person)
        return known.language if known else LANGUAGES[0]

    def _note(self, trial: Trial) -> Note:
        language = self._language(trial.person)
        return Note(
            about="trial",
            topic=topic(f"trial/{trial.person.casefold()}"),
            title=self._words().text("push.trial", language),
            body=self._words().text("push.trial_do", language),
            language=language,
            urgency="high",
            lives_s=round(WITHIN.total_seconds()),
            more={"token": trial.token, "trial": trial.id, "time": iso(trial.begun.wall_ns)},
        )

    def _message(self, trial: Trial) -> Message:
        texts: dict[str, str] = {
            lang: self._words().text("push.trial_code", lang, code=trial.code) for lang in LANGUAGES
        }
        language = self._language(trial.person)
        return Message(
            key=f"trial/{trial.id}",
            about="trial",
            person=trial.person,
            language=language,
            text=texts[language],
            texts=texts,
            document={
                "schema": "velgate/notification/1",
                "id": f"trial/{trial.id}",
                "about": "trial",
                "time": iso(trial.begun.wall_ns),
                "priority": "technical",
                "test": True,
                "text": texts,
                "language": language,
            },
            subject=self._words().text("push.trial", language),
        )

    def _keep(self, trial: Trial) -> Trial:
        self._trials[trial.id] = trial
        return trial

    async def _shifts_ended(self, now: Instant) -> None:
        """End the proof of who was on duty at the last look and is not any more."""
        before, self._on_duty = self._on_duty, frozenset(self.on_duty())
        for person in sorted((before or frozenset()) - self._on_duty):
            if self._engine().roster().proved(person, now):
                await self._engine().prove_reach(person, reached=False)


def _over() -> Refused:
    return Refused("wrong_state", "this trial is over; begin another", reason="trial_over")

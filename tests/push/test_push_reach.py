"""Who can be reached (R9): trials by push, by a written code and on the page, and what they change."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.alerts.channels.base import ChannelDown, Message, Taken
from support.board_client import BoardClient, client
from support.eventually import eventually
from support.push_house import PushHouse, open_push_house
from support.push_service import Phone, push_service, sent


@dataclass
class Texts:
    """A channel that carries texts, such as SMS: what it was given."""

    name: str = "sms"
    timeout: timedelta = timedelta(seconds=5)
    knows_key: bool = False
    short: bool = True
    down: bool = False
    got: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> Taken:
        """Take a text, or not."""
        if self.down:
            raise ChannelDown("no credit")
        self.got.append(message)
        return "sent"


SMS = {
    "channel": {"sms": {"kind": "apprise", "apprise_url": "json://127.0.0.1:1/"}},
    "person": {"AB": {"channels": ["sms"]}},
}


async def signed_in(made: BoardClient, person: str = "AB") -> BoardClient:
    """Sign somebody in."""
    assert (await made.sign_in(person)).status == 204
    return made


async def subscribe(made: BoardClient, phone: Phone, **more: Any) -> Any:
    """Let the phone of who is signed in take pushes, as its page does."""
    return await made.post("/api/v1/push/subscriptions", {**phone.subscription(), **more})


async def one(made: BoardClient, **body: Any) -> dict[str, Any]:
    """Begin a trial of one person."""
    answer = await made.post("/api/v1/reach", body)
    assert answer.status == 200, answer.text
    [trial] = answer.json["trials"]
    found: dict[str, Any] = trial
    return found


async def stands(made: BoardClient, trial: dict[str, Any]) -> dict[str, Any]:
    """Look how a trial stands."""
    [found] = (await made.get(f"/api/v1/reach?trial={trial['trial']}")).json["trials"]
    known: dict[str, Any] = found
    return known


def reached(home: PushHouse) -> dict[str, bool]:
    """Tell who of those on duty is proved reachable."""
    roster, now = home.engine.roster(), home.clock.now()
    return {person: roster.proved(person, now) for person in roster.duty("nat", now).persons}


async def test_subscribing_sends_a_trial_and_its_token_proves_reach(tmp_path: Path) -> None:
    """On signing in on a phone: subscribe, trial, tap; nothing but the push's token proves it, once."""
    async with push_service() as service, open_push_house(tmp_path, service) as home, client(home) as made:
        ab = await signed_in(made)
        state = (await ab.get("/api/v1/push")).json
        assert (len(state["key"]), state["phones"]) == (87, 0)
        phone = service.phone("ab")
        answer = await subscribe(ab, phone, trial=True)
        assert answer.status == 201
        trial = answer.json["trial"]
        assert (trial["state"], trial["ways"], trial["code"]) == ("waiting", ["web_push"], False)
        said = await sent(phone, "trial")
        assert (said["title"], said["trial"]) == ("Velgate: prøve", trial["trial"])
        assert "120" in [headers["TTL"] for headers, _ in phone.requests]
        assert said["token"] not in answer.text
        assert (await ab.post("/api/v1/shift/reached")).json["reached"] is False
        by_page = await ab.post("/api/v1/reach/answer", {"trial": trial["trial"]})
        assert (by_page.status, by_page.json["reason"]) == (409, "by_phone")
        assert (await ab.post("/api/v1/reach/answer", {"token": "guessed"})).status == 404
        assert reached(home) == {"AB": False, "CD": False}
        for _ in range(2):  # a tap that came twice is answered as done
            done = await ab.post("/api/v1/reach/answer", {"token": said["token"]})
            assert (done.status, done.json["state"], done.json["way"]) == (200, "reached", "web_push")
        assert reached(home) == {"AB": True, "CD": False}
        assert home.engine.duty()[0].reached == 1
        persons = (await ab.get("/api/v1/shift")).json["on_duty"][0]["persons"]
        assert [each["reached"] for each in persons] == [True, False]
        assert (await ab.get("/api/v1/push")).json["phones"] == 1


async def test_a_token_is_its_persons_alone(tmp_path: Path) -> None:
    """A colleague who gets hold of it proves nothing about anybody."""
    async with (
        push_service() as service,
        open_push_house(tmp_path, service) as home,
        client(home) as one_,
        client(home) as other,
    ):
        ab, cd = await signed_in(one_), await signed_in(other, "CD")
        phone = service.phone("ab")
        await subscribe(ab, phone, trial=True)
        token = (await sent(phone, "trial"))["token"]
        assert (await cd.post("/api/v1/reach/answer", {"token": token})).status == 404
        assert reached(home) == {"AB": False, "CD": False}


async def test_no_answer_in_two_minutes_ends_the_proof(tmp_path: Path) -> None:
    """Also one from before; a late tap is refused, and a second trial is answered."""
    async with push_service() as service, open_push_house(tmp_path, service) as home, client(home) as made:
        ab = await signed_in(made)
        phone = service.phone("ab")
        await home.engine.prove_reach("AB", reached=True)
        trial = (await subscribe(ab, phone, trial=True)).json["trial"]
        assert reached(home)["AB"]
        home.later(minutes=2)
        home.reach.look()
        await eventually(lambda: not reached(home)["AB"])
        assert (await stands(ab, trial))["state"] == "missed"
        late = await ab.post("/api/v1/reach/answer", {"token": (await sent(phone, "trial"))["token"]})
        assert (late.status, late.json["reason"]) == (409, "trial_over")
        await one(ab, persons=["ab"])
        again = await ab.post("/api/v1/reach/answer", {"token": (await sent(phone, "trial", 2))["token"]})
        assert again.json["state"] == "reached"
        home.later(hours=12, minutes=1)
        assert not reached(home)["AB"]


async def test_a_phone_that_has_gone_fails_its_trial(tmp_path: Path) -> None:
    """410: said at once, and why; the phone is forgotten."""
    async with push_service() as service, open_push_house(tmp_path, service) as home, client(home) as made:
        ab = await signed_in(made)
        phone = service.phone("ab")
        phone.status = 410
        await home.engine.prove_reach("AB", reached=True)
        trial = (await subscribe(ab, phone, trial=True)).json["trial"]
        assert trial["state"] == "failed"
        assert "ended its subscription" in trial["reason"]
        assert not reached(home)["AB"]
        await eventually(lambda: home.push.book.of("AB") == ())


async def test_without_a_phone_the_trial_is_on_the_page(tmp_path: Path) -> None:
    """Shown on one's own open pages; with none open it could not be sent."""
    async with push_service() as service, open_push_house(tmp_path, service) as home, client(home) as made:
        ab = await signed_in(made)
        failed = await one(ab, persons=["AB"])
        assert (failed["state"], failed["ways"]) == ("failed", [])
        assert "no page is open" in failed["reason"]
        async with ab.stream("?viewer=page-of-ab") as events:
            await events.next("beat")
            trial = await one(ab, persons=["AB"])
            assert trial["ways"] == ["page"]
            shown = await events.next("trial")
            assert shown.data["trial"] == trial["trial"]
            done = await ab.post("/api/v1/reach/answer", {"trial": trial["trial"]})
            assert done.json["way"] == "page"
        assert reached(home)["AB"]


async def test_a_text_proves_reach_by_its_code(tmp_path: Path) -> None:
    """SMS and mail: the code in the text, typed on the page; five wrong ones end it."""
    texts = Texts()
    async with (
        push_service() as service,
        open_push_house(tmp_path, service, SMS, texts={"sms": texts}) as home,
        client(home) as made,
    ):
        ab = await signed_in(made)
        trial = await one(ab, persons=["AB"])
        assert (trial["ways"], trial["code"]) == (["sms"], True)
        found = re.search(r"\b\d{4}\b", texts.got[0].text)
        assert found is not None
        code = found.group()
        assert code not in str(trial)
        wrong = f"{(int(code) + 1) % 10_000:04d}"
        refused = await ab.post("/api/v1/reach/answer", {"code": wrong})
        assert (refused.status, refused.json["reason"]) == (403, "wrong_code")
        assert (await ab.post("/api/v1/reach/answer", {"trial": trial["trial"]})).status == 409
        done = await ab.post("/api/v1/reach/answer", {"code": code})
        assert (done.json["state"], done.json["way"]) == ("reached", "sms")
        assert reached(home)["AB"]
        await one(ab, persons=["AB"])
        for _ in range(5):
            await ab.post("/api/v1/reach/answer", {"code": "none"})
        await eventually(lambda: not reached(home)["AB"])
        assert (await ab.post("/api/v1/reach/answer", {"code": "none"})).status == 404
        texts.down = True
        assert (await one(ab, persons=["AB"]))["reason"] == "sms: no credit"


async def test_groups_and_everybody_on_duty(tmp_path: Path) -> None:
    """Named persons, a group, or all; who is not there is said."""
    async with push_service() as service, open_push_house(tmp_path, service) as home, client(home) as made:
        ab = await signed_in(made)

        async def persons(**body: Any) -> list[str]:
            answer = await ab.post("/api/v1/reach", body)
            return [each["person"] for each in answer.json["trials"]]

        assert await persons() == ["AB", "CD"]
        assert await persons(groups=["nat"]) == ["AB", "CD"]
        assert await persons(persons=["tk", "AB"], groups=["nat"]) == ["TK", "AB", "CD"]
        assert (await ab.post("/api/v1/reach", {"persons": ["nobody"]})).status == 404
        assert (await ab.post("/api/v1/reach", {"groups": ["dag"]})).status == 404


async def test_escalation_waits_for_nobody_who_is_not_reached(tmp_path: Path) -> None:
    """A trial that nobody answered: they are sent to all the same, and the next step starts at once."""
    async with push_service() as service, open_push_house(tmp_path, service) as home, client(home) as made:
        ab = await signed_in(made)
        phone = service.phone("ab")
        await subscribe(ab, phone)
        first = await home.press("kald-03")
        assert first.step == 1  # where reach was never tried, everybody counts
        await home.does(first, "acknowledge")
        await home.engine.prove_reach("AB", reached=False)
        alert = await home.press("kald-04")
        await sent(phone, "alert", alert=alert.id)

        def went_on() -> bool:
            return any(s.alert.id == alert.id and s.alert.step > 1 for s in home.engine.open())

        await eventually(went_on)
        await eventually(lambda: any("duty-unreached/" in s.alert.key for s in home.engine.open()))


async def test_a_phone_is_somebodys_who_is_signed_in_there(tmp_path: Path) -> None:
    """Neither a screen, a token nor the socket subscribes; another's address cannot be ended."""
    async with (
        push_service() as service,
        open_push_house(tmp_path, service) as home,
        client(home) as one_,
        client(home) as other,
        client(home, local=True) as socket,
    ):
        phone = service.phone("ab")
        assert (await subscribe(one_, phone)).status == 401
        assert (await subscribe(socket, phone)).status == 401
        ab, cd = await signed_in(one_), await signed_in(other, "CD")
        assert (await subscribe(ab, phone)).status == 201
        assert (
            await cd.ask("DELETE", "/api/v1/push/subscriptions", {"endpoint": phone.endpoint})
        ).status == 204
        assert len(home.push.book.of("AB")) == 1
        for endpoint in ("http://127.0.0.1:1/x", "https://192.168.1.1/admin", "https://example.org/push"):
            refused = await subscribe(ab, phone, endpoint=endpoint)
            assert (refused.status, refused.code) == (422, "invalid")
        assert (await subscribe(ab, phone, keys={"p256dh": "AAAA", "auth": "AAAA"})).status == 422
        await home.engine.prove_reach("AB", reached=True)
        assert (await ab.ask("DELETE", "/api/v1/session", {})).status == 204
        assert home.push.book.of("AB") == ()
        assert not reached(home)["AB"]


async def test_a_home_without_the_channel_pushes_nothing(tmp_path: Path) -> None:
    """The page is told so by a null key; subscribing is refused, everything else goes on."""
    nothing = {"channel": {"push": {"kind": "mqtt"}}}
    async with push_service() as service, open_push_house(tmp_path, service, nothing) as home:
        async with client(home) as made:
            ab = await signed_in(made)
            assert (await ab.get("/api/v1/push")).json == {"key": None, "phones": 0}
            refused = await subscribe(ab, service.phone("ab"))
            assert (refused.status, refused.json["reason"]) == (409, "no_push")
            assert (await ab.post("/api/v1/shift/reached")).json["reached"] is True
        assert not (home.state / "push.key").exists()


async def test_the_shifts_end_ends_the_proof(tmp_path: Path, monkeypatch: Any) -> None:
    """Who goes off duty has to prove it anew at the next shift; who stays on keeps it."""
    async with push_service() as service, open_push_house(tmp_path, service) as home:
        on_duty = ["AB", "CD"]
        monkeypatch.setattr(home.reach, "on_duty", lambda group=None: list(on_duty))
        await home.engine.prove_reach("AB", reached=True)
        await home.engine.prove_reach("CD", reached=True)
        home.reach.look()
        await eventually(lambda: home.reach._on_duty == frozenset({"AB", "CD"}))
        on_duty.remove("AB")
        home.reach.look()
        await eventually(lambda: not reached(home)["AB"])
        assert reached(home)["CD"]


async def test_the_command_waits_and_says_who(tmp_path: Path) -> None:
    """`velgate staff reach`: exit 0 where all were reached, 1 where not, 4 for nobody of that name."""
    async with push_service() as service, open_push_house(tmp_path, service) as home, client(home) as made:
        ab = await signed_in(made)
        phone = service.phone("ab")
        await subscribe(ab, phone)

        async def run(*words: str) -> tuple[int, str, str]:
            words = ("staff", "reach", *words, "--state", str(home.state))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway.cli", *words),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await process.communicate()
            assert process.returncode is not None
            return process.returncode, out.decode(), err.decode()

        async def tap(before: int) -> None:
            token = (await sent(phone, "trial", before + 1))["token"]
            assert (await ab.post("/api/v1/reach/answer", {"token": token})).status == 200

        (code, out, err), _ = await asyncio.gather(run("AB", "--json"), tap(0))
        assert (code, err) == (0, "")
        document = json.loads(out)["reach"]
        assert [(each["person"], each["state"], each["way"]) for each in document] == [
            ("AB", "reached", "web_push")
        ]
        assert document[0]["took_ms"] >= 0
        (code, out, err), _ = await asyncio.gather(run("--group", "nat"), tap(1))
        assert code == 1
        assert "no page is open" in out
        assert "1 of 2 people can be reached." in err
        assert "Not reached: CD." in err
        assert (await run("XY"))[0] == 4
        assert reached(home) == {"AB": True, "CD": False}

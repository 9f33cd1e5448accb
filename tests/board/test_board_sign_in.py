"""Signing in: PINs, keys, what slows a guesser, how sessions end."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.board.pins import (
    FORGET_S,
    LONGEST_PAUSE_S,
    TRIES,
    Lockout,
    PinDesk,
    SlowDown,
    hash_pin,
    verify_pin,
)
from support.board_client import BoardClient, client
from support.board_house import PIN, TOKEN, BoardHouse, pin_hash
from support.eventually import eventually


def test_a_pin_is_kept_as_its_scrypt_hash() -> None:
    """The PIN fits its hash and no other does; a form that cannot be read fits nothing."""
    kept = hash_pin("4071")
    assert kept.startswith("scrypt$32768$8$1$")
    assert "4071" not in kept
    assert verify_pin("4071", kept)
    assert not verify_pin("4072", kept)
    assert hash_pin("4071") != kept
    for broken in (
        "",
        "4071",
        "scrypt$1",
        "md5$1$1$1$aa$bb",
        "scrypt$x$8$1$AAAA$AAAA",
        "scrypt$3$8$1$AAAA$AAAA",
    ):
        assert not verify_pin("4071", broken)


@given(st.lists(st.booleans(), max_size=40))
def test_the_pause_begins_at_the_fifth_wrong_try_and_never_passes_15_minutes(rights: list[bool]) -> None:
    """Any mixture of right and wrong tries: free before the fifth wrong in a row, slowed from then on."""
    lockout, now_s, wrong = Lockout(), 0.0, 0
    for right in rights:
        pause_s = paused(lockout, now_s)
        assert (pause_s > 0) == (wrong >= TRIES)
        assert pause_s <= LONGEST_PAUSE_S
        now_s += pause_s
        if right:
            lockout.right("ab", "phone")
            wrong = 0
        else:
            lockout.wrong("ab", "phone", now_s)
            wrong += 1


def paused(lockout: Lockout, now_s: float) -> float:
    """Give how long AB's phone must wait."""
    try:
        lockout.check("ab", "phone", now_s)
    except SlowDown as slow:
        return slow.retry_after_s
    return 0.0


def test_pauses_double_and_are_forgotten_after_an_hour() -> None:
    """60 s, 120 s, 240 s, 480 s, 900 s, 900 s; an hour without a wrong try forgets all."""
    lockout, now_s, pauses = Lockout(), 0.0, []
    for _ in range(TRIES - 1):
        lockout.wrong("ab", "phone", now_s)
    for _ in range(6):
        lockout.wrong("ab", "phone", now_s)
        with pytest.raises(SlowDown) as slowed:
            lockout.check("ab", "phone", now_s)
        pauses.append(slowed.value.retry_after_s)
        now_s += slowed.value.retry_after_s
    assert pauses == [60, 120, 240, 480, 900, 900]
    lockout.wrong("ab", "phone", now_s + FORGET_S + 1)
    lockout.check("ab", "phone", now_s + FORGET_S + 1)


def test_nobody_locks_a_colleague_out_elsewhere() -> None:
    """Counted by person and client: the same person elsewhere, and another person here, stay free."""
    lockout = Lockout()
    for _ in range(TRIES):
        lockout.wrong("ab", "phone", 0.0)
    with pytest.raises(SlowDown):
        lockout.check("ab", "phone", 1.0)
    lockout.check("ab", "screen:wall", 1.0)
    lockout.check("cd", "phone", 1.0)


async def test_tries_that_wait_together_count_together() -> None:
    """Ten guesses sent at once get five looks, not ten."""
    desk, kept = PinDesk(), hash_pin("1111")
    answers = await asyncio.gather(
        *(desk.check("ab", "9999", kept, "phone", 0.0) for _ in range(10)), return_exceptions=True
    )
    desk.close()
    assert answers.count(False) == TRIES
    assert sum(isinstance(answer, SlowDown) for answer in answers) == 10 - TRIES


async def test_a_crowd_before_the_desk_is_asked_to_come_again() -> None:
    """The queue is bounded: the seventeenth is told to wait, and the loop turns meanwhile."""
    desk, kept = PinDesk(), pin_hash("1111")
    answers = await asyncio.gather(
        *(desk.check(f"p{n}", "1111", kept, "phone", 0.0) for n in range(20)), return_exceptions=True
    )
    desk.close()
    busy = [answer for answer in answers if isinstance(answer, SlowDown)]
    assert answers.count(True) == 16
    assert [answer.busy for answer in busy] == [True] * 4


async def test_sign_in_gives_a_cookie_that_no_script_reads(house: BoardHouse) -> None:
    """204, HttpOnly, SameSite=Strict, no Secure without TLS; initials are compared without case."""
    async with client(house) as browser:
        answer = await browser.sign_in("ab")
        assert answer.status == 204
        cookie = answer.headers["Set-Cookie"].lower()
        assert cookie.startswith("velgate_session=")
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "secure" not in cookie
        assert (await browser.get("/api/v1/alerts")).status == 200
    assert ("sign_in", "AB") in await house.audit()
    kept = await house.journal.alarms.read(lambda ledger: ledger.sessions())
    assert len(kept) == 1
    assert kept[0].token_hash not in cookie  # only the hash is kept


async def test_wrong_pin_five_times_is_slowed_and_audited_while_the_board_lives(house: BoardHouse) -> None:
    """B12, the server's side: 401 five times, then 429 with Retry-After; everybody else goes on."""
    async with client(house) as thief, client(house) as colleague:
        assert (await colleague.sign_in("CD")).status == 204
        for _ in range(5):
            answer = await thief.sign_in("AB", "0000")
            assert (answer.status, answer.code) == (401, "not_signed_in")
        answer = await thief.sign_in("AB", PIN)
        assert (answer.status, answer.code) == (429, "slow_down")
        assert 50 <= int(answer.headers["Retry-After"]) <= 60
        assert (await colleague.get("/api/v1/alerts")).status == 200
        alert = await house.press()
        taken = await colleague.post(f"/api/v1/alerts/{alert.id}/acknowledge")
        assert taken.json["taken"]["by"] == "CD"
        audit = await house.audit()
        assert audit.count(("sign_in_wrong", "AB")) == 5
        assert audit.count(("sign_in_slowed", "AB")) == 1
        house.later(seconds=61)
        assert (await thief.sign_in("AB", PIN)).status == 204


async def test_who_is_unknown_is_refused_alike_and_not_named_in_the_audit(house: BoardHouse) -> None:
    """A name typed where initials belong stands nowhere."""
    async with client(house) as browser:
        answer = await browser.sign_in("Hansen", PIN)
        assert (answer.status, answer.code) == (401, "not_signed_in")
        assert "Hansen" not in answer.text
    rows = await house.journal.alarms.read(lambda ledger: ledger.audit_entries(0, 100))
    assert all("hansen" not in str(row).lower() for row in rows)


async def test_an_invalid_body_says_which_field_without_the_pin(house: BoardHouse) -> None:
    """422 with the keys; a PIN is never repeated."""
    async with client(house) as browser:
        answer = await browser.post("/api/v1/session", {"person": "AB", "pin": 987654, "colour": 1})
        assert (answer.status, answer.code) == (422, "invalid")
        assert {row["key"] for row in answer.json["errors"]} == {"pin", "colour"}
        assert "987654" not in answer.text
        assert (await browser.post("/api/v1/session", b"[1")).status == 422
        assert (await browser.post("/api/v1/session", b"x" * 70_000)).status == 413


async def test_a_key_signs_in_and_a_bearer_token_acts(house: BoardHouse) -> None:
    """A key card types a bearer token; a program sends it. A wrong one is refused."""
    async with client(house) as browser, client(house) as program:
        assert (await browser.post("/api/v1/session", {"key": TOKEN})).status == 204
        alert = await house.press()
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        answer = await program.post(f"/api/v1/alerts/{alert.id}/acknowledge", **bearer)
        assert answer.json["taken"]["by"] == "AB"
        wrong = await program.get("/api/v1/alerts", Authorization="Bearer nothing")
        assert (wrong.status, wrong.code) == (401, "not_signed_in")
        assert (await browser.post("/api/v1/session", {"key": "nothing"})).status == 401


async def test_signing_out_gives_back_what_was_taken(house: BoardHouse, signed_in: BoardClient) -> None:
    """B14: nobody who has gone holds a call."""
    alert = await house.press()
    await signed_in.post(f"/api/v1/alerts/{alert.id}/acknowledge")
    assert (await signed_in.ask("DELETE", "/api/v1/session")).status == 204
    assert (await signed_in.get("/api/v1/alerts")).status == 401
    standing = house.engine.open()[0].alert
    assert standing.handling == "unacknowledged"
    assert standing.returned


async def test_signing_out_on_one_device_keeps_what_the_other_holds(house: BoardHouse) -> None:
    """A second session of the same person goes on, and so does the call."""
    async with client(house) as phone, client(house) as desk:
        await phone.sign_in()
        await desk.sign_in()
        alert = await house.press()
        await phone.post(f"/api/v1/alerts/{alert.id}/acknowledge")
        assert (await desk.ask("DELETE", "/api/v1/session")).status == 204
        assert house.engine.open()[0].alert.handling == "acknowledged"
        assert (await phone.get("/api/v1/alerts")).status == 200


async def test_a_session_ends_after_its_time_and_gives_back(
    house: BoardHouse, signed_in: BoardClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 12 h the cookie is worth nothing, and the call that was taken is given back."""
    monkeypatch.setattr("gateway.board.leavers.EVERY_S", 0.05)
    await house.stop_serving()
    await house.start_serving()
    alert = await house.press()
    await house.does(alert, "acknowledge")
    await house.does(alert, "presence", how="page")
    house.later(hours=12, seconds=1)
    assert (await signed_in.get("/api/v1/alerts")).status == 401
    await eventually(lambda: house.engine.open()[0].alert.handling == "unacknowledged")


async def test_a_session_outlives_a_restart_of_the_board(house: BoardHouse, signed_in: BoardClient) -> None:
    """Sessions are rows: nobody signs in again because the gateway started anew."""
    await house.stop_serving()
    await house.start_serving()
    assert (await signed_in.get("/api/v1/alerts")).status == 200


async def test_a_person_removed_from_the_configuration_is_out(
    house: BoardHouse, signed_in: BoardClient
) -> None:
    """The next request of somebody who is no longer there is refused."""
    people = {name: person for name, person in house.settings.person.items() if name != "AB"}
    house.settings = house.settings.model_copy(update={"person": people})
    assert (await signed_in.get("/api/v1/alerts")).status == 401

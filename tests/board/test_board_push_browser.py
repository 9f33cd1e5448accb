"""Pushes in a real browser: the way to the first one, what a phone shows, what a tap does (B11)."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from support.browser import Screen, expect, open_screen
from support.eventually import eventually
from support.push_browser import BROKEN, IPHONE, ServiceWorker, permission, stand_in
from support.push_house import PushHouse, open_push_house
from support.push_service import Phone, PushService, push_service, sent

pytestmark = pytest.mark.asyncio(loop_scope="module")

RENEW = """async (given) => {
    const fresh = { toJSON: () => given };
    const changed = new Event("pushsubscriptionchange"), waits = [];
    Object.assign(changed, { oldSubscription: { endpoint: given.before }, newSubscription: fresh });
    changed.waitUntil = (promise) => { waits.push(promise); };
    self.dispatchEvent(changed);
    await Promise.all(waits);
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def service() -> AsyncIterator[PushService]:
    """A push service."""
    async with push_service() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def home(tmp_path: Path, service: PushService) -> AsyncIterator[PushHouse]:
    """A home that pushes."""
    async with open_push_house(tmp_path, service) as opened:
        yield opened


async def picture(screen: Screen, name: str) -> None:
    """Keep what is seen, where somebody wants to look at it."""
    if folder := os.environ.get("VELGATE_PICTURES"):
        await screen.page.screenshot(path=str(Path(folder) / f"{name}.png"))


async def worker_of(screen: Screen) -> ServiceWorker:
    """Give the service worker of a page, once it is at work."""
    await screen.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    worker = ServiceWorker(screen.page.context, screen.house.url)
    await worker.open()
    return worker


async def allow(screen: Screen, home: PushHouse, person: str, phone: Phone) -> None:
    """Open a page as this phone, and let it take pushes for somebody; the trial is left for later."""
    await screen.page.add_init_script(stand_in(phone))
    await screen.open("/more")
    await screen.page.get_by_role("button", name="Tillad beskeder").click()
    await subscribed(home, person, phone)
    await screen.page.get_by_role("button", name="Fortsæt uden prøve").click()
    await expect(screen.page.locator("[data-phone-state]")).to_have_text(
        re.compile("også når siden er lukket")
    )


async def subscribed(home: PushHouse, person: str, phone: Phone) -> None:
    """Wait until a phone is somebody's."""
    await eventually(lambda: [each for each in home.push.book.of(person) if each.endpoint == phone.endpoint])


async def test_the_first_run_ends_with_a_phone_that_can_be_reached(
    browser: Browser, home: PushHouse, service: PushService
) -> None:
    """Leave to push, sound, trial tapped, `Din telefon kan nås`; the shift says who can be reached."""
    phone = service.phone("ab")
    async with open_screen(browser, home, path=None, started=False, permissions=["notifications"]) as ab:
        page = ab.page
        await page.add_init_script(permission("default", "granted"))
        await page.add_init_script(stand_in(phone))
        await ab.open()
        await expect(page.locator(".start h1")).to_have_text("Må telefonen vise kald?")
        await picture(ab, "2-allow")
        await page.get_by_role("button", name="Tillad beskeder").click()
        await expect(page.get_by_role("button", name="Start vagten med lyd")).to_be_visible()
        await picture(ab, "3-sound")
        await subscribed(home, "AB", phone)
        assert await page.evaluate("window.subscribedWith") == 65
        worker = await worker_of(ab)
        await page.bring_to_front()
        await page.get_by_role("button", name="Start vagten med lyd").click()
        await picture(ab, "4-heard")
        await page.get_by_role("button", name="Ja, jeg hørte den").click()
        await expect(page.locator(".start h1")).to_have_text("Tryk på prøvebeskeden")
        await expect(page.locator(".start .why")).to_contain_text("inden")
        await picture(ab, "5-trial")
        said = await sent(phone, "trial")
        assert home.engine.duty()[0].reached in (None, 0)  # a sound that was heard proves no phone
        await worker.push(said)
        [shown] = await worker.until("Velgate: prøve")
        assert shown["lang"] == "da"
        await worker.tap("Velgate: prøve")
        await expect(page.locator(".start h1")).to_have_text("Din telefon kan nås")
        await picture(ab, "6-reached")
        await worker.until()
        await page.get_by_role("button", name="Til kaldene").click()
        await expect(page.locator(".start")).to_have_count(0)
        assert home.engine.duty()[0].reached == 1
        await ab.open("/shift")
        await expect(page.locator(".shift")).to_contain_text("1 af 2 kan nås")
        await picture(ab, "7-shift")


async def test_b11_a_push_with_the_page_closed_opens_that_alert(
    browser: Browser, home: PushHouse, service: PushService
) -> None:
    """B11: the service worker alone shows the call, the tap leads to it, and it gives way when taken."""
    phone = service.phone("ab")
    async with open_screen(browser, home, path=None, permissions=["notifications"]) as ab:
        await allow(ab, home, "AB", phone)
        worker = await worker_of(ab)
        await ab.page.close()

        alert = await home.press("kald-02-bad")
        said = await sent(phone, "alert", alert=alert.id)
        assert said["alert"] == alert.id
        await worker.push(said)
        [shown] = await worker.until("Bad, bolig 2: Nødkald")
        assert (shown["body"], shown["silent"]) == ("Tryk for at se kaldet", False)
        assert await worker.tap("Bad, bolig 2: Nødkald") == [f"/alert/{alert.id}"]
        await worker.until()

        page = await worker.context.new_page()
        await page.goto(f"{home.url}alert/{alert.id}")
        await expect(page.locator("#view")).to_contain_text("Bad, bolig 2")
        await page.close()

        await worker.push(said)
        await worker.until("Bad, bolig 2: Nødkald")
        await home.does(alert, "acknowledge", by="CD")
        over = await sent(phone, "taken", alert=alert.id)
        await worker.push(over)
        [shown] = await worker.until("Bad, bolig 2: CD har den")
        assert shown["silent"] is True
        await worker.push(said)  # overtaken on its way: the later state stands
        await worker.until("Bad, bolig 2: CD har den")
        assert await worker.tap("Bad, bolig 2: CD har den") == ["/"]


async def test_a_tap_shows_the_alert_on_the_page_that_is_open(
    browser: Browser, home: PushHouse, service: PushService
) -> None:
    """No second window and no reload, which would lose the sound; once it is taken the phone is tidied."""
    phone = service.phone("ab")
    async with open_screen(browser, home, path=None, permissions=["notifications"]) as ab:
        await allow(ab, home, "AB", phone)
        worker = await worker_of(ab)
        await ab.page.bring_to_front()
        await ab.page.evaluate("window.same = true")
        alert = await home.press("kald-03")
        await worker.push(await sent(phone, "alert", alert=alert.id))
        await worker.until("Bolig 3: Haster")
        assert await worker.tap("Bolig 3: Haster") == []
        await expect(ab.page).to_have_url(re.compile(f"/alert/{alert.id}$"))
        assert await ab.page.evaluate("window.same") is True
        await worker.push(await sent(phone, "alert", alert=alert.id))
        await worker.until("Bolig 3: Haster")
        await home.does(alert, "acknowledge", by="CD")
        await worker.until()


@pytest.mark.parametrize(
    ("scripts", "heading"),
    [
        ([permission("default", "denied")], "Beskeder er slået fra"),
        ([permission("default", "granted"), BROKEN], "Beskeder virker ikke her"),
    ],
    ids=["denied", "broken"],
)
async def test_a_phone_without_pushes_starts_all_the_same(
    browser: Browser, home: PushHouse, scripts: list[str], heading: str
) -> None:
    """It says what that means and how to mend it, and goes on to the sound; heard there, the page reaches."""
    async with open_screen(browser, home, path=None, started=False, permissions=["notifications"]) as ab:
        for script in scripts:
            await ab.page.add_init_script(script)
        await ab.open()
        await ab.page.get_by_role("button", name="Tillad beskeder").click()
        await expect(ab.page.locator(".start h1")).to_have_text(heading)
        await picture(ab, f"2-{heading.split()[1]}-{heading.rsplit(maxsplit=1)[-1]}")
        await ab.page.get_by_role("button", name="Fortsæt", exact=True).click()
        await ab.page.get_by_role("button", name="Start vagten med lyd").click()
        await ab.page.get_by_role("button", name="Ja, jeg hørte den").click()
        await expect(ab.page.locator(".toast")).to_have_text("Du kan nås her, så længe siden er åben.")
        await eventually(lambda: home.engine.duty()[0].reached == 1)
        assert home.push.book.of("AB") == ()


async def test_an_iphone_is_told_to_use_the_home_screen(browser: Browser, home: PushHouse) -> None:
    """Only there does iOS push; from the home screen the hint is not shown."""
    no_push = "delete window.PushManager;"
    async with open_screen(browser, home, path=None, started=False, user_agent=IPHONE) as ab:
        await ab.page.add_init_script(no_push)
        await ab.open()
        await expect(ab.page.locator(".start h1")).to_have_text("Sæt siden på hjemmeskærmen")
        await expect(ab.page.locator(".guide li")).to_have_count(3)
        await picture(ab, "1-home-screen")
        await ab.page.get_by_role("button", name="Fortsæt uden beskeder").click()
        await expect(ab.page.get_by_role("button", name="Start vagten med lyd")).to_be_visible()
    async with open_screen(browser, home, path=None, started=False, user_agent=IPHONE) as ab:
        await ab.page.add_init_script("Object.defineProperty(navigator, 'standalone', { get: () => true });")
        await ab.page.add_init_script(permission("default", "granted"))
        await ab.open()
        await expect(ab.page.locator(".start h1")).to_have_text("Må telefonen vise kald?")


async def test_a_trial_that_is_not_answered_says_what_to_look_at(
    browser: Browser, home: PushHouse, service: PushService
) -> None:
    """After two minutes: silent mode, focus, power saving; another may be sent, or none."""
    phone = service.phone("ab")
    async with open_screen(browser, home, path=None, started=False, permissions=["notifications"]) as ab:
        await ab.page.add_init_script(stand_in(phone))
        await ab.open()
        await ab.page.get_by_role("button", name="Fortsæt uden lyd").click()
        await expect(ab.page.locator(".start h1")).to_have_text("Tryk på prøvebeskeden")
        first = await sent(phone, "trial")
        home.later(minutes=2)
        home.reach.look()
        await expect(ab.page.locator(".start h1")).to_have_text("Prøven blev ikke besvaret")
        await picture(ab, "5-missed")
        await ab.page.get_by_role("button", name="Prøv igen").click()
        await expect(ab.page.locator(".start h1")).to_have_text("Tryk på prøvebeskeden")
        assert (await sent(phone, "trial", 2))["token"] != first["token"]
        await ab.page.get_by_role("button", name="Fortsæt uden prøve").click()
        await expect(ab.page.locator(".start")).to_have_count(0)


async def test_a_subscription_that_the_browser_renews_takes_the_place_of_the_old(
    browser: Browser, home: PushHouse, service: PushService
) -> None:
    """`pushsubscriptionchange`: the new address is told by itself, the old one is forgotten."""
    old, new = service.phone("old"), service.phone("new")
    async with open_screen(browser, home, path=None, permissions=["notifications"]) as ab:
        await allow(ab, home, "AB", old)
        worker = await worker_of(ab)
        await worker.evaluate(RENEW, {**new.subscription(), "before": old.endpoint})
        await subscribed(home, "AB", new)
        assert [each.endpoint for each in home.push.book.of("AB")] == [new.endpoint]


async def test_what_cannot_be_read_is_shown_all_the_same(browser: Browser, home: PushHouse) -> None:
    """A push of another version, or nonsense: something is shown, so that the browser keeps its leave."""
    async with open_screen(browser, home, permissions=["notifications"]) as ab:
        worker = await worker_of(ab)
        await worker.push("nonsense")
        [shown] = await worker.until("Velgate")
        assert shown["body"] == "Nyt fra Velgate. Tryk for at se"


async def test_stopping_on_the_page_and_signing_out_end_pushes(
    browser: Browser, home: PushHouse, service: PushService
) -> None:
    """Both end the subscription here; who signs in next on the phone gets none of the other's calls."""
    phone = service.phone("ab")
    async with open_screen(browser, home, path=None, permissions=["notifications"]) as ab:
        await allow(ab, home, "AB", phone)
        await ab.page.get_by_role("button", name="Stop beskeder her").click()
        await eventually(lambda: home.push.book.of("AB") == ())
        await ab.page.get_by_role("button", name="Tillad beskeder").click()
        await subscribed(home, "AB", phone)
        await ab.page.get_by_role("button", name="Fortsæt uden prøve").click()
        await ab.page.locator("[data-sign-out]").click()
        await ab.page.get_by_role("button", name="Log ud").last.click()
        await eventually(lambda: home.push.book.of("AB") == ())


async def test_the_shift_view_tries_everybody(
    browser: Browser, home: PushHouse, service: PushService
) -> None:
    """Each with what came of it; a colleague without a phone is asked on the page that is open."""
    phone = service.phone("ab")
    async with (
        open_screen(browser, home, path=None, permissions=["notifications"]) as ab,
        open_screen(browser, home, "CD") as cd,
    ):
        await allow(ab, home, "AB", phone)
        worker = await worker_of(ab)
        await ab.page.bring_to_front()
        await ab.page.locator(".tabs a[data-view=shift]").click()
        await ab.page.get_by_role("button", name="Prøv, hvem der kan nås").click()
        rows = ab.page.locator("#reach-list li")
        await expect(rows).to_have_count(2)
        await picture(ab, "8-try-all")
        await worker.push(await sent(phone, "trial", 2))  # the first was left for later
        await worker.until("Velgate: prøve")
        await worker.tap("Velgate: prøve")
        await picture(cd, "9-page-trial")
        await cd.page.get_by_role("button", name="Ja, jeg er her").click()
        await expect(rows.nth(0)).to_have_text("AB · kan nås")
        await expect(rows.nth(1)).to_have_text("CD · kan nås")
        assert home.engine.duty()[0].reached == 2


async def test_taking_the_shift_over_takes_the_calls_and_tries_who_can_be_reached(
    browser: Browser, home: PushHouse
) -> None:
    """Each taken call is asked about; then everybody on duty gets a trial."""
    async with open_screen(browser, home, path=None) as ab, open_screen(browser, home, "CD") as cd:
        alert = await home.press("kald-03")
        await home.does(alert, "acknowledge", by="CD")
        await ab.open("/shift")
        await ab.page.get_by_role("button", name="Overtag vagten").click()
        await ab.page.get_by_role("dialog").get_by_role("button", name="Overtag").click()
        await expect(ab.page.locator("#reach-list li")).to_have_count(2)
        await picture(ab, "9-hand-over")
        await ab.page.get_by_role("button", name="Ja, jeg er her").click()
        await cd.page.get_by_role("button", name="Ja, jeg er her").click()
        await eventually(lambda: home.engine.duty()[0].reached == 2)
        [taken] = [shown.alert.taken for shown in home.engine.open() if shown.alert.id == alert.id]
        assert taken is not None
        assert taken.by == "AB"

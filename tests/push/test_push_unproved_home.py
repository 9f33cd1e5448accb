"""A phone that stops taking pushes says nothing of reach in a home that proves nobody's."""

from __future__ import annotations

from pathlib import Path

from gateway.alerts.channels.push_book import Subscription
from support.eventually import eventually
from support.push_house import open_push_house
from support.push_service import push_service


async def test_a_phone_that_has_gone_begins_no_proving_of_reach(tmp_path: Path) -> None:
    """Else each later call would run through all its steps at once, for nobody is proved."""
    async with push_service() as service, open_push_house(tmp_path, service) as home:
        phone = service.phone("ab")
        new = Subscription(person="AB", endpoint=phone.endpoint, **phone.subscription()["keys"])
        await home.push.book.put(new, home.clock.now(), instead_of=None, source="test")
        phone.status = 410
        await home.press("kald-03")
        await eventually(lambda: home.push.book.of("AB") == () and not home.push._unreached)
        assert home.engine.roster().proofs == {}
        assert (await home.press("kald-04")).step == 1

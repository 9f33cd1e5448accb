"""The real gateway on a state folder that takes nothing: it stands, hears, tells, and can be asked why."""

from __future__ import annotations

from pathlib import Path

from support.gateway_process import button, home


async def test_a_gateway_whose_alarm_file_cannot_be_opened_hears_calls(tmp_path: Path) -> None:
    """A press is told and cannot be taken; the alert says what is wrong; it ends in time."""
    with home(tmp_path, [button(1)], broker=False) as house:
        gateway = house.start()
        house.do("kald-01", "press")
        await gateway.alert_of("kald-01", durable=True)
        gateway.kill()
        for path in gateway.state.glob("alarms.db*"):
            path.unlink()
        (gateway.state / "alarms.db").mkdir()
        gateway = house.start()
        async with gateway.stream() as stream:
            house.do("kald-01", "press")
            told = (await stream.seen("alert", device="kald-01", durable=False)).data
            status, answer = await gateway.act(told["id"], "acknowledge")
            assert (status, answer["code"]) == (503, "not_durable")
        failing = await gateway.trouble("journal.failing")
        assert failing["priority"] == "high"
        assert "from memory" in failing["detail"]
        assert (gateway.state / "alarms.db").is_dir(), "nothing of it was touched"

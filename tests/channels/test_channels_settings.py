"""Channels as somebody writes them: what is refused, with file and line, and without a part of a password."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from gateway.alerts.channels.apprise_check import malformed
from gateway.settings.channels import Channel
from gateway.settings.loader import Loaded, load

SECRET = "hemmelig-noegle-42"
HOME = """
site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}
person.AB = {rights = ["basis"], channels = ["sms"]}
channel.sms = {kind = "apprise"}
"""
SMS = f'channel.sms.apprise_url = "smseagles://{SECRET}@10.0.0.5/4520202020"\n'


def loaded(tmp_path: Path, more: str = "", secrets: str = SMS) -> Loaded:
    """Load a home."""
    (tmp_path / "gateway.toml").write_text(HOME + more, "utf-8")
    (tmp_path / "secrets.toml").write_text(secrets, "utf-8")
    (tmp_path / "secrets.toml").chmod(0o600)
    return load(tmp_path)


def told(found: Loaded) -> list[tuple[str, str | None, bool]]:
    """Give where each finding is."""
    everything = repr(found.findings)
    assert SECRET not in everything
    return [(each.where, each.key, each.warning) for each in found.findings]


def test_a_home_with_sms_by_apprise_is_in_order(tmp_path: Path) -> None:
    """The URL stands in secrets.toml; SMS is the second way beside the page."""
    found = loaded(tmp_path)
    assert told(found) == []
    assert list(malformed(found.tree)) == []
    channel = found.settings.channel["sms"]
    assert (channel.way, channel.short) == ("smseagle", False)
    assert SECRET not in repr(channel)


@pytest.mark.parametrize(
    ("secrets", "expected", "found"),
    [
        ("", "apprise_url", "none"),
        (
            f'channel.sms.apprise_url = "{SECRET}"\n',
            "begins with the scheme",
            "a text of 18 without a scheme",
        ),
        (f'channel.sms.apprise_url = "smsegle://{SECRET}@h/1"\n', "Apprise knows", "smsegle://"),
        (f'channel.sms.apprise_url = "plivo://{SECRET}@x/1"\n', "can be sent to", "does not work"),
    ],
)
def test_a_url_that_leads_nowhere_is_an_error(
    tmp_path: Path, secrets: str, expected: str, found: str
) -> None:
    """With the line it stands in."""
    result = loaded(tmp_path, secrets=secrets)
    assert SECRET not in repr(result.findings)
    (error,) = result.errors
    assert error.where == ("secrets.toml:1" if secrets else "gateway.toml:4")
    assert expected in error.expected
    assert found in error.found
    assert error.do


def test_a_scheme_that_is_nearly_one_is_guessed(tmp_path: Path) -> None:
    """Did you mean."""
    (error,) = loaded(tmp_path, secrets='channel.sms.apprise_url = "smseagl://x@h/1"\n').errors
    assert "did you mean smseagle://?" in error.do


def test_a_url_outside_secrets_is_warned_of(tmp_path: Path) -> None:
    """Others may have read it; and it is not shown even then."""
    (tmp_path / "home.toml").write_text(SMS, "utf-8")
    assert told(loaded(tmp_path, secrets="")) == [("home.toml:1", "channel.sms.apprise_url", True)]


def test_a_url_for_another_kind_has_no_effect_and_says_so(tmp_path: Path) -> None:
    """And url for apprise is an error: it would show a password."""
    (tmp_path / "home.toml").write_text('channel.sms.url = "https://x/"\n', "utf-8")
    more = 'channel.hook = {kind = "webhook", url = "https://h.example/"}\n'
    found = loaded(tmp_path, more, SMS + 'channel.hook.apprise_url = "json://h"\n')
    assert told(found) == [
        ("home.toml:1", "channel.sms.url", False),
        ("secrets.toml:2", "channel.hook.apprise_url", True),
    ]


@pytest.mark.parametrize(
    ("url", "module"),
    [
        (f"tgram://{SECRET}", "telegram"),
        (f"twilio://AC:{SECRET}@x", "twilio"),
        (f"pover://{SECRET}", "pushover"),
        ("json://", "custom_json"),
        (f"mailto://{SECRET}", "email"),
    ],
)
def test_a_malformed_url_is_found_by_whoever_loads_the_library(tmp_path: Path, url: str, module: str) -> None:
    """Which `velgate check` does; the gateway does not."""
    found = loaded(tmp_path, secrets=f'channel.sms.apprise_url = "{url}"\n')
    assert found.errors == ()
    (error,) = malformed(found.tree)
    assert (error.where, error.key) == ("secrets.toml:1", "channel.sms.apprise_url")
    assert module in error.expected
    assert SECRET not in repr(error)


def test_check_says_all_of_it(tmp_path: Path) -> None:
    """The command, as a person runs it."""
    loaded(tmp_path, secrets=f'channel.sms.apprise_url = "tgram://{SECRET}"\n')
    command = [sys.executable, "-m", "gateway.cli", "check", "--config", str(tmp_path)]
    done = run(
        [*command, "--json", "--state", str(tmp_path / "state")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    (error,) = json.loads(done.stdout)["findings"]
    assert (error["file"], error["line"], error["level"]) == ("secrets.toml", 1, "error")
    assert SECRET not in done.stdout + done.stderr


DIGEST = 'channel.post = {kind = "apprise", digest = 07:30:00}\n'
MAIL = SMS + 'channel.post.apprise_url = "mailto://solhjem.example?to=teknik@solhjem.example"\n'


def test_a_digest_for_technical_alerts_is_in_order(tmp_path: Path) -> None:
    """Named in a policy that nothing else uses."""
    more = DIGEST + 'alerts.policies.technical.steps = [{targets = ["page", "channel:post"], after = "1d"}]\n'
    assert told(loaded(tmp_path, more, MAIL)) == []


@pytest.mark.parametrize("policy", ["emergency", "call", "high", "medium"])
def test_a_digest_for_anybody_who_waits_is_refused(tmp_path: Path, policy: str) -> None:
    """Alone or beside another: whoever reads it tomorrow helps nobody today."""
    for targets in ('"channel:post"', '"page", "duty", "channel:post"'):
        more = f'{DIGEST}alerts.policies.{policy}.steps = [{{targets = [{targets}], after = "60s"}}]\n'
        found = loaded(tmp_path, more, MAIL)
        at = f"alerts.policies.{policy}.steps.0.targets.{targets.count(',')}"
        errors = [each for each in found.errors if each.key == at]
        assert len(errors) == 1, told(found)
        assert errors[0].where == "gateway.toml:6"
        assert "tells at once" in errors[0].expected


def test_a_digest_of_a_person_is_refused(tmp_path: Path) -> None:
    """A person's channels are told of calls."""
    more = DIGEST + 'person.KL = {channels = ["post"]}\n'
    assert ("gateway.toml:6", "person.KL.channels.0", False) in told(loaded(tmp_path, more, MAIL))


def test_a_digest_is_a_mail(tmp_path: Path) -> None:
    """A webhook gathers nothing."""
    more = 'channel.hook = {kind = "webhook", url = "https://h.example/", digest = 07:30:00}\n'
    (error,) = loaded(tmp_path, more).errors
    assert error.key == "channel.hook"


WAYS = (
    ('person.AB = {rights = ["basis"], channels = ["a"]}', {"a": "mailto://h.example?to=x@h.example"}, True),
    ('person.AB = {rights = ["basis"]}', {"a": "seven://k/4520202020"}, False),
)


@pytest.mark.parametrize(("person", "channels", "enough"), WAYS)
def test_two_kinds_of_way_are_counted_by_what_apprise_speaks_to(
    tmp_path: Path, person: str, channels: dict[str, str], enough: bool
) -> None:
    """R8: an emergency has two kinds in its first two steps; a mail is one, an SMS another."""
    text = (
        HOME.splitlines()[1]
        + f"\n{person}\n"
        + "".join(f'channel.{n} = {{kind = "apprise"}}\n' for n in channels)
    )
    (tmp_path / "gateway.toml").write_text(text, "utf-8")
    urls = "".join(f'channel.{name}.apprise_url = "{url}"\n' for name, url in channels.items())
    (tmp_path / "secrets.toml").write_text(urls, "utf-8")
    (tmp_path / "secrets.toml").chmod(0o600)
    weak = [each.key for each in load(tmp_path).findings if "at least 2 kinds" in each.expected]
    assert (weak == []) is enough


@pytest.mark.parametrize(
    ("targets", "refused"),
    [
        ('["channel:push"]', True),
        ('["channel:push", "channel:post"]', True),
        ('["channel:push", "channel:sms"]', False),
        ('["page", "channel:push"]', False),
    ],
)
def test_web_push_alone_is_no_way_to_tell_an_emergency(tmp_path: Path, targets: str, refused: bool) -> None:
    """R8: it may be late, muted or dropped; a digest beside it helps nobody."""
    more = 'channel.push = {kind = "web_push", contact = "mailto:it@kommune-a.example"}\n' + DIGEST
    more += f'alerts.policies.emergency.steps = [{{targets = {targets}, after = "60s"}}]\n'
    errors = [each for each in loaded(tmp_path, more, MAIL).errors if "more than Web Push" in each.expected]
    assert bool(errors) is refused
    if errors:
        assert (errors[0].where, errors[0].key) == ("gateway.toml:7", "alerts.policies.emergency.steps")


def test_two_services_of_one_scheme_are_one_way(tmp_path: Path) -> None:
    """Two telephone numbers at one SMS company fail together."""
    (tmp_path / "x").mkdir()
    steps = 'alerts.policies.emergency.steps = [{targets = ["channel:a", "channel:b"], after = "60s"}]\n'
    two = "".join(f'channel.{name} = {{kind = "apprise"}}\n' for name in "ab")
    urls = "".join(
        f'channel.{name}.apprise_url = "seven://key/452020202{n}"\n' for n, name in enumerate("ab")
    )
    found = loaded(tmp_path, two + steps, SMS + urls)
    assert [each.key for each in found.warnings] == ["alerts.policies.emergency.steps"]
    other = urls.replace("seven://key/4520202021", "46elks://user:key@4520202020/4530303030")
    assert loaded(tmp_path, two + steps, SMS + other).warnings == ()


@pytest.mark.parametrize(
    ("url", "more", "short"),
    [
        ("smseagles://k@10.0.0.5/1", {}, False),
        ("smseagles://k@sms.solhjem.lan/1", {}, False),
        ("gotify://gotify.local/k", {}, False),
        ("ntfy://[fd00::5]/nat", {}, False),
        ("mailto://solhjem.example?to=a@b.dk", {}, True),
        ("seven://k/4520202020", {}, True),
        ("ntfys://ntfy.sh/nat", {}, True),
        ("pover://user@token", {}, True),
        ("seven://k/4520202020", {"detail": "full"}, False),
        ("gotify://gotify.local/k", {"detail": "short"}, True),
        ("mailto://solhjem.example?to=a@b.dk", {"digest": "07:30"}, False),
        ("mailto://solhjem.example?to=a@b.dk", {"digest": "07:30", "detail": "short"}, True),
    ],
)
def test_whoever_is_outside_the_home_hears_place_and_urgency_only(
    url: str, more: dict[str, Any], short: bool
) -> None:
    """Unless somebody has decided otherwise."""
    channel = Channel.model_validate({"kind": "apprise", "apprise_url": url, **more})
    assert channel.short is short

"""`velgate check` on a channel of kind web_push: what is refused, what is warned of, and where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings.loader import Loaded, load
from support.homes import write_home

PUSH = '[channel.push]\nkind = "web_push"\ncontact = "mailto:teknik@example.org"\n'


def loaded(tmp_path: Path, text: str) -> Loaded:
    """Read a home with this beside it."""
    return load(write_home(tmp_path, home=text))


def said(found: Loaded) -> list[tuple[str | None, str]]:
    """Give the findings that name a push."""
    every = [*found.errors, *found.warnings]
    return [(each.key, each.expected) for each in every if "push" in f"{each.key} {each.expected}"]


def test_a_channel_without_https_is_explained(tmp_path: Path) -> None:
    """A warning, since a proxy may do it: what is needed, and where it is described."""
    found = loaded(tmp_path, PUSH)
    assert found.errors == ()
    [warning] = [each for each in found.warnings if "HTTPS" in each.expected]
    assert "web-push.md" in warning.do
    assert warning.key == "channel.push.kind"
    assert found.settings.channel["push"].short


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[channel.push]\nkind = "web_push"\n', "a mailto: or https: address"),
        (PUSH.replace("mailto:teknik@example.org", "teknik"), "a mailto: or https: address"),
        (PUSH + 'services = ["https://fcm.googleapis.com/"]\n', "a host such as fcm.googleapis.com"),
        (PUSH + "services = []\n", "at least one push service"),
        (
            PUSH + '[channel.more]\nkind = "web_push"\ncontact = "mailto:a@b.dk"\n',
            "one channel of kind web_push",
        ),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    """With the file, the line and what to write instead."""
    found = loaded(tmp_path, text)
    assert any(expected in each.expected and "home.toml:" in each.where for each in found.errors)


def test_services_of_ones_own_are_allowed(tmp_path: Path) -> None:
    """A municipality may run its own; hosts, all hosts below one, or one on this machine."""
    more = PUSH + 'services = ["push.kommune.dk", "*.push.apple.com", "http://127.0.0.1:8090"]\n'
    assert loaded(tmp_path, more).errors == ()

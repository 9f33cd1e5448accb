"""Our tables of Apprise's services against the plugins that are installed: none missing, none made up."""

from __future__ import annotations

import json
import sys
from functools import cache
from subprocess import run
from typing import Any

import pytest

from gateway.alerts.channels.apprise_priorities import PRIORITIES, UNMAPPED
from gateway.settings.apprise_schemes import SCHEMES, UNUSABLE, scheme_of

WORDS = ("priority", "urgency", "level", "severity", "alert")

LOOK = f"""
import json
from apprise.manager_plugins import NotificationManager
manager = NotificationManager()
manager.load_modules()
found = {{}}
for scheme, plugin in manager._schema_map.items():
    module = plugin.__module__.removeprefix("apprise.plugins.").partition(".")[0]
    arguments = plugin.template_args
    known = {{
        name: arguments[name].get("values") and sorted(map(str, arguments[name]["values"]))
        for name in {WORDS!r} if name in arguments
    }}
    found[scheme] = [module, known]
print(json.dumps(found))
"""


SHAPES = (
    "://",
    "://SECRET",
    "://SECRET/SECRET",
    "://SECRET:SECRET@h/1",
    "://SECRET:SECRET@h:99999/1/2?x=SECRET",
    "://h?priority=SECRET&mode=SECRET&format=SECRET&to=SECRET",
    "://%00/%zz",
    "://[::1]/SECRET",
    "://[/SECRET",
    "://h:abc/SECRET",
    "://a@b@c/d//e?f=&g",
    "://SECRETæøå/ø?to=å",
)
MAKE = f"""
import json
from gateway.alerts.channels.apprise_send import made
from gateway.alerts.channels.task import NotSent
from gateway.settings.apprise_schemes import SCHEMES
reasons, whole = set(), 0
for scheme in SCHEMES:
    for shape in {SHAPES!r}:
        try:
            made(scheme + shape, "emergency")
            whole += 1
        except NotSent as failed:
            assert failed.lasting
            reasons.add(failed.reason)
print(json.dumps([sorted(reasons), whole]))
"""


@cache
def installed() -> dict[str, list[Any]]:
    """Ask a process of its own, so that this one stays without two hundred plugins."""
    done = run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


def test_every_scheme_is_in_the_table_with_its_module() -> None:
    """After an upgrade of Apprise this names what is new or gone."""
    assert {scheme: module for scheme, (module, _) in installed().items()} == SCHEMES
    assert len(SCHEMES) > 250
    assert set(UNUSABLE) <= set(SCHEMES.values())


def test_every_service_that_knows_urgency_is_told_it_or_says_why_not() -> None:
    """A new parameter of that name asks for a decision."""
    knows = {module for module, known in installed().values() if known}
    assert knows == set(PRIORITIES) | set(UNMAPPED)
    for module, known in installed().values():
        if module in PRIORITIES:
            assert PRIORITIES[module].parameter in known


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("json://h", "json"),
        ("  NTFYS://h", "ntfys"),
        ("46elks://x", "46elks"),
        ("json:/h", None),
        ("hemmelig", None),
        ("", None),
        ("en tekst://h", None),
    ],
)
def test_the_scheme_of_a_url(url: str, scheme: str | None) -> None:
    """Only what stands before the colon and two strokes."""
    assert scheme_of(url) == scheme


def test_a_url_of_any_scheme_and_shape_is_made_or_refused_without_a_word_of_it() -> None:
    """No plugin's own exception, no crash of `velgate check`, no password in a reason."""
    done = run([sys.executable, "-c", MAKE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reasons, whole = json.loads(done.stdout)
    assert len(reasons) > 100
    assert whole > 500
    assert not [reason for reason in reasons if "SECRET" in reason or "å" in reason]

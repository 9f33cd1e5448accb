"""What is wrong with pushes to phones: nobody to write to, no HTTPS, a push that is to go to nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.model.problem import Finding
from gateway.settings.alerting import split_target
from gateway.settings.merge import Node
from gateway.settings.models import Settings
from gateway.settings.positions import Path
from gateway.settings.rule_checks import told

KIND = "web_push"

_CONTACT = re.compile(r"(mailto:[^@\s]+@[^@\s]+\.[^@\s]+|https://[^\s/]+\.[^\s/]+(/\S*)?)")
_SERVICE = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+|https?://(127(\.\d{1,3}){3}|\[::1\]):\d{1,5}")


def judge(settings: Settings, tree: Node) -> Iterator[Finding]:
    """Say everything about channels of kind web_push, and about web_push keys of other channels."""
    pushes = sorted(name for name, each in settings.channel.items() if each.kind == KIND)
    for name in pushes:
        yield from _channel(settings, tree, name)
    for name in pushes[1:]:
        do = f"take it away; every phone that allows pushes gets them by {pushes[0]}"
        yield told(tree, ("channel", name), f"one channel of kind {KIND}", f"{len(pushes)}", do)
    if pushes:
        yield from _targets(settings, tree, set(pushes))
        yield from _https(settings, tree, pushes[0])


def _channel(settings: Settings, tree: Node, name: str) -> Iterator[Finding]:
    each, at = settings.channel[name], ("channel", name)
    if each.contact is None or not _CONTACT.fullmatch(each.contact):
        expected = "a mailto: or https: address at which push services reach whoever runs this gateway"
        do = f'write  channel.{name}.contact = "mailto:teknik@…"  (of an office, not of a person)'
        yield told(tree, (*at, "contact"), expected, repr(each.contact) if each.contact else "none", do)
    for n, service in enumerate(each.services):
        if not _SERVICE.fullmatch(service):
            expected = "a host such as fcm.googleapis.com, or *.push.apple.com for all below one"
            yield told(tree, (*at, "services", n), expected, repr(service), "write the host alone")
    if not each.services:
        do = "take the line away: the services of the usual browsers are known"
        yield told(tree, (*at, "services"), "at least one push service", "none", do)


def _targets(settings: Settings, tree: Node, pushes: set[str]) -> Iterator[Finding]:
    for name, policy in settings.alerts.policies.items():
        for n, step in enumerate(policy.steps):
            for m, target in enumerate(step.targets):
                kind, channel = split_target(target)
                if kind == "channel" and channel in pushes:
                    at: Path = ("alerts", "policies", name, "steps", n, "targets", m)
                    expected = "persons: a push goes to the phones of whom a step names"
                    do = "name duty, a group or a person; whose phone takes pushes is pushed to by itself"
                    yield told(tree, at, expected, f"channel:{channel}", do)


def _https(settings: Settings, tree: Node, name: str) -> Iterator[Finding]:
    if settings.board.certificate is None:
        expected = (
            "the staff page over HTTPS, with a certificate that the phones trust: no browser pushes else"
        )
        do = "set board.certificate and board.certificate_key, or let a proxy on this machine do it; "
        do += "see docs/how-to/web-push.md"
        yield told(tree, ("channel", name, "kind"), expected, "no certificate", do, warning=True)

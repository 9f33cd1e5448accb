"""What is wrong with channels: nowhere to send to, a service nobody knows, a digest where somebody waits.

No finding holds a URL of Apprise or a part of it but its scheme: the rest is passwords.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from gateway.model.alert import Priority
from gateway.model.problem import Finding
from gateway.settings.alerting import split_target
from gateway.settings.apprise_schemes import SCHEMES, UNUSABLE, scheme_of
from gateway.settings.channels import DIGEST
from gateway.settings.checks import finding
from gateway.settings.merge import Node, match, written
from gateway.settings.models import Settings
from gateway.settings.positions import Path
from gateway.settings.rule_checks import told

EXAMPLES = "mailtos://…, smseagle://…, ntfys://…"


def urls(tree: Node) -> Iterator[Finding]:
    """Say what is wrong with where channels send to, as far as it shows without asking the service."""
    for path, held in match(tree, "channel.*"):
        kind, own = held.get("kind"), held.get("apprise_url")
        if kind is None or not isinstance(held.value, dict):
            continue
        key = written((*path, "apprise_url"))
        if kind.value == "apprise":
            if held.get("url") is not None:
                do = f"take it away, and write the whole URL to secrets.toml:  velgate config set {key} -"
                yield finding((*path, "url"), held.get("url") or held, "apprise_url", "url", do)
            if own is None:
                expected = f"an apprise_url, such as {EXAMPLES}"
                yield finding(path, held, expected, "none", f"velgate config set {key} -")
            elif isinstance(own.value, str):
                yield from _scheme((*path, "apprise_url"), own, own.value)
        elif own is not None:
            do = 'write  kind = "apprise", or take the line away; it has no effect'
            yield finding((*path, "apprise_url"), own, f"nothing for {kind.value}", "a URL", do, warning=True)


def _scheme(path: Path, held: Node, url: str) -> Iterator[Finding]:
    scheme = scheme_of(url)
    do = "see https://appriseit.com/services for how the URL of a service is written"
    if scheme is None:
        expected = f"a URL that begins with the scheme of a service, such as {EXAMPLES}"
        yield finding(path, held, expected, f"a text of {len(url)} without a scheme", do)
    elif scheme not in SCHEMES:
        near = get_close_matches(scheme, SCHEMES, 1)
        hint = f"did you mean {near[0]}://? " if near else ""
        yield finding(path, held, "the scheme of a service that Apprise knows", f"{scheme}://", hint + do)
    elif SCHEMES[scheme] in UNUSABLE:
        found = f"{scheme}://, which does not work: {UNUSABLE[SCHEMES[scheme]]}"
        yield finding(path, held, "a service that can be sent to", found, "choose another service")


def digests(settings: Settings, tree: Node) -> Iterator[Finding]:
    """Refuse a digest wherever anybody but the technician would be told by it."""
    gather = {name for name, channel in settings.channel.items() if channel.way == DIGEST}
    if not gather:
        return
    grave = _not_technical(settings)
    for name, policy in settings.alerts.policies.items():
        if name not in grave:
            continue
        for n, step in enumerate(policy.steps):
            for m, target in enumerate(step.targets):
                kind, channel = split_target(target)
                if kind == "channel" and channel in gather:
                    at: Path = ("alerts", "policies", name, "steps", n, "targets", m)
                    expected = f"a channel that tells at once: {grave[name]} uses this policy"
                    do = "name another channel; a digest is for technical alerts alone"
                    yield told(tree, at, expected, f"{channel}, a digest", do)
    for person, known in settings.person.items():
        for n, channel in enumerate(known.channels):
            if channel in gather:
                do = f"take it away, and name  channel:{channel}  in a policy for technical alerts"
                expected = "a channel that tells at once: a person is told of calls by it"
                yield told(tree, ("person", person, "channels", n), expected, f"{channel}, a digest", do)


def _not_technical(settings: Settings) -> dict[str, str]:
    """Give the policies of whatever is not technical, with one that uses each."""
    supervision = settings.alerts.supervision
    used = {supervision.policy_unheard: "alerts.supervision.policy_unheard"}
    for name, rule in settings.alerts.rules.items():
        pairs = [(rule.priority, rule.policy), *((case.priority, case.policy) for case in rule.cases)]
        pairs += [(row.priority or rule.priority, row.policy or rule.policy) for row in rule.override]
        for priority, policy in pairs:
            if rule.enabled and priority is not Priority.TECHNICAL:
                used.setdefault(policy, f"the rule {name}")
    return used

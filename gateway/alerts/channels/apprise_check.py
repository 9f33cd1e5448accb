"""Whether the Apprise URLs of a configuration can be made into something that sends. Nothing is contacted.

Loads Apprise into the process that asks, so it belongs to commands, never to a gateway that runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.alerts.channels.task import NotSent
from gateway.model.problem import Finding
from gateway.settings.apprise_schemes import SCHEMES, scheme_of
from gateway.settings.checks import finding
from gateway.settings.merge import Node, match


def malformed(tree: Node) -> Iterator[Finding]:
    """Say which URLs lack something, or have it wrong, without showing any of them."""
    for path, held in match(tree, "channel.*.apprise_url"):
        url = held.value
        if not isinstance(url, str) or scheme_of(url) not in SCHEMES:
            continue  # told already
        try:
            _made(url)
        except NotSent as failed:
            scheme = scheme_of(url) or ""
            expected = f"a whole URL of {SCHEMES[scheme]}, as its service has it"
            do = (
                f"compare it with https://appriseit.com/services, scheme {scheme}; then  velgate channel test"
            )
            yield finding(path, held, expected, failed.reason, do)


def _made(url: str) -> None:
    from gateway.alerts.channels.apprise_send import made

    made(url)

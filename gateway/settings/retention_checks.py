"""What is wrong with how long things are kept: longer than is usual, and nobody says why.

Told as an error, so that nobody writes it without noticing; but a gateway starts with it all the same
(`loader.load`): a reason that is missing in a file of last year must leave no home without its calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from gateway.model.problem import Finding
from gateway.settings.merge import Node
from gateway.settings.models import Settings
from gateway.settings.retention import AUDIT_MOST, Reasons, Retention
from gateway.settings.rule_checks import told

SECTION = "retention"
KINDS = tuple(Reasons.model_fields)


def judge(settings: Settings, tree: Node) -> Iterator[Finding]:
    """Say of each kind of data that is kept longer than is usual whether its owner and reason are missing."""
    kept = settings.retention
    if kept.audit > AUDIT_MOST:
        do = f'write  retention.audit = "{AUDIT_MOST.days}d"  or less'
        yield told(tree, (SECTION, "audit"), "at most five years", f"{kept.audit.days} days", do)
    for kind in KINDS:
        span: timedelta = getattr(kept, kind)
        usual: timedelta = Retention.model_fields[kind].default
        if span > usual and kind not in kept.because.model_fields_set:
            expected = f"at most {usual.days} days, or retention.because.{kind} with owner and reason"
            do = f'write  retention.because.{kind} = {{owner = "an office", reason = "why so long"}}'
            yield told(tree, (SECTION, kind), expected, f"{span.days} days", do)

"""What is confirmed is kept and written down; what must not leave has not left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sim.facts import Facts
from sim.home import NAMES, PASSWORD, SECRET, TOKEN

WRITTEN = {
    "acknowledge": {"acknowledged", "taken_over", "reopened", "dispatched"},
    "presence": {"present"},
    "release": {"released"},
    "resolve": {"resolved"},
    "reopen": {"reopened"},
    "shelve": {"shelved"},
    "assist": {"assist"},
    "object": {"objected"},
}
"""How the log may call what a person did; the second asking of the same adds no line."""


def the_log_is_whole(facts: Facts) -> Iterator[str]:
    """No line of the audit log was changed or taken away."""
    if facts.ended.broken_audit is not None:
        yield f"line {facts.ended.broken_audit} of the audit log does not fit"
    if not facts.ended.audit:
        yield "the audit log is empty"


def what_was_confirmed_is_written_down(facts: Facts) -> Iterator[str]:
    """Everything that a person was told had worked stands in the audit log, whatever came after."""
    log = set(facts.ended.audit)
    # Help is called to a place: a second call by the same person from another alert there is a retry.
    log |= {(what, by, "") for what, by, _ in log if what == "assist"}
    for answer in facts.every("answer"):
        words = WRITTEN.get(answer["action"])
        if answer["said"] != "done" or words is None:
            continue
        about = "" if answer["action"] == "assist" else answer["alert"]
        if not any((word, answer["by"], about) in log for word in words):
            yield f"{answer['action']} of {answer['alert']} by {answer['by']} was confirmed and is lost"


def nothing_leaves_that_must_not(facts: Facts) -> Iterator[str]:
    """No resident's name, no key and no password stands in any byte that left."""
    ways: dict[str, list[bytes]] = defaultdict(list)
    for way, piece in facts.leaving.pieces:
        ways[way].append(piece)
    secret = [text.encode() for text in (*NAMES, PASSWORD, SECRET, TOKEN)]
    secret += [part.encode() for name in NAMES for part in name.split()]
    for thing in facts.things:
        if thing.key is not None:
            secret += [thing.key, thing.key.hex().encode(), thing.key.hex().upper().encode()]
    for way, pieces in ways.items():
        text = b"\n".join(pieces)
        for each in secret:
            if each in text:
                yield f"{each!r} left by {way}"
    if not ways:
        yield "nothing has left at all"

"""`velgate alert audit`: the audit log, the looks at values in it, and whether it is whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from gateway.cli.options import STATE, By, Json, State, who_or_operator
from gateway.model.problem import Exit, Problem

EXAMPLE = "Example: velgate alert audit --verify"
HEAD = re.compile(r"([0-9]{1,18}):([0-9a-fA-F]{64})")


def audit(
    verify: Annotated[bool, Option("--verify", help="Check that no entry was removed or changed.")] = False,
    looks: Annotated[bool, Option("--looks", help="Only who has looked at values: where, of what.")] = False,
    head: Annotated[
        list[str] | None, Option(metavar="SEQ:HASH", help="A head noted elsewhere, to verify against.")
    ] = None,
    after: Annotated[int, Option(min=0, metavar="SEQ", help="Only entries after this one.")] = 0,
    limit: Annotated[int, Option(min=1, max=1000, help="At most so many.")] = 100,
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Show the audit log, or check that it is whole.

    It names people: only a person with the right audit may see it.

    --verify reads the journal itself, running gateway or not: the chain, and the heads that were noted beside
    it. A broken one is exit 1, naming the first entry.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say

    if verify or head:
        _verify(state, [_head(each) for each in head or ()], json=json)
        return
    person = who_or_operator(by)
    page = Gateway(state).get(
        "/api/v1/audit", after=after, limit=limit, looks=1 if looks else None, by=person
    )
    if json:
        emit(page)
        return
    _print(page["entries"], looks=looks)
    if page["next"]:
        more = " --looks" if looks else ""
        say(f"There is more:  velgate alert audit{more} --after {page['next']}")


def _print(entries: list[dict[str, Any]], *, looks: bool) -> None:
    from gateway.cli.say import table

    if looks:
        heads = ("seq", "time", "by", "source", "places", "kinds")
        rows = [
            [*(row[head] for head in heads[:4]), row["detail"].get("places"), row["detail"].get("quantities")]
            for row in entries
        ]
    else:
        heads = ("seq", "time", "what", "by", "source", "alert")
        rows = [[*(row[head] for head in heads[:-1]), row["alert"] and row["alert"][-6:]] for row in entries]
    table(heads, rows)


def _head(text: str) -> tuple[int, str]:
    found = HEAD.fullmatch(text.strip())
    if found is None:
        expected = "a number and a hash of 64 hexadecimal digits, as --verify prints them"
        do = "copy it from  velgate status --json  (journal, audit), or from an earlier --verify"
        raise Problem("--head", expected=expected, found=repr(text)[:80], do=do, exit=Exit.USAGE)
    return int(found[1]), found[2].lower()


def _verify(state: Path, noted: list[tuple[int, str]], *, json: bool) -> None:
    from gateway.cli.say import count, emit, say
    from gateway.health.clock import SystemClock
    from gateway.journal.offline import verify_audit

    found = verify_audit(state, SystemClock(), noted)
    if json:
        emit(
            {
                "ok": found.broken is None,
                "last": found.last,
                "hash": found.hash,
                "first_broken": found.broken,
                "heads": found.heads,
            }
        )
    if found.broken is not None:
        if not found.by_head:
            expected, unlike = "the hash of the entry before it", "another: an entry was changed or removed"
        else:
            expected = "the entries that were noted while they were written"
            unlike = "others: from here on entries were removed, or the log was written anew"
        raise Problem(
            f"audit entry {found.broken}",
            expected=expected,
            found=unlike,
            do="keep a copy of the state folder and tell whoever is responsible for data protection",
        )
    heads = count(found.heads, "noted head")
    say(f"The audit log is whole, up to entry {found.last}, by its chain and {heads}.")
    say(f"To note where nobody of this machine can change it:  {found.last}:{found.hash}")

"""`velgate config`: the effective configuration, where each value comes from, what differs, one value set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from gateway.cli.options import CONFIG, STATE, Config, Json, State
from gateway.model.problem import Exit, Problem

if TYPE_CHECKING:
    from gateway.settings.loader import Loaded
    from gateway.settings.merge import Node
    from gateway.settings.positions import Path as KeyPath

HIDDEN = "•••"
"""Stands where a secret is."""
BUILT_IN = ("site", "mqtt", "influx", "board", "radio", "retention", "heartbeat", "night")
"""Tables whose defaults are shown too; those of each device, rule and person stand in the handbook."""
OWN = ("site", "place", "device", "person")
"""What every home has of its own: no difference to speak of."""

app = typer.Typer(
    no_args_is_help=True,
    help="The configuration: show it, compare it, set a value.",
    epilog="Example: velgate config show --origin",
)


@app.command(epilog="Example: velgate config show alerts.policies --origin")
def show(
    key: Annotated[str, Argument(help="Only what stands below this key.")] = "",
    config: Config = CONFIG,
    origin: Annotated[bool, Option("--origin", help="Say file and line of each value.")] = False,
    json: Json = False,
) -> None:
    """Show the effective configuration; secrets are hidden."""
    from gateway.cli import say
    from gateway.settings.loader import load

    found = load(config)
    rows = [row for row in _rows(found) if _below(row["key"], key)]
    if json:
        say.emit(rows if origin else {row["key"]: row["value"] for row in rows})
    else:
        for row in rows:
            where = f"{row['file']}:{row['line']}" if row["file"] else "built in"
            say.show(f"{row['key']} = {_toml(row['value'])}" + (f"  # {where}" if origin else ""))
    if key and not rows:
        do = "velgate config show"
        raise Problem(key, expected="a key of the configuration", found="nothing", do=do, exit=Exit.NOT_FOUND)
    _ = found.settings  # what is wrong is said after what there is


@app.command(epilog="Example: velgate config diff --against base")
def diff(
    config: Config = CONFIG,
    against: Annotated[str, Option(metavar="LAYER", help="base, municipality or home.")] = "base",
    everything: Annotated[bool, Option("--all", help="Places, devices and people too.")] = False,
    json: Json = False,
) -> None:
    """Show what differs from a lower layer.

    With file, line, and the reason if one is given.
    """
    from gateway.cli import say
    from gateway.settings.layers import LAYERS
    from gateway.settings.loader import load
    from gateway.settings.merge import written

    if against not in ("base", *LAYERS[:-1]):
        expected = "base, municipality or home"
        raise Problem("--against", expected=expected, found=repr(against), do="name one", exit=Exit.USAGE)
    found = load(config)
    reasons = {item.key: item.why for item in found.settings.deviation}
    rows = [
        {
            "key": written(path),
            "below": _value(path, below) if below is not None else None,
            "value": _value(path, held),
            "file": held.origin.file,
            "line": held.origin.line,
            "why": reasons.get(written(path)),
        }
        for path, below, held in _differences(found, against)
        if everything or path[0] not in OWN
    ]
    if json:
        say.emit(rows)
        return
    for row in rows:
        why = f"  ({row['why']})" if row["why"] else ""
        before = "nothing" if row["below"] is None else _toml(row["below"])
        say.show(f"{row['key']}: {before} → {_toml(row['value'])}  # {row['file']}:{row['line']}{why}")
    say.say(f"{say.count(len(rows), 'difference')} against {against}.")


@app.command(
    "set",
    epilog="Example: velgate config set alerts.policies.emergency.steps.0.after 45s --layer home",
    context_settings={"ignore_unknown_options": True},
)
def set_value(
    key: Annotated[str, Argument(help="A key path, such as site.phone; numbers count into lists.")],
    value: Annotated[str, Argument(help="A TOML value, or plain text; - reads it from stdin.")],
    config: Config = CONFIG,
    state: State = STATE,
    layer: Annotated[
        str, Option(metavar="LAYER", help="municipality, home or gateway; secrets go to secrets.toml.")
    ] = "gateway",
) -> None:
    """Set one value. Comments and order stay; a value that adds an error is refused."""
    from gateway.cli.options import secret as asked
    from gateway.cli.reload import commit
    from gateway.settings.edits import Change
    from gateway.settings.layers import LAYERS
    from gateway.settings.shape import secret

    path = _path(key)
    if layer not in LAYERS:
        expected = ", ".join(LAYERS)
        raise Problem("--layer", expected=expected, found=repr(layer), do="name one", exit=Exit.USAGE)
    if value == "-":
        value = asked(key, "VALUE", "type it, or pipe it in")
    elif secret(path):
        do = f"velgate config set {key} -"
        found = "it as an argument, which others on this machine can see"
        raise Problem(key, expected="a secret from stdin", found=found, do=do, exit=Exit.USAGE)
    change = Change(config)
    change.set(path, _parsed(path, value), layer=layer)
    commit(change, state, f"Set {key}{'' if secret(path) else f' to {value}'}.")


def _rows(found: Loaded) -> Iterator[dict[str, Any]]:
    from gateway.settings.merge import walk, written

    told = set()
    for path, held in walk(found.tree):
        if path:
            told.add(written(path))
            origin = held.origin
            yield {
                "key": written(path),
                "value": _value(path, held),
                "layer": origin.layer,
                "file": origin.file,
                "line": origin.line,
            }
    if found.valid is not None:
        for name, value in _built_in((), found.valid.model_dump(mode="json", exclude_none=True)):
            if name not in told and not any(known.startswith(f"{name}.") for known in told):
                yield {"key": name, "value": value, "layer": "built in", "file": None, "line": None}


def _built_in(path: KeyPath, value: Any) -> Iterator[tuple[str, Any]]:
    """Give the defaults that no file sets."""
    from gateway.settings.merge import written

    if not isinstance(value, dict):
        yield written(path), value
        return
    for key, item in value.items():
        if len(path) > 0 or key in (
            "mqtt",
            "influx",
            "board",
            "radio",
            "retention",
            "heartbeat",
            "night",
            "site",
        ):
            yield from _built_in((*path, key), item)


def _differences(found: Loaded, against: str) -> Iterator[tuple[KeyPath, Node | None, Node]]:
    from gateway.settings.layers import LAYERS
    from gateway.settings.merge import merge, plain, walk

    order = ("base", *LAYERS)
    trees = [found.layers[layer] for layer in order[: order.index(against) + 1] if layer in found.layers]
    lower = trees[0] if trees else None
    for tree in trees[1:]:
        lower = merge(lower, tree, []) if lower is not None else tree
    for path, held in walk(found.tree):
        below = lower.get(*path) if lower is not None else None
        if path and held.origin.layer != "secrets" and (below is None or plain(below) != plain(held)):
            yield path, below, held


def _value(path: KeyPath, held: Node) -> Any:
    from gateway.settings.merge import plain
    from gateway.settings.shape import secret

    if secret(path, held.origin):
        return HIDDEN
    value = plain(held)
    return value if isinstance(value, str | int | float | bool | list | dict) else str(value)


def _toml(value: Any) -> str:
    from gateway.settings.rewrite import literal

    return HIDDEN if value == HIDDEN else literal(value)


def _below(key: str, wanted: str) -> bool:
    return not wanted or key == wanted or key.startswith(f"{wanted}.")


def _path(key: str) -> KeyPath:
    """Read a key path as TOML would. Raises `Problem` (exit 2)."""
    import tomllib

    from gateway.settings.positions import scan

    text = f"{key} = 0\n"
    try:
        tomllib.loads(text)
        (pair,) = scan(text).pairs
    except (tomllib.TOMLDecodeError, ValueError):
        expected, do = "a key path such as site.phone", "write it as  velgate config show  does"
        raise Problem(key, expected=expected, found="something else", do=do, exit=Exit.USAGE) from None
    return pair.path


def _parsed(path: KeyPath, text: str) -> Any:
    """Read a value: text where the key takes text, else TOML, else text."""
    import tomllib

    from gateway.settings.shape import takes_text

    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text
    return text if takes_text(path) and not isinstance(value, str) else value

"""One demo for all tests of the contract: each uses a device of its own, and leaves no alert behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from support.contract import cli
from support.whole_house import Demo, demo_running

USUAL = (8734, 18830)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run `velgate demo --json --quiet --state DIR` while somebody else has the usual ports."""
    folder = tmp_path_factory.mktemp("contract")
    with ExitStack() as stack:
        for port in USUAL:
            holder = stack.enter_context(socket.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):  # somebody has it already
                holder.bind(("127.0.0.1", port))
                holder.listen()
        yield stack.enter_context(demo_running(folder, "--quiet", state=folder / "st"))


@pytest.fixture(scope="session")
def token(demo: Demo) -> str:
    """Give a bearer token of `nat`, who is care staff without any right."""
    made = cli(demo, "staff", "token", "nat")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()

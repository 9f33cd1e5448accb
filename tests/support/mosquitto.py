"""A real Mosquitto of a test's own: a child process on a free loopback port, with password and ACL.

    with mosquitto(tmp_path) as broker:
        async with aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5) as client: ...

It can be killed, restarted on the same port, and stopped dead (SIGSTOP) to look like a network that hangs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiomqtt

from support.children import die_with_parent, end, free_port
from support.eventually import eventually_blocking

USER, PASSWORD = "velgate", "a-password-of-the-tests"


class Mosquitto:
    """One broker. Use `mosquitto(...)`; by hand, `start()` it and `stop()` it."""

    host = "127.0.0.1"

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        acl: str | None = None,
        persistence: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        """Write the configuration into `folder`.

        `users` is name to password (default: `velgate`); an empty mapping lets anybody in. `acl` is the
        text of a Mosquitto ACL file. With `persistence` sessions and retained messages outlive `restart()`.
        `options` are further configuration lines.
        """
        self.folder = folder / "mosquitto"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.users = dict({USER: PASSWORD} if users is None else users)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        lines = [
            *(["user root"] if os.getuid() == 0 else []),
            "per_listener_settings false",
            f"allow_anonymous {'false' if self.users else 'true'}",
            "max_inflight_messages 20",
            "max_queued_messages 100000",
            "set_tcp_nodelay true",
            f"listener {self.port} {self.host}",
            f"log_dest file {self.log_file}",
            "log_type all",
            "connection_messages true",
            *options,
        ]
        if self.users:
            passwords = self.folder / "passwords"
            passwords.touch(0o600)
            for name, password in self.users.items():
                command = ["mosquitto_passwd", "-b", str(passwords), name, password]
                subprocess.run(command, check=True, capture_output=True)
            lines.append(f"password_file {passwords}")
        if acl is not None:
            rules = self.folder / "acl"
            rules.write_text(acl)
            rules.chmod(0o600)
            lines.append(f"acl_file {rules}")
        if persistence:
            lines += ["persistence true", f"persistence_location {self.folder}/", "autosave_interval 1"]
        self._config = self.folder / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def log_file(self) -> Path:
        """What the broker writes about connections and packets."""
        return self.folder / "mosquitto.log"

    def log(self) -> str:
        """Give its log so far."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def login(self, user: str | None = None) -> dict[str, Any]:
        """Give the arguments with which `aiomqtt.Client` connects as `user` (default: the first)."""
        who: dict[str, Any] = {"hostname": self.host, "port": self.port}
        if self.users:
            name = user or next(iter(self.users))
            who |= {"username": name, "password": self.users[name]}
        return who

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            ["mosquitto", "-c", str(self._config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
            start_new_session=True,
        )
        eventually_blocking(self._answers)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"mosquitto ended with {self.process.returncode}: {self.log()[-2000:]}")
        try:
            with socket.create_connection((self.host, self.port), timeout=1):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """End it in order (SIGTERM: it saves its database)."""
        if self.process is not None:
            end(self.process)
            self.process = None

    def kill(self) -> None:
        """End it as a power cut would; what it had not saved is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        """Stop it in order and start it on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing answers."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End the hang."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def mosquitto(
    folder: Path,
    *,
    users: Mapping[str, str] | None = None,
    acl: str | None = None,
    persistence: bool = False,
    options: Sequence[str] = (),
) -> Iterator[Mosquitto]:
    """Run a broker for the length of the block; the arguments are those of `Mosquitto`."""
    broker = Mosquitto(folder, users=users, acl=acl, persistence=persistence, options=options)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


async def until_marker(client: aiomqtt.Client, below: str = "marker") -> AsyncIterator[aiomqtt.Message]:
    """Give what the broker sends up to a message of our own: all that it retains for what was subscribed.

    A broker sends in order, so nobody has to guess how long it takes.
    """
    marker = f"{below}/{uuid4()}"
    await client.subscribe(marker, qos=1)
    await client.publish(marker, b"here", qos=1)
    async for message in client.messages:
        if str(message.topic) == marker:
            return
        yield message

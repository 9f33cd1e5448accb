"""One connection of the simulated bluetoothd to a D-Bus: calls come in, replies and signals go out."""

from __future__ import annotations

import array
import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

from dbus_fast import Message, MessageFlag, MessageType, NameFlag, RequestNameReply
from dbus_fast.aio import MessageBus

from firmware_sim.bluez.names import BLUEZ, DBUS, BluezError
from firmware_sim.problem import Exit, SimProblem

SEND_BUFFER_B: Final = 1 << 20  # the kernel gives what it allows
BACKLOG_MAX: Final = 2_000  # signals not yet written; above it advertisements are dropped, as radios do


class _PatientSocket:
    """The connection's socket for dbus-fast's writer, which takes EAGAIN for the end of the connection.

    A full socket buffer is told as "0 octets written": the writer then waits until there is room.
    """

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain

    def send(self, data: memoryview) -> int:
        try:
            return self._plain.send(data)
        except BlockingIOError:
            return 0

    def sendmsg(self, buffers: list[memoryview], ancillary: list[tuple[int, int, array.array[int]]]) -> int:
        return self._plain.sendmsg(buffers, ancillary)


class Wire:
    """A connected bus, with `org.bluez` owned.

    `on_call` gets each method call; it answers later by `reply` or `refuse`. `on_gone` gets the unique
    name of each client that leaves the bus. `muted` keeps every reply and signal back (a hung daemon).
    """

    def __init__(self, bus: MessageBus) -> None:
        """Wrap a connected bus; `open_wire` makes one."""
        self._bus = bus
        writer: Any = bus._writer  # noqa: SLF001  (no public way to mend its EAGAIN handling)
        self._writer = writer
        self._writer.sock = _PatientSocket(self._writer.sock)
        self.on_call: Callable[[Message], None] = lambda _: None
        self.on_gone: Callable[[str], None] = lambda _: None
        self.muted = False
        bus.add_message_handler(self._take)

    @property
    def backlog(self) -> int:
        """How many messages wait for the bus to take them."""
        return len(self._writer.messages)

    def _take(self, message: Message) -> bool | None:
        if message.message_type is MessageType.METHOD_CALL:
            self.on_call(message)
            return True
        if (
            message.message_type is MessageType.SIGNAL
            and message.member == "NameOwnerChanged"
            and message.sender == DBUS
        ):
            name, _, new_owner = message.body
            if not new_owner and name.startswith(":"):
                self.on_gone(name)
        return None

    def signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        """Send one signal, unless the daemon is hung."""
        if not self.muted:
            self._send(Message.new_signal(path, interface, member, signature, body))

    def reply(
        self, call: Message, signature: str = "", body: Sequence[Any] = (), fds: Sequence[int] = ()
    ) -> None:
        """Answer a call; `fds` are handed over and closed here once they are sent."""
        sent = self._answer(call, Message.new_method_return(call, signature, list(body), list(fds)))
        if fds and sent is not None:
            sent.add_done_callback(lambda _: _close(fds))

    def refuse(self, call: Message, error: BluezError) -> None:
        """Answer a call with an error."""
        self._answer(call, Message.new_error(call, error.name, error.text))

    def _answer(self, call: Message, message: Message) -> asyncio.Future[Any] | None:
        if call.flags & MessageFlag.NO_REPLY_EXPECTED:
            return None
        return self._send(message)

    def _send(self, message: Message) -> asyncio.Future[Any] | None:
        return self._bus.send(message) if self._bus.connected else None

    async def wait_for_disconnect(self) -> None:
        """Return or raise when the bus has ended the connection."""
        bus: Any = self._bus
        await bus.wait_for_disconnect()

    def close(self) -> None:
        """Leave the bus; the name is free at once."""
        self._bus.disconnect()


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


async def open_wire(address: str) -> Wire:
    """Connect to the bus at `address` and become `org.bluez` on it.

    Raises SimProblem if there is no bus or somebody else is `org.bluez` already.
    """
    try:
        bus = await MessageBus(bus_address=address, negotiate_unix_fd=True).connect()
    except OSError as error:
        raise SimProblem(
            address,
            expected="a D-Bus that accepts connections",
            found=error.strerror or type(error).__name__,
            do="Leave --bus out: the simulator then starts a bus of its own.",
            exit_code=Exit.UNREACHABLE,
        ) from None
    sock: Any = bus._sock  # noqa: SLF001  (no public way to set its buffer)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_B)
    wire = Wire(bus)
    await bus.call(
        Message(
            destination=DBUS,
            path="/org/freedesktop/DBus",
            interface=DBUS,
            member="AddMatch",
            signature="s",
            body=[f"type='signal',sender='{DBUS}',interface='{DBUS}',member='NameOwnerChanged'"],
        )
    )
    answer = await bus.request_name(BLUEZ, NameFlag.DO_NOT_QUEUE)
    if answer is not RequestNameReply.PRIMARY_OWNER:
        bus.disconnect()
        raise SimProblem(
            f"{BLUEZ} on {address}",
            expected="a free name",
            found="another program that owns it",
            do="Stop the other simulator (or bluetoothd), or leave --bus out.",
            exit_code=Exit.FAILED,
        )
    return wire

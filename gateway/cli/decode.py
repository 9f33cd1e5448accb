"""`velgate decode`: frames in, readings out, offline. Loads nothing that it does not need."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from gateway.model.problem import Exit, Problem

if TYPE_CHECKING:
    from gateway.intake.offline import OfflineDecoder

CHUNK = 1 << 16  # bytes read at once; what a pipe has is taken as it comes
LINE_MAX = 1 << 20  # bytes of one line; a longer one is malformed and is not kept


def decode_command(
    file: str | None, key: Sequence[str] = (), driver: str | None = None, stats: bool = False
) -> int:
    """Decode a file of frames or a btsnoop capture, or standard input (`-` or None). Gives the exit code.

    Raises Problem for wrong usage, an unknown driver, or a file that cannot be read.
    """
    from gateway.intake.children import Children
    from gateway.intake.host import DriverHost
    from gateway.intake.loading import load
    from gateway.intake.offline import OfflineDecoder

    began = time.perf_counter()
    keys = dict(parse_key(text) for text in key)
    if keys:
        from gateway.model.ccm import prepare

        prepare()
    with opened(file) as descriptor:
        children = Children()
        drivers, findings = load(children, only=driver)
        host = DriverHost(drivers, children=children, findings=findings, share_max=float("inf"))
        for finding in host.findings:
            sys.stderr.write(f"{finding.where}: {finding.found}. {finding.do}\n")
        if driver is not None and driver not in host.drivers:
            raise Problem(
                driver,
                expected="the name of an installed driver",
                found="none of that name",
                do="see  velgate driver list",
                exit=Exit.NOT_FOUND,
            )
        decoder = OfflineDecoder(host, keys, driver)
        try:
            pump(answers(pieces(descriptor, file), decoder))
        finally:
            host.close()
    if stats:
        took = time.perf_counter() - began
        sys.stderr.write(
            f"{decoder.frames} frames, {decoder.readings} readings in {took:.3f} s: "
            f"{decoder.frames / took:,.0f} frames/s\n"
        )
        for name, count in [*decoder.by_driver.most_common(), *decoder.by_error.most_common()]:
            sys.stderr.write(f"  {name:16} {count}\n")
    return Exit.DONE


def pump(batches: Iterator[list[bytes]]) -> None:
    """Write each answer on a line, as they come; ends where there are no more, or nobody reads on."""
    write = sys.stdout.buffer.write
    try:
        for answered in batches:
            if answered:
                write(b"\n".join(answered) + b"\n")
                sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing stdout complains


def answers(data: Iterator[bytes], decoder: OfflineDecoder) -> Iterator[list[bytes]]:
    """Decode a capture or JSON lines, as many at once as have come."""
    from gateway.model.btsnoop import MAGIC, BtsnoopBroken, BtsnoopReader

    first = b""
    for piece in data:
        first += piece
        if len(first) >= len(MAGIC) or not MAGIC.startswith(first):
            break
    whole = chain([first], data)
    if not first.startswith(MAGIC):
        yield from line_answers(whole, decoder)
        return
    reader = BtsnoopReader()
    try:
        for piece in whole:
            yield [decoder.frame(frame) for _, frame in reader.feed(piece)]
        reader.end()
    except BtsnoopBroken as broken:
        yield [decoder.broken(str(broken))]


def line_answers(data: Iterator[bytes], decoder: OfflineDecoder) -> Iterator[list[bytes]]:
    """Answer each line with a line. One that is longer than `LINE_MAX` is malformed, and is not kept."""
    rest = b""
    beginning, overlong = True, False
    too_long = f"line: expected one JSON object, found more than {LINE_MAX} bytes without an end"
    for piece in data:
        if beginning:
            piece = piece.removeprefix(b"\xef\xbb\xbf")
            beginning = False
        *lines, rest = (rest + piece).split(b"\n")
        out = []
        if overlong and lines:
            out, overlong = [decoder.broken(too_long)], False
            del lines[0]
        yield out + [decoder.line(line) for line in lines]
        if overlong or len(rest) > LINE_MAX:
            rest, overlong = b"", True
    if overlong:
        yield [decoder.broken(too_long)]
    elif rest:
        yield [decoder.line(rest)]


def pieces(descriptor: int, file: str | None) -> Iterator[bytes]:
    """Give what a descriptor has, as it comes. Raises Problem where it cannot be read."""
    while True:
        try:
            data = os.read(descriptor, CHUNK)
        except OSError as error:
            raise Problem(
                file or "standard input",
                expected="frames, one JSON object a line",
                found=(error.strerror or "an error").lower(),
                do="give a file of frames, or - for standard input",
                exit=Exit.USAGE if isinstance(error, IsADirectoryError) else Exit.FAILED,
            ) from None
        if not data:
            return
        yield data


@contextlib.contextmanager
def opened(file: str | None) -> Iterator[int]:
    """Open a file, or standard input."""
    if file in (None, "-"):
        yield sys.stdin.fileno()
        return
    try:
        descriptor = os.open(str(file), os.O_RDONLY)
    except OSError as error:
        raise Problem(
            str(file),
            expected="a file that can be read",
            found=(error.strerror or "an error").lower(),
            do="give a file of frames, one JSON object a line, or - for standard input",
            exit=Exit.USAGE,
        ) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def parse_key(text: str) -> tuple[str, bytes]:
    """Read `ADDRESS=HEX`. Raises Problem, which never shows the key."""
    address, mark, digits = text.partition("=")
    octets = address.strip().upper().replace("-", ":")
    try:
        raw = bytes.fromhex(octets.replace(":", ""))
        key = bytes.fromhex(digits.strip())
    except ValueError:
        raw, key = b"", b""
    if not mark or len(raw) != 6 or not key:
        raise Problem(
            "--key",
            expected="ADDRESS=HEX, such as A4:C1:38:00:00:01=231d39c1…",
            found="something else",
            do="copy address and key again from the device's label or app",
            exit=Exit.USAGE,
        )
    return raw.hex(":").upper(), key

"""One command, run to its end: bounded in time and output, and gone with all that it started."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from reins.tools.sandbox.output import Output

OUTPUT_BYTES = 32 << 20
"""Bytes of output after which a command is ended."""
End = Literal["exited", "signal", "time", "output"]
_STDIN, _STDOUT = 0, 1


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended: how, with which code or signal, after how long, and its output."""

    end: End
    code: int
    took_s: float
    output: str
    output_bytes: int

    @property
    def ok(self) -> bool:
        return self.end == "exited" and self.code == 0


class _Command(asyncio.SubprocessProtocol):
    """Takes the output, and knows when the command and whoever holds its output are done."""

    def __init__(self, most_bytes: int) -> None:
        loop = asyncio.get_running_loop()
        self.output = Output()
        self.over: asyncio.Future[End] = loop.create_future()
        self.exited = loop.create_future()
        self._most_bytes = most_bytes
        self._closed = False

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != _STDOUT:
            return
        self.output.feed(data)
        if self.output.size_bytes > self._most_bytes and not self.over.done():
            self.over.set_result("output")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        if fd == _STDOUT:
            self._closed = True
            self._settle()

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)
        self._settle()

    def _settle(self) -> None:
        if self._closed and self.exited.done() and not self.over.done():
            self.over.set_result("exited")


async def run(
    line: Sequence[str],
    *,
    time_s: float,
    stdin: bytes = b"",
    passed: Sequence[int] = (),
    output_bytes: int = OUTPUT_BYTES,
    cwd: str | None = None,
) -> Ran:
    """Run a command line; output and errors come together, in their order.

    From the loop: a sandbox ends with the thread that started it. Cancelled, the command is killed
    before this returns. Raises: OSError where it cannot be started.
    """
    began = time.perf_counter()
    transport, command = await asyncio.get_running_loop().subprocess_exec(
        lambda: _Command(output_bytes),
        *line,
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.defpath},
        cwd=cwd,
        pass_fds=passed,
        start_new_session=True,
    )
    try:
        if stdin:
            pipe = cast("asyncio.WriteTransport", transport.get_pipe_transport(_STDIN))
            pipe.write(stdin)
            pipe.write_eof()
        await asyncio.wait([command.over], timeout=time_s)
        if not command.over.done():
            command.over.set_result("time")
    finally:
        await _end(transport, command)
    code = transport.get_returncode() or 0
    end = command.over.result()
    if end == "exited" and code < 0:
        end = "signal"
    took_s = time.perf_counter() - began
    return Ran(end, abs(code), took_s, command.output.text(), command.output.size_bytes)


async def _end(transport: asyncio.SubprocessTransport, command: _Command) -> None:
    """Kill whatever is left of it; its group, since without a sandbox it may have children."""
    if not (command.over.done() and command.over.result() == "exited"):
        # Whoever holds the output keeps the group, and so its number.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        # One that left the group would hold the output open for ever.
        if (pipe := transport.get_pipe_transport(_STDOUT)) is not None:
            pipe.close()
        await command.exited
    transport.close()

"""One command, run to its end: bounded in time, output and memory, and gone with all it started."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol, cast

from reins.tools import child
from reins.tools.sandbox import tree
from reins.tools.sandbox.output import Output
from reins.tools.threads import in_thread

OUTPUT_BYTES = 32 << 20
"""Bytes of output after which a command is ended."""
End = Literal["exited", "signal", "time", "output", "memory", "processes"]
Ending = Literal["group", "namespace", "launcher"]
"""Whom to kill so that all are gone: the command's group; the first process of its namespace, whose
end the kernel makes known when all others are gone; a launcher, which is asked, and ends them."""
_STDIN, _STDOUT = 0, 1
_WATCH_S = 0.1
_ENDS_S = 2.0
_BY_SIGNAL = 128
"""A shell, `timeout` and bubblewrap add it to the number of the signal that ended a command."""


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

    @property
    def signal(self) -> str:
        """Name of the signal that ended it, or nothing."""
        number = self.code if self.end == "signal" else self.code - _BY_SIGNAL
        try:
            return signal.Signals(number).name
        except ValueError:
            return ""


class Bounds(Protocol):
    """Bounds of all processes together."""

    @property
    def memory_bytes(self) -> int: ...

    @property
    def processes(self) -> int: ...


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
        if fd != _STDOUT or self.over.done():
            return
        self.output.feed(data)
        if self.output.size_bytes > self._most_bytes:
            self.end("output")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        if fd == _STDOUT:
            self._closed = True
            self._settle()

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)
        self._settle()

    def end(self, how: End) -> None:
        if not self.over.done():
            self.over.set_result(how)

    @property
    def ended(self) -> bool:
        """True when it has exited, and nobody holds its output any more."""
        return self._closed and self.exited.done()

    def _settle(self) -> None:
        if self.ended:
            self.end("exited")


async def run(
    line: Sequence[str],
    *,
    time_s: float,
    stdin: bytes = b"",
    passed: Sequence[int] = (),
    output_bytes: int = OUTPUT_BYTES,
    bounds: Bounds | None = None,
    cwd: str | None = None,
    ending: Ending = "group",
) -> Ran:
    """Run a command line; output and errors come together, in their order.

    From the loop: a sandbox ends with the thread that started it. Cancelled, the command is killed
    before this returns. Raises: OSError where it cannot be started.
    """
    began = time.perf_counter()
    transport, command = await _begun(
        _start(line, output_bytes, passed, cwd, with_stdin=bool(stdin)), ending
    )
    try:
        if stdin:
            pipe = cast("asyncio.WriteTransport", transport.get_pipe_transport(_STDIN))
            pipe.write(stdin)
            pipe.write_eof()
        await _watch(command, transport.get_pid(), time_s, bounds)
    finally:
        await _end(transport, command, ending)
    code = transport.get_returncode() or 0
    end = command.over.result()
    if end == "exited" and code < 0:
        end = "signal"
    took_s = time.perf_counter() - began
    return Ran(end, abs(code), took_s, command.output.text(), command.output.size_bytes)


_Started = tuple[asyncio.SubprocessTransport, _Command]


async def _begun(start: Coroutine[Any, Any, _Started], ending: Ending) -> _Started:
    """Start it. Cancelled meanwhile, it is killed once it stands: half-made, it would go on."""
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await _end(*await starting, ending)
        raise


async def _start(
    line: Sequence[str],
    output_bytes: int,
    passed: Sequence[int],
    cwd: str | None,
    *,
    with_stdin: bool,
) -> _Started:
    return await child.start(
        lambda: _Command(output_bytes),
        line,
        stdin=asyncio.subprocess.PIPE if with_stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.defpath},
        cwd=cwd,
        pass_fds=passed,
    )


async def _watch(command: _Command, pid: int, time_s: float, bounds: Bounds | None) -> None:
    """Wait until the command is over, or has to be."""
    looking = None
    if bounds is not None:
        looking = asyncio.create_task(_look(command, pid, bounds), name="bounds of a command")
    try:
        await asyncio.wait([command.over], timeout=time_s)
        command.end("time")
    finally:
        if looking is not None:
            looking.cancel()


async def _look(command: _Command, pid: int, bounds: Bounds) -> None:
    """Look at its processes now and then. A command that ends at once is not looked at."""
    look = partial(tree.exceeded, pid, bounds.memory_bytes, bounds.processes)
    while not command.over.done():
        await asyncio.sleep(_WATCH_S)
        with contextlib.suppress(RuntimeError):  # no thread can be had just now
            if (bound := await in_thread(look)) is not None:
                command.end(bound)


async def _end(transport: asyncio.SubprocessTransport, command: _Command, ending: Ending) -> None:
    """Kill whatever is left of it, and wait until it is gone."""
    try:
        if not (command.over.done() and command.over.result() == "exited"):
            await _kill(transport.get_pid(), command, ending)
    finally:
        # One that left the group would hold the output open for ever.
        if (pipe := transport.get_pipe_transport(_STDOUT)) is not None:
            pipe.close()
        transport.close()


async def _kill(pid: int, command: _Command, ending: Ending) -> None:
    if ending != "group" and not command.exited.done():
        first = [pid] if ending == "launcher" else tree.children(pid)
        for each in first:
            _signal(each, signal.SIGTERM if ending == "launcher" else signal.SIGKILL)
        if first:
            await asyncio.wait([command.exited], timeout=_ENDS_S)
    if not command.ended:  # whoever holds the output keeps the group, and so its number
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    await command.exited


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)

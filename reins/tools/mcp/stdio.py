"""The transport to a server that is a process here: bounded lines, errors kept, ended with all.

Source: modelcontextprotocol.io/specification, transports and lifecycle.
"""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable
from types import TracebackType

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter

from reins.tools import child
from reins.tools.mcp.launching import Launch
from reins.tools.mcp.lines import LINE_BYTES, EndlessLineError, Lines, TooLong

_Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]
_READ_BYTES = 64 * 1024
_NOISE = 1_000
"""Lines that are no messages; a server that writes more of them is ended."""
_ENDS_S = 2.0
"""Seconds that a process has to end: by itself, then after a signal."""
_SHOWN = 200


class Stdio:
    """A pair of streams to a process. `fault` is called with what is wrong with its output."""

    def __init__(self, launch: Launch, fault: Callable[[str], object]) -> None:
        self._launch = launch
        self._fault = fault
        self.ended = asyncio.Event()
        """Set once nothing more will come."""
        self.errors: deque[str] = deque(maxlen=20)
        """The newest lines of its standard error."""
        self._noise = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> _Streams:
        launch = self._launch
        loop = asyncio.get_running_loop()
        self._transport, protocol = await child.start(
            lambda: asyncio.subprocess.SubprocessStreamProtocol(limit=_READ_BYTES, loop=loop),
            launch.line,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=launch.variables,
            cwd=launch.cwd,
            pass_fds=launch.passed,
        )
        self._process = asyncio.subprocess.Process(self._transport, protocol, loop)
        self._to_session, self._read = anyio.create_memory_object_stream[
            SessionMessage | Exception
        ](16)
        self._write, self._from_session = anyio.create_memory_object_stream[SessionMessage](0)
        for work in (self._listens(), self._says(), self._keeps_errors()):
            self._tasks.append(asyncio.create_task(work, name=f"MCP {launch.line[0]}"))
        return self._read, self._write

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ending = asyncio.create_task(self._end(), name=f"end of MCP {self._launch.line[0]}")
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending  # every wait in it is bounded
            raise

    async def _listens(self) -> None:
        lines, stdout = Lines(), self._process.stdout
        assert stdout is not None
        try:
            while data := await stdout.read(_READ_BYTES):
                for line in lines.feed(data):
                    await self._deliver(line)
                await asyncio.sleep(0)  # whoever writes without end leaves room for others
        except EndlessLineError:
            self._fault("it wrote a line without end to its output, and was ended")
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # told by the end
        finally:
            self._over()

    async def _deliver(self, line: bytes | TooLong) -> None:
        if isinstance(line, TooLong):
            size = f"{line.size_bytes:,}"
            self._fault(f"a line of {size} bytes was dropped; at most {LINE_BYTES:,} are taken")
            if line.answers is None:
                return
            said = f"its answer has {size} bytes; at most {LINE_BYTES:,} are taken"
            error = ErrorData(code=INTERNAL_ERROR, message=said)
            message = JSONRPCError(jsonrpc="2.0", id=line.answers, error=error)
            await self._to_session.send(SessionMessage(message))
        elif line.strip():
            try:
                found = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                self._noisy(line)
                return
            await self._to_session.send(SessionMessage(found))

    def _noisy(self, line: bytes) -> None:
        self._noise += 1
        if self._noise > _NOISE:
            self._fault(f"it wrote {self._noise} lines to its output that are no messages")
            raise EndlessLineError
        if self._noise == 1:
            said = line[:_SHOWN].decode(errors="replace")
            self._fault(f"it writes to its output what is no message: {said}")

    async def _says(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            async for each in self._from_session:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                stdin.write(f"{text}\n".encode())
                await stdin.drain()
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._over()

    async def _keeps_errors(self) -> None:
        lines, stderr = Lines(_READ_BYTES), self._process.stderr
        assert stderr is not None
        with contextlib.suppress(OSError, EndlessLineError):
            while data := await stderr.read(_READ_BYTES):
                for line in lines.feed(data):
                    if isinstance(line, bytes) and line.strip():
                        self.errors.append(line[:_SHOWN].decode(errors="replace").rstrip())

    def _over(self) -> None:
        self.ended.set()
        self._to_session.close()  # whoever waits for an answer is told at once

    async def _end(self) -> None:
        """End the process: by the end of its input, by a signal, by force."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        if not await self._gone():
            self._signal(signal.SIGTERM)
            if not await self._gone():
                self._signal(signal.SIGKILL)
                await self._gone()
        if not self.ended.is_set():  # whoever holds the output keeps the group, and so its number
            self._signal(signal.SIGKILL)
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stream in (self._to_session, self._read, self._write, self._from_session):
            stream.close()
        self._transport.close()

    async def _gone(self) -> bool:
        """True once it has exited. `wait` would wait for whoever holds its output, too."""
        ends_at = asyncio.get_running_loop().time() + _ENDS_S
        while self._process.returncode is None:
            if asyncio.get_running_loop().time() > ends_at:
                return False
            await asyncio.sleep(0.01)
        return True

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

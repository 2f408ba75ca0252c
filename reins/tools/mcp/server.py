"""An MCP server and its owner task: it connects, is looked after, and is connected to again."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any, Literal, Protocol

import structlog

from reins import jitter
from reins.tools.asking import Answered
from reins.tools.mcp.config import ServerEntry
from reins.tools.mcp.launching import Launch, Launcher
from reins.tools.mcp.pins import PinError, Pins, ServerPins, Spec, hash_of
from reins.tools.mcp.schemas import SchemaError
from reins.tools.mcp.telling import Fault
from reins.tools.mcp.tool import Answer, McpTool
from reins.tools.outcome import ToolError

_logger = structlog.get_logger(__name__)
State = Literal["starting", "connected", "waiting", "stopped"]
LOOK_S = 60.0
"""Seconds after which the tools are listed again, whatever the server says of changes."""
LIST_S = 20.0
FIRST_WAIT_S, MOST_WAIT_S = 1.0, 60.0
"""Seconds until the next try; doubled each time, and short again after `LOOK_S` of connection."""
_FAULTS = 10
_FAULT_CHARS = 500
_CONNECTION = "reins.tools.mcp.connection"
"""Imported by the first owner task, in a thread: it brings `mcp` along."""


class Connected(Protocol):
    """A connection, as far as its owner knows it."""

    ended: asyncio.Event
    changed: asyncio.Event

    @property
    def about(self) -> str: ...

    async def specs(self) -> dict[str, Spec]: ...

    async def call(
        self, tool: str, arguments: Mapping[str, Any], answered: Answered | None
    ) -> Answer: ...


Opens = Callable[
    [str, ServerEntry, Launch | None, Callable[[str], object]],
    AbstractAsyncContextManager[Connected],
]


class McpServer:
    """One server. Its tools stay there while it is not: a call then says so.

    `start` once, `stop` once; calls come from other tasks of the same loop.
    """

    def __init__(
        self,
        name: str,
        entry: ServerEntry,
        pins: Pins,
        launcher: Launcher,
        changed: Callable[[], object],
    ) -> None:
        self.name, self.entry = name, entry
        self.state: State = "starting"
        self.about = ""
        self.faults: deque[Fault] = deque(maxlen=_FAULTS)
        self.fault_count = 0
        self.starts = 0
        self.calls_in_flight = 0
        self.tools: dict[str, McpTool] = {}
        """By the server's own names."""
        self.pins = ServerPins()
        self._store, self._launcher, self._changed = pins, launcher, changed
        self._stamp: tuple[int, int] | None = None
        self._listed: dict[str, Spec] | None = None
        self._connection: Connected | None = None
        self._settled = asyncio.Event()
        self._taking = asyncio.Lock()
        self._left_out: list[str] = []
        self._owner: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self, *, connect: bool = True) -> None:
        """Have the tools at once that were agreed to before, and begin to connect."""
        try:
            pins = self._store.read(self.name)
        except PinError as error:
            self.fault(str(error))
        else:
            await self._take(pins if pins.identity == self.entry.identity else ServerPins())
        if not connect:
            self.state = "stopped"
            self._settled.set()
            return
        self._owner = asyncio.create_task(self._own(), name=f"MCP server {self.name}")

    async def settled(self) -> None:
        """Wait until it is connected, or there is a reason why not."""
        await self._settled.wait()

    async def stop(self) -> None:
        """The connection, and the process, end. A second stop does nothing."""
        self._stopping = True
        if (owner := self._owner) is not None:
            owner.cancel()
            await asyncio.gather(owner, return_exceptions=True)
        self.state = "stopped"

    def fault(self, text: str) -> None:
        """Keep what went wrong, for people."""
        text = text[:_FAULT_CHARS]
        self.faults.append(Fault(time.time(), text))
        self.fault_count += 1
        _logger.warning("MCP server", server=self.name, fault=text)

    async def call(
        self, tool: str, arguments: Mapping[str, Any], answered: Answered | None
    ) -> Answer:
        """Call a tool; while it connects, wait for that. Raises: ToolError."""
        if self.state == "starting":
            await self._settled.wait()
        if (connection := self._connection) is None:
            why = f": {self.faults[-1].text}" if self.faults else ""
            raise ToolError(f"MCP server {self.name} is not connected{why}", retry=True)
        self.calls_in_flight += 1
        try:
            return await connection.call(tool, arguments, answered)
        finally:
            self.calls_in_flight -= 1

    # -- the owner task

    async def _own(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            began = time.monotonic()
            self.state = "starting"
            self._settled.clear()
            self.starts += 1
            try:
                await self._connected()
            except Exception as error:  # noqa: BLE001 - whatever a server makes of it is told
                self.fault(_words(error))
            finally:
                self._connection, self.state = None, "waiting"
                self._settled.set()
            if self._stopping:  # what the connection raised in its end has hidden the cancellation
                return
            if time.monotonic() - began > LOOK_S + self.entry.connect_s:
                wait_s = FIRST_WAIT_S
            await asyncio.sleep(jitter.between(wait_s, wait_s * 1.25))
            wait_s = min(wait_s * 2, MOST_WAIT_S)

    async def _connected(self) -> None:
        """Connect, and look after the connection until it ends."""
        opened: Opens = (await asyncio.to_thread(import_module, _CONNECTION)).opened
        entry = self.entry
        async with self._launcher.launch(self.name, entry) as launch:
            opening = opened(self.name, entry, launch, self.fault)
            limit = asyncio.timeout(entry.connect_s)
            try:
                async with limit, opening as connection:
                    specs = await connection.specs()
                    limit.reschedule(None)
                    await self._look_after(connection, specs)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise ToolError(f"it did not answer within {entry.connect_s:g} s") from None

    async def _look_after(self, connection: Connected, specs: dict[str, Spec]) -> None:
        self.about = connection.about
        await self._offered(specs)
        self._connection, self.state = connection, "connected"
        self._settled.set()
        _logger.info("MCP server connected", server=self.name, tools=len(self.tools))
        while not await _first(connection.ended, connection.changed, LOOK_S):
            connection.changed.clear()
            try:
                async with asyncio.timeout(LIST_S):
                    specs = await connection.specs()
            except TimeoutError:
                if self.calls_in_flight:  # it may do one thing after the other
                    continue
                raise ToolError(f"it did not list its tools within {LIST_S:g} s") from None
            await self._offered(specs)
        raise ToolError("its connection ended")

    async def _offered(self, specs: dict[str, Spec]) -> None:
        """Take in what it says of its tools now."""
        before = {name: hash_of(each) for name, each in self.pins.offered.items()}
        identity = self.entry.identity
        async with self._taking:
            self._listed = specs
            pins = await asyncio.to_thread(self._store.offer, self.name, identity, specs)
            await self._put(pins)
        for name, each in self.pins.offered.items():
            if before.get(name) != hash_of(each):
                said = "changed" if name in self.pins.agreed else "new"
                self.fault(
                    f"its tool {name} is {said}: nobody has it until a person agrees "
                    f"(reins tools agree {self.name} {name})"
                )

    # -- its tools

    async def look_at_pins(self) -> None:
        """A person may have agreed, in this process or another."""
        if self._stamp == self._store.stamp():
            return
        async with self._taking:
            stamp = self._store.stamp()
            try:
                found = self._store.read(self.name)
            except PinError as error:
                self._stamp = stamp
                self.fault(str(error))
                return
            if found.identity == self.entry.identity:
                await self._put(found)
            self._stamp = stamp

    async def _take(self, pins: ServerPins) -> None:
        async with self._taking:
            await self._put(pins)

    async def _put(self, pins: ServerPins) -> None:
        """Have the tools of these pins. They are made in a thread: schemas take their time."""
        self.pins = pins
        made, faults = await asyncio.to_thread(self._made, pins)
        for fault in faults:
            if fault not in self._left_out:
                self.fault(fault)
        self._left_out = faults
        if made != self.tools:
            self.tools = made
            self._changed()

    def _made(self, pins: ServerPins) -> tuple[dict[str, McpTool], list[str]]:
        made: dict[str, McpTool] = {}
        faults: list[str] = []
        for name, spec in pins.agreed.items():
            if self._listed is not None and hash_of(self._listed.get(name, {})) != hash_of(spec):
                continue
            known = self.tools.get(name)
            if known is not None and known.whole_spec == spec:
                made[name] = known  # an approval, and the tool's breaker, are bound to it
                continue
            try:
                made[name] = McpTool(self.name, self.entry, spec, self)
            except SchemaError as error:
                faults.append(f"its tool {name} is left out: {error}")
        return made, faults


def _words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    ours = isinstance(error, ToolError)
    return str(error) if ours else f"{type(error).__name__}: {error}"


async def _first(ended: asyncio.Event, changed: asyncio.Event, wait_s: float) -> bool:
    """True once it has ended; False once its tools may have changed, or the time is over."""
    waits = [asyncio.ensure_future(each.wait()) for each in (ended, changed)]
    try:
        await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
    return ended.is_set()

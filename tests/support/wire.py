"""Prompts compiled for a server of a test, and a probe that tells how long the loop stood still."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reins.llm.baml.prompts import CLIENTS_FILE, PROMPTS, read_prompts
from reins.llm.baml.runtime import Compiled
from reins.llm.wire.response import Exchange
from reins.llm.wire.sender import Sender
from reins.llm.wire.trust import Trust
from reins.llm.wire.wire import GRACE_S, Wire

MAX_LAG_S = 0.25
PROBE_S = 0.005

T = TypeVar("T")

_made: list[Sender] = []


def compiled_for(
    address: str,
    *,
    provider: str = "openai-generic",
    model: str = "m",
    extra: str = "",
) -> Compiled:
    """Our prompts and a client for the server at `address`; `extra` are further BAML text."""
    usage = "stream_options { include_usage true }" if provider == "openai-generic" else ""
    client = f"""client<llm> Route {{
      provider {provider}
      options {{
        base_url env.REINS_ROUTE_ADDRESS
        model env.REINS_ROUTE_MODEL
        api_key env.REINS_ROUTE_KEY
        {usage}
      }}
    }}"""
    files = read_prompts(PROMPTS) | {CLIENTS_FILE: client, "extra.baml": extra}
    values = {"REINS_ROUTE_ADDRESS": address, "REINS_ROUTE_MODEL": model, "REINS_ROUTE_KEY": "k"}
    return Compiled(files, values)


def wire_for(
    address: str,
    *,
    provider: str = "openai-generic",
    model: str = "m",
    grace_s: float = GRACE_S,
    trust: Trust | None = None,
    proxy: str | None = None,
) -> Wire:
    """The wire to the server at `address`; `close_wires` closes it."""
    sender = Sender(address, trust=trust, proxy=proxy)
    _made.append(sender)
    return Wire(compiled_for(address, provider=provider, model=model), sender, grace_s=grace_s)


async def close_wires() -> None:
    """Close all that `wire_for` has opened."""
    while _made:
        await _made.pop().stop()


async def send(
    wire: Wire, exchange: Exchange, *, streamed: bool, texts: list[str] | None = None
) -> None:
    """Call for a joke, plain or as a stream."""
    arguments = {"subject": "the-secret-subject", "told": []}
    if streamed:
        got = texts if texts is not None else []
        await wire.stream("TellAJoke", arguments, exchange, got.append)
    else:
        await wire.call("TellAJoke", arguments, exchange)


async def with_the_loop_going(scenario: Callable[[], Awaitable[T]]) -> T:
    """Run a scenario; fail if the loop stands still for too long in it.

    Other processes can take the machine away from us for that long. What is our own doing happens
    each time, so the best of three runs counts.
    """
    for _ in range(3):
        probe = LagProbe()
        task = asyncio.create_task(probe.run(), name="lag probe")
        await asyncio.sleep(0)
        try:
            result = await scenario()
            await asyncio.sleep(0.01)  # what stood still at the very end shows here
        finally:
            task.cancel()
        if probe.worst_s < MAX_LAG_S:
            return result
    raise AssertionError(f"the loop stood still for {probe.worst_s * 1000:.0f} ms")


class LagProbe:
    """Wakes every few milliseconds and keeps by how much it was late at the worst.

    Time in which this process had no processor is not its own: a loop that is held burns one.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def run(self) -> None:
        before, worked = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(PROBE_S)
            now, works = time.perf_counter(), time.process_time()
            self.worst_s = max(self.worst_s, min(now - before - PROBE_S, works - worked))
            before, worked = now, works

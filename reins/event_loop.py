"""The loop of agents: uvloop's where it is installed (the extra `fast`), else asyncio's."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

try:
    import uvloop
except ImportError:
    uvloop = None

T = TypeVar("T")

factory: Callable[[], asyncio.AbstractEventLoop] | None = (
    None if uvloop is None else uvloop.new_event_loop
)
"""Makes a loop; None: asyncio makes its own."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run."""
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)

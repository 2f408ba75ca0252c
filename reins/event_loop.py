"""The loop of agents: uvloop's where it is installed (the extra `fast`), else asyncio's."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from reins.tools import child

try:
    import uvloop
except ImportError:
    uvloop = None

T = TypeVar("T")


async def _exec(loop: asyncio.AbstractEventLoop, make: Any, *line: Any, **options: Any) -> Any:
    return await child.started(loop, make, line, in_shell=False, **options)


async def _shell(loop: asyncio.AbstractEventLoop, make: Any, line: Any, **options: Any) -> Any:
    return await child.started(loop, make, line, in_shell=True, **options)


# What others start by asyncio.create_subprocess_exec and _shell forks no Python either: the copy of
# a process with LanceDB in it may lock up, and uvloop's own way waits for it for ever.
_CHILDREN = {"subprocess_exec": _exec, "subprocess_shell": _shell}

factory: Callable[[], asyncio.AbstractEventLoop] | None = (
    None if uvloop is None else type("Loop", (uvloop.Loop,), _CHILDREN)
)
"""Makes a loop; None: asyncio makes its own."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run."""
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)

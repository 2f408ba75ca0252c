"""The surroundings of a call: who makes it, in which workspace, within which budget."""

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from reins.tools.budget import Budget
from reins.tools.sandbox.confinement import Confinement


class Approve(Protocol):
    """Decides on a call before it is made."""

    async def __call__(self, tool: str, arguments: Mapping[str, Any]) -> str | None:
        """None where the call may go; else the reason why not."""
        ...


@dataclass(slots=True)
class Context:
    """Given to tools that ask for it; everything in it may be missing in a plain script."""

    session_id: str = ""
    agent_id: str = ""
    seq: int = 0
    workspace: Path | None = None
    confinement: Confinement | None = None
    budget: Budget = field(default_factory=Budget)
    approve: Approve | None = None
    key: str = ""
    """The idempotency key of this call: the same when it is done again after a crash."""
    memory: dict[str, Any] = field(default_factory=dict)
    threads: ThreadPoolExecutor | None = None

    async def in_thread(self, function: Callable[..., Any], **arguments: Any) -> Any:
        """Call what blocks in a thread; it sees this task's context variables."""
        work = partial(contextvars.copy_context().run, partial(function, **arguments))
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

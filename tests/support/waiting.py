"""Waiting for a condition, with a deadline: no test sleeps and hopes."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
DEADLINE_S = 90.0  # a disk that others write to can let one sync wait for half a minute


def until(condition: Callable[[], T], what: str = "", deadline_s: float = DEADLINE_S) -> T:
    """What `condition` returns, once that is true."""
    ends_at = (began := time.monotonic()) + deadline_s
    while not (found := condition()):
        now = time.monotonic()
        assert now < ends_at, f"not within {deadline_s:g} s: {what or condition}"
        time.sleep(max(0.01, now - began))  # who is waited for has the machine half of the time
        began = time.monotonic()
    return found


async def until_async(
    condition: Callable[[], T], what: str = "", deadline_s: float = DEADLINE_S
) -> T:
    """The same on a loop, which goes on meanwhile."""
    ends_at = time.monotonic() + deadline_s
    while not (found := condition()):
        assert time.monotonic() < ends_at, f"not within {deadline_s:g} s: {what or condition}"
        await asyncio.sleep(0.005)
    return found

"""The part that all tools that act share: one action in the queue, and its receipt."""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from reins.mcp_server.tool import SHARED, Arguments, Call

MAX_WAIT_S = 30.0
SENT = (
    "Returns the receipt of the action: its outcome is applied, rejected, or queued if the worker "
    "has not done it within wait_s."
)
"""The end of the description of each tool that acts."""


class Acting(Arguments):
    """Arguments that every tool that acts takes."""

    wait_s: float = Field(
        10.0, ge=0, le=MAX_WAIT_S, description="seconds to wait for the outcome; 0: do not wait"
    )
    idempotency_key: str = Field(
        "",
        max_length=255,
        description="your own name for this call: sent again with the same key, after an "
        "interruption say, it has its effect once",
    )


def sent(call: Call, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Send the action that `make` builds. Raises: RefusedError, StoreError."""
    given = {k: v for k, v in call.given.items() if k not in SHARED}
    return call.desk.send(
        given,
        make,
        key=call.arguments.idempotency_key,
        wait_s=call.arguments.wait_s,
        rest=call.rest,
    )

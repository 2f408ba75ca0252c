"""Tools for task sessions in processes of their own: one that may not be repeated, one that may."""

import asyncio
import os

from reins.tools.context import Context
from reins.tools.declaring import tool


@tool(risk="medium", group="counting")
async def append_line(context: Context, path: str, line: str) -> str:
    """Append a line to a file; twice is wrong."""
    with open(context.workspace / path, "a") as file:
        file.write(f"{line} {context.key}\n")
        file.flush()
        os.fsync(file.fileno())
    await asyncio.sleep(0.002)
    return f"{line} is appended"


@tool(risk="medium", idempotent=True, group="counting")
async def put_line(context: Context, path: str, line: str) -> str:
    """Put a line in place of what a file holds; twice is as once."""
    with open(context.workspace / path, "w") as file:
        file.write(f"{line}\n")
    await asyncio.sleep(0.002)
    return f"{path} holds {line}"


@tool(risk="medium", group="counting")
async def dawdle(seconds: float = 60.0) -> str:
    """Take that long."""
    await asyncio.sleep(seconds)
    return "done at last"

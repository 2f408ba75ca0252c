"""Tools for task sessions in processes of their own: one that may not be repeated, one that may."""

import asyncio
import os

from reins.tools.context import Context
from reins.tools.declaring import tool


def _write(context: Context, path: str, how: int, text: str) -> None:
    assert context.workspace is not None
    descriptor = os.open(context.workspace / path, os.O_WRONLY | os.O_CREAT | how, 0o644)
    os.write(descriptor, text.encode())
    os.fsync(descriptor)
    os.close(descriptor)


@tool(risk="medium", group="counting")
async def append_line(context: Context, path: str, line: str) -> str:
    """Append a line to a file; twice is wrong."""
    _write(context, path, os.O_APPEND, f"{line} {context.key}\n")
    await asyncio.sleep(0.002)
    return f"{line} is appended"


@tool(risk="medium", idempotent=True, group="counting")
async def put_line(context: Context, path: str, line: str) -> str:
    """Put a line in place of what a file holds; twice is as once."""
    _write(context, path, os.O_TRUNC, f"{line}\n")
    await asyncio.sleep(0.002)
    return f"{path} holds {line}"


@tool(risk="medium", group="counting")
async def dawdle(seconds: float = 60.0) -> str:
    """Take that long."""
    await asyncio.sleep(seconds)
    return "done at last"

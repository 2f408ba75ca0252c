"""A web tier beside a benchmark's runtime, and children that look at it from outside."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agents import Runtime
from reins.web.application import Web
from reins.web.server import Server, listen


@contextmanager
def web_on(runtime: Runtime) -> Iterator[str]:
    """The page and the API of the runtime; its address."""
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        web = Web(runtime.settings, runtime, port=port, token=None)
        server = Server(listening, web.wsgi)
        web.start()
        server.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            web.stop()
            server.stop()


async def child(module: str, **arguments: Any) -> Any:
    """The output of `python -m module`, which gets the arguments as JSON."""
    command = [sys.executable, "-m", module, json.dumps(arguments)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} ended with exit code {process.returncode}")
    return json.loads(output)

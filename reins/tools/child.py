"""A process of ours as a child of this one, started from the loop whatever loop it is.

uvloop would fork the whole process and run Python in the copy, where any lock that a thread held
is held for ever. So on a loop that is not asyncio's own, asyncio's transport is used all the same,
with Python's way to start a process, which runs nothing of ours between fork and exec.
"""

import asyncio
import os
import subprocess
import threading
from asyncio.base_subprocess import BaseSubprocessTransport
from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from typing import IO, Any, TypeVar

P = TypeVar("P", bound=asyncio.SubprocessProtocol)


async def start(
    make_protocol: Callable[[], P],
    line: Sequence[str],
    *,
    stdin: int,
    stdout: int,
    stderr: int,
    env: Mapping[str, str],
    cwd: str | None,
    pass_fds: Sequence[int],
) -> tuple[asyncio.SubprocessTransport, P]:
    """As the loop's `subprocess_exec`, in a session of its own. Raises: OSError."""
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {
        "stdin": stdin,
        "stdout": stdout,
        "stderr": stderr,
        "env": env,
        "cwd": cwd,
        "pass_fds": pass_fds,
        "start_new_session": True,
    }
    if isinstance(loop, asyncio.BaseEventLoop):
        return await loop.subprocess_exec(make_protocol, *line, **options)
    return await started(loop, make_protocol, line, in_shell=False, **options)


async def started(
    loop: asyncio.AbstractEventLoop,
    make_protocol: Callable[[], P],
    line: Sequence[str] | str,
    *,
    in_shell: bool,
    **options: Any,
) -> tuple[asyncio.SubprocessTransport, P]:
    """As `subprocess_exec` and `subprocess_shell` of asyncio's own loop. Raises: OSError."""
    protocol, connected = make_protocol(), loop.create_future()
    given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    given |= {"bufsize": 0} | options
    child = _Child(loop, protocol, line, shell=in_shell, waiter=connected, **given)
    try:
        await connected
    except BaseException:
        child.close()
        raise
    return child, protocol


class _Child(BaseSubprocessTransport):
    """Waits for the end in a thread, as asyncio does where the kernel has no better way."""

    def _start(self, *_: Any, **given: Any) -> None:
        self._proc = process = subprocess.Popen(**given)
        process.stdin = _handed_over(process.stdin)
        process.stdout = _handed_over(process.stdout)
        process.stderr = _handed_over(process.stderr)
        threading.Thread(
            target=self._watch, args=(process,), name=f"end of {process.pid}", daemon=True
        ).start()

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        code = process.wait()
        try:
            self._loop.call_soon_threadsafe(self._process_exited, code)
        except RuntimeError:
            return  # the loop has ended


def _handed_over(pipe: IO[bytes] | None) -> Any:
    """The pipe as a file that does not own its number.

    uvloop closes the number, and the file after that: by then the number may be another thread's,
    of a table's folder, say.
    """
    if pipe is None:
        return None
    with pipe:
        return FileIO(os.dup(pipe.fileno()), pipe.mode, closefd=False)

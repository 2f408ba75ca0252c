"""Processes of ours without the wait for their imports.

They are forked from one that has imported what is not ours, which takes each process seconds. Our
own modules are imported in each anew, from its own folder and with its own environment.
"""

import atexit
import contextlib
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import IO, Any

_ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = (
    "aiohttp", "filelock", "flask", "flask_openapi3", "flask_socketio", "orjson", "pandas",
    "prometheus_client", "pyarrow", "pybreaker", "pydantic_settings", "simple_websocket",
    "structlog", "watchdog.observers",
)  # fmt: skip
_MOST_BYTES = 1 << 17
_turn = threading.Lock()


class Forked:
    """What `subprocess.Popen` gives for `python *command`: of that, what our tests make use of.

    Pipes are text. Its exit code comes by a pipe too: it is no child of this process.
    """

    def __init__(
        self,
        command: Sequence[object],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> None:
        self.args = [str(part) for part in command]
        self.returncode: int | None = None
        asked = {"command": self.args, "cwd": str(cwd), "env": dict(env)}
        with contextlib.ExitStack() as theirs:
            self.stdin, read = _end(theirs, stdin, 0)
            self.stdout, out = _end(theirs, stdout, 1)
            self.stderr, err = _end(theirs, stderr, 2)
            self._exit, at_exit = os.pipe()
            theirs.callback(os.close, at_exit)
            with _turn:
                socket.send_fds(_parent(), [json.dumps(asked).encode()], [read, out, err, at_exit])
                self.pid = int(_parent().recv(32))

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._exit], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            self.returncode = int(os.read(self._exit, 32))
            os.close(self._exit)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[Any, Any]:
        """What it says until it ends; it is killed when that takes too long."""
        if self.stdin is not None:
            self.stdin.close()
        with ThreadPoolExecutor(2) as readers:
            said = [each and readers.submit(each.read) for each in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        for each in (self.stdout, self.stderr):
            if each is not None:
                each.close()
        out, err = (each and each.result() for each in said)
        return out, err


def ran(
    command: Sequence[object], *, cwd: Path, env: Mapping[str, str], timeout: float = 60
) -> tuple[int | None, str, str]:
    """Its exit code, what it printed, and what it complained of."""
    process = Forked(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout)
    return process.returncode, out, err


def _end(theirs: contextlib.ExitStack, given: Any, number: int) -> tuple[IO[str] | None, int]:
    """Our end of a pipe, where one is asked for, and what the new process has as `number`."""
    if given is None:
        return None, number
    if given == subprocess.DEVNULL:
        null = os.open(os.devnull, os.O_RDWR)
        theirs.callback(os.close, null)
        return None, null
    if given != subprocess.PIPE:
        return None, given.fileno()
    read, write = os.pipe()
    ours, its = (write, read) if number == 0 else (read, write)
    theirs.callback(os.close, its)
    return os.fdopen(ours, "w" if number == 0 else "r", encoding="utf-8"), its


@functools.cache
def _parent() -> socket.socket:
    """The way to the process that all are forked from."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-I", __file__, str(theirs.fileno())],
        pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _imported() -> dict[str, str]:
    """Import what is not ours; returns the variables that doing so sets."""
    before = dict(os.environ)
    sys.path.insert(0, str(_ROOT))
    importlib.import_module("store.lance.importing").import_lancedb()
    sys.path.pop(0)
    for name in ("store", "store.lance", "store.lance.importing"):
        sys.modules.pop(name, None)
    for name in _NOT_OURS:
        importlib.import_module(name)
    return {name: value for name, value in os.environ.items() if name not in before}


def _serve(channel: socket.socket) -> dict[str, Any]:
    """Fork whenever asked; returns in the new process, with what it is asked to be."""
    running: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select.select([channel, *running], [], [])[0]:
            if ready is not channel:
                pid, at_exit = running.pop(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with contextlib.suppress(BrokenPipeError):
                    os.write(at_exit, str(code).encode())
                os.close(at_exit)
                os.close(ready)
                continue
            data, fds, _, _ = socket.recv_fds(channel, _MOST_BYTES, 4)
            if not data:  # the tests are over
                for pid, _ in running.values():
                    os.kill(pid, signal.SIGKILL)
                os._exit(0)
            *of_process, at_exit = fds
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # LanceDB's: nothing of it was in use yet
                pid = os.fork()
            if not pid:
                channel.close()
                for fd in (at_exit, *running, *(each for _, each in running.values())):
                    os.close(fd)
                for number, fd in enumerate(of_process):
                    os.dup2(fd, number)
                    os.close(fd)
                return json.loads(data)
            for fd in of_process:
                os.close(fd)
            running[os.pidfd_open(pid)] = (pid, at_exit)
            channel.send(str(pid).encode())


def _main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    defaults = _imported()
    asked = _serve(channel)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(defaults | asked["env"])
    _run(asked["command"])


def _run(command: list[str]) -> None:
    """What `python *command` does."""
    if command[0] == "-u":
        command.pop(0)
        sys.stdout.reconfigure(line_buffering=True)
    more = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:0] = [str(Path.cwd()), *more]
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    elif command[0] == "-c":
        sys.argv = ["-c", *command[2:]]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(command[1], main.__dict__)
    else:
        sys.argv = command
        sys.path[0] = str(Path(command[0]).resolve().parent)
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    _main()

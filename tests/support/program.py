"""Processes of ours without the wait for their imports: a fork server has made them."""

import atexit
import contextlib
import faulthandler
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import connection, forkserver, reduction
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from tests.support.faults.library import built_if_possible

ROOT = Path(__file__).resolve().parents[2]
_OURS = {"app", "agents", "queue_imp", "agent_core", "agents_impl", "store", "reins", "tests"}
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["tests.support.preloaded"])
_lock = threading.Lock()
_TELL = signal.SIGUSR2
_TELLING_S = 1.0


class _Ends(tuple):
    """Descriptors that a new process takes with it."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, tuple(reduction.DupFd(fd) for fd in self)


def _received(*sent: Any) -> list[int]:
    return [each.detach() for each in sent]


class Program:
    """What `subprocess.Popen` gives for `python *command`: of that, what our tests make use of."""

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
        with contextlib.ExitStack() as theirs:
            self.stdin, read = _end(theirs, stdin, 0)
            self.stdout, out = _end(theirs, stdout, 1)
            self.stderr, err = _end(theirs, stderr, 2)
            self._process = _forking.Process(
                target=_run, args=(self.args, str(cwd), dict(env), _Ends((read, out, err))),
                daemon=True,
            )  # fmt: skip
            _ensure_server()
            with _lock:
                self._process.start()
        self.pid: int = self._process.pid  # type: ignore[assignment] - it is started

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with _lock:  # the server tells an exit code once
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        connection.wait([self._process.sentinel], timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def tell(self) -> None:
        """Have it write to its error output where each of its threads stands."""
        self.send_signal(_TELL)
        time.sleep(_TELLING_S)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[Any, Any]:
        """All that it prints until it ends; it is killed when that takes too long."""
        if self.stdin is not None:
            self.stdin.close()
        with ThreadPoolExecutor(2) as readers:
            read = [each and readers.submit(each.read) for each in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        for each in (self.stdout, self.stderr):
            if each is not None:
                each.close()
        out, err = (each and each.result() for each in read)
        return out, err


def ran(
    command: Sequence[object], *, cwd: Path, env: Mapping[str, str], timeout: float = 60
) -> tuple[int | None, str, str]:
    """Its exit code, its output, and its error output."""
    process = Program(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout)
    return process.returncode, out, err


def _ensure_server() -> None:
    """Run the fork server, with the library of faults in it: that cannot come in later."""
    with _lock, contextlib.chdir(ROOT):  # where the server finds what it preloads
        before = os.environ.get("LD_PRELOAD")
        if (library := built_if_possible()) is not None:
            os.environ["LD_PRELOAD"] = str(library)
        try:
            forkserver.ensure_running()
        finally:
            os.environ.pop("LD_PRELOAD", None)
            if before is not None:
                os.environ["LD_PRELOAD"] = before


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


def _run(command: list[str], cwd: str, env: dict[str, str], ends: list[int]) -> None:
    """Do what `python *command` does, in the new process."""
    for number, fd in enumerate(ends):
        os.dup2(fd, number)
        os.close(fd)
    # Who starts the tests in the background may have it ignored by all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.register(_TELL, file=2, all_threads=True)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as at a start
    os.chdir(cwd)
    defaults = sys.modules["tests.support.preloaded"].SET_BY_IMPORTS
    os.environ.clear()
    os.environ.update(defaults | env)
    sys.modules["tests.support.preloaded"].attach(env)
    more = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [cwd, *more, *(path for path in sys.path if path not in ("", str(ROOT)))]
    if Path("agents.py").exists() and Path(cwd) != ROOT:  # a copy of the program: by its own files
        for name in [name for name in sys.modules if name.split(".")[0] in _OURS]:
            del sys.modules[name]
    try:
        _run_python(command)
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()


def _run_python(command: list[str]) -> None:
    if command[0] == "-u":
        command.pop(0)
        sys.stdout.reconfigure(line_buffering=True)
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

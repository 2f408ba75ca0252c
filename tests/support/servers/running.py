"""Real servers of the key-value stores: Redis and PostgreSQL, each on a port and in a folder of its
own, ended by their ids."""

import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from tests.support.program import ROOT
from tests.support.waiting import until

_TAKEN_OUT = ROOT / ".servers"
_NOBODY = 65534
PASSWORD = "s3cret/of@the:server"  # with signs that an address has to write in another way


def missing(name: str) -> Any:
    """The test is skipped aloud, or fails where the server is a must."""
    why = f"no {name} was found: run tests/support/servers/debian.sh, or install {name}"
    if os.environ.get("REQUIRE_SERVERS"):
        pytest.fail(why)
    warnings.filterwarnings("default", message=why)
    warnings.warn(why, stacklevel=1)
    pytest.skip(why)


class Server:
    """A server that runs, on 127.0.0.1, until the end of the block; `folder` outlives a restart."""

    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reins-server-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self) -> None:
        """Make what it needs before its first start."""

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def greet(self, probe: socket.socket) -> bool:
        """True once it answers."""
        raise NotImplementedError

    def start(self) -> None:
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                self.command(), stdout=said, stderr=said, cwd=self.folder, **self.means()
            )
        until(self._answers, f"{self.command()[0]} answers on {self.port}")

    def stop(self) -> None:
        self._end(self.stop_signal)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It hears, and says nothing, until it thaws."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def means(self) -> dict[str, Any]:
        return {"env": _environment()}

    def _signal(self, number: int) -> None:
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        for each in (process, *process.children()):
            each.send_signal(number)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "said").read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as probe:
                return self.greet(probe)
        except OSError:
            return False


class RedisServer(Server):
    """Durable: `appendfsync always`."""

    def __init__(self, *, password: str = "") -> None:
        places = os.pathsep.join([os.environ.get("PATH", os.defpath), f"{_TAKEN_OUT}/usr/bin"])
        self._program = shutil.which("redis-server", path=places) or missing("redis-server")
        self._password = password
        super().__init__()

    def command(self) -> Sequence[str | Path]:
        guarded = ["--requirepass", self._password] if self._password else []
        return [
            self._program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--dir", self.folder, *guarded,
        ]  # fmt: skip

    def greet(self, probe: socket.socket) -> bool:
        probe.sendall(b"PING\r\n")
        return probe.recv(64).startswith((b"+PONG", b"-NOAUTH"))

    def url(self, password: str = "") -> str:
        guard = f":{password}@" if password else ""
        return f"redis://{guard}127.0.0.1:{self.port}/0"


class PostgresServer(Server):
    """As nobody where the tests are root: PostgreSQL refuses that. Its syncs are left out, unless
    it is `synced`."""

    stop_signal = signal.SIGINT  # without waiting for its clients

    def __init__(self, *, synced: bool = False) -> None:
        self._programs, self._fsync = _postgres(), "on" if synced else "off"
        super().__init__()

    def prepare(self) -> None:
        if os.geteuid() == 0:
            os.chown(self.folder, _NOBODY, _NOBODY)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        subprocess.run(
            [self._programs / "initdb", "--no-sync", "-A", "scram-sha-256", "-U", "reins",
             "-E", "UTF8", "--locale=C", "--pwfile", secret, "-D", self.folder / "data"],
            check=True, capture_output=True, cwd=self.folder, **self.means(),
        )  # fmt: skip

    def command(self) -> Sequence[str | Path]:
        options = (
            "listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=",
            f"fsync={self._fsync}", "shared_buffers=16MB", "jit=off", "max_connections=60",
        )  # fmt: skip
        flags = [part for each in options for part in ("-c", each)]
        return [self._programs / "postgres", "-D", self.folder / "data", *flags]

    def kill(self) -> None:
        """Its children notice that it has gone; it does not start again before they have ended."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children()
        super().kill()
        psutil.wait_procs(children, 20)

    def greet(self, probe: socket.socket) -> bool:
        # Asked for TLS it says S or N, and while it starts it says so on the next message.
        probe.sendall(bytes([0, 0, 0, 8, 4, 210, 22, 47]))
        if probe.recv(1) != b"N":
            return False
        words = b"user\0reins\0database\0postgres\0\0"
        probe.sendall((len(words) + 8).to_bytes(4, "big") + bytes([0, 3, 0, 0]) + words)
        return probe.recv(1) == b"R"

    def means(self) -> dict[str, Any]:
        return super().means() | _as_nobody()

    def url(self, password: str = "s3cret%2Fof%40the%3Aserver") -> str:
        return f"postgresql://reins:{password}@127.0.0.1:{self.port}/postgres"


def _environment() -> dict[str, str]:
    libraries = [*map(str, (_TAKEN_OUT / "usr/lib").glob("*-linux-gnu"))]
    path = os.pathsep.join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")])
    return {"PATH": os.environ["PATH"], "LC_ALL": "C", "LD_LIBRARY_PATH": path}


def _as_nobody() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


@functools.cache
def _postgres() -> Path:
    """The folder of PostgreSQL's programs, the newest that runs as the user that it will be."""
    for top in (Path("/"), _TAKEN_OUT):
        for found in sorted(top.glob("usr/lib/postgresql/*/bin"), reverse=True):
            asked = [found / "postgres", "--version"]
            means = {"env": _environment(), "cwd": "/", **_as_nobody()}
            try:
                subprocess.run(asked, check=True, capture_output=True, **means)
            except (OSError, subprocess.CalledProcessError):
                continue
            return found
    return missing("postgresql")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])

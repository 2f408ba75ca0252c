"""The yardstick of `bus`: a stream of Redis, and readers that keep their place in Redis, too."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotThereError

from bench.measure import cpu_s

NAME = "Redis streams"
DURABILITY = "appendfsync always; a reader's place and its effect are one transaction"
_STREAM = "bench"
_AT_ONCE = 100
_START_S = 10.0
_TAKEN_OUT = Path(__file__).parents[2] / ".servers" / "usr"


def program() -> str | None:
    """The server's program; None if there is none on this machine."""
    return shutil.which("redis-server", path=f"{os.environ['PATH']}{os.pathsep}{_TAKEN_OUT}/bin")


async def run(data: Path, *, subscribers: int, messages: int) -> dict[str, Any]:
    """Deliveries a second, and the CPU of one: the server's, and that of its clients."""
    with _server(data) as (port, process):
        clients = [Redis(port=port, decode_responses=True) for _ in range(subscribers + 1)]
        await _answers(clients[0])
        readers = [
            asyncio.create_task(_read(client, f"reader-{n}", messages))
            for n, client in enumerate(clients[1:])
        ]
        began, cpu = time.perf_counter(), cpu_s() + _cpu_s(process)
        await _publish(clients[0], messages)
        await asyncio.gather(*readers)
        took_s, cpu = time.perf_counter() - began, cpu_s() + _cpu_s(process) - cpu
        for client in clients:
            await client.aclose()
    deliveries = subscribers * messages
    return {
        "deliveries": deliveries,
        "deliveries_per_s": round(deliveries / took_s, 1),
        "cpu_us_each": round(cpu / deliveries * 1e6, 2),
    }


async def _publish(client: Redis, messages: int) -> None:
    for first in range(0, messages, _AT_ONCE):
        pipe = client.pipeline(transaction=False)
        for _ in range(min(_AT_ONCE, messages - first)):
            pipe.xadd(_STREAM, {"at": time.perf_counter()})
        await pipe.execute()


async def _read(client: Redis, name: str, messages: int) -> None:
    """Count the messages; where it has come to is on disk with the count and a row of its log."""
    place, count = "0", 0
    while count < messages:
        found = await client.xread({_STREAM: place}, count=_AT_ONCE, block=5_000)
        if not found:
            continue
        got = found[0][1]
        place, count = got[-1][0], count + len(got)
        pipe = client.pipeline(transaction=True)
        pipe.hset(name, mapping={"place": place, "count": count})
        pipe.xadd(f"{name}-log", {"text": f"{len(got)} messages", "upto": place})
        await pipe.execute()


@contextmanager
def _server(data: Path) -> Iterator[tuple[int, psutil.Process]]:
    command = program()
    if command is None:
        raise FileNotFoundError("no redis-server was found: run tests/support/servers/debian.sh")
    data.mkdir(parents=True, exist_ok=True)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = int(free.getsockname()[1])
    server = subprocess.Popen(
        [
            command, "--bind", "127.0.0.1", "--port", str(port), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--dir", str(data),
        ],
        env={**os.environ, "LD_LIBRARY_PATH": _libraries()}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield port, psutil.Process(server.pid)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def _libraries() -> str:
    own = map(str, (_TAKEN_OUT / "lib").glob("*-linux-gnu"))
    return os.pathsep.join([*own, os.environ.get("LD_LIBRARY_PATH", "")])


async def _answers(client: Redis) -> None:
    ends_at = time.monotonic() + _START_S
    while True:
        try:
            await client.ping()
        except (NotThereError, OSError):
            if time.monotonic() > ends_at:
                raise
            await asyncio.sleep(0.02)
        else:
            return


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)

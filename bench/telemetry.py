"""The cost of spans: ticks a second without a collector and with one, and a hook that is off.

`python -m bench.telemetry` is that collector, in a process of its own: it takes spans, counts their
bytes and says where it listens.
"""

import json
import os
import subprocess
import sys
import timeit
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from bench import ticks
from reins import telemetry

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_HOOKS = 200_000


async def run(data: Path, *, sessions: int, seconds: float, rounds: int) -> dict[str, Any]:
    """By turns without and with spans, so that what the machine does besides hits both alike."""
    os.environ.pop(_ENDPOINT, None)
    off_us = _hook_us()
    figures: dict[str, list[dict[str, Any]]] = {"off": [], "on": []}
    with collector() as address:
        for number in range(rounds):
            for state, found in figures.items():
                if state == "on":
                    os.environ[_ENDPOINT] = address
                else:
                    os.environ.pop(_ENDPOINT, None)
                folder = data / f"{state}-{number}"
                found.append(await ticks.run(folder, sessions=sessions, seconds=seconds))
        taken = _counts(address)
    off, on = (median(each["ticks_per_s"] for each in figures[state]) for state in ("off", "on"))
    return {
        "sessions": sessions,
        "ticks_per_s_off": [each["ticks_per_s"] for each in figures["off"]],
        "ticks_per_s_on": [each["ticks_per_s"] for each in figures["on"]],
        "share_left": round(on / off, 3),
        "cpu_s_per_1000_ticks": {
            state: median(each["cpu_s_per_1000_ticks"] for each in of)
            for state, of in figures.items()
        },
        "loop_lag_p99_ms": {
            state: median(each["loop_lag_ms"]["p99"] for each in of)
            for state, of in figures.items()
        },
        "collector": taken,
        "off_us_per_tick": off_us,
    }


def _hook_us() -> float:
    """Microseconds that a tick's hook takes while no spans are made; the least of a few tries."""

    def hook() -> None:
        with telemetry.tick(None):  # type: ignore[arg-type]
            pass

    def bare() -> None:
        pass

    with_it, without = (
        min(timeit.repeat(each, number=_HOOKS, repeat=7)) / _HOOKS for each in (hook, bare)
    )
    return round((with_it - without) * 1e6, 3)


@contextmanager
def collector() -> Iterator[str]:
    """The address of one that runs while the context lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.telemetry"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _counts(address: str) -> dict[str, int]:
    with urllib.request.urlopen(address + "/counts", timeout=10) as answer:
        return json.load(answer)


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    counts = {"exports": 0, "bytes": 0}  # noqa: RUF012 - of the process

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.rfile.read(size)
        self.counts["exports"] += 1
        self.counts["bytes"] += size
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(json.dumps(self.counts).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()

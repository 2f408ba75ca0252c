"""Microseconds a call of each kind of store takes: `python -m tests.integration.kv.measure`."""

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack

from reins.kv import KV, open_kv
from tests.support.servers.running import PostgresServer, RedisServer

VALUE = {"text": "x" * 900, "number": 1}
CALLS = 300


async def timed(call, times=CALLS):
    """The median, in microseconds."""
    took = []
    for number in range(times):
        began = time.perf_counter()
        await call(number)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


async def measure(kv: KV):
    await kv.put("warm", VALUE)
    put = await timed(lambda n: kv.put(f"key-{n}", VALUE))
    newer = await timed(lambda n: kv.put_newer("mirror", VALUE, n + 1))
    get = await timed(lambda n: kv.get(f"key-{n}"))
    page = await timed(lambda n: kv.scan("key-", limit=100), 30)
    began = time.perf_counter()
    await asyncio.gather(*(kv.put(f"many-{n}", VALUE) for n in range(CALLS)))
    together = (time.perf_counter() - began) / CALLS * 1e6
    return put, newer, get, page, together


async def main() -> None:
    say("| store | put | put_newer | get | scan of 100 | put, 300 at once |")
    say("| --- | ---: | ---: | ---: | ---: | ---: |")
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        redis = stack.enter_context(RedisServer())
        postgres = stack.enter_context(PostgresServer(synced=True))
        for name, url in (
            ("memory", "memory:"), ("json", f"json:{folder}/rows"),
            ("sqlite", f"sqlite:{folder}/rows.db"), ("redis", redis.url()),
            ("postgres", postgres.url()),
        ):  # fmt: skip
            async with open_kv(url, timeout_s=60) as kv:
                say(f"| {name} |", " | ".join(f"{us:,.0f}" for us in await measure(kv)), "|")


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")


if __name__ == "__main__":
    asyncio.run(main())

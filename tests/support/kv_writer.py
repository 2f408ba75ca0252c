"""Writes rows one after the other until it is killed; each line that it says was acknowledged."""

import asyncio
import sys

from reins.kv import ABSENT, ConflictError, open_kv

KEYS = 5


def value_of(number: int) -> dict[str, object]:
    """One that shows if it was torn."""
    return {"number": number, "text": f"{number}." * 20_000}


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def write(url: str, first: int) -> None:
    async with open_kv(url, timeout_s=60) as kv:
        say("ready")
        for number in range(first, sys.maxsize):
            key = f"key-{number % KEYS}"
            if number % 7 == 0:
                await kv.delete(key)
            version = await kv.put(key, value_of(number))
            say(number, version)


async def count(url: str, times: int) -> None:
    """Add to one counter, which others add to as well."""
    async with open_kv(url, timeout_s=60) as kv:
        done = 0
        while done < times:
            found = await kv.get("counter")
            number, expect = (found.value, found.version) if found else (0, ABSENT)
            try:
                say(await kv.put("counter", number + 1, expect=expect))
                done += 1
            except ConflictError:
                pass


if __name__ == "__main__":
    asyncio.run({"write": write, "count": count}[sys.argv[1]](sys.argv[2], int(sys.argv[3])))

"""kill -9 of processes that write rows by key: what was acknowledged stays, and is whole."""

import os
import random
import subprocess

import pytest

from reins.kv import open_kv
from tests.support.kv_writer import KEYS, value_of
from tests.support.program import ROOT, Program

KILLS = int(os.environ.get("KV_KILLS", "5"))
"""Set the variable for a campaign."""


def start(what, url, number):
    command = ["-m", "tests.support.kv_writer", what, url, str(number)]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return Program(command, cwd=ROOT, env=env, stdout=subprocess.PIPE)


def the_rest(process):
    """What it said before its end, and was not read yet."""
    lines = process.stdout.readlines()
    process.communicate(60)
    return lines


def said(lines):
    """The numbers and versions in whole lines."""
    whole = [line.split() for line in lines if line.endswith("\n") and line != "ready\n"]
    return [tuple(map(int, each)) for each in whole]


@pytest.mark.parametrize("kind", ["json", "sqlite"])
async def test_what_was_acknowledged_is_there_and_whole(kind, tmp_path):
    """After each kill every key holds what was put last, or the one put that was cut off; and no
    version comes again, though keys are deleted all the time."""
    chance, url = random.Random(7), f"{kind}:{tmp_path / 'rows'}"
    acknowledged, highest, number = {}, dict.fromkeys(range(KEYS), 0), 1
    for _ in range(KILLS):
        process = start("write", url, number)
        lines = [process.stdout.readline() for _ in range(chance.randrange(2, 40))]
        process.kill()
        for number, version in said([*lines, *the_rest(process)]):
            key = number % KEYS
            assert version > highest[key], "a version came again"
            acknowledged[key], highest[key] = number, version
        cut_off = number + 1
        async with open_kv(url) as kv:
            for key, expected in [*acknowledged.items()]:
                found = await kv.get(f"key-{key}")
                if found is None:  # deleted, and killed before it was put again
                    assert cut_off % KEYS == key
                    assert cut_off % 7 == 0
                    del acknowledged[key]
                    continue
                of = found.value["number"]
                assert found.value == value_of(of), "it was torn"
                assert of == expected or (of == cut_off and cut_off % KEYS == key)
                acknowledged[key] = of  # no later writer begins with it
                highest[key] = max(highest[key], found.version)
            assert {row.key for row in await kv.scan()} <= {f"key-{each}" for each in range(KEYS)}
        number = cut_off + 1
    assert number > KILLS


@pytest.mark.parametrize("kind", ["json", "sqlite"])
async def test_processes_share_the_rows(kind, tmp_path):
    """A counter adds up over three of them and one that is killed; none waits for the dead."""
    url = f"{kind}:{tmp_path / 'rows'}"
    killed = start("count", url, 10_000)
    counting = [start("count", url, 40) for _ in range(3)]
    before = [killed.stdout.readline() for _ in range(10)]
    killed.kill()
    versions = [version for (version,) in said([*before, *the_rest(killed)])]
    for process in counting:
        out, _ = process.communicate(120)
        assert process.returncode == 0
        versions += map(int, out.split())
    assert len(set(versions)) == len(versions), "two won one version"
    async with open_kv(url) as kv:
        found = await kv.get("counter")
    # The one that was killed may have put once more than it said.
    assert found.value - len(versions) in (0, 1)

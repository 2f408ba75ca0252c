"""The `test` blocks of baml_src: one for each function, run by BAML itself, with no model."""

import asyncio
import os
import re
import sys
from pathlib import Path

from reins.llm.baml.prompts import PROMPTS, functions, read_prompts
from reins.llm.offline import OfflineModel
from tests.support.model_stub import ModelStub, openai_events, streams

CLI = "import baml_py; raise SystemExit(baml_py.invoke_runtime_cli())"
CONVERSE = "Answer in one word."
"""Begins the one prompt that has no rules of its own: `Converse` sends what it is given."""


async def baml_test(tmp_path: Path, address: str, key: str, *arguments: str) -> tuple[int, str]:
    """Exit code and output of BAML's own test command; in `tmp_path`, where no .env file is."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLI, "test", "--from", str(PROMPTS), *arguments,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            **os.environ,
            "NO_PROXY": "127.0.0.1",
            "REINS_ROUTE_ADDRESS": address,
            "REINS_ROUTE_MODEL": "m",
            "REINS_ROUTE_KEY": key,
        },
    )  # fmt: skip
    out, _ = await process.communicate()
    return await process.wait(), out.decode()


async def listed(tmp_path: Path) -> list[str]:
    """The function of each test."""
    _, out = await baml_test(tmp_path, "http://127.0.0.1:9", "k", "--list")
    return re.findall(r"^\s*(\w+)::\w+", out, re.MULTILINE)


def content(message: dict) -> str:
    given = message["content"]
    return given if isinstance(given, str) else "\n".join(part["text"] for part in given)


async def test_every_function_has_a_test(tmp_path: Path) -> None:
    """A prompt without a `test` block is named."""
    declared = {name for name, _, _ in functions(read_prompts(PROMPTS))}
    assert len(declared) >= 6
    assert declared - set(await listed(tmp_path)) == set()


async def test_each_test_renders_rules_and_material(tmp_path: Path, stub: ModelStub) -> None:
    """The arguments of every block fit its function: the rules go out as the system's message, the
    material as the user's, each value of it on a line after its tag.
    """
    stub.default = streams(openai_events())
    await baml_test(tmp_path, stub.address + "/v1", "k")  # what it asserts is not met by the stub
    sent = [seen.body["messages"] for seen in stub.seen]
    assert len(sent) == len(await listed(tmp_path))
    for messages in sent:
        roles = [message["role"] for message in messages]
        if CONVERSE in content(messages[0]):
            assert roles == ["system", "user", "assistant", "user"]
            continue
        assert roles == ["system", "user"]
        material = content(messages[1]).splitlines()
        assert material
        assert all(line.startswith("[") for line in material if '"' in line)


async def test_the_offline_model_passes_every_test(tmp_path: Path) -> None:
    """What each block asserts holds for what a demonstration answers."""
    model = OfflineModel()
    await model.start()
    try:
        code, out = await baml_test(tmp_path, model.address, model.token)
    finally:
        await model.stop()
    assert code == 0, out

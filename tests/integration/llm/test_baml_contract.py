"""What we rely on in BAML's semi-private runtime. A new version must pass this first."""

import os
import subprocess
import sys

import baml_py
import pytest

from reins.llm import ModelConfigError
from reins.llm.baml.errors import BamlClientHttpError
from reins.llm.baml.prompts import PROMPTS, read_prompts
from reins.llm.baml.response import Exchange
from reins.llm.baml.runtime import Compiled
from tests.support.model_stub import GOOD, ModelStub, fails

JOKE = {"subject": "cats", "told": ["one"]}

EXIT_SCRIPT = """
import asyncio, sys
from pathlib import Path
from reins.llm.baml.response import Exchange
from reins.llm.baml.runtime import Compiled
from reins.llm.baml.prompts import read_prompts
values = {"REINS_ROUTE_ADDRESS": sys.argv[1], "REINS_ROUTE_MODEL": "m", "REINS_ROUTE_KEY": "k"}
compiled = Compiled(read_prompts(Path(sys.argv[2])), values)
async def main():
    joke = {"subject": "cats", "told": []}
    await compiled.call("TellAJoke", joke, Exchange())
    told = asyncio.Event()
    streams = [
        asyncio.ensure_future(
            compiled.stream("TellAJoke", joke, Exchange(), lambda text: told.set())
        )
        for _ in range(10)
    ]
    await told.wait()
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
asyncio.new_event_loop().run_until_complete(main())  # asyncio.run tidies up, which takes time
"""


def compile_for(address: str) -> Compiled:
    values = {"REINS_ROUTE_ADDRESS": address, "REINS_ROUTE_MODEL": "m", "REINS_ROUTE_KEY": "k"}
    return Compiled(read_prompts(PROMPTS), values)


def test_the_runtime_is_the_version_that_was_measured() -> None:
    """The runtime is the version that all of this was measured with."""
    assert baml_py.baml_py.get_version() == "0.226.3"


async def test_a_call_reports_what_came_over_the_wire(stub: ModelStub) -> None:
    """Text, usage, status and Retry-After of a call are filled in, also when it fails."""
    compiled = compile_for(stub.address + "/v1")
    exchange = Exchange()
    await compiled.call("TellAJoke", JOKE, exchange)
    assert (
        exchange.response.text,
        exchange.response.tokens_in,
        exchange.response.tokens_out,
        exchange.response.status,
    ) == (GOOD, 11, 7, 200)
    stub.default = fails(429, Retry_After="7")
    exchange = Exchange()
    with pytest.raises(BamlClientHttpError):
        await compiled.call("TellAJoke", JOKE, exchange)
    assert (exchange.response.status, exchange.response.retry_after_s) == (429, 7)


async def test_a_connection_that_never_was_has_no_status(unused_tcp_port: int) -> None:
    """The response that BAML makes up for a refused connection is recognised as made up."""
    exchange = Exchange()
    with pytest.raises(BamlClientHttpError):
        await compile_for(f"http://127.0.0.1:{unused_tcp_port}/v1").call(
            "TellAJoke", JOKE, exchange
        )
    assert exchange.response.status is None


def test_a_prompt_that_does_not_compile() -> None:
    """The compiler's message names file and line, and carries no stack trace."""
    with pytest.raises(ModelConfigError, match=r"x.baml:1") as caught:
        Compiled({"x.baml": "function ("}, {})
    assert "backtrace" not in str(caught.value).lower()


def test_an_exit_right_after_a_call_is_clean() -> None:
    """A process that ends right after calls ends with 0: BAML's threads are given a moment.

    Without that moment two processes in five abort here, hence the six.
    """
    stub_process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.model_stub"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROMPTS.parent,
    )
    with stub_process:
        assert stub_process.stdout is not None
        address = stub_process.stdout.readline().strip() + "/v1"
        try:
            command = [sys.executable, "-c", EXIT_SCRIPT, address, str(PROMPTS)]
            environ = os.environ | {"PYTHONPATH": str(PROMPTS.parent)}
            ending = [subprocess.Popen(command, env=environ) for _ in range(6)]
            assert [process.wait(timeout=60) for process in ending] == [0] * 6
        finally:
            stub_process.terminate()

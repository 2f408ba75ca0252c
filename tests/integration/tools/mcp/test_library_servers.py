"""Servers made with the protocol's own library: over stdio, over HTTP, and in the sandbox."""

import subprocess
import sys

import pytest

from reins.tools.asking import Answered
from reins.tools.sandbox.probing import by_bubblewrap
from tests.integration.tools.mcp.conftest import raw
from tests.support.program import ROOT
from tests.support.proxies.servers import free_port
from tests.support.waiting import until_async

SDK = str(ROOT / "tests" / "support" / "mcp_sdk.py")


@pytest.fixture
def http():
    """A server over HTTP; it is ended, and started again on the same port."""

    class Http:
        def __init__(self):
            self.port = free_port()
            self.url = f"http://127.0.0.1:{self.port}/mcp"
            self.start()

        def start(self):
            self.process = subprocess.Popen([sys.executable, SDK, str(self.port)])

        def end(self):
            self.process.kill()
            self.process.wait()

    made = Http()
    yield made
    made.end()


async def test_a_server_that_asks_goes_on_with_the_answer(having):
    """In the new era the call ends with the question, and is made again with its answer."""
    await having.take(sdk={"command": sys.executable, "args": [SDK]})
    told = await having.until("sdk")
    assert told["about"].startswith("2026-07-28")
    assert (await having.call("sdk__add", a=2, b=3)).text() == "5"
    asked = await having.call("sdk__paint")
    assert asked.kind == "asks"
    assert "Which colour?" in asked.asks.question
    assert "colour: string, shade?: integer" in asked.asks.question
    having.context.answered = Answered('{"colour": "blue", "shade": 2}', asked.asks.state)
    assert (await having.call("sdk__paint")).text() == "painted blue 2"
    having.context.answered = Answered("blue", asked.asks.state)
    assert "is no JSON object" in (await having.call("sdk__paint")).error


async def test_a_server_behind_an_address(having, http):
    """With the headers of mcp.json; it is there again when it was started anew."""
    entry = {"url": http.url, "headers": {"X-Key": "${MCP_TEST_KEY:-open}"}}
    await having.take(web=entry, shut={"url": http.url})
    told = await having.until("web")
    assert (told["transport"], told["where"]) == ("http", http.url)
    assert (await having.call("web__add", a=2, b=3)).text() == "5"
    long = await having.call("web__large", size=3 << 20)
    assert long.kind == "failed"
    assert (await having.call("web__add", a=2, b=4)).text() == "6"
    assert having.told("shut")["tools"] == []
    await having.until_fault("shut", "401")
    http.end()
    assert (await having.call("web__add", a=1, b=1)).kind == "failed"
    await until_async(lambda: having.told("web")["state"] != "connected", "it is seen to be gone")
    http.start()
    await having.until("web")
    assert (await having.call("web__add", a=1, b=1)).text() == "2"


async def test_a_server_in_the_sandbox_sees_no_other_files(having, tmp_path):
    """It works as any other; what it may write is its own folder alone."""
    if isinstance(by_bubblewrap(), str):
        pytest.skip("there is no bubblewrap here")
    source = (ROOT / "tests" / "support" / "mcp_raw.py").read_text()
    entry = {"command": "python3", "args": ["-c", source, "/workspace"], "sandbox": True}
    await having.take(box=entry, open=raw(tmp_path / "open"))
    told = await having.until("box")
    assert told["sandbox"]
    assert (await having.call("box__echo", text="here")).text() == "here"
    assert (tmp_path / "workspaces" / "box" / "calls").read_text() == "echo here\n"

"""What we rely on in BAML's semi-private runtime. A new version must pass this first."""

import base64
import inspect
import json
import os
import socket
import subprocess
import sys

import baml_py
import pytest
from baml_py import BamlRuntime
from baml_py.errors import BamlError

from reins.llm import ModelConfigError
from reins.llm.baml.prompts import CLIENTS_FILE, PROMPTS, read_prompts
from reins.llm.baml.runtime import Compiled
from tests.support.wire import compiled_for

JOKE = {"subject": "cats", "told": ["one"]}
CHANGED = "BAML has changed: look at reins/llm/baml/runtime.py, {}"

EXIT_SCRIPT = """
import asyncio, sys
from tests.support.wire import close_wires, wire_for
from reins.llm.wire.response import Exchange
wire = wire_for(sys.argv[1])
async def main():
    joke = {"subject": "cats", "told": []}
    await wire.call("TellAJoke", joke, Exchange())
    told = asyncio.Event()
    streams = [
        asyncio.ensure_future(wire.stream("TellAJoke", joke, Exchange(), lambda text: told.set()))
        for _ in range(10)
    ]
    await told.wait()
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    await close_wires()
asyncio.new_event_loop().run_until_complete(main())  # asyncio.run tidies up, which takes time
"""


def test_the_runtime_is_the_version_that_was_measured() -> None:
    """The runtime is the version that all of this was measured with."""
    assert baml_py.baml_py.get_version() == "0.226.3"


POSITIONS = {
    "build_request_sync": "function_name args ctx tb cb env_vars stream",
    "parse_llm_response": "function_name llm_response enum_module cls_module partial_cls_module "
    "allow_partials ctx tb cb env_vars",
}


@pytest.mark.parametrize("name", POSITIONS)
def test_what_stands_where(name: str) -> None:
    """The functions that we call by position take what we give them, in that order."""
    given = list(inspect.signature(getattr(BamlRuntime, name)).parameters)[1:]
    assert given == POSITIONS[name].split(), CHANGED.format(f"the calls of {name}")


REQUESTS = {
    ("openai-generic", False): ("/chat/completions", {"authorization": "Bearer k"}),
    ("openai-generic", True): ("/chat/completions", {"authorization": "Bearer k"}),
    ("anthropic", False): ("/v1/messages", {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
    ("anthropic", True): ("/v1/messages", {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
    ("google-ai", False): ("/models/m:generateContent", {"x-goog-api-key": "k"}),
    ("google-ai", True): ("/models/m:streamGenerateContent?alt=sse", {"x-goog-api-key": "k"}),
}


@pytest.mark.parametrize(("provider", "streamed"), REQUESTS)
def test_requests_are_the_providers_own(provider: str, streamed: bool) -> None:  # noqa: FBT001
    """Address, key and body of a request are as the provider wants them; nothing else goes out."""
    path, headers = REQUESTS[provider, streamed]
    compiled = compiled_for("http://host:9/base", provider=provider)
    request = compiled.request("TellAJoke", JOKE, streamed=streamed)
    changed = CHANGED.format("Compiled.request")
    assert request.url == "http://host:9/base" + path, changed
    assert request.headers == {"content-type": "application/json", **headers}, changed
    body = json.loads(request.body)
    asks = body.get("stream", False) or "streamGenerateContent" in request.url
    assert asks == streamed, changed
    assert ("model" in body) == (provider != "google-ai"), changed
    assert "[subject]" in request.body.decode(), changed


def test_a_password_in_an_address_goes_out_as_a_header() -> None:
    """User and password are taken out of the address, which may be logged, and sent as usual."""
    values = {"A": "http://us%40er:p%2Fw@host:9/v1"}
    options = "  base_url env.A\n  model x\n"
    client = f"client<llm> Route {{\n provider openai-generic\n options {{\n{options} }}\n}}"
    request = Compiled(read_prompts(PROMPTS) | {CLIENTS_FILE: client}, values).request(
        "TellAJoke", JOKE
    )
    assert request.url == "http://host:9/v1/chat/completions"
    sent = base64.b64encode(b"us@er:p/w").decode()
    assert request.headers["authorization"] == f"Basic {sent}"
    assert sent not in repr(request)


def test_a_request_asks_nobody() -> None:
    """To render a request nothing is sent."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        unheard.listen()
        unheard.settimeout(0)
        address = f"http://127.0.0.1:{unheard.getsockname()[1]}/v1"
        compiled_for(address).request("TellAJoke", JOKE)
        with pytest.raises(BlockingIOError):
            unheard.accept()


def test_a_prompt_that_does_not_compile() -> None:
    """The compiler's message names file and line, and carries no stack trace."""
    with pytest.raises(ModelConfigError, match=r"x.baml:1") as caught:
        Compiled({"x.baml": "function ("}, {})
    assert "backtrace" not in str(caught.value).lower()


def test_an_exit_right_after_a_call_is_clean() -> None:
    """A process that ends right after calls and cancelled streams ends with 0."""
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
            command = [sys.executable, "-W", "error", "-c", EXIT_SCRIPT, address]
            environ = os.environ | {"PYTHONPATH": str(PROMPTS.parent)}
            ending = [subprocess.Popen(command, env=environ) for _ in range(6)]
            assert [process.wait(timeout=60) for process in ending] == [0] * 6
        finally:
            stub_process.terminate()


TYPES = """
enum Mood {
  GLAD
  SAD
}
class Inner {
  number int
  mood Mood?
}
class Outer {
  inner Inner[]
  table map<string, float>
  either (int | Inner)?
}
function Typed(text: string) -> Outer {
  client Route
  prompt #"{{ _.role("system") }} first {{ _.role("user") }} {{ text }} {{ ctx.output_format }}"#
}
"""


def test_the_parser_gives_plain_values() -> None:
    """With an empty module for types, classes come as dicts and enums as strings."""
    compiled = compiled_for("http://127.0.0.1:9", extra=TYPES)
    text = '{"inner": [{"number": "1", "mood": "SAD"}], "table": {"a": 1}, "either": {"number": 2}}'
    assert compiled.parse("Typed", text) == {
        "inner": [{"number": 1, "mood": "SAD"}],
        "table": {"a": 1.0},
        "either": {"number": 2, "mood": None},
    }, CHANGED.format("Compiled.parse")
    with pytest.raises(BamlError):
        compiled.parse("ChooseAction", "no")


@pytest.mark.parametrize("provider", ["openai-generic", "anthropic", "google-ai"])
def test_messages_are_the_same_for_every_provider(provider: str) -> None:
    """A prompt is rendered by roles and texts, whichever way the provider is spoken to."""
    compiled = compiled_for("http://127.0.0.1:9", provider=provider, extra=TYPES)
    first, second = compiled.messages("Typed", {"text": "hello"})
    assert first == {"role": "system", "content": "first"}
    assert second["role"] == "user"
    assert second["content"].startswith("hello Answer in JSON using this schema:")

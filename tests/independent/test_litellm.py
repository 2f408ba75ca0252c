"""The model layer against an implementation of its APIs that is none of ours: the LiteLLM proxy.

`make litellm` makes its environment and runs this; without that it is skipped.
"""

import asyncio
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from reins.llm import ModelError, ModelRouter, ModelSettings
from reins.llm.caller import CallRecord, Delta, Nobody

ROOT = Path(__file__).resolve().parents[2]
PROXY = ROOT / ".venv-litellm" / "bin" / "litellm"
INSTALLED = ROOT / ".venv-litellm" / ".stamp"
KEY = "sk-master-of-the-test"
SAID = "Seven cats sat on a warm roof."
START_S = 50.0

pytestmark = pytest.mark.skipif(not INSTALLED.exists(), reason="no LiteLLM here; run: make litellm")

ROUTES = """
default = "plain"
[routes.plain]
provider = "compatible"
base_url = "{address}/v1"
model = "plain"
key_env = "PROXY_KEY"
attempts = 1
price_in = 500_000.0
price_out = 1_000_000.0
[routes.anthropic]
provider = "anthropic"
base_url = "{address}"
model = "plain"
key_env = "PROXY_KEY"
attempts = 1
[routes.google]
provider = "google"
base_url = "{address}/v1beta"
model = "plain"
key_env = "PROXY_KEY"
attempts = 1
[routes.limited]
provider = "compatible"
base_url = "{address}/v1"
model = "limited"
key_env = "PROXY_KEY"
attempts = 1
[routes.broken]
provider = "compatible"
base_url = "{address}/v1"
model = "broken"
key_env = "PROXY_KEY"
attempts = 1
[routes.saved]
provider = "compatible"
base_url = "{address}/v1"
model = "broken"
key_env = "PROXY_KEY"
attempts = 1
fallback = ["plain"]
[routes.unknown]
provider = "compatible"
base_url = "{address}/v1"
model = "nobody-knows"
key_env = "PROXY_KEY"
attempts = 1
[routes.stranger]
provider = "compatible"
base_url = "{address}/v1"
model = "plain"
key_env = "WRONG_KEY"
attempts = 1
[routes.vectors]
provider = "compatible"
base_url = "{address}/v1"
model = "vectors"
key_env = "PROXY_KEY"
attempts = 1
[embeddings]
route = "vectors"
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a proxy that has started; it takes half a minute, most of it its imports."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("litellm") / "log"
    command = [PROXY, "--config", ROOT / "tests" / "independent" / "litellm.yaml"]
    # Its own list of prices, not the newest one from the network.
    settings = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PATH": os.environ["PATH"]}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=settings, cwd=log.parent, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        _until_up(process, f"http://127.0.0.1:{port}/health/liveliness", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends_at = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > ends_at:
                pytest.skip(f"the proxy did not start: {log.read_text()[-500:]}")
            time.sleep(0.2)


class Someone(Nobody):
    """A caller on a route of its choice that keeps what it is told."""

    session_id = "s"
    agent_type = "joke"

    def __init__(self, route: str) -> None:
        self.route = route
        self.records: list[CallRecord] = []
        self.text = ""

    def record(self, call: CallRecord) -> None:
        self.records.append(call)

    def streamed(self, delta: Delta) -> None:
        self.text = self.text[: delta.offset] + delta.text


@pytest.fixture
async def models(proxy: str, tmp_path: Path) -> AsyncIterator[ModelRouter]:
    file = tmp_path / "models.toml"
    file.write_text(ROUTES.format(address=proxy))
    environ = {"PROXY_KEY": KEY, "WRONG_KEY": "sk-of-somebody-else"}
    models = ModelRouter(ModelSettings(models_file=file, environ=environ))
    await models.start()
    yield models
    await models.stop()


JOKE = {"subject": "cats", "told": []}


@pytest.mark.parametrize("route", ["plain", "anthropic", "google"])
async def test_a_call_has_the_providers_answer_and_count(models, route):
    """The answer and the provider's own count of tokens, in each of the three protocols."""
    someone = Someone(route)
    done = await models.for_caller(someone).call("TellAJoke", **JOKE)
    assert (done.text, done.route, done.attempts) == (SAID, route, 1)
    [record] = someone.records
    assert (record.status, record.error_kind, record.estimated) == (200, None, False)
    assert record.tokens_in == done.tokens_in > 0
    assert record.tokens_out == done.tokens_out > 0
    assert record.answer == SAID


async def test_what_it_costs(models):
    """The route's prices times the tokens that the proxy counted."""
    done = await models.for_caller(Someone("plain")).call("TellAJoke", **JOKE)
    assert done.cost_usd == pytest.approx(done.tokens_in / 2 + done.tokens_out)


async def test_the_pieces_of_a_stream_make_up_the_answer(models):
    """The pieces make up the answer; tokens are counted."""
    someone = Someone("plain")
    done = await models.for_caller(someone).stream("TellAJoke", **JOKE)
    assert someone.text == done.text == SAID
    [record] = someone.records
    assert (record.streamed, record.finish_reason, record.estimated) == (True, "stop", False)
    assert record.tokens_out == done.tokens_out > 0
    assert 0 < record.first_token_ms <= record.latency_ms


@pytest.mark.parametrize("how", ["call", "stream"])
@pytest.mark.parametrize(
    ("route", "kind", "retryable"),
    [
        ("limited", "rate_limited", True),
        ("broken", "server", True),
        ("unknown", "bad_request", False),
        # Without a database the proxy calls any key but its master's a bad request.
        ("stranger", "bad_request", False),
    ],
)
async def test_each_error_is_of_its_kind_and_quotes_no_key(models, how, route, kind, retryable):
    """Each is the kind that it is, and quotes no key."""
    someone = Someone(route)
    with pytest.raises(ModelError) as caught:
        await getattr(models.for_caller(someone), how)("TellAJoke", **JOKE)
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    assert "sk-" not in str(caught.value)
    assert [record.error_kind for record in someone.records] == [kind]


async def test_the_second_route_answers_where_the_first_cannot(models):
    """The second route answers where the first cannot."""
    someone = Someone("saved")
    done = await models.for_caller(someone).call("TellAJoke", **JOKE)
    assert (done.text, done.route, done.attempts) == (SAID, "plain", 2)
    assert [(r.route, r.error_kind) for r in someone.records] == [
        ("saved", "server"),
        ("plain", None),
    ]


async def test_embeddings(models):
    """A vector for a text. Its mock gives one for two texts as well, and that is no answer."""
    someone = Someone("plain")
    handle = models.for_caller(someone)
    assert await handle.embed(["a"]) == [[0.25, 0.5, -1.0]]
    [record] = someone.records
    assert (record.function, record.route, record.status) == ("embeddings", "vectors", 200)
    assert record.tokens_in > 0
    with pytest.raises(ModelError, match="1 vectors for 2 texts"):
        await handle.embed(["a", "b"])


async def test_a_hundred_calls_have_each_its_own_answer(models):
    """A hundred calls, each with its own answer and its own record."""
    someone = Someone("plain")
    handle = models.for_caller(someone)
    done = await asyncio.gather(*(handle.call("TellAJoke", **JOKE) for _ in range(100)))
    assert {each.text for each in done} == {SAID}
    assert len({record.call_id for record in someone.records}) == 100

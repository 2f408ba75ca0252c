"""Start, reload and stop; and the offline model's server behind its guards."""

import asyncio
import gc
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import aiohttp
import orjson
import pytest

from reins.llm import ModelConfigError, ModelRouter, ModelSettings
from reins.llm.baml.prompts import PROMPTS
from tests.support.model_stub import GOOD, ModelStub, never
from tests.support.waiting import until_async

ROOT = PROMPTS.parent
OFFLINE = ModelSettings(environ={})
JOKE = {"subject": "cats", "told": []}


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROMPTS, tmp_path / "baml_src"))


@pytest.fixture
async def offline():
    model = ModelRouter(OFFLINE)
    await model.start()
    yield model
    await model.stop()


async def test_a_model_that_is_not_running_says_so() -> None:
    """Before start and after stop, calls, reloads and the route give one clear error."""
    model = ModelRouter(OFFLINE)
    await model.stop()
    for _ in range(2):
        with pytest.raises(ModelConfigError, match=r"Await ModelRouter.start\(\) first"):
            await model.call("TellAJoke", **JOKE)
        with pytest.raises(ModelConfigError, match="not running"):
            await model.reload()
        with pytest.raises(ModelConfigError, match="not running"):
            _ = model.route
        await model.start()
        await model.start()
        assert model.route.demonstration
        await model.stop()
        await model.stop()


async def test_a_failed_start_leaves_nothing(prompts: Path) -> None:
    """A prompt that does not compile fails the start with the compiler's words, and no port."""
    (prompts / "joke.baml").write_text("function X(a: string) -> string { client Nope }")
    model = ModelRouter(OFFLINE, prompts=prompts)
    with pytest.raises(ModelConfigError, match=r"(?s)do not compile.*joke.baml"):
        await model.start()
    assert model._opener.offline._runner is None


async def test_a_missing_key_fails_the_start() -> None:
    """A key that is missing is an error at start, not at the first call."""
    with pytest.raises(ModelConfigError, match="OPENAI_API_KEY"):
        await ModelRouter(ModelSettings(model="openai/x", environ={})).start()


async def test_a_reload_swaps_the_prompts(make, stub: ModelStub, prompts: Path) -> None:
    """A changed prompt is used by the next call; a broken one leaves the last good one."""
    model = await make(prompts=prompts)
    file = prompts / "joke.baml"
    good = file.read_text().replace("Tell one short joke", "Tell one LONG joke")
    file.write_text(good)
    await model.reload()
    await model.call("TellAJoke", **JOKE)
    assert "LONG" in str(stub.seen[-1].body)
    file.write_text(good + "\nfunction (")
    with pytest.raises(ModelConfigError, match="do not compile"):
        await model.reload()
    await model.call("TellAJoke", **JOKE)
    assert "LONG" in str(stub.seen[-1].body)


async def test_a_reload_swaps_the_route(make, stub: ModelStub) -> None:
    """New settings take effect whole; impossible ones leave the old; the way back works."""
    model = await make()
    with pytest.raises(ModelConfigError):
        await model.reload(ModelSettings(model="openai/x", environ={}))
    assert (await model.call("TellAJoke", **JOKE)).text == GOOD
    before = model._settings
    await model.reload(OFFLINE)
    assert (await model.call("TellAJoke", **JOKE)).demonstration
    await model.reload(before)
    assert (await model.call("TellAJoke", **JOKE)).text == GOOD


async def test_a_reload_leaves_calls_in_flight_alone(make, stub: ModelStub) -> None:
    """A call that runs while the route changes gets its answer from the old route."""
    stub.default = never
    model = await make()
    call = asyncio.create_task(model.call("TellAJoke", **JOKE))
    await asyncio.wait_for(stub.arrived.wait(), 5)
    await model.reload(OFFLINE)
    gc.collect()
    stub.released.set()
    assert (await asyncio.wait_for(call, 5)).text == GOOD


async def test_reloads_leave_nothing_behind(offline: ModelRouter) -> None:
    """A hundred reloads with calls between add neither threads nor open files without end."""

    def held() -> int:
        gc.collect()
        return sum(1 for kind in ("fd", "task") for _ in Path("/proc/self", kind).iterdir())

    for _ in range(5):
        await offline.reload()
        await offline.call("TellAJoke", **JOKE)
    before = held()
    for _ in range(100):
        await offline.reload()
        await offline.call("TellAJoke", **JOKE)
    await until_async(lambda: held() <= before + 10)


async def test_jokes_come_without_any_setting(offline: ModelRouter) -> None:
    """The default route tells jokes that differ, and finds subjects."""
    first = await offline.call("TellAJoke", subject="cats", told=[])
    second = await offline.call("TellAJoke", subject="cats", told=[first.text])
    assert first.text != second.text
    for done in (first, second):
        assert "cats" in done.text
        assert done.demonstration
        assert done.tokens_in > 0
        assert done.tokens_out > 0
    found = await offline.call("ExtractSubject", guidance="tell some about dogs, please")
    assert found.text == "dogs"


async def test_personas_talk_without_any_setting(offline: ModelRouter) -> None:
    """The default route plays a persona in its tone, and counts what was said."""
    said = '{"number": 1, "kind": "person", "speaker": "Ada", "text": "Should cats vote?"}'
    who = {"name": "Bea", "about": "", "instructions": [], "others": ["Cy"], "summary": ""}
    who["memories"] = []
    noir, pirate = [
        await offline.call("PersonaReply", **who, tone=tone, messages=[said])
        for tone in ("noir", "pirate")
    ]
    assert noir.text != pirate.text
    for done in (noir, pirate):
        assert "cats" in done.text.lower()
        assert done.demonstration
    done = await offline.call("SummarizeConversation", summary="", messages=[said])
    assert done.text.startswith("Messages 1 to 1, by speaker: Ada 1.")


async def test_only_this_process_is_answered(offline: ModelRouter) -> None:
    """Without the token, or under another host name, nothing is answered; paths are few."""
    server = offline._opener.offline
    good = {"Authorization": f"Bearer {server.token}"}
    async with aiohttp.ClientSession() as client:
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer x"}, 401),
            ({"Authorization": "Bearer schlüssel"}, 401),
            (good | {"Host": "evil.example"}, 403),
            (good | {"Host": "127.0.0.1"}, 403),
            (good, 200),
        ):
            async with client.get(server.address + "/models", headers=headers) as got:
                assert got.status == status
        async with client.get(server.address + "/other", headers=good) as got:
            assert got.status == 404
        for body in (b"", b"[]", b"{}", b'{"messages": []}', b'{"messages": [{"content": 3}]}'):
            url = server.address + "/chat/completions"
            async with client.post(url, data=body, headers=good) as got:
                assert got.status == 400
    assert server._runner.addresses[0][0] == "127.0.0.1"


async def test_the_offline_server_streams_what_adds_up_to_the_joke(offline: ModelRouter) -> None:
    """`stream` gives server-sent events that add up to the joke, with usage where asked for."""
    server = offline._opener.offline
    ask = {
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Tell one."},
            {"role": "user", "content": '[subject] "cats"'},
        ],
    }
    headers = {"Authorization": f"Bearer {server.token}"}
    url = server.address + "/chat/completions"
    async with (
        aiohttp.ClientSession() as client,
        client.post(url, json=ask, headers=headers) as got,
    ):
        assert got.content_type == "text/event-stream"
        lines = (await got.text()).split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    chunks = [orjson.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert "cats" in text
    assert chunks[-1]["usage"]["completion_tokens"] > 0


async def test_stop_leaves_nothing() -> None:
    """After stop the port is closed and no task of the server is left."""
    before = asyncio.all_tasks()
    model = ModelRouter(OFFLINE)
    await model.start()
    address = model.route.address
    await model.call("TellAJoke", **JOKE)
    await model.stop()
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get(address)
    await until_async(lambda: asyncio.all_tasks() <= before)


SCRIPT = """
import asyncio
from reins import llm
async def main():
    model = llm.ModelRouter(llm.ModelSettings(environ={}))
    await model.start()
    for _ in range(5):
        await model.call("TellAJoke", subject="cats", told=[])
    await model.stop()
asyncio.run(main())
"""


@pytest.mark.parametrize("proxy", [{}, {"HTTP_PROXY": "http://127.0.0.1:9"}])
def test_the_process_ends_cleanly(proxy: dict[str, str]) -> None:
    """A process with the offline model ends with 0, silently, and asks no proxy for loopback."""
    environ = {**os.environ, **proxy, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        command = [sys.executable, "-W", "error", "-c", SCRIPT]
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Tell one" not in done.stdout + done.stderr
        assert "Warning" not in done.stderr


async def test_a_start_makes_no_thread_per_call(offline: ModelRouter) -> None:
    """Two hundred calls at once run on BAML's few threads."""
    await asyncio.gather(*(offline.call("TellAJoke", **JOKE) for _ in range(200)))
    assert threading.active_count() < 20

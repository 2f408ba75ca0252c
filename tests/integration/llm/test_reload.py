"""Routes change while calls are under way: those keep theirs, and no call fails."""

import asyncio
import os
from pathlib import Path

import pytest

from agents import Runtime
from reins.llm import ModelConfigError, ModelError
from reins.settings import load_settings
from tests.support.callers import KEY, Account, route
from tests.support.model_stub import GOOD, fails, openai, says
from tests.support.waiting import until_async

JOKE = {"subject": "cats", "told": []}
OTHER = "Two dogs walk into a bar."


@pytest.fixture
def write(tmp_path: Path):
    return (tmp_path / "models.toml").write_text


def now(model, name="a"):
    return next(each for each in model.routes() if each.name == name)


async def test_reloads_under_load(routed, write, stub, other) -> None:
    """Twelve callers all the while, and thirty reloads between two servers: every call is
    answered, none is lost or asked twice, and what follows a reload goes to the new server."""

    async def slowly(text, *given):
        await asyncio.sleep(0.003)
        return await says(openai(text))(*given)

    stub.default = lambda *given: slowly(GOOD, *given)
    other.default = lambda *given: slowly(OTHER, *given)
    model = await routed(route("a", stub, concurrency=4))
    done: list[str] = []
    stopping = False

    async def caller(number: int) -> None:
        while not stopping:
            handle = model.for_caller(Account(f"s{number}"))
            done.append((await handle.call("TellAJoke", **JOKE)).text)

    callers = [asyncio.ensure_future(caller(number)) for number in range(12)]
    for turn in range(30):
        server, expected = ((other, OTHER), (stub, GOOD))[turn % 2]
        write(route("a", server, concurrency=4 + turn % 3))
        await model.reload()
        # Calls that were in line before the reload keep to the old route; a new one does not.
        assert (await model.call("TellAJoke", **JOKE)).text == expected
    stopping = True
    await asyncio.gather(*callers)
    assert len(stub.seen) + len(other.seen) == len(done) + 30
    assert {GOOD, OTHER} == set(done)
    assert (now(model).calls, now(model).failures) == (len(done) + 30, 0)
    assert (now(model).in_flight, now(model).waiting) == (0, 0)


WRONG_LATE = """
[routes.a]
provider = 'offline'
concurrency = 9
[routes.b]
provider = 'google'
model = 'a?b'
key_env = 'KEY'
"""


@pytest.mark.parametrize(
    "text",
    ["not toml", "[routes.a]\nprovider = 'bard'", "default = 'b'",
     "[routes.a]\nprovider = 'openai'\nmodel = 'm'\nkey_env = 'NO_SUCH_KEY'",
     WRONG_LATE],
)  # fmt: skip
async def test_a_wrong_file_changes_nothing(routed, write, stub, text: str) -> None:
    """The old routes stay whole: address, limits and counters."""
    model = await routed(route("a", stub, concurrency=3))
    await model.call("TellAJoke", **JOKE)
    write(text)
    with pytest.raises(ModelConfigError, match=r"models\.toml"):
        await model.reload()
    assert (await model.call("TellAJoke", **JOKE)).text == GOOD
    assert now(model).limits["concurrency"] == 3
    assert now(model).calls == 2
    assert model.running().default.admission._concurrency == 3


async def test_the_same_place_keeps_its_state(routed, write, stub, other) -> None:
    """New limits leave the breaker open and the counters as they are; a new address begins anew,
    but for the counters."""
    stub.default = fails(500)
    model = await routed(route("a", stub, breaker_failures=1, deadline_s=1.0))
    with pytest.raises(ModelError):
        await model.call("TellAJoke", **JOKE)
    write(route("a", stub, breaker_failures=1, deadline_s=2.0, concurrency=2))
    await model.reload()
    assert (now(model).breaker, now(model).failures) == ("open", 1)
    assert now(model).limits["concurrency"] == 2
    write(route("a", other, breaker_failures=1))
    await model.reload()
    assert (now(model).breaker, now(model).failures) == ("closed", 1)
    assert (await model.call("TellAJoke", **JOKE)).text == GOOD


async def test_the_same_route_keeps_its_connections(routed, write, stub) -> None:
    """A reload that changes nothing of a route opens no new connection."""
    model = await routed(route("a", stub))
    await model.call("TellAJoke", **JOKE)
    for number in range(5):
        write(route("a", stub, deadline_s=5.0, concurrency=number + 1))
        await model.reload()
        await model.call("TellAJoke", **JOKE)
    assert len(stub.connections) == 1


async def test_those_in_line_get_the_new_places(routed, write, stub) -> None:
    """Raising the limit of a route lets those in who wait for it."""

    async def held(server, request):
        await server.released.wait()
        return await says(openai())(server, request)

    stub.default = held
    model = await routed(route("a", stub, concurrency=1))
    calls = [asyncio.ensure_future(model.call("TellAJoke", **JOKE)) for _ in range(5)]
    await until_async(lambda: stub.open_now == 1)
    write(route("a", stub, concurrency=5))
    await model.reload()
    await until_async(lambda: stub.open_now == 5)
    stub.released.set()
    await asyncio.gather(*calls)


async def test_a_route_that_is_gone(routed, write, stub, other) -> None:
    """Whoever names it is told; whoever got it by type goes on with what the file says now."""
    model = await routed(
        'default = "a"\n[agents]\npersona = "b"\n' + route("a", stub) + route("b", other)
    )
    persona = model.for_caller(Account(agent_type="persona"))
    assert (await persona.call("TellAJoke", **JOKE)).route == "b"
    write(route("a", stub))
    await model.reload()
    assert (await persona.call("TellAJoke", **JOKE)).route == "a"
    with pytest.raises(ModelConfigError, match="no model route 'b'"):
        await model.for_caller(Account(route="b")).call("TellAJoke", **JOKE)


async def test_routes_are_read_from_another_thread(routed, stub) -> None:
    """Reading the counters while calls go on never fails, and shows no secret."""
    model = await routed(route("a", stub))
    stopping = False

    def read() -> int:
        count = 0
        while not stopping:
            for each in model.routes():
                assert KEY not in repr(each)
                count += 1
        return count

    reading = asyncio.get_running_loop().run_in_executor(None, read)
    for _ in range(10):
        await asyncio.gather(*(model.call("TellAJoke", **JOKE) for _ in range(20)))
    stopping = True
    assert await reading > 10
    assert now(model).p50_ms <= now(model).p95_ms <= now(model).p99_ms


async def test_a_worker_reloads_its_routes(tmp_path: Path, stub, other, monkeypatch) -> None:
    """`models.toml` of the working folder is read at the start and again at a reload, which keeps
    the old routes where the file is wrong."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", KEY)
    for name in [name for name in os.environ if name.startswith("REINS_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "models.toml"
    file.write_text(route("a", stub))
    runtime = Runtime(load_settings(data=tmp_path / "data"))
    await runtime.start()
    try:
        assert runtime.model.route.model == "a-model"
        file.write_text("[routes.b]\nprovider = 'nope'")
        with pytest.raises(ValueError, match=r"routes\.b\.provider"):
            await runtime.reload()
        assert runtime.model.route.model == "a-model"
        file.write_text(route("b", other))
        assert "b-model" in await runtime.reload()
        assert (await runtime.model.call("TellAJoke", **JOKE)).route == "b"
    finally:
        await runtime.stop()


async def test_a_reload_takes_up_a_changed_key(tmp_path: Path, stub, monkeypatch) -> None:
    """A key in `.env` is read anew; nothing of the file enters the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("REINS_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    entry = f'provider = "openai"\nmodel = "m"\nbase_url = "{stub.address}/v1"\n'
    (tmp_path / "models.toml").write_text(f'[routes.a]\n{entry}key_env = "OPENAI_API_KEY"\n')
    keys = tmp_path / ".env"
    keys.write_text("OPENAI_API_KEY=sk-one\n")
    runtime = Runtime(load_settings(data=tmp_path / "data"))
    await runtime.start()
    try:
        await runtime.model.call("TellAJoke", **JOKE)
        keys.write_text("OPENAI_API_KEY=sk-two\n")
        await runtime.reload()
        await runtime.model.call("TellAJoke", **JOKE)
    finally:
        await runtime.stop()
    sent = [{k.lower(): v for k, v in seen.headers.items()}["authorization"] for seen in stub.seen]
    assert sent == ["Bearer sk-one", "Bearer sk-two"]
    assert "OPENAI_API_KEY" not in os.environ

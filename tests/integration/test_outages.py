"""A model's route is away, in each way in which one is; and a pause while a call only waits."""

import asyncio
import json
import socket
import time
from contextlib import asynccontextmanager

import pytest

import queue_imp as q
from agents import Runtime
from reins.cli.main import main as cli
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.model_calls import list_calls
from tests.integration.web.support import Api
from tests.support import data_folder
from tests.support.callers import KEY, route
from tests.support.model_stub import (
    ModelStub,
    answers,
    breaks,
    fails,
    never,
    openai_events,
    streams,
)
from tests.support.waiting import until_async

GRACE_S = 5.0


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Writes the models file, and starts a worker on it."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_MODELS", str(tmp_path / "models.toml"))
    monkeypatch.setenv("KEY", KEY)

    @asynccontextmanager
    async def running(*routes, **settings):
        (tmp_path / "models.toml").write_text("\n".join(['default = "main"', *routes]))
        given = {"heartbeat_s": 0.05, "retry_wait_s": 0.05, "retry_wait_max_s": 0.3,
                 "max_failures": 2, "stop_grace_s": GRACE_S} | settings  # fmt: skip
        runtime = Runtime(load_settings(**given))
        await runtime.start()
        try:
            yield runtime
        finally:
            await runtime.stop()
            await asyncio.to_thread(data_folder.verified, tmp_path / "data")

    return running


async def do(helper, *given, **more):
    action = await asyncio.to_thread(helper, *given, **more)
    return await asyncio.to_thread(q.wait_for_action, action, 30)


def waits(session_id="a"):
    found = (get_agent_state(session_id) or {}).get("waits")
    return None if found is None else json.loads(found)


def ticks(session_id="a"):
    return sum(row["kind"] == "tick" for row in list_steps(session_id))


@pytest.mark.parametrize(
    ("reply", "given"),
    [
        (fails(500), {}),
        (fails(502), {}),
        (fails(503), {}),
        (fails(504), {}),
        (fails(529), {}),
        (fails(408), {}),
        (fails(429), {}),
        (fails(401), {}),
        (fails(402), {}),
        (breaks, {}),
        (streams(openai_events(finish_reason=None)), {}),
        (never, {"deadline_s": 0.2}),
        (fails(503), {"breaker_failures": 1, "deadline_s": 0.05}),
        (fails(503), {"attempts": 2}),
    ],
    ids=["500", "502", "503", "504", "529", "408", "429", "401", "402", "breaks", "stream",
         "timeout", "breaker", "attempts"],
)  # fmt: skip
async def test_it_waits_and_goes_on(world, reply, given):
    """Longer than failures are allowed, the status says so, and it goes on by itself."""
    given = {"breaker_rest_s": 0.1, **given}
    async with ModelStub() as stub, world(route("main", stub, **given)):
        await do(q.agent_create, "a", "ann", "cats")
        await until_async(ticks)
        stub.default = reply
        await until_async(lambda: waits() is not None and waits()["tries"] > 4)
        state = get_agent_state("a")
        assert (state["status"], waits()["kind"]) == ("running", "model")
        stub.default = answers("A joke.")
        stub.released.set()
        had = ticks()
        await until_async(lambda: ticks() > had)
        assert waits() is None


@pytest.mark.parametrize(
    "reply", [fails(400), fails(404), answers("")], ids=["400", "404", "empty"]
)
async def test_what_is_the_calls_own_fault_ends_it(world, reply):
    """An answer that the route gave to this very call: it fails after so many."""
    async with ModelStub(default=reply) as stub, world(route("main", stub)):
        await do(q.agent_create, "a", "ann", "cats")
        await until_async(lambda: get_agent_state("a")["status"] == "failed")
        assert waits() is None


async def test_nobody_listens_there_until_somebody_does(world):
    """A server that is started again, at the same address; with a restart of ours in between."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gone = ModelStub()
    gone.address = f"http://127.0.0.1:{port}"
    async with world(route("main", gone)):
        await do(q.agent_create, "a", "ann", "cats")
        await until_async(lambda: waits() is not None and waits()["tries"] > 3)
    since = waits()["since"]
    async with ModelStub() as stub:
        async with world(route("main", gone)):
            await until_async(lambda: waits()["tries"] > 6)
            assert abs(waits()["since"] - since) < 1_000_000
        async with world(route("main", stub)):
            await until_async(ticks)
            assert waits() is None


async def test_list_page_status_and_metrics_say_it(world, capsys):
    """Since when, for what and why, in one shape; and nothing once it is back."""
    async with ModelStub(default=fails(503)) as stub, world(route("main", stub)) as runtime:
        await do(q.agent_create, "a", "ann", "cats")
        await until_async(lambda: waits() is not None)
        with Api(runtime.settings, runtime) as api:
            for got in (
                await asyncio.to_thread(lambda: api.get("/api/sessions")["items"][0]),
                await asyncio.to_thread(api.get, "/api/sessions/a"),
            ):
                assert got["waits"]["kind"] == "model"
                assert "503" in got["waits"]["reason"]
                assert got["waits"]["since"] <= got["updated_at"]
                assert got["failures"] == 0
            figures = await asyncio.to_thread(lambda: api.client.get("/metrics").text)
            assert 'reins_sessions_waiting{kind="model"} 1.0' in figures
            await asyncio.to_thread(cli, ["status"])
            shown = capsys.readouterr().out
            assert "waits for the model since" in shown
            assert "running" in shown
            stub.default = answers("A joke.")
            await until_async(ticks)
            await until_async(lambda: waits() is None)
            got = await asyncio.to_thread(api.get, "/api/sessions/a")
            assert got["waits"] is None


async def test_a_check_and_a_reload_wake_who_waits(world):
    """A person who has mended it need not wait for the longest pause."""
    long = {"retry_wait_s": 600.0, "retry_wait_max_s": 600.0}
    async with ModelStub(default=fails(503)) as stub, world(route("main", stub), **long) as runtime:
        for wake in (
            lambda: runtime.model.check("main"),
            lambda: do(q.environment_reload_action, "ann"),
        ):
            stub.default = fails(503)
            await do(q.agent_create, "a", "ann", "cats")
            await until_async(lambda: waits() is not None)
            stub.default = answers("A joke.")
            had = ticks()
            await wake()
            await until_async(lambda had=had: ticks() > had, deadline_s=10)
            await do(q.agent_destroy_action, "a", "ann")


async def test_one_that_gets_an_answer_wakes_the_others(world):
    """Those with long pauses go on when a session with a short one has tried."""
    async with (
        ModelStub(default=fails(503)) as stub,
        world(route("main", stub), retry_wait_s=600.0, retry_wait_max_s=600.0) as runtime,
    ):
        for name in ("a", "b", "c"):
            await do(q.agent_create, name, "ann", "cats")
            await until_async(lambda name=name: waits(name) is not None)
        stub.default = answers("A joke.")
        runtime.fleet.live["a"].agent.tick_now()
        runtime.fleet.live["a"].mailbox.wake()
        await until_async(lambda: all(map(ticks, ("a", "b", "c"))), deadline_s=10)


async def test_a_fallback_that_is_back_is_enough(world):
    """Who waits for a route waits for its fallbacks too."""
    async with ModelStub(default=fails(503)) as main, ModelStub(default=fails(503)) as other:
        routes = route("main", main, fallback=["other"]), route("other", other)
        async with world(*routes):
            await do(q.agent_create, "a", "ann", "cats")
            await until_async(lambda: waits() is not None)
            other.default = answers("A joke.")
            await until_async(ticks)


# -- a pause while a call only waits


async def asked_and_then(stub, act, helper):
    """Waits for the first request, acts, and gives the seconds and requests that it then took."""
    await until_async(lambda: stub.seen)
    await act()
    before, began = len(stub.seen), time.monotonic()
    got = await do(helper, "a", "ann")
    assert got["outcome"] == "applied"
    return time.monotonic() - began, len(stub.seen) - before


async def waiting_to_retry():
    await asyncio.sleep(0.3)


@pytest.mark.parametrize("helper", [q.agent_pause_action, q.agent_destroy_action])
@pytest.mark.parametrize(
    ("reply", "given"),
    [
        (fails(429, Retry_After="20"), {}),
        (fails(503, Retry_After="20"), {}),
        (fails(503, Retry_After="20"), {"breaker_failures": 1, "breaker_rest_s": 20.0}),
        (fails(503, Retry_After="20"), {"requests_per_minute": 1}),
    ],
    ids=["429", "503", "breaker", "rate"],
)
async def test_it_takes_at_once_and_nothing_is_sent(world, reply, given, helper):
    """The call waits for its next attempt: the tick gives way, and is done again after a resume."""
    given = {"attempts": 4, "deadline_s": 60.0, **given}
    async with ModelStub(default=reply) as stub, world(route("main", stub, **given)):
        await do(q.agent_create, "a", "ann", "cats")
        took_s, sent = await asked_and_then(stub, waiting_to_retry, helper)
        assert sent == 0
        assert took_s < GRACE_S / 2
        await asyncio.sleep(0.2)
        assert sent == 0
        last = list_calls("a")[-1]
        assert (last["error_kind"], last["sent_at"]) == ("aborted", None)
        if helper is q.agent_pause_action:
            stub.default = answers("A joke.")
            assert get_agent_state("a")["status"] == "paused"


async def test_a_pause_while_a_call_waits_for_its_place(world):
    """Another session has the only place."""
    given = {"concurrency": 1, "deadline_s": 60.0}
    async with ModelStub(default=never) as stub, world(route("main", stub, **given)) as runtime:
        await do(q.agent_create, "b", "ann", "cats")
        await until_async(lambda: stub.open_now == 1)
        await do(q.agent_create, "a", "ann", "cats")
        session = runtime.fleet.live["a"]
        await until_async(lambda: session.account is not None and session.account.only_waits)
        got = await do(q.agent_pause_action, "a", "ann")
        assert got["outcome"] == "applied"
        assert len(stub.seen) == 1
        await do(q.agent_resume_action, "a", "ann")
        stub.default = answers("A joke.")
        stub.released.set()
        await until_async(ticks)


async def test_a_pause_during_a_request_that_then_fails(world):
    """What is sent is let end; no further attempt follows it."""

    async def slowly(stub, request):
        await stub.released.wait()
        return await fails(503)(stub, request)

    given = {"attempts": 4, "deadline_s": 60.0}
    async with ModelStub(default=slowly) as stub, world(route("main", stub, **given)):
        await do(q.agent_create, "a", "ann", "cats")
        await until_async(lambda: stub.open_now == 1)
        action = await asyncio.to_thread(q.agent_pause_action, "a", "ann")
        await until_async(lambda: get_agent_state("a")["status"] == "pausing")
        stub.released.set()
        got = await asyncio.to_thread(q.wait_for_action, action, 30)
        assert got["outcome"] == "applied"
        await asyncio.sleep(0.5)
        assert len(stub.seen) == 1
        stub.default = answers("A joke.")
        await do(q.agent_resume_action, "a", "ann")
        await until_async(ticks)


async def test_a_pause_during_a_request_that_is_answered(world):
    """It is let end, and its tick is kept."""

    async def slowly(stub, request):
        await stub.released.wait()
        return await answers("A joke.")(stub, request)

    async with ModelStub(default=slowly) as stub, world(route("main", stub, deadline_s=60.0)):
        await do(q.agent_create, "a", "ann", "cats")
        await until_async(lambda: stub.open_now == 1)
        action = await asyncio.to_thread(q.agent_pause_action, "a", "ann")
        await until_async(lambda: get_agent_state("a")["status"] == "pausing")
        stub.released.set()
        await asyncio.to_thread(q.wait_for_action, action, 30)
        assert ticks() == 1

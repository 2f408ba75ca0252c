import asyncio
import threading
from types import SimpleNamespace

import pytest

from reins.settings import load_settings
from reins.web import bridge
from reins.web.bridge import Bridge


@pytest.fixture
def loop():
    """A loop in a thread, as the worker has one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def bridge_to(monkeypatch, worker):
    monkeypatch.setenv("REINS_DATA", "/nowhere/data")
    return Bridge(load_settings(), worker)


def test_a_route_is_tried_on_the_loop_of_the_worker(monkeypatch, loop):
    """And what it said comes back to the thread that asked."""
    tried_in = []

    async def check(name):
        tried_in.append(threading.current_thread())
        return [SimpleNamespace(name=name, ok=True, message="it answers", latency_ms=3.0)]

    model = SimpleNamespace(check=check, routes=lambda: ["a route"])
    here = bridge_to(monkeypatch, SimpleNamespace(model=model, loop=loop))
    assert here.check_route("fast").message == "it answers"
    assert tried_in != [threading.current_thread()]
    assert here.routes() == ["a route"]


def test_a_try_that_does_not_end_is_given_up(monkeypatch, loop):
    """In words; the try is cancelled."""
    ended = threading.Event()

    async def check(_):
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    monkeypatch.setattr(bridge, "CHECK_S", 0.05)
    worker = SimpleNamespace(model=SimpleNamespace(check=check), loop=loop)
    found = bridge_to(monkeypatch, worker).check_route("fast")
    assert (found.name, found.ok, found.latency_ms) == ("fast", False, None)
    assert "no answer within" in found.message
    assert ended.wait(5)


def test_without_a_worker_there_are_no_routes(monkeypatch):
    """No routes; a try says where there is one."""
    here = bridge_to(monkeypatch, None)
    assert here.routes() == ()
    with pytest.raises(RuntimeError, match="no worker runs in this process"):
        here.check_route("fast")

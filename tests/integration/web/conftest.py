"""The API as its users see it: a real folder, a real worker where one is asked for."""

import pytest

import config
from agents import Runtime
from tests.integration.web.support import Api


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_HEARTBEAT_S", "0.05")
    monkeypatch.setenv("REINS_STOP_GRACE_S", "1")
    monkeypatch.setenv("REINS_FLUSH_S", "0.2")
    monkeypatch.setenv("REINS_AGENT_MODULES", '["agents_impl", "tests.odd_agents"]')
    return config.load()


@pytest.fixture
def idle(settings):
    """The API without a worker: what is enqueued stays in the queue."""
    with Api(settings, None) as api:
        yield api


@pytest.fixture
def api(settings):
    """The API beside a worker."""
    runtime = Runtime(settings)
    runtime.start_in_thread()
    with Api(settings, runtime) as api:
        yield api
    runtime.stop_thread()

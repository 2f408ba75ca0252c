"""The API as its users see it: a real folder, a real worker where one is asked for."""

import threading

import pytest
from werkzeug.serving import make_server

from agents import Runtime
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from tests.integration.web.serving import Served
from tests.integration.web.support import Api


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_HEARTBEAT_S", "0.05")
    monkeypatch.setenv("REINS_STOP_GRACE_S", "1")
    monkeypatch.setenv("REINS_FLUSH_S", "0.2")
    monkeypatch.setenv("REINS_AGENT_MODULES", '["agents_impl", "tests.support.odd_agents"]')
    return load_settings()


@pytest.fixture
def idle(settings):
    """The API without a worker: what is enqueued stays in the queue."""
    with Api(settings, None) as api:
        yield api


@pytest.fixture
def api(settings):
    """The API beside a worker."""
    runtime = Runtime(settings)
    thread = RuntimeThread(runtime)
    thread.start()
    with Api(settings, runtime) as api:
        yield api
    thread.stop()


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """The web on a port of its own, beside a worker; one for all tests of a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REINS_DATA", str(tmp_path_factory.mktemp("live") / "data"))
        patch.setenv("REINS_HEARTBEAT_S", "0.02")
        patch.setenv("REINS_STOP_GRACE_S", "1")
        patch.setenv("REINS_FLUSH_S", "0.2")
        patch.setenv("REINS_AGENT_MODULES", '["agents_impl", "tests.support.odd_agents"]')
        settings = load_settings()
        runtime = Runtime(settings)
        thread = RuntimeThread(runtime)
        thread.start()
        with Served(settings, runtime) as served:
            yield served
        thread.stop()


@pytest.fixture
def port(request):
    """The application of `api` or `idle` on a real port."""
    name = "api" if "api" in request.fixturenames else "idle"
    web = request.getfixturevalue(name).web
    server = make_server("127.0.0.1", 0, web.wsgi, threaded=True)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server.server_port
    server.shutdown()
    serving.join()
    server.server_close()

"""A worker with its web, and clients of MCP that reach it over stdio and over HTTP."""

import contextlib
import os
import sys

import pytest
from mcp import Client, StdioServerParameters

from agents import Runtime
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from tests.integration.web.serving import Served
from tests.support.program import ROOT

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("REINS_")}


def over_stdio(folder, *options):
    """How a client starts `reins mcp` on a folder: a process of its own."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "reins", "mcp", "--data", str(folder), *options],
        cwd=ROOT,
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
    )


@contextlib.contextmanager
def running(folder, **served):
    """The web on a port of its own, beside a worker on the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REINS_DATA", str(folder))
        patch.setenv("REINS_HEARTBEAT_S", "0.1")
        patch.setenv("REINS_STOP_GRACE_S", "1")
        patch.setenv("REINS_FLUSH_S", "0.2")
        patch.setenv("REINS_AGENT_MODULES", '["agents_impl", "tests.support.asking_agents"]')
        settings = load_settings()
        runtime = Runtime(settings)
        thread = RuntimeThread(runtime)
        thread.start()
        try:
            with Served(settings, runtime, **served) as web:
                yield web
        finally:
            thread.stop()


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    with running(tmp_path_factory.mktemp("mcp") / "data") as web:
        yield web


@pytest.fixture
def connect(live):
    """Connect a client by a transport, in an era of the protocol."""

    @contextlib.asynccontextmanager
    async def connecting(transport, era):
        folder = live.runtime.store.folder.path
        way = over_stdio(folder, "--actor", "ann") if transport == "stdio" else (
            f"{live.url}/mcp?actor=ann"
        )  # fmt: skip
        async with Client(way, mode=era) as client:
            yield client

    return connecting

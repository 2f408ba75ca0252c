"""The span of a call of a tool: below that of the tick, with its end and nothing of its input."""

import asyncio
from types import SimpleNamespace

import pytest

from reins import telemetry
from reins.tools import Calls, Context, tool
from tests.support.collector import Collector


@tool(risk="low")
async def look(at: str) -> str:
    """Look."""
    if at == "nothing":
        raise ValueError("nothing is there")
    return f"saw {at}"


@pytest.fixture
def collector(monkeypatch):
    with Collector() as made:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.address)
        yield made


def test_a_call_has_a_span_below_the_tick(collector):
    """Its name and end are those of the conventions; arguments and results are not in it."""
    tracing = telemetry.start(version="1", instance="here")
    session = SimpleNamespace(
        agent_id="a", session_id="s", agent_type="task", iteration=1, failures=0, error=None
    )

    async def work() -> None:
        context = Context(session_id="s", seq=7, key="call-1")
        with telemetry.tick(session):
            for at in ("the sea", "nothing"):
                await Calls().call(look, {"at": at}, context)

    asyncio.run(work())
    tracing.stop()
    [tick] = collector.spans("invoke_agent task")
    seen, failed = collector.spans("execute_tool look")
    assert {seen.parent_id, failed.parent_id} == {tick.span_id}
    assert tick.began_ns <= seen.began_ns <= seen.ended_ns <= tick.ended_ns
    assert seen.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call-1",
        "gen_ai.conversation.id": "s",
        "reins.seq": 7,
        "reins.outcome": "ok",
        "reins.tool.attempts": 1,
    }
    assert failed.attributes["error.type"] == "failed"

"""What Prometheus gets, as its own parser reads it."""

import asyncio
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reins.tools import Context
from reins.tools.builtin.memory import recall
from reins.web.api.mcp_figures import OF_MCP
from reins.web.api.metrics import OF_ROUTES, OF_TOOLS, OF_WEB, OF_WORKER
from reins.web.api.topic_figures import OF_TOPICS
from tests.integration.web.serving import Served
from tests.support.waiting import until

ANN = {"actor": "ann"}


def scraped(api, **headers):
    """Every sample by its name and labels, and the metrics' types by their names."""
    answer = api.client.get("/metrics", base_url="http://127.0.0.1:8700", headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    families = list(text_string_to_metric_families(answer.get_data(as_text=True)))
    assert len({family.name for family in families}) == len(families)
    samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in samples
            samples[key] = sample.value
    return samples, {family.name: family.type for family in families}


def test_the_values_move(api):
    """Ticks, calls, tokens, rows and actions are counted on; nothing that counts goes back."""
    route = ("route", "default")
    before, _ = scraped(api)
    assert before["reins_sessions", ("status", "running")] == 0
    assert before["reins_model_calls_total", route] == 0
    api.done("/api/sessions", {"agent_id": "c", "agent_type": "joke", **ANN})
    until(lambda: scraped(api)[0]["reins_model_calls_total", route] > 2)
    until(lambda: scraped(api)[0]["reins_ticks_total",] > 2)
    after, types = scraped(api)
    assert after["reins_sessions", ("status", "running")] == 1
    assert after["reins_actions_handled_total",] == 1
    assert after["reins_queue_depth",] == 0
    assert after["reins_journal_rows_total",] > before["reins_journal_rows_total",]
    assert 0 < after["reins_journal_commit_seconds",] < 5
    assert after["reins_model_tokens_total", ("direction", "in"), route] > 10
    assert after["reins_model_tokens_total", ("direction", "out"), route] > 10
    assert 0 < after["reins_model_latency_seconds", ("quantile", "0.5"), route] < 5
    assert after["reins_route_breaker", route, ("state", "closed")] == 1
    assert after["reins_route_breaker", route, ("state", "open")] == 0
    assert after["process_resident_memory_bytes",] > 10_000_000
    assert after["process_cpu_seconds_total",] >= before["process_cpu_seconds_total",]
    start = ("start_id", api.runtime.start_id)
    assert after["reins_worker_info", start] == 1
    for key, value in before.items():
        if types[key[0].removesuffix("_total")] == "counter":
            assert after[key] >= value, key


def test_every_figure_is_there(api):
    """Each with the type that its name promises, and no other of ours."""
    _, types = scraped(api)
    of_all = (*OF_WEB, *OF_WORKER, *OF_ROUTES, *OF_TOOLS, *OF_MCP, *OF_TOPICS)
    names = [figure.name for figure in of_all]
    assert {name.removesuffix("_total") for name in names} == {
        name for name in types if name.startswith("reins_")
    }
    for name in names:
        wanted = "counter" if name.endswith("_total") else "gauge"
        assert types[name.removesuffix("_total")] == wanted
        assert re.fullmatch(r"reins_[a-z_]+", name)


def test_each_tool_that_is_called_has_figures(api):
    """By how its calls ended, and how long they took."""
    toolbox = api.runtime.toolbox

    async def call(**arguments):
        return await toolbox.calls.call(toolbox.tools.tools["recall"], arguments, Context())

    asyncio.run_coroutine_threadsafe(recall.acall(), api.runtime.loop).result(20)
    for arguments in ({}, {"key": "none"}):
        asyncio.run_coroutine_threadsafe(call(**arguments), api.runtime.loop).result(20)
    found, _ = scraped(api)
    tool = ("tool", "recall")
    assert found["reins_tool_calls_total", ("outcome", "ok"), tool] == 2
    assert found["reins_tool_calls_total", ("outcome", "failed"), tool] == 1
    assert found["reins_tool_attempts_total", tool] == 3
    assert found["reins_tool_seconds_total", tool] > 0
    assert 0 < found["reins_tool_latency_seconds", ("quantile", "0.5"), tool] < 20


def test_without_a_worker_what_it_alone_knows_is_left_out(idle):
    """What only a worker knows is left out."""
    idle.post("/api/environment/reload", ANN)
    samples, types = scraped(idle)
    assert samples["reins_queue_depth",] == 1
    assert samples["reins_web_clients", ("kind", "sockets")] == 0
    assert {name for name in types if name.startswith("reins_")} == {
        f.name.removesuffix("_total") for f in OF_WEB
    }


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=1.0.0", "x/y; q=", "🙂"])
def test_whatever_is_accepted(idle, accept):
    """The one format that every scraper reads."""
    scraped(idle, Accept=accept.encode().decode("latin-1"))


def test_metrics_ask_for_the_token(settings):
    """It is asked for as everywhere; a scraper sends it as a bearer."""
    with Served(settings, token="a-token-of-sixteen") as served:
        assert served.ask("GET", "/metrics")[0] == 401
        status, _, body = served.ask("GET", "/metrics", Authorization="Bearer a-token-of-sixteen")
        assert status == 200
        assert b"reins_queue_depth" in body
        assert (
            served.ask("POST", "/metrics", {}, Authorization="Bearer a-token-of-sixteen")[0] == 405
        )

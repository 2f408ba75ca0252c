"""A worker's spans, as a collector gets them: of ticks, calls, commits and actions."""

import json
import shutil

import pytest

import queue_imp as q
from store.agent_steps import list_steps
from tests.support.collector import Collector
from tests.support.waiting import until
from tests.support.worker import Worker


@pytest.fixture
def data(tmp_path, monkeypatch, empty_folder):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    return shutil.copytree(empty_folder, tmp_path / "data")


def done(action_id):
    got = q.wait_for_action(action_id, 20)
    assert got["outcome"] == "applied", got
    return got


def ticks_of(session_id):
    return [row for row in list_steps(session_id) if row["kind"] == "tick"]


def test_the_spans_of_a_worker(data, tmp_path):
    """Each tick on record has its span, its call below it and its commit beside it; the last ones
    are sent before the worker ends.
    """
    with Collector() as collector:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
        with Worker(data, tmp_path / "worker", settings=settings) as worker:
            worker.started()
            start_id = worker.said("worker started")["start"]
            created = done(q.agent_create("jo", "ann", "cats"))
            done(q.agent_create("bad", "ann", agent_type="odd", config={"tick": "fail"}))
            until(lambda: len(ticks_of("jo")) > 2)
            until(lambda: any(row["kind"] == "error" for row in list_steps("bad")))
            done(q.agent_destroy_action("jo", "ann"))
            done(q.agent_destroy_action("bad", "ann"))
            assert worker.stop() == 0
        assert {of["service.instance.id"] for of in collector.resources} == {start_id}
        _checked(collector, created["action_id"])


def _checked(collector, create_id):
    rows = ticks_of("jo")
    ticks = {
        span.span_id: span
        for span in collector.spans("invoke_agent joke")
        if span.attributes["reins.outcome"] == "done"
    }
    assert [span.attributes["reins.step"] for span in ticks.values()] == [r["step"] for r in rows]
    assert {span.parent_id for span in ticks.values()} == {""}
    assert len({span.trace_id for span in ticks.values()}) == len(ticks)
    for span in ticks.values():
        said = [span.attributes[f"gen_ai.{name}"] for name in ("agent.id", "conversation.id")]
        assert said == ["jo", "jo"]
        # What the row tells is a part of the span, which goes on until the row is on disk.
        row = next(row for row in rows if row["step"] == span.attributes["reins.step"])
        assert row["latency_ms"] <= (span.ended_ns - span.began_ns) / 1e6

    calls = [span for span in collector.spans("chat") if span.parent_id in ticks]
    assert {span.parent_id for span in calls} == ticks.keys()
    for span in calls:
        tick = ticks[span.parent_id]
        assert span.trace_id == tick.trace_id
        assert tick.began_ns <= span.began_ns + 1_000
        assert span.ended_ns <= tick.ended_ns + 1_000_000
        assert span.attributes["gen_ai.provider.name"] == "reins.offline"
        assert span.attributes["gen_ai.prompt.name"] == "TellAJoke"
        assert span.attributes["gen_ai.conversation.id"] == "jo"
        assert span.attributes["gen_ai.usage.input_tokens"] > 0

    failed = collector.spans("invoke_agent odd")
    assert {span.attributes["reins.outcome"] for span in failed} >= {"failed"}
    assert all(span.failed for span in failed if span.attributes["reins.outcome"] == "failed")

    commits = collector.spans("journal commit")
    assert sum(span.attributes["reins.rows"] for span in commits) >= len(rows)
    assert {span.parent_id for span in commits} == {""}
    assert ticks.keys() <= {link for span in commits for link in span.links}

    actions = {span.attributes["reins.action.id"]: span for span in collector.spans("action")}
    assert len(actions) == 4
    create = actions[create_id]
    assert create.name == "action create_agent"
    assert create.attributes["reins.outcome"] == "applied"
    assert create.attributes["gen_ai.conversation.id"] == "jo"


def test_a_collector_that_is_not_there(data, tmp_path):
    """The worker does its work and ends in time; the log says that spans are lost."""
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    with Worker(data, tmp_path / "worker", settings=settings) as worker:
        worker.started()
        done(q.agent_create("jo", "ann", "cats"))
        until(lambda: len(ticks_of("jo")) > 1)
        until(lambda: "exporting spans" in worker.stderr.read_text())
        assert worker.stop() == 0
        assert all(line["level"] in ("info", "warning", "error") for line in worker.lines())


def test_without_the_variables_nothing_is_imported(data, tmp_path):
    """A worker that has ticked knows nothing of OpenTelemetry."""
    told = (
        "import atexit, json, sys, agents\n"
        "atexit.register(lambda: print(json.dumps([m for m in sys.modules if 'opentel' in m])))\n"
        "sys.exit(agents.main([]))"
    )
    unset = {"OTEL_EXPORTER_OTLP_ENDPOINT": None, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": None}
    with Worker(data, tmp_path / "worker", "-c", told, settings=unset) as worker:
        worker.started()
        done(q.agent_create("jo", "ann", "cats"))
        until(lambda: ticks_of("jo"))
        assert worker.stop() == 0
        assert json.loads(worker.stdout.read_text()) == []


def test_the_spans_of_a_plan(data, tmp_path):
    """A root for each run of a task, with what the model was asked in it below."""
    ask = {"kind": "task", "name": "ask", "args": {"prompt": "what?", "to": "a"}}
    plan = {"kind": "sequence", "items": [ask, "put"]}
    with Collector() as collector:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
        with Worker(data, tmp_path / "worker", settings=settings) as worker:
            worker.started()
            done(q.agent_create("jo", "ann", agent_type="plan", config={"plan": plan}))
            until(lambda: list_steps("jo")[-1]["kind"] == "final")
            assert worker.stop() == 0
        [asked], [put] = collector.spans("task ask"), collector.spans("task put")
        assert (asked.parent_id, put.parent_id) == ("", "")
        assert (asked.attributes["reins.node"], asked.attributes["reins.outcome"]) == ("/0", "done")
        assert put.attributes["reins.outcome"] == "failed"
        calls = [span for span in collector.spans() if span.parent_id == asked.span_id]
        assert [span.name.partition(" ")[0] for span in calls] == ["chat"]

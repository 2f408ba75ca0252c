"""Spans, as they leave; and that nothing is done where nobody wants them."""

import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog

import agents
from reins import telemetry
from reins.llm.caller import CallRecord, Nobody
from tests.support.collector import Collector
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in ("TRACES_ENDPOINT", "ENDPOINT", "TRACES_PROTOCOL", "PROTOCOL"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    yield
    if telemetry._tracing is not None:
        telemetry._tracing.stop()


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


@pytest.fixture
def tracing(collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    started = telemetry.start(version="9.9", instance="here")
    assert started is not None
    yield started
    started.stop()


def session(**more):
    given = {"iteration": 4, "failures": 0, "error": None, **more}
    return SimpleNamespace(agent_id="a", session_id="s", agent_type="joke", **given)


def record(**more):
    given = {
        "call_id": "c1", "function": "TellJoke", "route": "fast", "provider": "openai",
        "model": "m-1", "attempt": 2, "streamed": True, "demonstration": False,
        "queued_at": 1_000_000, "sent_at": 1_002_000, "first_token_ms": 250.0, "latency_ms": 500.0,
        "tokens_in": 7, "tokens_out": 5, "tokens_cached": 3, "cost_usd": 0.25,
        "finish_reason": "stop", "status": 200, "request": "SECRET", "answer": "SECRET",
    }  # fmt: skip
    return CallRecord(**{**given, **more})


# -- off


def test_off_nothing_is_imported():
    """Every hook may be called, and OpenTelemetry is not even imported."""
    program = (
        "import sys\nfrom reins import telemetry\n"
        "assert telemetry.start(version='1', instance='i') is None\n"
        "with telemetry.tick(None): pass\n"
        "telemetry.attempted(None, None)\n"
        "telemetry.committed(0.1, 1, [telemetry.here()], '')\n"
        "telemetry.handled({}, 'applied', 0)\n"
        "assert not telemetry.on\n"
        "print([name for name in sys.modules if 'opentelemetry' in name])\n"
    )
    environment = {"PATH": "", "OTEL_SERVICE_NAME": "a name alone is no address"}
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert (said.stdout, said.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", " "),
    ],
)
def test_a_variable_that_says_no_switches_it_off(monkeypatch, name, value):
    """The usual variables that say no; no word is lost on it."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    with structlog.testing.capture_logs() as said:
        assert telemetry.start(version="1", instance="i") is None
    assert (said, telemetry.on) == ([], False)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        (("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), "only http/protobuf"),
        (("OTEL_BSP_MAX_QUEUE_SIZE", "-1"), "a setting of OpenTelemetry's is wrong"),
    ],
)
def test_a_setting_that_does_not_fit(monkeypatch, setting, says):
    """One warning that says what to do; the worker goes on without spans."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(*setting)
    with structlog.testing.capture_logs() as said:
        assert telemetry.start(version="1", instance="i") is None
    assert [line["log_level"] for line in said] == ["warning"]
    assert says in said[0]["event"]
    assert said[0]["todo"]
    assert not telemetry.on


def test_without_the_packages(monkeypatch):
    """One warning that names the extra; the worker goes on without spans."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces")
    monkeypatch.delitem(sys.modules, "reins.spans", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with structlog.testing.capture_logs() as said:
        assert telemetry.start(version="1", instance="i") is None
    assert "extra `telemetry`" in said[0]["todo"]
    assert not telemetry.on


# -- on


def test_a_call_is_a_child_of_its_tick(collector, tracing):
    """The call is a child of the tick; both say who, what and how much, and no text."""
    of = session()
    with telemetry.tick(of):
        telemetry.attempted(record(), SimpleNamespace(session_id="s", agent_type="joke"))
        of.iteration += 1
    tracing.stop()
    [tick] = collector.spans("invoke_agent")
    [call] = collector.spans("chat")
    assert (tick.name, call.name) == ("invoke_agent joke", "chat m-1")
    assert tick.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "reins",
        "gen_ai.agent.id": "a",
        "gen_ai.agent.name": "joke",
        "gen_ai.conversation.id": "s",
        "reins.step": 5,
        "reins.outcome": "done",
    }
    assert call.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m-1",
        "gen_ai.request.stream": True,
        "gen_ai.prompt.name": "TellJoke",
        "gen_ai.conversation.id": "s",
        "gen_ai.agent.name": "joke",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "http.response.status_code": 200,
        "reins.call.id": "c1",
        "reins.call.attempt": 2,
        "reins.route": "fast",
        "reins.cost_usd": 0.25,
        "reins.queued_ms": 2.0,
        "reins.usage.estimated": False,
        "reins.demonstration": False,
    }
    assert (call.parent_id, call.trace_id) == (tick.span_id, tick.trace_id)
    assert (call.kind, tick.parent_id) == (3, "")
    assert (call.began_ns, call.ended_ns) == (1_002_000_000, 1_502_000_000)
    assert not call.failed


def test_the_kind_of_a_failed_call_is_the_errors_type(collector, tracing):
    """Its kind is the error's type; one that never got its place has no length."""
    failed = record(
        function="embeddings", provider="google", sent_at=None, latency_ms=None,
        error_kind="timeout", error="SECRET", finish_reason=None, first_token_ms=None, status=None,
        tokens_cached=0,
    )  # fmt: skip
    telemetry.attempted(failed, Nobody())
    tracing.stop()
    [call] = collector.spans()
    assert (call.name, call.failed, call.parent_id) == ("embeddings m-1", True, "")
    assert call.attributes["error.type"] == "timeout"
    assert call.attributes["gen_ai.provider.name"] == "gcp.gemini"
    assert call.began_ns == call.ended_ns == 1_000_000_000
    assert "SECRET" not in str(call)
    assert not call.attributes.keys() & {"gen_ai.conversation.id", "http.response.status_code"}


def test_ticks_that_come_to_nothing_are_told_apart(collector, tracing):
    """Nothing to do, a failure, and one that was given up."""
    with telemetry.tick(session()):
        pass
    of = session()
    with telemetry.tick(of):
        of.failures, of.error = 1, "ValueError: SECRET"
    with pytest.raises(RuntimeError), telemetry.tick(session()):
        raise RuntimeError
    tracing.stop()
    spans = collector.spans()
    outcomes = [span.attributes["reins.outcome"] for span in spans]
    assert outcomes == ["nothing", "failed", "given up"]
    assert [span.failed for span in spans] == [False, True, False]
    assert spans[1].attributes["error.type"] == "ValueError"
    assert "SECRET" not in str(spans)
    assert len({span.trace_id for span in spans}) == 3


def test_a_tick_that_found_its_model_away_is_told_apart(collector, tracing):
    """Each try, though no failure counts it."""
    of = session()
    for n in range(2):
        with telemetry.tick(of):
            of.error = f"ModelError: try {n}"
    tracing.stop()
    assert [span.attributes["reins.outcome"] for span in collector.spans()] == ["waits"] * 2
    assert all(span.failed for span in collector.spans())


def test_a_tick_of_a_task_made_in_another_tick_is_a_root(collector, tracing):
    """It is a root of its own: the context that the task was made in says nothing of it."""
    with telemetry.tick(session()), telemetry.tick(session()):
        pass
    tracing.stop()
    assert [span.parent_id for span in collector.spans()] == ["", ""]


def test_commits_and_actions(collector, tracing):
    """A commit is linked with the ticks whose rows it holds, each once; an action stands alone."""
    with telemetry.tick(session()):
        within = telemetry.here()
        telemetry.handled(
            {"action_id": "x", "action_type": "agent_pause", "agent_id": "a", "session_id": None},
            "rejected", time.time_ns() - 5_000_000,
        )  # fmt: skip
        telemetry.committed(0.002, 3, [within, None, within], "")
    assert telemetry.here() is None
    telemetry.committed(0.001, 1, [None], "the disk is full: SECRET")
    tracing.stop()
    [tick] = collector.spans("invoke_agent")
    good, bad = collector.spans("journal commit")
    [action] = collector.spans("action")
    assert (good.links, good.attributes, good.parent_id) == ([tick.span_id], {"reins.rows": 3}, "")
    assert (good.failed, bad.failed, bad.links) == (False, True, [])
    assert bad.attributes["error.type"] == "JournalError"
    assert "SECRET" not in str(bad)
    assert abs(good.ended_ns - good.began_ns - 2_000_000) < 1_000
    assert (action.name, action.parent_id) == ("action agent_pause", "")
    assert action.attributes == {
        "reins.action.id": "x",
        "reins.action.type": "agent_pause",
        "gen_ai.agent.id": "a",
        "reins.outcome": "rejected",
    }
    assert action.ended_ns - action.began_ns >= 5_000_000


def test_a_commit_of_many_ticks_is_linked_with_some(collector, tracing):
    """It is linked with some of them: each link has its price."""
    within = []
    for _ in range(40):
        with telemetry.tick(session()):
            within.append(telemetry.here())
    telemetry.committed(0.001, 40, within, "")
    tracing.stop()
    [commit] = collector.spans("journal commit")
    assert commit.attributes["reins.rows"] == 40
    assert commit.links == [span.span_id for span in collector.spans("invoke_agent")][:16]


def test_what_the_service_is_called(collector, monkeypatch):
    """The environment's word on it comes before ours."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.address + "/v1/traces")
    for named in (None, "fleet"):
        if named is not None:
            monkeypatch.setenv("OTEL_SERVICE_NAME", named)
            monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=seven")
        tracing = telemetry.start(version="9.9", instance="here")
        with telemetry.tick(session()):
            pass
        tracing.stop()
    ours, theirs = collector.resources
    keys = ("service.name", "service.version", "service.instance.id")
    assert [ours[key] for key in keys] == ["reins", "9.9", "here"]
    assert [theirs[key] for key in keys] == ["fleet", "9.9", "seven"]


def test_the_version_that_is_told():
    """It is that of the package, which reads it from the same place."""
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())
    place = ROOT / package["tool"]["hatch"]["version"]["path"]
    assert f'VERSION = "{agents.VERSION}"' in place.read_text()


def test_what_the_sampler_leaves_out(collector, monkeypatch):
    """No span of it is sent, and no commit is linked with it."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracing = telemetry.start(version="9.9", instance="here")
    with telemetry.tick(session()):
        telemetry.attempted(record(), Nobody())
        assert telemetry.here() is None
    tracing.stop()
    assert collector.spans() == []


def test_a_second_start_and_a_second_stop_do_nothing(collector, tracing):
    """Who started first is in charge; a second stop does nothing."""
    assert telemetry.start(version="1", instance="i") is None
    assert telemetry.on
    tracing.stop()
    assert not telemetry.on
    tracing.stop()
    with telemetry.tick(session()):
        pass
    assert collector.spans() == []


def test_a_collector_that_hangs(collector, tracing, monkeypatch):
    """Neither a tick nor the end waits for it longer than the bound."""
    monkeypatch.setattr("reins.spans.STOP_S", 0.2)
    collector.hold = threading.Event()
    began = time.monotonic()
    for _ in range(600):  # more than a batch, so that its thread exports
        with telemetry.tick(session()):
            pass
    until(collector.asked.is_set)
    with telemetry.tick(session()):
        pass
    with structlog.testing.capture_logs() as said:
        tracing.stop()
    assert time.monotonic() - began < 5
    assert [line["event"] for line in said] == ["the last spans were not taken in time"]
    collector.hold.set()
    until(lambda: not [t for t in threading.enumerate() if t.name == "last spans"])

"""The spans themselves: names and attributes of ticks, model and tool calls, commits and actions.

The only user of OpenTelemetry. Names of attributes are those of the GenAI semantic conventions,
which still change: they stand here and nowhere else. No span ever holds a prompt, an answer,
guidance or a key.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Protocol, Self

import structlog
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanContext

from reins.redaction import redactor

_logger = structlog.get_logger(__name__)

STOP_S = 3.0
"""Seconds that the last export may take; a collector that hangs holds no exit."""
_MAX_LINKS = 16
"""Of a commit: they are dear, and a commit of a busy worker has hundreds of rows in it."""

# GenAI semantic conventions, as of opentelemetry-semantic-conventions 0.66b2.
_OPERATION = "gen_ai.operation.name"
_PROVIDER = "gen_ai.provider.name"
_CONVERSATION = "gen_ai.conversation.id"
_AGENT_ID = "gen_ai.agent.id"
_AGENT_NAME = "gen_ai.agent.name"
_TOOL_NAME = "gen_ai.tool.name"
_TOOL_CALL = "gen_ai.tool.call.id"
_TOOL_TYPE = "gen_ai.tool.type"
_PROMPT_NAME = "gen_ai.prompt.name"
_REQUEST_MODEL = "gen_ai.request.model"
_REQUEST_STREAM = "gen_ai.request.stream"
_FINISH_REASONS = "gen_ai.response.finish_reasons"
_FIRST_CHUNK_S = "gen_ai.response.time_to_first_chunk"
_INPUT_TOKENS = "gen_ai.usage.input_tokens"
_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
_CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
_PROVIDERS = {"google": "gcp.gemini", "offline": "reins.offline"}
"""Ours to theirs, where they differ."""
# Of other conventions.
_ERROR_TYPE = "error.type"
_HTTP_STATUS = "http.response.status_code"
# Our own.
_STEP = "reins.step"
_OUTCOME = "reins.outcome"
_CALL = "reins.call.id"
_ATTEMPT = "reins.call.attempt"
_ROUTE = "reins.route"
_COST_USD = "reins.cost_usd"
_QUEUED_MS = "reins.queued_ms"
_ESTIMATED = "reins.usage.estimated"
_DEMONSTRATION = "reins.demonstration"
_ROWS = "reins.rows"
_SEQ = "reins.seq"
_TRIES = "reins.tool.attempts"
_NODE = "reins.node"
_ACTION_ID = "reins.action.id"
_ACTION_TYPE = "reins.action.type"


class Ticking(Protocol):
    """The session, as its ticks' spans know it."""

    agent_id: str
    session_id: str
    agent_type: str
    iteration: int
    failures: int
    error: str | None


class Spans:
    """Makes spans and hands them to the exporter's own thread, which drops what is too much.

    `stop` sends what has gathered, for `STOP_S` at the most; from a thread that may block. A second
    stop does nothing.
    """

    def __init__(self, version: str, instance: str) -> None:
        ours = {
            "service.name": "reins",
            "service.version": version,
            "service.instance.id": instance,
        }
        # What the environment says of the service comes before what we say.
        resource = Resource.create({**ours, **OTELResourceDetector().detect().attributes})
        self._provider: TracerProvider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("reins", version)
        # A task keeps the context that it was made in: a session's first tick would otherwise be a
        # child of whatever made the session.
        self._root = context.Context()

    def stop(self) -> None:
        ending = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(STOP_S)
        if ending.is_alive():
            _logger.warning("the last spans were not taken in time", waited_s=STOP_S)

    def _begun(
        self,
        name: str,
        within: context.Context | None = None,
        *,
        attributes: dict[str, Any],
        **more: Any,
    ) -> Span:
        """A span whose name and attributes hold no key."""
        known = redactor()
        return self._tracer.start_span(
            known.text(name), within, attributes=known.value(attributes), **more
        )

    def tick_begins(self, session: Ticking) -> tuple[Span, Any]:
        span = self._begun(
            f"invoke_agent {session.agent_type}",
            self._root,
            attributes={
                _OPERATION: "invoke_agent",
                _PROVIDER: "reins",
                _AGENT_ID: session.agent_id,
                _AGENT_NAME: session.agent_type,
                _CONVERSATION: session.session_id,
            },
        )
        return span, context.attach(trace.set_span_in_context(span, self._root))

    def tick(self, session: Ticking) -> AbstractContextManager[None]:
        """The span around one tick."""
        return _Tick(self, session)

    def failed(self, span: Span, error_type: str) -> None:
        span.set_attribute(_ERROR_TYPE, redactor().text(error_type))
        span.set_status(trace.StatusCode.ERROR)

    def attempted(self, call: Any, caller: Any) -> None:
        began_us = call.queued_at if call.sent_at is None else call.sent_at
        operation = "embeddings" if call.function == "embeddings" else "chat"
        given = {
            _OPERATION: operation,
            _PROVIDER: _PROVIDERS.get(call.provider, call.provider),
            _REQUEST_MODEL: call.model,
            _REQUEST_STREAM: call.streamed,
            _PROMPT_NAME: call.function,
            _CONVERSATION: caller.session_id or None,
            _AGENT_NAME: caller.agent_type or None,
            _INPUT_TOKENS: call.tokens_in,
            _OUTPUT_TOKENS: call.tokens_out,
            _CACHED_TOKENS: call.tokens_cached or None,
            _ESTIMATED: call.estimated,
            _COST_USD: call.cost_usd,
            _FINISH_REASONS: None if call.finish_reason is None else [call.finish_reason],
            _FIRST_CHUNK_S: None if call.first_token_ms is None else call.first_token_ms / 1_000,
            _HTTP_STATUS: call.status,
            _CALL: call.call_id,
            _ATTEMPT: call.attempt,
            _ROUTE: call.route,
            _DEMONSTRATION: call.demonstration,
            _QUEUED_MS: (began_us - call.queued_at) / 1_000,
        }
        span = self._begun(
            f"{operation} {call.model}",
            kind=trace.SpanKind.CLIENT,
            attributes={name: value for name, value in given.items() if value is not None},
            start_time=began_us * 1_000,
        )
        if call.error_kind is not None:
            self.failed(span, call.error_kind)
        span.end(began_us * 1_000 + int((call.latency_ms or 0.0) * 1_000_000))

    def tool_begins(self, name: str, call: Any) -> tuple[Span, Any]:
        given = {
            _OPERATION: "execute_tool",
            _TOOL_NAME: name,
            _TOOL_TYPE: "function",
            _TOOL_CALL: call.key or None,
            _CONVERSATION: call.session_id or None,
            _SEQ: call.seq or None,
        }
        span = self._begun(
            f"execute_tool {name}",
            attributes={each: value for each, value in given.items() if value is not None},
        )
        return span, context.attach(trace.set_span_in_context(span))

    def tool(self, name: str, call: Any) -> "AbstractContextManager[_Tool]":
        """The span around one call of a tool."""
        return _Tool(self, name, call)

    def task_begins(self, session: Ticking, name: str, path: str, attempt: int) -> tuple[Span, Any]:
        span = self._begun(
            f"task {name}",
            self._root,  # it outlives the tick that has begun it
            attributes={
                _AGENT_ID: session.agent_id,
                _AGENT_NAME: session.agent_type,
                _CONVERSATION: session.session_id,
                _NODE: path,
                _ATTEMPT: attempt,
            },
        )
        return span, context.attach(trace.set_span_in_context(span, self._root))

    def task(self, session: Ticking, *place: Any) -> "AbstractContextManager[_Task]":
        """The span around one run of a plan's task: its name, its path, its attempt."""
        return _Task(self, session, *place)

    def here(self) -> SpanContext | None:
        found = trace.get_current_span().get_span_context()
        return found if found.trace_flags.sampled else None  # else it is not exported

    def committed(
        self, took_s: float, rows: int, within: Iterable[SpanContext | None], error: str
    ) -> None:
        ended_ns = time.time_ns()
        linked = {each.span_id: each for each in within if each is not None}
        span = self._begun(
            "journal commit",
            self._root,
            attributes={_ROWS: rows},
            links=[trace.Link(each) for each in islice(linked.values(), _MAX_LINKS)],
            start_time=ended_ns - int(took_s * 1e9),
        )
        if error:
            self.failed(span, "JournalError")
        span.end(ended_ns)

    def handled(self, names: Mapping[str, Any], outcome: str, began_ns: int) -> None:
        given = {
            _ACTION_ID: names["action_id"],
            _ACTION_TYPE: names["action_type"],
            _AGENT_ID: names["agent_id"],
            _CONVERSATION: names["session_id"],
            _OUTCOME: outcome,
        }
        span = self._begun(
            f"action {names['action_type']}",
            self._root,
            attributes={name: value for name, value in given.items() if value is not None},
            start_time=began_ns,
        )
        span.end()


class _Tick:
    """A tick's span, from the session as it is before and after."""

    __slots__ = ("_error", "_failures", "_session", "_span", "_spans", "_step", "_token")

    def __init__(self, spans: Spans, session: Ticking) -> None:
        self._spans = spans
        self._session = session
        self._step = session.iteration
        self._failures = session.failures
        self._error = session.error

    def __enter__(self) -> None:
        self._span, self._token = self._spans.tick_begins(self._session)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        session, span = self._session, self._span
        context.detach(self._token)
        outcome = "nothing"  # there was nothing to do, or it gave way
        if kind is not None:
            outcome = "given up"
        elif session.failures > self._failures:
            outcome = "failed"
            self._spans.failed(span, (session.error or "").partition(":")[0])
        elif session.error is not None and session.error is not self._error:
            outcome = "waits"  # for a model: that counts as no failure
            self._spans.failed(span, (session.error or "").partition(":")[0])
        elif session.iteration > self._step:
            outcome = "done"
        span.set_attribute(_OUTCOME, outcome)
        span.set_attribute(_STEP, session.iteration)
        span.end()


class _Tool:
    """The span of a tool's call: a child of the tick that it belongs to."""

    __slots__ = ("_call", "_name", "_span", "_spans", "_token")

    def __init__(self, spans: Spans, name: str, call: Any) -> None:
        self._spans = spans
        self._name = name
        self._call = call

    def __enter__(self) -> Self:
        self._span, self._token = self._spans.tool_begins(self._name, self._call)
        return self

    def ended(self, kind: str | None, attempts: int) -> None:
        self._span.set_attribute(_OUTCOME, kind or "ok")
        self._span.set_attribute(_TRIES, attempts)
        if kind is not None:
            self._spans.failed(self._span, kind)

    def __exit__(self, *_: object) -> None:
        context.detach(self._token)
        self._span.end()


class _Task:
    """The span of a plan's task: a root of its own, with what is called in it below."""

    __slots__ = ("_outcome", "_place", "_session", "_span", "_spans", "_token")

    def __init__(self, spans: Spans, session: Ticking, *place: Any) -> None:
        self._spans = spans
        self._session = session
        self._place = place
        self._outcome = "given up"

    def __enter__(self) -> Self:
        self._span, self._token = self._spans.task_begins(self._session, *self._place)
        return self

    def ended(self, outcome: str) -> None:
        self._outcome = outcome
        if outcome == "failed":
            self._spans.failed(self._span, outcome)

    def __exit__(self, *_: object) -> None:
        context.detach(self._token)
        self._span.set_attribute(_OUTCOME, self._outcome)
        self._span.end()

"""Spans for OpenTelemetry: ticks, model calls, commits and actions. Nothing is imported while off.

What a span holds stands in reins/spans.py, which is imported once they are asked for.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import structlog

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

    from reins.spans import Spans, Ticking

_logger = structlog.get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

on = False
"""True while spans are made. One for the process, as the variables that decide it: asked for each
tick and commit, it must cost nothing."""
_tracing: "Tracing | None" = None
_lock = threading.Lock()


def start(*, version: str, instance: str) -> "Tracing | None":
    """Export spans where the usual `OTEL_*` variables name a collector, until it is stopped.

    None where they name none, OpenTelemetry is not installed, or spans are exported already.
    """
    global on, _tracing  # noqa: PLW0603 - see `on`
    for name, value in os.environ.items():
        if name.startswith("OTEL_") and value != value.rstrip():
            os.environ[name] = value.rstrip()  # a file of variables from Windows leaves a \r
    if not _wanted(os.environ):
        return None
    with _lock:
        if _tracing is not None:
            return None
        try:
            from reins.spans import Spans  # noqa: PLC0415 - a third of a second, for who wants it

            _tracing = Tracing(Spans(version, instance))
        except ImportError as error:
            _logger.warning(
                "no spans are exported: OpenTelemetry is not installed",
                missing=error.name,
                todo="install Reins with its extra `telemetry`, or unset OTEL_EXPORTER_OTLP_*",
            )
            return None
        except Exception as error:  # noqa: BLE001 - a setting of theirs must not stop the worker
            _logger.warning(
                "no spans are exported: a setting of OpenTelemetry's is wrong",
                error=f"{type(error).__name__}: {error}"[:300],
                todo="mend the OTEL_* variable that it names",
            )
            return None
        on = True
        return _tracing


def tick(session: "Ticking") -> AbstractContextManager[None]:
    """The span of one tick, around all of it; spans of the same task become its children."""
    tracing = _tracing  # once: another thread may stop it
    return _OFF if tracing is None else tracing.spans.tick(session)


def tool(name: str, call: "CallOfTool") -> "AbstractContextManager[ToolSpan | None]":
    """The span of a call of a tool, around all of it; it is told how the call ended."""
    tracing = _tracing
    return _OFF if tracing is None else tracing.spans.tool(name, call)


def task(
    session: "Ticking", name: str, path: str, attempt: int
) -> "AbstractContextManager[TaskSpan | None]":
    """The span of one run of a plan's task, around all of it; it is told how the task ended."""
    tracing = _tracing
    return _OFF if tracing is None else tracing.spans.task(session, name, path, attempt)


def attempted(call: Any, caller: Any) -> None:
    """The span of an attempt at a model call, after it: a child of the tick that it belongs to.

    `call` is its `CallRecord`, `caller` whoever called.
    """
    if (tracing := _tracing) is not None:
        tracing.spans.attempted(call, caller)


def here() -> "SpanContext | None":
    """The span that is under way in this task: a commit is linked with it."""
    return None if (tracing := _tracing) is None else tracing.spans.here()


def committed(took_s: float, rows: int, within: "Iterable[SpanContext | None]", error: str) -> None:
    """The span of a commit, after it: a root of its own, linked with the spans whose rows it holds.

    `error` is empty where it worked.
    """
    if (tracing := _tracing) is not None:
        try:
            tracing.spans.committed(took_s, rows, within, error)
        except Exception as fault:  # noqa: BLE001 - the journal's thread must outlive it
            _logger.warning("a commit has no span", error=f"{type(fault).__name__}: {fault}"[:300])


def handled(names: Mapping[str, Any], outcome: str, began_ns: int) -> None:
    """The span of an action, after it. `names` are those of the log's lines about it."""
    if (tracing := _tracing) is not None:
        tracing.spans.handled(names, outcome, began_ns)


def _wanted(environ: Mapping[str, str]) -> bool:
    if not any(environ.get(name, "").strip() for name in ENDPOINTS):
        return False
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        _logger.warning(
            "no spans are exported: only http/protobuf is spoken",
            given=protocol,
            todo=f"unset {' and '.join(_PROTOCOLS)}, and name the collector's port for HTTP",
        )
        return False
    return True


class CallOfTool(Protocol):
    """The surroundings of a tool's call, as its span knows them."""

    @property
    def session_id(self) -> str: ...

    @property
    def seq(self) -> int: ...

    @property
    def key(self) -> str: ...


class ToolSpan(Protocol):
    """The span of a tool's call, for whoever makes it."""

    def ended(self, kind: str | None, attempts: int) -> None:
        """Tell it of the end: `kind` says why there is no result."""
        ...


class TaskSpan(Protocol):
    """The span of a plan's task, for whoever runs it."""

    def ended(self, outcome: str) -> None:
        """Tell it of the end: `done`, `failed` or `replaced`."""
        ...


class _Off:
    """Stands in for a span where there is none."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, where: object, /) -> None: ...


_OFF = _Off()


class Tracing:
    """Spans that are exported, until `stop`; a second stop does nothing."""

    def __init__(self, spans: "Spans") -> None:
        self.spans = spans

    def stop(self) -> None:
        """Send what has gathered, within a time limit; from a thread that may block."""
        global on, _tracing
        with _lock:
            if _tracing is not self:
                return
            on, _tracing = False, None
        self.spans.stop()

"""A collector of OpenTelemetry's on loopback: what is exported to it is decoded and kept."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Span:
    """A span as it came over the wire."""

    name: str
    kind: int
    span_id: str
    trace_id: str
    parent_id: str
    began_ns: int
    ended_ns: int
    attributes: dict[str, Any]
    links: list[str]
    failed: bool


class Collector:
    """Listens while the context lasts. `hold` keeps every export waiting until it is set."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._spans: list[Span] = []
        self.resources: list[dict[str, Any]] = []
        self.hold: threading.Event | None = None
        self.asked = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def spans(self, start: str = "") -> list[Span]:
        """What has come so far, of those whose names start so."""
        with self._turn:
            return [span for span in self._spans if span.name.startswith(start)]

    def __enter__(self) -> Self:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.asked.set()
                if collector.hold is not None:
                    collector.hold.wait(30)
                assert self.path == "/v1/traces"
                assert self.headers["Content-Type"] == "application/x-protobuf"
                collector._take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, request: ExportTraceServiceRequest) -> None:
        with self._turn:
            for of in request.resource_spans:
                self.resources.append(dict(_plain(of.resource.attributes)))
                self._spans += [_span(each) for scope in of.scope_spans for each in scope.spans]


def _span(each: Any) -> Span:
    return Span(
        name=each.name,
        kind=each.kind,
        span_id=each.span_id.hex(),
        trace_id=each.trace_id.hex(),
        parent_id=each.parent_span_id.hex(),
        began_ns=each.start_time_unix_nano,
        ended_ns=each.end_time_unix_nano,
        attributes=dict(_plain(each.attributes)),
        links=[link.span_id.hex() for link in each.links],
        failed=each.status.code == 2,
    )


def _plain(attributes: Any) -> Iterator[tuple[str, Any]]:
    for each in attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        if kind == "array_value":
            value = [getattr(item, item.WhichOneof("value")) for item in value.values]
        yield each.key, value

"""The web entry: `python app.py` runs the web thread and the worker in one process."""

import argparse
import signal
import socket
import sys
import threading
from dataclasses import asdict
from hmac import compare_digest
from typing import Any

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

import config
import logs
from agent_core.registry import AgentTypeError
from agents import EXIT_UNUSABLE, Runtime
from llm import ModelConfigError
from store import agent_state
from store.errors import FolderOwned, StoreError
from store.reading import reader

_log = structlog.get_logger(__name__)


class PortUnusable(Exception):  # noqa: N818
    """The address cannot be listened on."""


class _Quiet(WSGIRequestHandler):
    """Requests are not logged one by one; a connection that says nothing is closed."""

    disable_nagle_algorithm = True
    timeout = 15

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


def make_app(settings: config.Settings, runtime: Runtime | None) -> Flask:
    """The web application, beside a runtime or, without one, reading the tables alone."""
    app = Flask("reins")
    store = reader(settings.data)

    @app.before_request
    def ask_for_token() -> tuple[Response, int] | None:
        given = request.headers.get("Authorization", "").encode()
        if settings.token is None or compare_digest(given, f"Bearer {settings.token}".encode()):
            return None
        problem = {
            "title": "the token is missing or wrong",
            "detail": "send the header Authorization: Bearer followed by the value of REINS_TOKEN",
            "status": 401,
        }
        answer = jsonify(problem)
        answer.content_type = "application/problem+json"
        return answer, 401

    @app.get("/api/health")
    def health() -> Response:
        worker = None if runtime is None else asdict(runtime.health())
        return jsonify(
            {
                "status": "ok",
                "data": str(store.folder.path),
                "worker": worker or {"pid": store.folder.owner_pid()},
            }
        )

    @app.get("/api/agents")
    def list_agents() -> Response:
        rows = agent_state.list_agent_states(store=store)
        items = [{k: _plain(v) for k, v in row.items() if k != "journal_n"} for row in rows]
        return jsonify({"items": items, "next_cursor": None})

    return app


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python app.py", description="Run web and worker.")
    parser.add_argument("--host", help="address to listen on (REINS_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (REINS_PORT)")
    parser.add_argument("--data", help="folder of the tables and the journal (REINS_DATA)")
    parser.add_argument("--no-worker", action="store_true", help="web only")
    flags = vars(parser.parse_args(arguments))
    wants_worker = not flags.pop("no_worker")
    # Before anything is started: a stop that comes during the start is heeded after it.
    stop_asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_asked.set())
    try:
        settings = config.load(**flags)
        logs.configure(settings.log_level, settings.log_format)
        with _listen(settings) as listening:  # first: no session ticks for a port that is taken
            return _run(settings, listening, stop_asked, wants_worker=wants_worker)
    except (
        config.SettingsError,
        ModelConfigError,
        AgentTypeError,
        PortUnusable,
        StoreError,
    ) as error:
        print(f"reins: {error}", file=sys.stderr)
        return EXIT_UNUSABLE


def _listen(settings: config.Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise PortUnusable(
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror or error}. "
            "If another program has the port, choose one with --port (0 picks a free one)."
        ) from error


def _run(
    settings: config.Settings,
    listening: socket.socket,
    stop_asked: threading.Event,
    *,
    wants_worker: bool,
) -> int:
    runtime = _worker(settings) if wants_worker else None
    try:
        _serve(settings, listening, runtime, stop_asked)
    finally:
        if runtime is not None:
            runtime.stop_thread()
    return 0


def _worker(settings: config.Settings) -> Runtime | None:
    runtime = Runtime(settings)
    try:
        runtime.start_in_thread()
    except FolderOwned as error:
        _log.warning("web only", why=str(error))
        return None
    return runtime


def _serve(
    settings: config.Settings,
    listening: socket.socket,
    runtime: Runtime | None,
    stop_asked: threading.Event,
) -> None:
    server = make_server(
        settings.host,
        settings.port,
        make_app(settings, runtime),
        threaded=True,
        request_handler=_Quiet,
        fd=listening.fileno(),
    )
    serving = threading.Thread(target=server.serve_forever, name="web", daemon=True)
    serving.start()
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Reins is at http://{host}:{port}/api/agents", flush=True)
    stop_asked.wait()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    sys.exit(main())

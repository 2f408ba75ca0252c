"""The web entry: `python app.py` runs the web threads and the worker in one process."""

import argparse
import contextlib
import secrets
import signal
import sys
from queue import Empty, SimpleQueue
from urllib.parse import quote

import structlog

from agent_core.agent.registry import AgentTypeError
from agents import EXIT_UNUSABLE, Runtime, tune_process
from reins import logs, redaction
from reins.llm import ModelConfigError
from reins.runtime_thread import RuntimeThread
from reins.settings import Settings, SettingsError, load_settings
from reins.web.application import Web
from reins.web.guard import is_any_address, is_loopback
from reins.web.server import PortUnusableError, Server, listen
from store.errors import FolderOwnedError, StoreError

_logger = structlog.get_logger(__name__)

_LOOK_S = 0.5
"""A signal that another thread took is handled when this one wakes; nothing else would wake it."""


def main(arguments: list[str] | None = None, *, program: str = "python app.py") -> int:
    parser = argparse.ArgumentParser(prog=program, description="Run web and worker.")
    parser.add_argument("--host", help="address to listen on (REINS_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (REINS_PORT)")
    parser.add_argument("--data", help="folder of the tables and the journal (REINS_DATA)")
    parser.add_argument("--no-worker", action="store_true", help="web only")
    flags = vars(parser.parse_args(arguments))
    wants_worker = not flags.pop("no_worker")
    # Before anything is started: a stop that comes during the start is heeded after it.
    # A queue, since a second signal may come while the first is handled: an event would lock up.
    stop_asked: SimpleQueue[int] = SimpleQueue()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda number, _: stop_asked.put(number))
    try:
        settings = load_settings(**flags)
        logs.configure(settings.log_level, settings.log_format)
        _run(settings, stop_asked, wants_worker=wants_worker)
    except (
        SettingsError,
        ModelConfigError,
        AgentTypeError,
        PortUnusableError,
        StoreError,
    ) as error:
        print(f"reins: {redaction.text(str(error))}", file=sys.stderr)
        return EXIT_UNUSABLE
    return 0


def _run(settings: Settings, stop_asked: SimpleQueue[int], *, wants_worker: bool) -> None:
    # Whoever can reach the address can steer: beyond this machine, only with a token.
    token = settings.token or (None if is_loopback(settings.host) else secrets.token_urlsafe(24))
    # The port first: no session ticks for one that is taken.
    with listen(settings.host, settings.port) as listening:
        port = listening.getsockname()[1]
        worker = _worker(settings) if wants_worker else None
        try:
            runtime = None if worker is None else worker.runtime
            web = Web(settings, runtime, port=port, token=token)
            server = Server(listening, web.wsgi)
            web.start()
            server.start()
            print(f"Reins is at {_address(settings.host, port, token)}", flush=True)
            _wait_for(stop_asked)
            web.stop()
            server.stop()
        finally:
            if worker is not None:
                worker.stop()


def _wait_for(stop_asked: SimpleQueue[int]) -> None:
    while True:
        with contextlib.suppress(Empty):
            stop_asked.get(timeout=_LOOK_S)
            return


def _worker(settings: Settings) -> RuntimeThread | None:
    worker = RuntimeThread(Runtime(settings))
    try:
        worker.start()
    except FolderOwnedError as error:
        _logger.warning("web only", why=str(error))
        return None
    tune_process()
    return worker


def _address(host: str, port: int, token: str | None) -> str:
    if is_any_address(host):
        host = "::1" if ":" in host else "127.0.0.1"
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + ("" if token is None else f"?token={quote(token, safe='')}")


if __name__ == "__main__":
    sys.exit(main())

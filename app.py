"""The web entry: `python app.py` runs the web threads and the worker in one process."""

import sys

from reins import process

if __name__ == "__main__":
    process.begin()  # until the imports below are done, which takes seconds

import argparse
import contextlib
import secrets
import socket
from queue import Empty, SimpleQueue
from urllib.parse import quote

import structlog

from agents import Runtime
from reins import logs, signals, terminal
from reins.runtime_thread import RuntimeThread
from reins.settings import Settings, load_settings
from reins.shutdown import Shutdown, end_process
from reins.unusable import UNUSABLE, is_panic, unusable
from reins.web.application import Web
from reins.web.hosts import is_any_address, is_loopback
from reins.web.server import PortUnusableError, Server, listen
from store.errors import FolderOwnedError

_logger = structlog.get_logger(__name__)

_LOOK_S = 0.5
"""A signal that another thread took is handled when this one wakes; nothing else would wake it."""


def main(arguments: list[str] | None = None, *, program: str = "python app.py") -> int:
    terminal.lose_signs(sys.stdout)
    parser = argparse.ArgumentParser(prog=program, description="Run web and worker.")
    parser.add_argument("--host", help="address to listen on (REINS_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (REINS_PORT)")
    parser.add_argument("--data", help="folder of the tables and the journal (REINS_DATA)")
    parser.add_argument("--no-worker", action="store_true", help="web only")
    flags = vars(parser.parse_args(arguments))
    wants_worker = not flags.pop("no_worker")
    # Before anything is started: a stop that comes during the start is heeded after it.
    # A queue, since a second signal may come while the first is handled: an event would lock up.
    stop_asked: SimpleQueue[None] = SimpleQueue()
    signals.on_stop_asked(lambda: stop_asked.put(None))
    try:
        settings = load_settings(**flags)
        logs.configure(settings.log_level, settings.log_format)
        _run(settings, stop_asked, wants_worker=wants_worker)
    except (*UNUSABLE, PortUnusableError) as error:
        return unusable(error)
    except BaseException as error:
        if not is_panic(error):
            raise
        return unusable(error)
    return 0


def _run(settings: Settings, stop_asked: SimpleQueue[None], *, wants_worker: bool) -> None:
    # Whoever can reach the address can steer: beyond this machine, only with a token.
    token = settings.token or (None if is_loopback(settings.host) else secrets.token_urlsafe(24))
    ending = Shutdown()
    # The port first: no session ticks for one that is taken.
    with listen(settings.host, settings.port) as listening:
        try:
            _start(settings, listening, ending, token=token, wants_worker=wants_worker)
            process.tune()
            _wait_for(stop_asked)
        finally:
            ending.run()
    end_process(at_once=bool(ending.left_behind))


def _start(
    settings: Settings,
    listening: socket.socket,
    ending: Shutdown,
    *,
    token: str | None,
    wants_worker: bool,
) -> None:
    """Start worker and web; `ending` gets what ends each of them."""
    port = listening.getsockname()[1]
    worker = _worker(settings) if wants_worker else None
    runtime = None if worker is None else worker.runtime
    if worker is not None:
        ending.add("the worker", worker.stop, limit_s=worker.runtime.stop_s)
    web = Web(settings, runtime, port=port, token=token)
    ending.add("the web", web.stop, limit_s=web.stop_s)
    web.start()
    server = Server(listening, web.wsgi)
    ending.add("the server", server.stop)
    ending.add("the guard", web.close)
    server.start()
    print(f"Reins is at {_address(settings, port, token)}", flush=True)


def _wait_for(stop_asked: SimpleQueue[None]) -> None:
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
    return worker


def _address(settings: Settings, port: int, token: str | None) -> str:
    host = settings.host
    if is_any_address(host):
        host = "::1" if ":" in host else "127.0.0.1"
    name = f"[{host}]" if ":" in host else host
    query = "" if token is None else f"?token={quote(token, safe='')}"
    return f"http://{name}:{port}{settings.path_prefix}/{query}"


if __name__ == "__main__":
    code = main()
    signals.ignore()
    sys.exit(code)

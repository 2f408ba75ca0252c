"""The HTTP server that a process runs in a thread: Werkzeug's, a thread for each connection."""

import logging
import socket
import sys
import threading
from io import BufferedIOBase
from typing import TYPE_CHECKING

import structlog
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from reins.web.framing import ENVIRON_KEY, repeated

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_logger = structlog.get_logger(__name__)

_HALF_OPEN_S = 15.0
_DRAINED_BYTES = 64 * 1024  # a thousand times at the most


class PortUnusableError(Exception):
    """The address cannot be listened on."""


class _Arrived:
    """The body that the server reads to its end after the answer: the part that has arrived, not
    all that was announced, which may never come.
    """

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file

    def read(self, _size: int) -> bytes:
        try:
            return self._file.read1(_DRAINED_BYTES)
        except OSError:  # reset by a peer that has its answer; the rest of it is yet to be closed
            return b""

    def readline(self, size: int) -> bytes:
        return self._file.readline(size)

    def close(self) -> None:
        self._file.close()


class _Handler(WSGIRequestHandler):
    """Requests are not logged one by one; a connection that says nothing is closed."""

    disable_nagle_algorithm = True  # it would hold small messages back for 40 ms
    timeout = _HALF_OPEN_S

    def make_environ(self) -> "WSGIEnvironment":
        environ = super().make_environ()
        environ[ENVIRON_KEY] = repeated(self.headers.keys())
        self.rfile = _Arrived(self.rfile)  # type: ignore[assignment]
        return environ

    def run_wsgi(self) -> None:
        try:
            super().run_wsgi()
        except ValueError as error:  # before the application: what is asked for is no address
            self.send_error(400, explain=str(error)[:200])

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size

    def log_error(self, *_args: object, **_kwargs: object) -> None:
        """Errors of a connection are lines of our log."""


class _Threads(ThreadedWSGIServer):
    """A thread for each connection; what goes wrong in one is a line of our log."""

    def handle_error(self, request: object, client_address: object) -> None:
        del request
        _logger.error("a connection failed", client=str(client_address), exc_info=sys.exception())

    def log(self, level: str, message: str, *args: object) -> None:
        _logger.log(logging.getLevelName(level.upper()), message % args if args else message)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises: PortUnusableError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        raise PortUnusableError(
            f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', None) or error}. "
            "If another program has the port, choose one with --port (0 picks a free one)."
        ) from error


class Server:
    """Serves an application on a socket that listens already.

    Starts once. `stop` ends the serving; a second stop does nothing.
    """

    def __init__(
        self,
        listening: socket.socket,
        app: "WSGIApplication",
        *,
        half_open_s: float = _HALF_OPEN_S,
    ) -> None:
        host, port = listening.getsockname()[:2]
        handler = type("Handler", (_Handler,), {"timeout": half_open_s})
        self._server = _Threads(host, port, app, handler, fd=listening.fileno())
        self._thread: threading.Thread | None = None
        self._stopped = False

    def start(self) -> None:
        if self._thread is not None or self._stopped:
            raise RuntimeError("the server was started twice or stopped; make a new one")
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="web",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        try:
            if self._thread is not None and self._thread.is_alive():
                self._server.shutdown()
                self._thread.join()
        finally:
            self._server.server_close()

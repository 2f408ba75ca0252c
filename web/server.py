"""The HTTP server that a process runs in a thread: Werkzeug's, a thread for each connection."""

import socket
import threading
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_HALF_OPEN_S = 15


class PortUnusable(Exception):  # noqa: N818
    """The address cannot be listened on."""


class _Handler(WSGIRequestHandler):
    """Requests are not logged one by one; a connection that says nothing is closed."""

    disable_nagle_algorithm = True  # it would hold small messages back for 40 ms
    timeout = _HALF_OPEN_S

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        del format, args


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises: PortUnusable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        raise PortUnusable(
            f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', None) or error}. "
            "If another program has the port, choose one with --port (0 picks a free one)."
        ) from error


class Server:
    """Serves an application on a socket that listens already.

    Starts once. `stop` ends the serving; a second stop does nothing.
    """

    def __init__(self, listening: socket.socket, app: "WSGIApplication") -> None:
        host, port = listening.getsockname()[:2]
        self._server = make_server(
            host, port, app, threaded=True, request_handler=_Handler, fd=listening.fileno()
        )
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is not None:
            raise RuntimeError("the server was started twice; make a new one")
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="web",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

"""The outermost layer: who may ask, from where, and how much; Flask and Socket.IO come after it."""

import re
import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from reins.documents.blobs import MAX_BYTES
from reins.web.authentication import Authentication
from reins.web.framing import flaw
from reins.web.hosts import Hosts
from reins.web.live.websocket import hang_up
from reins.web.proxies import asked_hosts, forwarded_port, hint
from reins.web.rate_limit import Bucket
from reins.web.refusal import refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 512 * 1024
_FILES_AT = "/api/documents/files"
MAX_SOCKETS = 200
_OPENINGS_PER_S = 20.0
"""A socket leaves a thread behind that ends at its next ping: the library's."""
_SOCKETS_AT = "/socket.io/"
_VERSION = "13"
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Refuses before anything else runs: a stranger costs no thread beyond that of the request."""

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        host: str,
        port: int,
        token: str | None,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._hosts = Hosts(host, allowed_hosts)
        self._authentication = Authentication(token, cookie=f"reins_{port}")
        self._openings = Bucket(burst=MAX_SOCKETS, per_s=_OPENINGS_PER_S)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False

    def close(self) -> None:
        """End the sockets that are open, and let no more in; a second time does nothing."""
        with self._lock:
            self._closed = True
            still_open = list(self._open)
        for connection in still_open:
            hang_up(connection)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = Request(environ)
        refused = self._refusal(request)
        if refused is not None:
            return refused(environ, start_response)
        if not request.path.startswith(_SOCKETS_AT):
            return self._app(environ, start_response)
        return self._with_socket(environ, start_response)

    def _refusal(self, request: Request) -> Response | None:
        try:
            return (
                _unclear(request)
                or self._wrong_host(request)
                or self._authentication.refusal(request)
                or self._foreign(request)
                or self._too_large(request)
                or self._no_handshake(request)
            )
        except (BadRequest, UnicodeError, ValueError) as error:
            return refusal(400, "the request cannot be read", f"{error}; check its headers")

    def _wrong_host(self, request: Request) -> Response | None:
        for given in asked_hosts(request.environ):
            if not self._hosts.serves(given):
                return refusal(
                    421,
                    "this host name is not served here",
                    f"Host is {given[:80]!r}; expected one of {self._hosts}. Add a name of your "
                    "own with REINS_ALLOWED_HOSTS." + hint(request.environ),
                )
        return None

    def _foreign(self, request: Request) -> Response | None:
        """A page of another site may not act here, nor listen."""
        if request.method in _SAFE and not request.path.startswith(_SOCKETS_AT):
            return None
        if self._is_own(request):
            return None
        given = request.headers.get("Origin") or request.headers.get("Sec-Fetch-Site") or "missing"
        host = request.environ.get("HTTP_HOST", "")
        return refusal(
            403,
            "a page of another site may not do this",
            f"Origin is {given[:80]!r}, Host is {host[:80]!r}; expected this server's own address. "
            "From a program, leave out Origin and send Authorization: Bearer. A proxy in between "
            "has to keep the Host, with its port." + hint(request.environ),
        )

    def _is_own(self, request: Request) -> bool:
        """True if no page of another site can have sent it: the same for acts and for sockets."""
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site")
        if origin is None:
            # No browser leaves out both; a cookie without either is not from a page of ours.
            by_program = site is None and not self._authentication.by_cookie(request)
            return by_program or site in ("same-origin", "none")
        # Chromium does not say it of sockets: nor may it count where a page asks why it has none.
        asks_why = request.path.startswith(_SOCKETS_AT) and not _is_handshake(request)
        return self._hosts.is_own(
            origin,
            request.environ.get("HTTP_HOST", ""),
            scheme=request.scheme,
            port=forwarded_port(request.environ),
            attested=site == "same-origin" and not asks_why,
        )

    def _too_large(self, request: Request) -> Response | None:
        size_bytes = request.content_length or 0
        most_bytes = MAX_BYTES if request.path == _FILES_AT else MAX_BODY_BYTES
        if size_bytes <= most_bytes:
            return None
        return refusal(
            413,
            "the body is too large",
            f"it has {size_bytes} bytes; expected {most_bytes} at the most",
        )

    def _no_handshake(self, request: Request) -> Response | None:
        """Sockets are WebSockets alone; a page whose own does not get through asks here why."""
        if not request.path.startswith(_SOCKETS_AT) or _is_handshake(request):
            return None
        if len(self._open) >= MAX_SOCKETS:
            return _busy()
        return refusal(
            400,
            "this is not a WebSocket handshake",
            f"expected GET with Connection: Upgrade, Upgrade: websocket, Sec-WebSocket-Version: "
            f"{_VERSION} and a Sec-WebSocket-Key; let a client of Socket.IO connect, and proxies "
            "in between pass these on",
            {"Sec-WebSocket-Version": _VERSION},
        )

    def _with_socket(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        connection = environ["werkzeug.socket"]
        if not self._let_open(connection):
            return _busy()(environ, start_response)
        # A time-out here would cut a large message short: the library sends it in one try.
        connection.settimeout(None)
        try:
            answer = self._app(environ, start_response)  # returns when the socket has closed
        finally:
            with self._lock:
                self._open.discard(connection)
        if not answer:
            raise ConnectionError  # tells the server that there is none to write
        return answer

    def _let_open(self, connection: socket.socket) -> bool:
        with self._lock:
            if self._closed or len(self._open) >= MAX_SOCKETS or not self._openings.take():
                return False
            self._open.add(connection)
            return True


def _unclear(request: Request) -> Response | None:
    why = flaw(request.environ)
    return None if why is None else refusal(400, "the request can be read in two ways", why)


def _is_handshake(request: Request) -> bool:
    """True for what the libraries behind would not fail on, with a traceback and a thread left."""
    asked = [part.strip().lower() for part in request.headers.get("Connection", "").split(",")]
    return (
        request.method == "GET"
        and "upgrade" in asked
        and request.headers.get("Upgrade", "").lower() == "websocket"
        and request.headers.get("Sec-WebSocket-Version", "") == _VERSION
        and _KEY.fullmatch(request.headers.get("Sec-WebSocket-Key", "")) is not None
        and "werkzeug.socket" in request.environ
    )


def _busy() -> Response:
    return refusal(
        503,
        "too many sockets are open",
        f"{MAX_SOCKETS} are, or too many were opened at once; close a page, or try later",
        {"Retry-After": "10"},
    )

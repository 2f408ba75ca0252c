"""The outermost layer: who may ask, from where, and how much; Flask and Socket.IO come after it."""

import ipaddress
import json
import re
import socket
import threading
from collections.abc import Collection, Iterable
from hmac import compare_digest
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from reins import redaction
from reins.web.framing import flaw, is_host
from reins.web.live.websocket import hang_up
from reins.web.rate_limit import Bucket

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 512 * 1024
MAX_SOCKETS = 200
_OPENINGS_PER_S = 20.0
"""A socket leaves a thread behind that ends at its next ping: the library's."""
_SOCKETS_AT = "/socket.io/"
_VERSION = "13"
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = frozenset({"/health/live", "/health/ready"})
"""Answered without a token: probes have none, and what they are told is no secret."""


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
        names = {name.lower() for name in (host, *allowed_hosts, *_local_names(host))}
        self._names = names - {""}
        self._any_address = is_any_address(host)
        self._token = token
        redaction.know(token)
        self._cookie = f"reins_{port}"
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
        if not _wants_socket(request):
            return self._app(environ, start_response)
        return self._with_socket(environ, start_response)

    def _refusal(self, request: Request) -> Response | None:
        try:
            return (
                _unclear(request)
                or self._wrong_host(request)
                or self._wrong_token(request)
                or self._foreign(request)
                or self._too_large(request)
                or _half_a_handshake(request)
            )
        except (BadRequest, UnicodeError, ValueError) as error:
            return refusal(400, "the request cannot be read", f"{error}; check its headers")

    def _wrong_host(self, request: Request) -> Response | None:
        given = request.environ.get("HTTP_HOST", "")
        hostname = urlsplit(f"//{given}").hostname or ""
        name = hostname.lower() if is_host(given) else ""
        if name in self._names or (self._any_address and _is_address(name)):
            return None
        return refusal(
            421,
            "this host name is not served here",
            f"Host is {given[:80]!r}; expected one of {', '.join(sorted(self._names))}. "
            "Add a name of your own with REINS_ALLOWED_HOSTS.",
        )

    def _wrong_token(self, request: Request) -> Response | None:
        if self._token is None or request.path in _OPEN_PATHS:
            return None
        by_link = request.args.get("token")
        if by_link is not None and request.method in _SAFE and self._right(by_link):
            return self._let_in(request)
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if by_link is None and (self._right(bearer) or self._right(self._cookie_of(request))):
            return None
        return refusal(
            401,
            "the token is missing or wrong",
            "open the address that was printed at the start, with its ?token=, or send the header "
            "Authorization: Bearer followed by the value of REINS_TOKEN",
            {"WWW-Authenticate": "Bearer"},
        )

    def _let_in(self, request: Request) -> Response:
        """Keep the token in a cookie, and out of the address."""
        # One slash: two would be another host's address.
        here = "/" + quote(request.path.lstrip("/"))
        answer = Response(status=303, headers={"Location": here})
        answer.set_cookie(self._cookie, self._token or "", httponly=True, samesite="Strict")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _right(self, given: str) -> bool:
        return compare_digest(given.encode(), (self._token or "").encode())

    def _cookie_of(self, request: Request) -> str:
        return request.cookies.get(self._cookie, "")

    def _foreign(self, request: Request) -> Response | None:
        """A page of another site may not act here, nor listen."""
        if request.method in _SAFE and not _wants_socket(request):
            return None
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site")
        if origin is not None:
            mine = urlsplit(origin).netloc.lower() == request.environ.get("HTTP_HOST", "").lower()
        elif site is not None:
            mine = site in ("same-origin", "none")
        else:
            # No browser leaves out both; a cookie without either is not from a page of ours.
            mine = self._token is None or not self._cookie_of(request)
        if mine:
            return None
        return refusal(
            403,
            "a page of another site may not do this",
            f"Origin is {(origin or site or 'missing')[:80]!r}; expected this server's own "
            "address. From a program, leave out Origin and send Authorization: Bearer.",
        )

    def _too_large(self, request: Request) -> Response | None:
        size_bytes = request.content_length or 0
        if size_bytes <= MAX_BODY_BYTES:
            return None
        return refusal(
            413,
            "the body is too large",
            f"it has {size_bytes} bytes; expected {MAX_BODY_BYTES} at the most",
        )

    def _with_socket(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        connection = environ["werkzeug.socket"]
        if not self._let_open(connection):
            busy = refusal(
                503,
                "too many sockets are open",
                f"{MAX_SOCKETS} are, or too many were opened at once; close a page, or try later",
                {"Retry-After": "10"},
            )
            return busy(environ, start_response)
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


def _wants_socket(request: Request) -> bool:
    upgrade = request.headers.get("Upgrade", "").lower()
    return upgrade == "websocket" and request.path.startswith(_SOCKETS_AT)


def _half_a_handshake(request: Request) -> Response | None:
    """Refuse what the libraries behind would fail on, with a traceback and a thread left over."""
    if not _wants_socket(request):
        return None
    asked = [part.strip().lower() for part in request.headers.get("Connection", "").split(",")]
    key = request.headers.get("Sec-WebSocket-Key", "")
    version = request.headers.get("Sec-WebSocket-Version", "")
    whole = request.method == "GET" and "upgrade" in asked and _KEY.fullmatch(key)
    if whole and version == _VERSION and "werkzeug.socket" in request.environ:
        return None
    return refusal(
        400,
        "this is not a WebSocket handshake",
        f"expected GET with Connection: Upgrade, Sec-WebSocket-Version: {_VERSION} and a "
        "Sec-WebSocket-Key; let a client of Socket.IO connect",
        {"Sec-WebSocket-Version": _VERSION},
    )


def refusal(
    status: int, title: str, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """An answer of the guard's own, as RFC 9457 has it."""
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    return Response(
        redaction.redactor().json(json.dumps(problem).encode()),
        status=f"{status} {HTTPStatus(status).phrase}",
        headers=Headers({"Cache-Control": "no-store", **(headers or {})}),
        content_type="application/problem+json",
    )


def _local_names(host: str) -> Collection[str]:
    """Names of this machine, for whoever can reach the address."""
    local = ("localhost", "127.0.0.1", "::1")
    if is_any_address(host):
        return (*local, socket.gethostname())
    return local if is_loopback(host) else ()


def is_any_address(host: str) -> bool:
    """True for the name of every address of this machine, such as 0.0.0.0."""
    return not host or (_is_address(host) and ipaddress.ip_address(host).is_unspecified)


def is_loopback(host: str) -> bool:
    """True if only this machine can reach the address."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    # A page cannot make a browser send an address for the name that it was loaded from.
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

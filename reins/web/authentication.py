"""The token: in a header, in a cookie, or in the link or the form that makes it one."""

import re
from hmac import compare_digest
from urllib.parse import quote, unquote, urlencode

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from reins import redaction
from reins.web.framing import path_as_sent
from reins.web.proxies import here
from reins.web.refusal import refusal
from reins.web.token_page import token_page

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = frozenset({"/health/live", "/health/ready"})
"""Answered without a token: probes have none, and what they are told is no secret."""
_HOOK = re.compile(r"/hooks/[A-Za-z0-9_-]{1,64}")
_FORM = "application/x-www-form-urlencoded"
_MAX_FORM_BYTES = 4_096
_FIELD = "token"


class Authentication:
    """Lets in who has the token; everybody where there is none.

    A browser that lacks it is asked for it by a page of its own.
    """

    def __init__(self, token: str | None, *, cookie: str) -> None:
        self._token = token
        self._cookie = cookie
        redaction.know(token)

    def by_cookie(self, request: Request) -> bool:
        """True if a cookie is what lets this request in, or would be."""
        return self._token is not None and bool(self._cookies(request))

    def refusal(self, request: Request) -> Response | None:
        """None for who may come in; else what is answered, which may let in the next request."""
        if self._token is None or request.path in _OPEN_PATHS or _is_hook(request):
            return None
        given = _given(request)
        if given is not None and self._right(given):
            return self._let_in(request)
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = self._right(bearer) or any(map(self._right, self._cookies(request)))
        if given is None and known:
            return None
        if _is_shown(request):
            return token_page(wrong=given is not None)
        return refusal(
            401,
            "the token is missing or wrong",
            "open a page of this server in a browser, which asks for it, or the address that was "
            "printed at the start, with its ?token=; a program sends the header Authorization: "
            "Bearer followed by the value of REINS_TOKEN",
            {"WWW-Authenticate": "Bearer"},
        )

    def _let_in(self, request: Request) -> Response:
        """Keep the token in a cookie, and out of the address."""
        answer = Response(status=303, headers={"Location": _here(request)})
        for path in _writings(request.root_path):
            answer.set_cookie(
                self._cookie,
                self._token or "",
                path=path,
                secure=request.is_secure,
                httponly=True,
                # Not Strict: it would be left out where a link on another site's page leads here.
                samesite="Lax",
            )
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _right(self, given: str) -> bool:
        return compare_digest(given.encode(), (self._token or "").encode())

    def _cookies(self, request: Request) -> list[str]:
        """More than one where paths of one host are served by several of us."""
        return [each for each in request.cookies.getlist(self._cookie) if each]


def _is_hook(request: Request) -> bool:
    """True of what is sent to a webhook, which asks for a token of its own.

    By the path as it was sent, which is the one that the application goes by.
    """
    return request.method == "POST" and _HOOK.fullmatch(path_as_sent(request.environ)) is not None


def _given(request: Request) -> str | None:
    """The token of a link or of the form; None if the request brings neither."""
    if request.method in _SAFE:
        return request.args.get(_FIELD)
    if request.method != "POST" or request.mimetype != _FORM:
        return None
    request.max_content_length = _MAX_FORM_BYTES
    try:
        return request.form.get(_FIELD)
    except (HTTPException, OSError):  # too large, or cut short
        return None


def _is_shown(request: Request) -> bool:
    """True if a person will look at the answer: no program of ours asks for HTML."""
    return any(kind == "text/html" and q > 0 for kind, q in request.accept_mimetypes)


def _here(request: Request) -> str:
    """The address that was asked for, without the token."""
    others = [(name, value) for name, value in request.args.items(multi=True) if name != _FIELD]
    return here(request.environ) + (f"?{urlencode(others)}" if others else "")


def _writings(prefix: str) -> list[str]:
    """The ways in which a browser may write a path: it sends a cookie only where it is the same."""
    plain = unquote(prefix)
    return list(
        dict.fromkeys([prefix or "/", quote(plain) or "/", quote(plain, safe="/@:") or "/"])
    )

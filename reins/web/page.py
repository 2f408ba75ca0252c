"""The page: one document for every path that is no other's, its files beside it."""

import mimetypes
from html import escape
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from reins.web.proxies import way_to_start

DIST = Path(__file__).parent / "dashboard" / "dist"

_ICONS = ("favicon.ico", "favicon.svg")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_NOT_BUILT = """\
Reins: the page is not built.

Run `make run`, which builds it, or `make page` for the page alone, and open this again.
The API works without it: see /api/openapi.json.
"""
_HERE = '="./'
"""The beginning of an address in the page's document, as it was built: beside the document."""
_CODINGS = {"br": "br", "gzip": "gz"}
"""By the ending of a file's name; the smaller first."""
_FOR_EVER = "public, max-age=31536000, immutable"


class _PagePath(BaseConverter):
    """Any path, except those of the API, the assets, the probes and the files at the top."""

    regex = r"(?!(?:api|assets|health|metrics|socket\.io)(?:/|$))(?![^/]*\.[^/]*$).+"
    part_isolating = False
    weight = 1_000
    """The last to be asked: a route of its own comes first."""


def pages(dist: Path = DIST) -> Blueprint:
    """The page as it was built into `dist`; it has a view for a path that it does not know."""
    made = Blueprint("page", __name__)
    made.record_once(lambda state: state.app.url_map.converters.update(page_path=_PagePath))

    def index(_rest: str = "") -> Response:
        if request.accept_mimetypes and not request.accept_mimetypes.accept_html:
            raise NotFound  # a program
        if not (dist / "index.html").is_file():
            return Response(_NOT_BUILT, 503, {"Retry-After": "10"}, mimetype="text/plain")
        text = (dist / "index.html").read_text("utf-8")
        answer = Response(
            text.replace(_HERE, f'="{escape(way_to_start(request.environ))}'), mimetype="text/html"
        )
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    def asset(name: str) -> Response:
        answer = _smallest(dist / "assets", name)
        # Their names hold a digest of what is in them.
        answer.headers["Cache-Control"] = _FOR_EVER
        return answer

    def file(name: str) -> Response:
        if not (dist / name).is_file():
            raise NotFound
        return send_from_directory(dist, name, max_age=3_600)

    for url in ("/", "/<page_path:_rest>"):
        made.add_url_rule(url, view_func=index)
    made.add_url_rule("/assets/<path:name>", view_func=asset)
    for icon in _ICONS:
        made.add_url_rule(
            f"/{icon}", f"file_{icon.replace('.', '_')}", file, defaults={"name": icon}
        )
    return made


def _smallest(folder: Path, name: str) -> Response:
    """The file, as it was compressed when the page was built, where the browser takes that."""
    for coding, ending in _CODINGS.items():
        if request.accept_encodings.quality(coding) > 0 and (folder / f"{name}.{ending}").is_file():
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            answer = send_from_directory(folder, f"{name}.{ending}", mimetype=kind)
            answer.headers["Content-Encoding"] = coding
            break
    else:
        answer = send_from_directory(folder, name)
    answer.vary.add("Accept-Encoding")
    return answer


def with_headers(response: Response) -> Response:
    """The answer with what every answer carries: no sniffing, no referrer, nothing from outside."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response

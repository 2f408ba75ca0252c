"""The HTTP API and the page as one Flask application."""

from flask import Response, request
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from store.sizes import Sizes
from web import page, problem
from web.api import (
    actions,
    acts,
    agents,
    calls,
    checks,
    conversations,
    creating,
    describing,
    events,
    exporting,
    messages,
    metrics,
    routes,
    sessions,
    steps,
    system,
)
from web.api.keys import Turns
from web.api.parts import Live, Parts, attach
from web.api.strict import MAX_BODY_BYTES, EncodedPaths, Json, Segment, StrictRequest
from web.bridge import Bridge
from web.cast import Cast
from web.overview import Overview
from web.streams import Streams

_MODULES = (
    sessions, creating, acts, steps, calls, events, actions, agents, conversations, messages,
    exporting, routes, system,
)  # fmt: skip


class Application(OpenAPI):
    request_class = StrictRequest
    json_provider_class = Json


def make_api(
    *, bridge: Bridge, overview: Overview, cast: Cast, streams: Streams, live: Live
) -> Application:
    """The application; what is asked of it goes to these collaborators."""
    app = Application(
        "reins",
        info=Info(title="Reins", version="1", description=describing.TEXT),
        doc_ui=False,
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        static_folder=None,
        validation_error_model=problem.Problem,
        validation_error_callback=problem.of_validation,
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.converters["segment"] = Segment
    app.url_map.merge_slashes = False
    attach(app, Parts(bridge, overview, cast, streams, live, Turns(), Sizes()))
    problem.register(app)
    app.before_request(checks.query_is_known)
    app.after_request(_with_headers)
    for group in dict.fromkeys(module.api for module in _MODULES):
        app.register_api(group)
    app.register_blueprint(page.pages())
    app.get("/api/openapi.json", doc_ui=False)(lambda: describing.described(app))
    app.get(metrics.PATH, doc_ui=False)(metrics.get_metrics)
    app.wsgi_app = EncodedPaths(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _with_headers(response: Response) -> Response:
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return page.with_headers(response)

"""The HTTP API and the page as one Flask application."""

from flask import Response, request
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from reins.sql.runner import SqlRunner
from reins.web import page
from reins.web.api import (
    actions,
    agent_types,
    attention,
    boards,
    dead_letters,
    documents,
    fact_changes,
    facts,
    hooks,
    inbox,
    mcp,
    mcp_servers,
    metrics,
    minds,
    routes,
    saved,
    schedules,
    search,
    search_export,
    sql,
    system,
    tools,
    topics,
    usage,
    vocabulary,
    webhooks,
)
from reins.web.api.context import ApiContext, Live, attach
from reins.web.api.conversations import export, messages
from reins.web.api.conversations import read as read_conversations
from reins.web.api.conversations import steer as steer_conversations
from reins.web.api.sessions import (
    calls,
    create,
    events,
    files,
    find,
    notes,
    plan,
    report,
    steer,
    steps,
    tree,
)
from reins.web.api.sessions import export as export_steps
from reins.web.api.sessions import read as read_sessions
from reins.web.bridge import Bridge
from reins.web.http import openapi, problem, query_check, redacted
from reins.web.http.compression import Compression
from reins.web.http.idempotency import IdempotencyLocks
from reins.web.http.strict import (
    MAX_BODY_BYTES,
    EncodedPaths,
    FilePath,
    Json,
    Segment,
    StrictRequest,
)
from reins.web.live.sse import Streams
from reins.web.views.participants import Participants
from reins.web.views.sessions import SessionIndex
from store.sizes import Sizes

_MODULES = (
    read_sessions, create, steer, steps, tree, plan, find, notes, export_steps, report, calls,
    events, files, actions, agent_types, read_conversations, steer_conversations, messages, export,
    minds, facts, fact_changes, search, search_export, sql, documents, topics, dead_letters,
    schedules, boards, routes, tools, mcp_servers, inbox, attention, saved, system, usage,
    vocabulary, webhooks,
)  # fmt: skip


class Application(OpenAPI):
    request_class = StrictRequest
    json_provider_class = Json


def make_api(
    *,
    bridge: Bridge,
    index: SessionIndex,
    participants: Participants,
    streams: Streams,
    live: Live,
    sql_runner: SqlRunner,
) -> Application:
    """The application; what is asked of it goes to these collaborators."""
    app = Application(
        "reins",
        info=Info(title="Reins", version="1", description=openapi.TEXT),
        doc_ui=False,
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        static_folder=None,
        validation_error_model=problem.Problem,
        validation_error_callback=problem.of_validation,
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.converters |= {"segment": Segment, "file": FilePath}
    app.url_map.merge_slashes = False
    locks = IdempotencyLocks(bridge.store.folder.path)
    context = ApiContext(bridge, index, participants, streams, live, locks, Sizes(), sql_runner)
    attach(app, context)
    problem.register(app)
    app.before_request(query_check.query_is_known)
    app.after_request(Compression())  # the last: these are called in the order of an onion
    app.after_request(_with_headers)
    for group in dict.fromkeys(module.api for module in _MODULES):
        app.register_api(group)
    app.register_blueprint(page.pages())
    app.get("/api/openapi.json", doc_ui=False)(lambda: openapi.described(app))
    app.get(metrics.PATH, doc_ui=False)(metrics.get_metrics)
    mcp.McpEndpoint(bridge).register(app)
    hooks.HookEndpoint(bridge, locks).register(app)
    app.wsgi_app = EncodedPaths(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _with_headers(response: Response) -> Response:
    if request.path.startswith(("/api/", "/health/")):
        response.headers.setdefault("Cache-Control", "no-store")
    return page.with_headers(redacted.without_keys(response))

"""Webhooks: who is called over which address, and what became of each call."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from agent_core.actions.ids import KnownId
from reins.web.api.context import api_context
from reins.web.http.fields import Digits, Input
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError, refusals, unknown
from reins.web.views.rows import Wire
from reins.webhooks.config import WebhookConfigError
from store.times import iso
from store.webhook_calls import list_webhook_calls

api = group("webhooks", "system")


class Webhook(Wire):
    """A webhook, without its secrets: `where` is scheme and host, `signed` says that it has a key.

    `failures`: attempts that failed since one was taken; `gone`: it answered 410, and gets nothing
    before a reload. What only the worker knows is null where it is another process.
    """

    name: str
    where: str
    signed: bool
    kinds: list[str]
    after_s: float
    waiting: int | None
    failures: int | None
    error: str | None
    gone: bool | None


class WebhookCall(Wire):
    """One call for one episode of a cause: `sessions` were concerned as it began.

    `call_id` is the `webhook-id` of each of its attempts. `over_at`: when the cause was gone.
    """

    call_id: str
    webhook: str
    kind: str
    text: str
    sessions: int
    called_at: str
    over_at: str | None
    state: Literal["waiting", "delivered", "given_up", "dropped"]
    attempts: int
    attempted_at: str | None
    status: int | None
    error: str | None


class WebhookList(Wire):
    """The webhooks, and the newest calls of the last 30 days, the newest first.

    `problem`: the reason why the file of webhooks cannot be used, where no worker here has read it.
    """

    items: list[Webhook]
    next_cursor: None
    problem: str | None
    calls: list[WebhookCall]


class WebhooksQuery(Input):
    calls: Annotated[int, Field(ge=0, le=1_000, description="so many calls are listed"), Digits] = (
        50
    )


class WebhookPath(Input):
    name: KnownId


class WebhookTrial(Wire):
    """Result of a trial; `message` says in words what became of it."""

    ok: bool
    message: str
    status: int | None
    latency_ms: float


@api.get("/api/webhooks", responses={200: WebhookList})
def list_webhooks(query: WebhooksQuery) -> dict[str, Any]:
    """The webhooks, and what became of each call."""
    bridge = api_context().bridge
    problem = None
    try:
        found = bridge.webhooks()
    except WebhookConfigError as error:
        found, problem = [], str(error)
    return {
        "items": [{name: each.get(name) for name in Webhook.model_fields} for each in found],
        "next_cursor": None,
        "problem": problem,
        "calls": [_call_row(row) for row in list_webhook_calls(query.calls, store=bridge.store)],
    }


@api.post("/api/webhooks/<segment:name>/test", responses={200: WebhookTrial, **refusals(404, 409)})
def test_webhook(path: WebhookPath) -> dict[str, Any]:
    """Send a trial over a webhook, once, to see whether it is taken."""
    bridge = api_context().bridge
    if not bridge.has_worker:
        raise RequestRefusedError(
            409,
            "the worker that calls people is not in this process; ask the one that is, "
            f"or try it by hand: reins webhooks test {path.name}",
        )
    if path.name not in [each["name"] for each in bridge.webhooks()]:
        raise unknown("webhook", path.name, "see GET /api/webhooks")
    sent = bridge.try_webhook(path.name)
    return {
        "ok": sent.error is None,
        "message": sent.error or f"it was taken ({sent.status})",
        "status": sent.status,
        "latency_ms": round(sent.latency_ms, 1),
    }


def _call_row(row: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: iso(row[name]) for name in ("called_at", "over_at", "attempted_at")}
    return {name: row[name] for name in WebhookCall.model_fields} | times

"""The inbox: what waits for a person, what was decided, and the rules that came of it."""

from typing import Annotated, Any, Literal

from flask import Response, jsonify
from pydantic import AfterValidator, Field

import queue_imp
from agent_core.actions.actors import Actor
from agent_core.actions.deciding import decision_about, why_alone
from agent_core.actions.ids import KnownId
from agent_core.actions.payloads import Remember
from agent_core.inbox.deciding import became
from reins.web.api.accepted import ACCEPTED, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.http.fields import ActorBody, Digits, Flag, Input, Words
from reins.web.http.idempotency import KeyHeader, key_of
from reins.web.http.openapi import group
from reins.web.http.paging import cursor_of, parts_of
from reins.web.http.problem import RequestRefusedError, refusals, unfit, unknown
from reins.web.views.inbox import ApprovalRule, InboxItem, InboxItemDetail, item_row, rule_row
from reins.web.views.rows import Row, Wire
from store import approval_rules, inbox
from store.queue import reading as queue_reading

api = group("inbox", "inbox")

_Limit = Annotated[int, Field(ge=1, le=1_000), Digits]
_MAX_BULK = 1_000


def _each_once(ids: list[str]) -> list[str]:
    if len(set(ids)) < len(ids):
        raise ValueError("an item is named twice; name each once")
    return ids


class InboxQuery(Input):
    state: Annotated[
        Literal[
            "open", "all", "asked", "approved", "edited", "rejected", "answered", "expired",
            "withdrawn", "ran", "stale", "unknown",
        ],
        Field(description="open: nobody has decided yet"),
    ] = "open"  # fmt: skip
    session_id: Words = ""
    kind: Literal["approval", "question"] | None = None
    tool: Words = ""
    limit: _Limit = 100
    cursor: Words = ""


class ItemPath(Input):
    item_id: KnownId


class RulePath(Input):
    rule_id: KnownId


class RulesQuery(Input):
    revoked: Annotated[Flag, Field(description="also those that hold no longer")] = False
    limit: _Limit = 100
    cursor: Words = ""


class RevokeQuery(Input):
    actor: Annotated[Actor, Field(description="who asks")]


class DecideBody(ActorBody):
    """`args`: the whole arguments, with an edit. `text`: with an answer."""

    decision: Literal["approve", "edit", "reject", "answer"]
    args: dict[str, Any] | None = None
    text: Annotated[str, Field(min_length=1, pattern=r"\S")] | None = None
    reason: str | None = None
    remember: Remember | None = None
    call_hash: Annotated[
        str | None, Field(description="the item's, as it was seen: refused if it is another")
    ] = None


class DecideManyBody(ActorBody):
    decision: Literal["approve", "reject"]
    item_ids: Annotated[
        list[KnownId],
        Field(min_length=1, max_length=_MAX_BULK, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_each_once),
    ]
    reason: str | None = None


class InboxList(Wire):
    """A page of items, the oldest first; `open` is how many wait in all, whatever the filters."""

    items: list[InboxItem]
    next_cursor: str | None
    open: int


class RuleList(Wire):
    """A page of rules, by id."""

    items: list[ApprovalRule]
    next_cursor: str | None


class DecidedItem(Wire):
    """One item of a bulk decision: its action, or the reason for none."""

    item_id: str
    action_id: str | None
    problem: str | None


class DecidedMany(Wire):
    items: list[DecidedItem]


@api.get("/api/inbox", responses={200: InboxList})
def list_inbox(query: InboxQuery) -> dict[str, Any]:
    """Items that fit all of the filters."""
    store = api_context().bridge.store
    rows = inbox.list_items(
        inbox.states_of(query.state),
        session_id=query.session_id or None,
        kind=query.kind,
        tool=query.tool or None,
        after=_after(query.cursor),
        limit=query.limit + 1,
        store=store,
    )
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [item_row(row) for row in shown],
        "next_cursor": cursor_of(*inbox.place(shown[-1])) if more else None,
        "open": inbox.count_open(store=store),
    }


@api.get("/api/inbox/<segment:item_id>", responses={200: InboxItemDetail, **refusals(404)})
def get_inbox_item(path: ItemPath) -> dict[str, Any]:
    """One item, with the newest decisions about others like it."""
    context = api_context()
    row = _item(context, path.item_id)
    like = inbox.list_decided_like(
        row["kind"], row["tool"], path.item_id, store=context.bridge.store
    )
    return {**item_row(row), "decided_like": [item_row(each) for each in like]}


@api.post(
    "/api/inbox/<segment:item_id>/decide",
    responses={**ACCEPTED, **refusals(400, 404, 409, 413, 415)},
)
def decide_inbox_item(path: ItemPath, header: KeyHeader, body: DecideBody) -> Response:
    """Approve, edit or reject a call, or answer a question; applied exactly once, in order."""
    context = api_context()
    _check_parts(body)

    def make() -> dict[str, Any]:
        row = _open(_item(context, path.item_id))
        seen = row if body.call_hash is None else {**row, "call_hash": body.call_hash}
        return decision_about(
            seen,
            body.actor,
            body.decision,
            args=body.args,
            text=body.text,
            reason=body.reason,
            remember=None if body.remember is None else body.remember.model_dump(),
        )

    return accepted(context, header, make)


@api.post("/api/bulk/inbox", responses={202: DecidedMany, **refusals(400, 413, 415)})
def decide_many(header: KeyHeader, body: DecideManyBody) -> tuple[Response, int]:
    """The same decision about many items, an action each, in one commit; the others are named."""
    context = api_context()
    key = key_of(header)
    with context.locks.of(key):
        before = key.sent_before(context.bridge.store, len(body.item_ids))
        context.bridge.confirm(before)
        made, problems = _decisions(context, body)
        if not before:
            made = key.put_on(made)
            context.bridge.enqueue(made)
        actions = before or made
    ids = {_item_of(action): action["action_id"] for action in actions}
    items = []
    for each in body.item_ids:
        problem = None if each in ids else problems.get(each, "it was refused the first time")
        items.append({"item_id": each, "action_id": ids.get(each), "problem": problem})
    return jsonify({"items": items}), 202


@api.get("/api/approval-rules", responses={200: RuleList})
def list_approval_rules(query: RulesQuery) -> dict[str, Any]:
    """Rules of approval, by id."""
    [after] = parts_of(query.cursor, str) if query.cursor else [""]
    rows = approval_rules.list_rules(
        revoked=query.revoked, after=after, limit=query.limit + 1, store=api_context().bridge.store
    )
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [rule_row(row) for row in shown],
        "next_cursor": cursor_of(shown[-1]["rule_id"]) if more else None,
    }


@api.delete("/api/approval-rules/<segment:rule_id>", responses={**ACCEPTED, **refusals(404, 409)})
def revoke_approval_rule(path: RulePath, query: RevokeQuery) -> Response:
    """Let a rule hold no longer."""
    context = api_context()

    def make() -> dict[str, Any]:
        row = approval_rules.get_rule(path.rule_id, store=context.bridge.store)
        if row is None:
            raise unknown("rule", path.rule_id, "see GET /api/approval-rules")
        if row["revoked_at"] is not None:
            raise RequestRefusedError(
                409,
                f"rule {path.rule_id} was revoked by {row['revoked_by']}; nothing is to be done",
            )
        return queue_imp.create_action("rule_revoke", query.actor, rule_id=path.rule_id)

    return accepted(context, KeyHeader(), make)


def _check_parts(body: DecideBody) -> None:
    """Raises: RequestRefusedError where a part is missing, or belongs to another decision."""
    parts = (("args", body.args, "edit"), ("text", body.text, "answer"))
    for name, given, decision in parts:
        if (given is not None) != (body.decision == decision):
            raise unfit(f"body.{name}", f"it goes with the decision {decision}, and with no other")


def _after(cursor: str) -> tuple[int, str] | None:
    if not cursor:
        return None
    at, item_id = parts_of(cursor, int, str)
    return at, item_id


def _item(context: ApiContext, item_id: str) -> Row:
    row = inbox.get_item(item_id, store=context.bridge.store)
    if row is None:
        raise unknown("item", item_id, "see GET /api/inbox")
    return row


def _open(row: Row) -> Row:
    """The item, if nobody has decided. Raises: RequestRefusedError."""
    if row["state"] != inbox.OPEN:
        raise RequestRefusedError(
            409, f"item {row['item_id']} {became(row)}; nothing is left to decide"
        )
    return row


def _decisions(
    context: ApiContext, body: DecideManyBody
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The actions that can be, and why the others cannot, by item."""
    actions: list[dict[str, Any]] = []
    problems: dict[str, str] = {}
    for item_id in body.item_ids:
        try:
            row = _open(_item(context, item_id))
        except RequestRefusedError as refused:
            problems[item_id] = refused.detail
            continue
        if (why := why_alone(row, body.decision)) is not None:
            problems[item_id] = why
        else:
            actions.append(decision_about(row, body.actor, body.decision, reason=body.reason))
    return actions, problems


def _item_of(action: dict[str, Any]) -> str:
    return str(queue_reading.payload_of(action).get("item_id"))

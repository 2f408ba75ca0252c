"""The plan of a session: its nodes, their runs over time, what is live, and what it waits for."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from reins.web.api.context import ApiContext, api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.read import seen
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError, refusals
from reins.web.views.rows import Row, Wire
from store import agent_steps, agents_config
from store.times import iso, now_us

api = group("plan", "sessions")

RUNS = 2_000
_DECISIONS = 500
_DRAWN_NODES = 500
_PAGE = 500
_READ_CHARS = 32 << 20
_ALARM = "alarm "

Outcome = Literal[
    "done", "failed", "replaced", "cancelled", "abandoned", "skipped", "set", "retried", "unused",
    "alarm",
]  # fmt: skip
Standing = Literal[
    "live", "waiting", "done", "failed", "replaced", "cancelled", "abandoned", "skipped", "set",
    "retried", "unused", "ended", "not begun", "not chosen", "unknown",
]  # fmt: skip


class PlanNode(Wire):
    """A node of the plan. `path` is without turns and attempts, `name` its action or its label.

    `waiting`: it stands, and nothing of it runs. A task's standing is the outcome of its newest
    run; `ended`: how a node with others beneath it has ended, its runs tell. `unknown`: it may have
    run before the rows that were read.
    """

    path: str
    kind: str
    name: str
    level: int
    standing: Standing


class PlanRun(Wire):
    """A run of a task that is over, or with the outcome `alarm` a wait that came to its end.

    `path` has turns (`#`) and attempts (`~`), `node` has not; row `seq` tells of it. What was
    cancelled began with the row that let it, null where that was not read. `abandoned`: it may run
    on, and counts no more; `unused`: it had ended by itself, too late to count; `retried`,
    `skipped` and `set`: a person said so. `said` is the last line, `error` the beginning.
    """

    node: str
    path: str
    name: str | None
    outcome: Outcome
    seq: int
    started_at: str | None
    ended_at: str
    said: str | None
    error: str | None
    tokens: int
    cost_usd: float


class PlanLive(Wire):
    """A task that is live. `began_at` is null where the worker is another process, or where it does
    not run at the moment; `since` is the time of the row `seq`, which let it begin, null where that
    was not read.
    """

    node: str
    path: str
    name: str
    running: bool
    began_at: str | None
    since: str | None
    seq: int | None


class PlanTimer(Wire):
    """A node that waits for an alarm, and for how long; its clock stands unless it is `running`.

    `since` is the time of row `seq`, which let it wait, null where that was not read.
    """

    node: str
    path: str
    left_s: float
    running: bool
    since: str | None
    seq: int


class PlanChoice(Wire):
    """A `choose` that stands: what its items are called, and the place of the one that runs."""

    node: str
    path: str
    items: list[str]
    item: int


class PlanDecision(Wire):
    """A decision of a node, such as which branch has won; row `seq` tells of it."""

    seq: int
    node: str
    path: str
    words: str


class Plan(Wire):
    """The plan of a session as it stands, `now`, by the server's clock.

    `nodes` are in the order of the plan, `runs` oldest first. `rows_left_out`: of the log, older
    than these runs. `mermaid` is null for a plan of more than 500 nodes, and for one that stands in
    modules which are not in this process; its nodes are then those that have run.
    """

    session_id: str
    now: str
    nodes: list[PlanNode]
    nodes_left_out: int
    runs: list[PlanRun]
    rows_left_out: int
    live: list[PlanLive]
    timers: list[PlanTimer]
    choices: list[PlanChoice]
    decisions: list[PlanDecision]
    error: str | None
    mermaid: str | None


@api.get("/api/sessions/<segment:session_id>/plan", responses={200: Plan, **refusals(404)})
def get_plan(path: SessionPath) -> dict[str, Any]:
    """The plan of a session of type plan: what has run when, what runs, and what is to come."""
    # Plans take 40 ms to import, which a page without one need not wait for.
    from reins.plans import to_mermaid  # noqa: PLC0415
    from reins.plans.paths import order  # noqa: PLC0415
    from reins.web.views import plan_history, plan_nodes  # noqa: PLC0415

    context = api_context()
    session = seen(context, path.session_id)
    if session["agent_type"] != "plan":
        raise RequestRefusedError(
            404,
            f"session {path.session_id!r} is of type {session['agent_type']}; "
            "only one of type plan has a plan",
        )
    rows, first = _newest_rows(context, path.session_id, session["seq"])
    told = plan_history.history(rows, is_whole=first == 1)
    runs = _newest(told.runs)
    older = max(first, runs[0]["seq"]) - 1 if len(runs) < len(told.runs) else first - 1
    pieces = context.bridge.pieces(path.session_id)
    running = _running(pieces, session, {*told.live, *(f"{_ALARM}{at}" for at in told.waits)})
    plan = _plan_of(context, path.session_id, told.state)
    nodes, left_out = plan_nodes.node_rows(plan, told, running=running, is_whole=first == 1)
    now = now_us()
    ended = told.state.get("tree") or {}
    return {
        "session_id": path.session_id,
        "now": iso(now),
        "nodes": nodes,
        "nodes_left_out": left_out,
        "runs": runs,
        "rows_left_out": older,
        "live": [
            {
                "node": plan_history.node_of(at),
                "path": at,
                "name": each.name,
                "running": at in running,
                "began_at": iso((pieces or {}).get(at)),
                "since": iso(each.since),
                "seq": each.seq,
            }
            for at, each in sorted(told.live.items(), key=lambda live: order(live[0]))
        ],
        "timers": [
            {
                "node": plan_history.node_of(at),
                "path": at,
                "left_s": plan_history.left_s(each, (pieces or {}).get(_ALARM + at), now)
                if _ALARM + at in running
                else each.left_s,
                "running": _ALARM + at in running,
                "since": iso(each.since),
                "seq": each.seq,
            }
            for at, each in sorted(told.waits.items(), key=lambda wait: order(wait[0]))
        ],
        "choices": _choices(plan, told.tree),
        "decisions": told.decisions[-_DECISIONS:],
        "error": _error_of(ended),
        "mermaid": None if plan is None or len(nodes) > _DRAWN_NODES else to_mermaid(plan),
    }


def _newest_rows(context: ApiContext, session_id: str, head: int) -> tuple[list[Row], int]:
    """The newest rows of this life of the session, enough for `RUNS` runs, oldest first; and the
    number of its first row of them, 1 where all of its life is there.
    """
    found: list[Row] = []
    read_chars, upto = 0, head
    life: Any = None
    while upto > 0 and len(found) < RUNS and read_chars < _READ_CHARS:
        after = max(0, upto - _PAGE)
        page = agent_steps.list_steps(session_id, after, upto - after, store=context.bridge.store)
        for row in reversed(page):
            read_chars += len(row["state"] or "") + len(row["payload"] or "")
            created = orjson.loads(row["state"] or "{}").get("created_at")
            life = life or created
            if created != life:  # an agent of this id was destroyed before, and created anew
                return found[::-1], 1
            found.append(row)
        upto = after
    return found[::-1], upto + 1


def _newest(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest runs, without half a row of them."""
    if len(runs) <= RUNS:
        return runs
    cut = runs[-RUNS - 1]["seq"]
    return [each for each in runs[-RUNS:] if each["seq"] > cut] or runs[-RUNS:]


def _running(pieces: Mapping[str, int] | None, session: Row, standing: set[str]) -> set[str]:
    """The names of the pieces that run; where the worker is elsewhere, those that should."""
    if pieces is not None:
        return {*pieces}
    return standing if session["status"] == "running" and not session["held"] else set()


def _plan_of(context: ApiContext, session_id: str, state: Mapping[str, Any]) -> Any:
    """The session's plan; None where it stands in modules that are not in this process."""
    from reins.plans import PlanError, from_json  # noqa: PLC0415

    row = agents_config.get_agent_config(session_id, store=context.bridge.store) or {}
    config = orjson.loads(row.get("config") or "{}")
    try:
        if state.get("source"):
            return from_json(state["source"])
        if config.get("plan") is not None:
            return from_json(orjson.dumps(config["plan"]).decode())
    except PlanError:  # written by another version of this program
        return None
    return context.bridge.own_plan(config.get("name") or "")


def _choices(plan: Any, tree: dict[str, Any]) -> list[dict[str, Any]]:
    """In the shape of `PlanChoice`; none where the plan is not known, or is another one now."""
    from reins.plans import choices, misfits  # noqa: PLC0415
    from reins.web.views.plan_history import node_of  # noqa: PLC0415

    if plan is None or not tree or misfits(plan, tree):
        return []
    return [
        {"node": node_of(each.path), "path": each.path, "items": [*each.items], "item": each.item}
        for each in choices(plan, tree)
    ]


def _error_of(tree: Mapping[str, Any]) -> str | None:
    if tree.get("kind") != "ended" or "error" not in tree:
        return None
    from reins.plans import Fault  # noqa: PLC0415

    return str(Fault.from_json(tree["error"]))[:1_000]

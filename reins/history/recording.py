"""Sessions done again with no model: what the log and the recorded answers give must be the same.

`reins replay record SESSION FILE` writes a recording, `reins replay run FILE` does it again and
says what differs. Tests of agents use `load` and `replay` on recordings that are kept.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field, ValidationError

from agent_core.agent.guidance import problems
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.inbox.inbox import Inbox
from reins import redaction
from reins.bus.topics import Topics
from reins.history import replay as replaying
from reins.history.recorded_acts import (
    RecordedInbox,
    RecordedRecollection,
    RecordedToolbox,
    payload_of,
)
from reins.history.recorded_model import Messages, RecordedCall, Recording
from reins.history.recorded_topics import RecordedTopics, messages_used
from reins.history.replay import NotReplayableError
from reins.llm import Model
from reins.llm.calls.accounting import ABORTED
from reins.llm.embeddings.embedder import FUNCTION as EMBEDDINGS
from reins.llm.redact import CUT
from reins.llm.requests import messages_of
from reins.plan_modules import PlanModules
from reins.remembering.recollection import Recollection
from reins.tools.registry import Registry
from reins.tools.toolbox import Toolbox
from store import agents_config
from store.agent_steps import list_steps
from store.lance.tables import Row
from store.model_calls import list_calls
from store.reading import Reader, reader

_FORMAT = 1
_PAGE = 1_000
_SAME = ("seq", "step", "kind", "text", "error", "tokens_in", "tokens_out", "cost_usd")
_SAME_IN_SNAPSHOT = ("status", "failures")
_NOT_OF_THE_SESSION = (
    "times", "created_at", "ended_at", "settled_by_stop", "started_at", "took_ms", "left_s",
)  # fmt: skip
"""Times, and what the inbox held of it."""
_OF_CLOCKS = ("left_s",)
EndOf = Callable[[Row], int | None]
"""The row that takes in what an attempt at a call led to, by its number; None of one given up."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The rows that a session wrote when it was done again, and where they are not the same."""

    rows: list[dict[str, Any]]
    differences: list[str]


def record(session_id: str, data: Path | str | None = None) -> dict[str, Any]:
    """A session's present life as plain JSON: its configuration, its log and its model's answers.

    Raises: NotReplayableError where there is no such session, or its prompts are not on record.
    """
    store = reader(data)
    kept = agents_config.get_agent_config(session_id, store=store)
    rows = _log_of(session_id, store)
    if kept is None or not rows:
        raise NotReplayableError(
            f"there is no session {session_id!r} in {store.folder.path}; check its id and --data"
        )
    calls = list_calls(session_id, limit=1 << 31, store=store)
    first = rows[0]["seq"]
    recording = {
        "format": _FORMAT,
        "agent_type": kept["agent_type"],
        "config": orjson.loads(kept["config"]),
        "rows": rows,
        "calls": [call for call in calls if call["seq"] is None or call["seq"] >= first],
        "messages": messages_used(rows, store),
    }
    # Times as text, as in a file, which goes where nobody knows the keys that it must not hold.
    plain: dict[str, Any] = orjson.loads(redaction.redactor().json(orjson.dumps(recording)))
    _calls(plain["calls"], lambda attempt: attempt["seq"])  # what could not be replayed is said now
    return plain


def _log_of(session_id: str, store: Reader) -> list[Row]:
    """The rows since it was created, or created again, last."""
    rows: list[Row] = []
    while page := list_steps(session_id, rows[-1]["seq"] if rows else 0, _PAGE, store=store):
        rows += page
    begun = [n for n, row in enumerate(rows) if _creates(row)]
    return rows[begun[-1] :] if begun else []


def _creates(row: Row) -> bool:
    return row["kind"] == "status" and "config" in orjson.loads(row["payload"] or "{}")


class _Row(BaseModel):
    seq: int
    step: int
    kind: str
    text: str
    session_id: str
    agent_id: str
    payload: str | None
    state: str
    applied_actions: str
    started_at: str | None
    error: str | None
    tokens_in: int
    tokens_out: int
    cost_usd: float


class _Attempt(BaseModel):
    call_id: str
    seq: int | None
    function: str
    route: str
    model: str
    demonstration: bool
    sent_at: str | None
    latency_ms: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
    error_kind: str | None
    error: str | None
    node: str | None = None
    request: str | None
    answer: str | None


class _Recording(BaseModel):
    """The fields that a file must hold; others are ignored."""

    format: Literal[1]
    agent_type: str
    config: dict[str, Any]
    rows: Annotated[list[_Row], Field(min_length=1)]
    calls: list[_Attempt]


def load(path: Path | str) -> dict[str, Any]:
    """The recording in a file. Raises: NotReplayableError for anything else."""
    try:
        content = Path(path).read_bytes()
        _Recording.model_validate_json(content)
    except OSError as error:
        raise NotReplayableError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        raise NotReplayableError(
            f"{path} holds no recording: {problems(error)}. Record the session anew."
        ) from None
    loaded: dict[str, Any] = orjson.loads(content)
    return loaded


async def replay(
    recording: Mapping[str, Any],
    modules: Sequence[str] = ("agents_impl",),
    tools: Sequence[str] = (),
    plans: Sequence[str] = (),
) -> Replayed:
    """Do a recorded session again; model, tools and people answer from the recording.

    `modules` are those of agent types, `tools` and `plans` those of tools and of actions beside the
    built-in ones. Actions of plans are done again, whatever they do. Raises: NotReplayableError,
    AgentTypeError, ToolModuleError, PlanModuleError, ModelConfigError.
    """
    types = AgentTypes(list(modules))
    types.take(types.read())
    kind = types.get(recording["agent_type"])
    if kind is None:
        raise NotReplayableError(
            f"agent type is {recording['agent_type']!r}; expected one of {', '.join(types.names())}"
        )
    made, charged = _calls(recording["calls"], _ends_of(kind, recording["rows"]))
    answers = Recording(made)
    registry = Registry.load(tools)
    _refuse_tools_of_servers(recording["rows"], registry)
    _refuse_tools_of_plans(recording["rows"])
    toolbox = RecordedToolbox(registry)
    inbox, recollection = RecordedInbox(toolbox), RecordedRecollection(toolbox)
    topics = RecordedTopics(recording.get("messages", ()))
    actions = PlanModules()
    actions.take(actions.read(plans))
    services = Services(
        actions,
        per_session={
            Model: answers.for_caller,
            Toolbox: lambda _: toolbox,
            Inbox: lambda _: inbox,
            Topics: lambda _: topics,
            Recollection: lambda _: recollection,
        },
    )
    as_json = orjson.dumps(recording["config"]).decode()
    rows = await replaying.replay(
        kind, as_json, recording["rows"], services, toolbox, topics=topics, charged=charged
    )
    unasked = [
        f"#{call.attempts[-1]['seq']}: {call.function} was asked, and is not"
        for call in answers.unasked()
    ]
    return Replayed(rows, _differences(recording["rows"], rows) or unasked)


def _refuse_tools_of_plans(rows: Sequence[Row]) -> None:
    """Raises: NotReplayableError for calls of tools by tasks of a plan, whose results are on no
    record.
    """
    for row in rows:
        nodes = payload_of(row).get("nodes") or ()
        if any(isinstance(each, dict) and each.get("tools") for each in nodes):
            raise NotReplayableError(
                f"#{row['seq']} tells of tools that a plan's tasks have called: what they gave is "
                "not in the recording, so the session cannot be done again"
            )


def _refuse_tools_of_servers(rows: Sequence[Row], registry: Registry) -> None:
    """Raises: NotReplayableError for a tool of an MCP server, whose spec is on no record."""
    for row in rows:
        tool = str((payload_of(row).get("call") or {}).get("tool", ""))
        if "__" in tool and tool not in registry.tools:
            raise NotReplayableError(
                f"#{row['seq']} calls {tool}, a tool of an MCP server: what it took is not in the "
                "recording, so the session cannot be done again"
            )


def _ends_of(kind: type[LoopingAgentBase], rows: Sequence[Row]) -> EndOf:
    """Which row takes in what an attempt led to: that of its tick, or of its piece of work's end.

    A piece may have its answer before a row, and end after it, as another piece's end has led to
    that row: the tokens are in the row, and the answer counts in a later one.
    """
    places = {row["seq"]: place for place, row in enumerate(rows)}
    ended = [replaying.ended_in(kind, row) for row in rows]

    def end_of(attempt: Row) -> int | None:
        seq, piece = attempt["seq"], attempt.get("node")
        if attempt["error_kind"] == ABORTED or seq not in places:
            return None
        if piece is None:
            return None if rows[places[seq]]["kind"] == "status" else int(seq)
        for place in range(places[seq], len(rows)):
            if piece in ended[place]:
                return int(rows[place]["seq"])
            if _begins_anew(rows[place], piece):
                return None
        return None

    return end_of


def _begins_anew(row: Row, piece: str) -> bool:
    """True of a row after which a piece that had not ended was begun once more, or was over."""
    if row["kind"] == "tick":
        return False
    payload = payload_of(row)
    if row["kind"] != "guidance" or payload.get("mode") == "now":
        return True
    guided = payload.get("guidance")
    return isinstance(guided, dict) and guided.get("path") == piece


def _calls(
    attempts: Sequence[Row], end_of: EndOf
) -> tuple[list[RecordedCall], dict[int, list[Row]]]:
    """The calls that led somewhere; and attempts that a row tells of before its end has come, by
    that row.

    A call that was aborted, or whose tick or piece of work was, is not made again.
    """
    by_call: dict[str, list[Row]] = {}
    for attempt in attempts:
        by_call.setdefault(attempt["call_id"], []).append(attempt)
    made: list[RecordedCall] = []
    charged: dict[int, list[Row]] = {}
    for tried in by_call.values():
        last = tried[-1]
        end = end_of(last)
        is_charged = end is None or end != last["seq"]
        if end is not None:
            made.append(
                RecordedCall(
                    last["function"], _messages(tried), tried, last.get("node"), is_charged
                )
            )
        if is_charged:
            for attempt in tried:
                charged.setdefault(attempt["seq"], []).append(attempt)
    return made, charged


def _messages(attempts: Sequence[Row]) -> Messages | None:
    """The prompt; None where it is not needed to know the call by."""
    function = attempts[0]["function"]
    if function == EMBEDDINGS:
        raise NotReplayableError("the session asked for embeddings, which are not on record")
    requests = [attempt["request"] for attempt in attempts if attempt["request"] is not None]
    if requests:
        return None if requests[0].endswith(CUT) else tuple(messages_of(requests[0]))
    if all(attempt["sent_at"] is None for attempt in attempts):
        return None
    raise NotReplayableError(
        f"the prompt of {function} is not on record; record the session with "
        "REINS_RECORD_PROMPTS on"
    )


def _differences(then: Sequence[Row], now: Sequence[Row]) -> list[str]:
    """The differences in the first row that has any; those after it are another life's."""
    for before, after in zip_longest(then, now):
        if before is None or after is None:
            there, way = (before, "was not") if after is None else (after, "was")
            return [f"#{there['seq']} {there['kind']} {way} written again"]
        pairs = zip(_facts(before).items(), _facts(after).values(), strict=True)
        found = [
            f"#{before['seq']} {before['kind']}: {name} was {was!r:.200}, is {is_now!r:.200}"
            for (name, was), is_now in pairs
            if was != is_now
        ]
        if found:
            return found
    return []


def _facts(row: Row) -> dict[str, Any]:
    """The part of a row that does not depend on when it was written."""
    snapshot = orjson.loads(row["state"])
    return {
        **{name: row[name] for name in _SAME},
        "applied_actions": row["applied_actions"],
        "payload": _without(_NOT_OF_THE_SESSION, orjson.loads(row["payload"] or "{}")),
        **{name: snapshot[name] for name in _SAME_IN_SNAPSHOT},
        "agent": _without(_OF_CLOCKS, snapshot["agent"]),
    }


def _without(names: Collection[str], value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(names, each) for key, each in value.items() if key not in names}
    return [_without(names, each) for each in value] if isinstance(value, list) else value

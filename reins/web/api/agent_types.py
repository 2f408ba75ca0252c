"""Agents as the store has them, and the types that there are."""

import inspect
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.registry import AgentTypeError
from reins.web.api.context import ApiContext, api_context
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError
from reins.web.views.rows import Wire
from store import agent_state
from store.times import iso

api = group("agents", "agents")


class AgentList(Wire):
    """Rows of `list_agent_states()`, times in ISO 8601."""

    items: list[dict[str, Any]]
    next_cursor: None


class AgentType(Wire):
    """A type of agents, with JSON schemas; `guidance_schema` is null where it takes no fields.

    `placeholder` and `examples` are the type's own words for guidance in words. `takes_goal`: an
    orchestrator may have workers of this type.
    """

    agent_type: str
    description: str
    config_schema: dict[str, Any]
    state_schema: dict[str, Any]
    guidance_schema: dict[str, Any] | None
    accepts_text: bool
    takes_goal: bool
    placeholder: str
    examples: list[str]


class AgentTypeList(Wire):
    items: list[AgentType]
    next_cursor: None


@api.get("/api/agents", responses={200: AgentList})
def list_agents() -> dict[str, Any]:
    """The newest state of every session, whole."""
    rows = agent_state.list_agent_states(store=api_context().bridge.store)
    items = [{k: _plain(v) for k, v in row.items() if k != "journal_n"} for row in rows]
    return {"items": items, "next_cursor": None}


@api.get("/api/agent-types", responses={200: AgentTypeList})
def list_agent_types() -> dict[str, Any]:
    """The types of agents there are, by name."""
    types = types_of(api_context())
    return {"items": [_described(types[name]) for name in sorted(types)], "next_cursor": None}


def types_of(context: ApiContext) -> dict[str, type[LoopingAgentBase]]:
    """Agent types by name. Raises: RequestRefusedError."""
    try:
        return context.bridge.agent_types()
    except AgentTypeError as error:
        raise RequestRefusedError(503, str(error)) from None


def _described(kind: type[LoopingAgentBase]) -> dict[str, Any]:
    guidance = None if kind.Guidance is None else TypeAdapter(kind.Guidance).json_schema()
    return {
        "agent_type": kind.agent_type,
        "description": (inspect.getdoc(kind) or "").partition("\n")[0],
        "config_schema": kind.Config.model_json_schema(),
        "state_schema": kind.State.model_json_schema(),
        "guidance_schema": guidance,
        "accepts_text": kind.accepts_text,
        "takes_goal": "goal" in kind.Config.model_fields,
        "placeholder": kind.words.placeholder,
        "examples": list(kind.words.examples),
    }


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value

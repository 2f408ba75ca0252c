"""`reins mind`: change what sessions, agents and all remember, and take evidence back."""

import json
from collections.abc import Callable
from typing import Any

import click

import queue_imp
from reins.cli.steer import acting, answer
from store import agents_config

_Decorated = Callable[..., Any]


@click.group("mind", help="change what is remembered or believed: put, forget, restore, undo")
def mind() -> None:
    """The verbs stand below."""


def _of_memory(function: _Decorated) -> _Decorated:
    for option in (
        click.option("--expect", type=int, help="the version that must be there, 0 for none"),
        click.option("--shared", is_flag=True, help="one that all share"),
        click.option("--agent", help="of an agent, for all of its sessions"),
        click.option("--session", help="of a session, by its id"),
        click.argument("key"),
    ):
        function = option(function)
    return function


_expires = click.option(
    "--expires", "expires_in_s", type=float, metavar="S", help="not recalled after S seconds"
)


@acting("put", "give a memory a value: JSON, or a text")
@_of_memory
@click.argument("value")
@_expires
def put(*, key: str, value: str, actor: str, wait: float | None, **more: Any) -> None:
    answer(queue_imp.memory_put(key, actor, _read(value), **_whose(more)), wait_s=wait)


@acting("forget", "let a memory be recalled no more")
@_of_memory
def forget(*, key: str, actor: str, wait: float | None, **more: Any) -> None:
    answer(queue_imp.memory_forget(key, actor, **_whose(more)), wait_s=wait)


@acting("restore", "bring a version of a memory back, or the newest before this")
@_of_memory
@click.argument("version", type=int, required=False)
@_expires
def restore(*, key: str, version: int | None, actor: str, wait: float | None, **more: Any) -> None:
    answer(queue_imp.memory_restore(key, actor, version, **_whose(more)), wait_s=wait)


@acting("undo", "take evidence of a session back, by the ids of its rows")
@click.argument("session")
@click.argument("ids", nargs=-1, required=True)
@click.option("--text", default="", help="why")
def undo(*, session: str, ids: tuple[str, ...], text: str, actor: str, wait: float | None) -> None:
    agent_id, session_id = _of_session(session)
    answer(queue_imp.evidence_undo(agent_id, actor, ids, text, session_id=session_id), wait_s=wait)


def _whose(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a helper. Raises: ValueError where not one of the three is given."""
    session, agent, shared = given.pop("session"), given.pop("agent"), given.pop("shared")
    if [session is not None, agent is not None, shared].count(True) != 1:
        raise ValueError("give --session or --agent with an id, or --shared, one of them")
    if session is not None:
        agent_id, session_id = _of_session(session)
        return {**given, "agent_id": agent_id, "session_id": session_id}
    if agent is not None:
        return {**given, "scope": "agent", "agent_id": agent}
    return {**given, "scope": "shared"}


def _of_session(session: str) -> tuple[str, str]:
    """The ids of its agent and itself. Raises: ValueError."""
    session_id = agents_config.as_stored(session)
    row = agents_config.get_agent_config(session_id)
    if row is None:
        raise ValueError(f"there is no session {session_id}; see reins status")
    return row["agent_id"], session_id


def _read(text: str) -> Any:
    """JSON as such; anything else, and null, is a text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return text if found is None else found


for verb in (put, forget, restore, undo):
    mind.add_command(verb)

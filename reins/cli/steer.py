"""The REPL helpers from a shell: `reins create agent1 --subject cats`."""

import json
import time
from collections.abc import Callable
from typing import Any

import click

import queue_imp
from reins.cli.folder import FolderCommand, data_option
from reins.names.system_user import user_name

_Decorated = Callable[..., Any]


def acting(name: str, summary: str) -> Callable[[_Decorated], click.Command]:
    """A command that puts an action in the queue, with the options of all of them."""

    def command(function: _Decorated) -> click.Command:
        function = click.option(
            "--wait",
            type=float,
            is_flag=False,
            flag_value=30.0,
            metavar="S",
            help="wait up to S seconds (30) for the outcome",
        )(function)
        function = click.option(
            "--actor",
            default=user_name,
            help="who asks (default: the system's user)",
        )(function)
        return click.command(name, cls=FolderCommand, help=summary)(data_option(function))

    return command


def _of_session(function: _Decorated) -> _Decorated:
    function = click.option("--session", help="session_id, if not the agent's own")(function)
    return click.argument("agent_id")(function)


@acting("create", "create an agent's session, or those of several agents")
@click.argument("agent_ids", nargs=-1, required=True)
@click.option("--session", help="session_id, if not the agent's own")
@click.option("--subject", help="its first subject")
@click.option("--type", "agent_type", default="joke", help="agent type (default: joke)")
@click.option("--config", help="configuration, as JSON")
def create(
    *,
    agent_ids: tuple[str, ...],
    actor: str,
    wait: float | None,
    session: str | None,
    subject: str | None,
    agent_type: str,
    config: str | None,
) -> None:
    if session is not None and len(agent_ids) > 1:
        raise ValueError(f"--session names one session; {len(agent_ids)} agents were given")
    same = {
        "session_id": session,
        "initial_subject": subject,
        "agent_type": agent_type,
        "config": parsed(config, "--config") if config else None,
    }
    answer(
        *queue_imp.agents_create([{"agent_id": each, **same} for each in agent_ids], actor),
        wait_s=wait,
    )


@acting("pause", "pause at the next safe point")
@_of_session
@click.option("--reason")
def pause(
    *, agent_id: str, actor: str, wait: float | None, session: str | None, reason: str | None
) -> None:
    answer(queue_imp.agent_pause_action(agent_id, actor, reason, session_id=session), wait_s=wait)


@acting("resume", "go on")
@click.option("--now", is_flag=True, help="give up the tick in flight, and do it again")
@_of_session
def resume(
    *, agent_id: str, actor: str, wait: float | None, session: str | None, now: bool
) -> None:
    mode: queue_imp.Mode = "now" if now else "steer"
    answer(
        queue_imp.agent_resume_action(agent_id, actor, session_id=session, mode=mode), wait_s=wait
    )


@acting("interrupt", "give new guidance")
@_of_session
@click.argument("guidance", help="words, or the fields as a JSON object")
@click.option("--now", is_flag=True, help="abort the tick in flight for it")
def interrupt(
    *,
    agent_id: str,
    actor: str,
    wait: float | None,
    session: str | None,
    guidance: str,
    now: bool,
) -> None:
    is_json = guidance.lstrip().startswith("{")
    given = parsed(guidance, "guidance that begins with {") if is_json else guidance
    mode: queue_imp.Mode = "now" if now else "steer"
    answer(
        queue_imp.agent_interrupt(agent_id, actor, given, mode=mode, session_id=session),
        wait_s=wait,
    )


@acting("hasten", "apply guidance now that waits for the end of a tick")
@_of_session
@click.argument("guidance_id")
def hasten(
    *, agent_id: str, actor: str, wait: float | None, session: str | None, guidance_id: str
) -> None:
    answer(queue_imp.agent_hasten(agent_id, actor, guidance_id, session_id=session), wait_s=wait)


@acting("undo", "take guidance back that was applied")
@click.argument("action_id")
def undo(*, actor: str, wait: float | None, action_id: str) -> None:
    answer(queue_imp.guidance_undo(action_id, actor), wait_s=wait)


@acting("destroy", "end a session")
@_of_session
@click.option("--reason")
def destroy(
    *, agent_id: str, actor: str, wait: float | None, session: str | None, reason: str | None
) -> None:
    answer(queue_imp.agent_destroy_action(agent_id, actor, reason, session_id=session), wait_s=wait)


@acting("undestroy", "take a destroy back, within ten minutes")
@_of_session
def undestroy(*, agent_id: str, actor: str, wait: float | None, session: str | None) -> None:
    answer(queue_imp.agent_restore_action(agent_id, actor, session_id=session), wait_s=wait)


@acting("conversation", "create a conversation")
@click.argument("conversation_id")
@click.option("--title")
def conversation(
    *, conversation_id: str, actor: str, wait: float | None, title: str | None
) -> None:
    answer(queue_imp.conversation_create(conversation_id, actor, title), wait_s=wait)


@acting("post", "say something in a conversation, as --actor")
@click.argument("conversation_id")
@click.argument("text")
def post(*, conversation_id: str, actor: str, wait: float | None, text: str) -> None:
    answer(queue_imp.post_message(conversation_id, actor, text), wait_s=wait)


@acting("reload", "read settings, prompts and agent types again")
def reload(*, actor: str, wait: float | None) -> None:
    answer(queue_imp.environment_reload_action(actor), wait_s=wait)


def answer(*action_ids: str, wait_s: float | None) -> None:
    """Print the actions' ids, or their outcomes once they are there.

    Raises: ValueError if one was rejected, TimeoutError.
    """
    if not wait_s:
        print("\n".join(action_ids))
        return
    until = time.monotonic() + wait_s
    rejected = []
    for action_id in action_ids:
        receipt = queue_imp.wait_for_action(action_id, max(0.0, until - time.monotonic()))
        if receipt["outcome"] == "rejected":
            rejected.append(f"{action_id} was rejected: {receipt['error']}")
        else:
            at = "" if receipt["applied_seq"] is None else f" at #{receipt['applied_seq']}"
            did = "" if receipt["understood"] is None else f": {receipt['understood']}"
            print(f"{action_id} {receipt['outcome']}{at}{did}")
    if rejected:
        raise ValueError("; ".join(rejected))


def parsed(text: str, name: str) -> Any:
    """The JSON of an option. Raises: ValueError."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        raise ValueError(f"{name} is {text[:80]!r}; expected JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises: ValueError for a key that comes twice, whose first value would be lost."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} comes twice")
        found[key] = value
    return found

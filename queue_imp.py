"""The queue as its users see it: put actions in, look at what became of them, take them out.

Every helper works from any process with the same data folder, worker running or not, and returns
the `action_id` after the action is durable.
"""

import runpy
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from agent_core.actions.action import create_action
from agent_core.actions.creating import creation, creations
from agent_core.actions.deciding import Choice, decision_about, why_alone
from agent_core.actions.ids import ActionError, known_id
from reins.asserting import (
    alias_decide,
    fact_end,
    fact_neighbours,
    fact_path,
    fact_remember,
    fact_restore,
    fact_retract,
    fact_why,
    facts_about,
)
from reins.boards import board_delete, board_get, board_put
from reins.documents.asking import (
    add_document,
    document_text,
    list_documents,
    remove_document,
)
from reins.memories import evidence_undo, memory_forget, memory_put, memory_restore
from reins.reading_along import agent_hasten, note_add
from reins.receipts import (
    action_receipt,
    data_folder,
    find_action,
    mark_action_processed_async,
    poll_lancedb_for_actions,
    wait_for_action,
)
from reins.rooms import (
    conversation_branch,
    conversation_create,
    conversation_end,
    conversation_pause,
    conversation_resume,
    conversation_set,
    post_message,
)
from reins.saving import saved_views, view_save
from reins.schedules import (
    schedule_pause,
    schedule_remove,
    schedule_run,
    schedule_set,
    schedules,
)
from reins.sending import ask, enqueue, send, send_many
from reins.topics import dead_letter_replay, publish, topic_set
from reins.understood import undo_of
from store import inbox
from store.reading import reader

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ActionError",
    "action_receipt",
    "add_document",
    "agent_create",
    "agent_destroy_action",
    "agent_hasten",
    "agent_interrupt",
    "agent_pause_action",
    "agent_restore_action",
    "agent_resume_action",
    "agents_create",
    "alias_decide",
    "board_delete",
    "board_get",
    "board_put",
    "conversation_branch",
    "conversation_create",
    "conversation_end",
    "conversation_pause",
    "conversation_resume",
    "conversation_set",
    "create_action",
    "dead_letter_replay",
    "document_text",
    "enqueue",
    "environment_reload_action",
    "evidence_undo",
    "fact_end",
    "fact_neighbours",
    "fact_path",
    "fact_remember",
    "fact_restore",
    "fact_retract",
    "fact_why",
    "facts_about",
    "guidance_undo",
    "inbox_decide",
    "inbox_decide_many",
    "inbox_items",
    "list_documents",
    "mark_action_processed_async",
    "memory_forget",
    "memory_put",
    "memory_restore",
    "note_add",
    "poll_lancedb_for_actions",
    "post_message",
    "publish",
    "remove_document",
    "rule_revoke",
    "saved_views",
    "schedule_pause",
    "schedule_remove",
    "schedule_run",
    "schedule_set",
    "schedules",
    "search",
    "sql",
    "topic_set",
    "view_save",
    "wait_for_action",
]

Mode = Literal["steer", "now"]


def agent_create(
    agent_id: str,
    actor: str,
    initial_subject: str | None = None,
    *,
    agent_type: str = "joke",
    session_id: str | None = None,
    config: dict[str, Any] | None = None,
    urgency: int | None = None,
    description: str | None = None,
    metadata: dict[str, Any] | None = None,
    action_id: str | None = None,
) -> str:
    """Ask for a new session of an agent, which starts to tick at once."""
    action = creation(
        agent_id,
        actor,
        initial_subject,
        agent_type=agent_type,
        session_id=session_id,
        config=config,
        urgency=urgency,
        description=description,
        metadata=metadata,
        action_id=action_id,
    )
    return send(action, new=action_id is None)


def agents_create(entries: Iterable[Mapping[str, Any]], actor: str | None = None) -> list[str]:
    """Ask for many new sessions: all are checked first, then one append for all.

    An entry holds arguments of `agent_create` by name; `actor` is that of entries without one.
    Returns the `action_id` of each, in order. Raises: ActionError naming the entry, counted from 0;
    nothing is sent then.
    """
    given = list(entries)
    actions = creations(given, actor)
    return send_many(actions, [each["action_id"] for each in given if each.get("action_id")])


def agent_pause_action(
    agent_id: str,
    actor: str,
    reason: str | None = None,
    *,
    session_id: str | None = None,
    action_id: str | None = None,
) -> str:
    """Ask for a pause; it is applied when no tick is in flight any more."""
    return ask(
        "agent_pause",
        actor,
        agent_id=agent_id,
        session_id=session_id,
        action_id=action_id,
        reason=reason,
    )


def agent_resume_action(
    agent_id: str,
    actor: str,
    *,
    session_id: str | None = None,
    mode: Mode = "steer",
    action_id: str | None = None,
) -> str:
    """Ask a paused or failed session to go on, with a tick at once; `now` gives up its tick."""
    return ask(
        "agent_resume",
        actor,
        agent_id=agent_id,
        session_id=session_id,
        mode="now" if _is_now(mode) else None,
        action_id=action_id,
    )


def agent_interrupt(
    agent_id: str,
    actor: str,
    guidance: dict[str, Any] | str,
    *,
    session_id: str | None = None,
    mode: Mode = "steer",
    action_id: str | None = None,
) -> str:
    """Give new guidance, without cancelling anything; `now` also aborts the tick in flight."""
    if not isinstance(guidance, dict | str) or not guidance:
        raise ActionError(f"guidance is {guidance!r}; expected a dict or a text that is not empty")
    _is_now(mode)
    return ask(
        "agent_interrupt",
        actor,
        agent_id=agent_id,
        session_id=session_id,
        action_id=action_id,
        guidance=guidance,
        mode=mode,
    )


def guidance_undo(interrupt_id: str, actor: str, *, action_id: str | None = None) -> str:
    """Take an interrupt back that was applied: the former value, as an interrupt of its own.

    Rejected where newer guidance has come since. Raises: ActionError, KeyError.
    """
    row = find_action(known_id(interrupt_id, "interrupt_id"))
    if row is None:
        raise KeyError(f"no action {interrupt_id!r} in {data_folder().path}; check the id")
    return send(undo_of(row, actor, reader(), action_id=action_id), new=action_id is None)


def agent_destroy_action(
    agent_id: str,
    actor: str,
    reason: str | None = None,
    *,
    session_id: str | None = None,
    action_id: str | None = None,
) -> str:
    """Ask for the end of a session; its log stays."""
    return ask(
        "agent_destroy",
        actor,
        agent_id=agent_id,
        session_id=session_id,
        action_id=action_id,
        reason=reason,
    )


def agent_restore_action(
    agent_id: str, actor: str, *, session_id: str | None = None, action_id: str | None = None
) -> str:
    """Take a destroy back, within ten minutes: the session goes on as it was."""
    return ask(
        "agent_restore", actor, agent_id=agent_id, session_id=session_id, action_id=action_id
    )


def environment_reload_action(actor: str, *, action_id: str | None = None, **what: Any) -> str:
    """Ask the worker to read settings, prompts and agent types again."""
    return ask("environment_reload", actor, action_id=action_id, **what)


def inbox_items(
    state: str = "open", *, session_id: str | None = None, kind: str | None = None,
    tool: str | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The calls and questions of a state that wait, or have waited, for a person: oldest first.

    `state` is one of the inbox's, `open` (nobody has decided yet), or `all`. Raises: ActionError.
    """
    states = inbox.states_of(state)
    if states == ():
        raise ActionError(f"state is {state!r}; expected open, all, {', '.join(inbox.STATES)}")
    return inbox.list_items(states, session_id=session_id, kind=kind, tool=tool)


def inbox_decide(
    item_id: str,
    actor: str,
    decision: Choice,
    *,
    args: dict[str, Any] | None = None,
    text: str | None = None,
    reason: str | None = None,
    remember: dict[str, Any] | None = None,
    action_id: str | None = None,
) -> str:
    """Decide about an item of the inbox, as it is now: applied exactly once, in order.

    `args` are the whole arguments of an `edit`, `text` is an `answer`. `remember` makes it a rule
    (`{"scope": "session" | "agent" | "type", …}`). Raises: ActionError, also for an unknown item.
    """
    action = decision_about(
        _item(item_id), actor, decision,
        args=args, text=text, reason=reason, remember=remember, action_id=action_id,
    )  # fmt: skip
    return send(action, new=action_id is None)


def inbox_decide_many(
    items: Sequence[dict[str, Any]],
    actor: str,
    decision: Choice,
    *,
    text: str | None = None,
    reason: str | None = None,
) -> list[str]:
    """Decide the same about many items of `inbox_items`: an action each, one append for all.

    None of high risk is approved so: each is decided alone. Raises: ActionError; none is sent then.
    """
    if alone := [why for item in items if (why := why_alone(item, decision)) is not None]:
        more = f"; so are {len(alone) - 1} more" if alone[1:] else ""
        raise ActionError(f"{alone[0]}{more}. Nothing was sent; leave what is of high risk out")
    actions = [decision_about(item, actor, decision, text=text, reason=reason) for item in items]
    return send_many(actions)


def rule_revoke(rule_id: str, actor: str, *, action_id: str | None = None) -> str:
    """Ask that a rule of approval holds no longer."""
    return ask("rule_revoke", actor, action_id=action_id, rule_id=known_id(rule_id, "rule_id"))


def search(
    query: str, *, limit: int = 20, around: int = 0, like: str | None = None
) -> dict[str, Any]:
    """Search everything that was said, in all logs, conversations and memories.

    `around`: each hit comes with so many rows from before and after it. `like`: rows like that one
    (`finn:412`, a session or conversation and a number); the query then has fields alone.
    Shapes: `groups`, best first, of a session or a conversation each, with its `hits`; `behind`,
    the rows that were not searched; `by_meaning`, false where it was searched by words alone;
    `indexed`, false where there is no index. Raises: QueryError.
    """
    from reins.search.asking import search as asked  # noqa: PLC0415 - it brings the models along

    return asked(query, limit=limit, around=around, like=like)


def sql(statement: str, *, rows: int | None = None) -> "pd.DataFrame":
    """Run one SELECT over the tables, with the rows that wait for their flush, as a DataFrame.

    Columns of whole numbers, truths and times have their own types; `attrs["truncated"]` is true
    where there are more rows than `rows`, or than `REINS_SQL_ROWS`. Raises: StatementError,
    SqlUnavailableError while `REINS_SQL` is off.
    """
    from reins.sql.asking import sql as asked  # noqa: PLC0415 - whoever asks for none spares both
    from reins.sql.dataframe import as_frame  # noqa: PLC0415

    return as_frame(asked(statement, rows=rows))


def _is_now(mode: object) -> bool:
    if mode not in ("steer", "now"):
        raise ActionError(f"mode is {mode!r}; expected 'steer' or 'now'")
    return mode == "now"


def _item(item_id: str) -> dict[str, Any]:
    found = inbox.get_item(known_id(item_id, "item_id"))
    if found is None:
        raise ActionError(
            f"there is no item {item_id} in {data_folder().path}; see inbox_items(), and check "
            "REINS_DATA"
        )
    return found


if __name__ == "__main__":
    # By name: the command imports this module, which therefore imports none of it.
    runpy.run_module("reins.cli.queue", run_name="__main__")

"""Actions on their way into the queue: each id once, on disk before a helper returns."""

from collections.abc import Collection, Sequence
from typing import Any

from agent_core.actions.action import create_action
from agent_core.actions.ids import ActionError
from reins.receipts import data_folder, find_action
from store import agents_config, conversations, new_ids
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue import writer as queue_writer
from store.reading import reader

Row = dict[str, Any]


def ask(action_type: str, actor: str, *, action_id: str | None = None, **parts: Any) -> str:
    """Build an action, and write it. Raises: as `enqueue`."""
    for name, stored in _AS_STORED.items():
        if isinstance(parts.get(name), str):
            parts[name] = stored(parts[name])
    action = create_action(action_type, actor, action_id=action_id, **parts)
    return send(action, new=action_id is None)


def enqueue(action: Row) -> str:
    """Write an action of `create_action` and return its id once it is on disk.

    Sent again, it is the same action, with one effect. Raises: ActionError, where its id was used
    for another content; store.errors.StoreError, where the action is not acknowledged, as
    QueueFullError, where too many wait; and store.errors.OutcomeUnknownError, where it may be in
    the queue all the same.
    """
    before = find_action(action["action_id"])
    if before is None:
        new_ids.take(action["action_id"])  # who has the row may send it from elsewhere meanwhile
        writer().append(action)
    else:
        _check_same(action, before)
        writer().confirm(before)
    return str(action["action_id"])


def send(action: Row, *, new: bool) -> str:
    """Write an action; `new`: its id was made just now, and is nobody else's. Raises: as above."""
    if not new:
        return enqueue(action)
    writer().append(action)
    return str(action["action_id"])


def send_many(actions: Sequence[Row], own_ids: Collection[str] = ()) -> list[str]:
    """One append for all that are not in the queue; returns their ids.

    `own_ids` are those that callers gave: the others are new. Raises: as `enqueue`; of those that
    were not in the queue none is then.
    """
    found = queue_reading.get_actions(reader(), [*own_ids])
    before = {row["action_id"]: row for row in found}
    for action in actions:
        if (row := before.get(action["action_id"])) is not None:
            _check_same(action, row)
    for action_id in own_ids:
        new_ids.take(action_id)  # as in `enqueue`
    writer().confirm(*found)
    writer().append(*(action for action in actions if action["action_id"] not in before))
    return [str(action["action_id"]) for action in actions]


def _check_same(action: Row, before: Row) -> None:
    if not queue.same_content(action, before):
        raise ActionError(
            f"{queue.ID_REUSED}, for another content: {action['action_id']!r:.80} is a "
            f"{before['type']} of {before['actor']}. Send each action under an id of its own."
        )


def writer() -> queue_writer.QueueWriter:
    """The writer of the data folder that the settings name."""
    return queue_writer.writer_at(data_folder())


_AS_STORED = {
    "agent_id": agents_config.as_stored,
    "session_id": agents_config.as_stored,
    "conversation_id": conversations.as_stored,
}
"""Ids may come in any form of Unicode: a name of a file, say."""

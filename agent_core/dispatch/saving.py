"""Saving for all who open the page: views of the list, templates of sessions."""

import orjson

from agent_core.actions.payloads import ViewSave
from agent_core.dispatch.queued import QueuedAction
from reins.names.folding import name_key
from store import saved
from store.store import Store
from store.times import now_us


async def save(store: Store, action: QueuedAction) -> None:
    """Put it on record, in place of what bears its name; without content, nothing does then."""
    asked = action.payload(ViewSave)
    row = {
        "saved_id": f"{asked.kind} {name_key(asked.name)}",
        "kind": asked.kind,
        "name": asked.name,
        "content": None if asked.content is None else orjson.dumps(asked.content).decode(),
        "saved_by": action.actor,
        "saved_at": now_us(),
        "saved_action": action.action_id,
    }
    await store.journal.append(saved.record(row))

"""Promises of trees of sessions, looked for in a data folder; its worker may be dead."""

import json

from store.agent_state import list_agent_states
from store.agent_steps import list_steps

ENDED = ("completed", "stopped")
SETTINGS = {
    "REINS_AGENT_MODULES": '["agents_impl", "tests.support.leaf_agents"]',
    "REINS_RETRY_WAIT_S": "0.05",
    "REINS_RETRY_WAIT_MAX_S": "0.2",
}


def states(reader):
    return {row["session_id"]: row for row in list_agent_states(store=reader)}


def check_kinship(reader, looked_at=None):
    """Children are those that their parents know of, each made once; returns how many.

    The logs of those in `looked_at` are not read again, once they were whole.
    """
    there, known, looked_at = states(reader), set(), set() if looked_at is None else looked_at
    for name, row in there.items():
        if row["agent_type"] == "orchestrator":
            for task in json.loads(row["context"])["tasks"]:
                known |= {f"{name}.{task['id']}.{n}" for n in range(1, task["attempt"] + 1)}
    children = {name for name, row in there.items() if row["parent_session_id"] is not None}
    assert children == known
    for name in children - looked_at:
        rows = list_steps(name, limit=500, store=reader)
        created = [row["seq"] for row in rows if row["text"].startswith("created")]
        assert created == [1], name
        if there[name]["status"] in ENDED:
            looked_at.add(name)
    return len(children)


def unsettled(reader):
    """Trees that are neither over, nor held for a person, nor paused; children of what is over."""
    there, found = states(reader), []
    for name, row in there.items():
        if row["status"] in (*ENDED, "failed"):
            continue
        parent = there.get(row["parent_session_id"])
        if parent is not None and parent["status"] in ENDED:
            found.append(f"{name} outlives its parent")
        elif parent is None and row["status"] == "running" and not _waits_for_people(row, there):
            found.append(f"{name} goes on ({row['waits']})")
    return found


def _waits_for_people(row, there):
    waits = json.loads(row["waits"] or "{}").get("kind")
    children = [each for each in there.values() if each["parent_session_id"] == row["session_id"]]
    paused = any(each["status"] in ("paused", "pausing") for each in children)
    return waits == "stuck" or (waits == "child" and paused)

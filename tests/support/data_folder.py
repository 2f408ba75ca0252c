"""What must be true of a data folder whatever happened to its worker."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from reins.verifying.verify import Report, verify
from store import agent_state, agent_steps, agents_config, conversations, messages
from store.queue import reading as queue_reading
from store.reading import Reader

_STORES = {
    "tables_read", "indices_agree", "versions_kept", "files_unchanged", "nothing_missing",
    "nothing_set_aside", "acknowledged_there", "queue_acknowledged", "journal_whole",
    "journal_agrees", "numbers_unique", "numbers_given", "states_once",
}  # fmt: skip


def unprocessed(folder: Path) -> int:
    return queue_reading.depth(Reader(folder))


def verified(folder: Path) -> Report:
    """Every invariant that `reins store verify` knows holds; a worker may run."""
    report = verify(folder)
    assert report.ok, "\n".join(str(finding.as_dict()) for finding in report.findings)
    return report


def stored(folder: Path) -> None:
    """The same of numbers, journal and files alone: for rows that no session has written."""
    found = [finding for finding in verify(folder).findings if finding.check in _STORES]
    assert not found, "\n".join(str(finding.as_dict()) for finding in found)


def check(folder: Path, acknowledged: list[str]) -> list[dict[str, Any]]:
    """Every table is readable, logs have no gaps, each action is applied once; all log rows.

    Call it when the worker has stopped: then everything is in the tables themselves.
    """
    verified(folder)
    reader = Reader(folder)
    tables = {
        module.TABLE.name: reader.table(module.TABLE).to_arrow().to_pylist()
        for module in (agent_state, agent_steps, agents_config, conversations, messages)
    }
    steps = sorted(tables["agent_steps"], key=lambda row: (row["session_id"], row["seq"]))
    _logs_are_whole(steps, tables["agent_state"])
    _applied_once(steps, tables["messages"], queue_reading.everything(reader), acknowledged)
    for conversation in {row["conversation_id"] for row in tables["messages"]}:
        numbers = sorted(
            row["number"] for row in tables["messages"] if row["conversation_id"] == conversation
        )
        assert numbers == list(range(1, len(numbers) + 1))
    return steps


def _logs_are_whole(steps: list[dict[str, Any]], states: list[dict[str, Any]]) -> None:
    logs: dict[str, list[dict[str, Any]]] = {}
    for row in steps:
        logs.setdefault(row["session_id"], []).append(row)
    assert {row["session_id"] for row in states} == set(logs)
    for state in states:
        log = logs[state["session_id"]]
        assert [row["seq"] for row in log] == list(range(1, len(log) + 1)), state["session_id"]
        assert state["snapshot"] == log[-1]["state"], "the state is the newest row's"
        _holds_while_paused(log)


def _holds_while_paused(log: list[dict[str, Any]]) -> None:
    paused = False
    for row in log:
        assert not (paused and row["kind"] == "tick"), (row["session_id"], row["seq"])
        if row["kind"] == "status":
            paused = row["text"].startswith("paused")


def _applied_once(
    steps: list[dict[str, Any]],
    posted: list[dict[str, Any]],
    actions: list[dict[str, Any]],
    acknowledged: list[str],
) -> None:
    applied = Counter(a for row in steps for a in json.loads(row["applied_actions"]))
    applied.update(row["message_id"] for row in posted)
    queued = {row["action_id"]: row for row in actions}
    assert len(queued) == len(actions), "no action is in the queue twice"
    for action_id in acknowledged:
        row = queued[action_id]
        assert row["processed"], action_id
        if row["type"] in ("conversation_create", "environment_reload"):
            continue  # these leave no row that names them
        wanted = 1 if row["outcome"] == "applied" else 0
        assert applied[action_id] == wanted, (action_id, row["type"], row["error"])

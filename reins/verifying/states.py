"""The tables that say what each session is: they follow from its log."""

from collections.abc import Iterator
from typing import Any

import orjson

from reins.verifying.facts import Facts
from reins.verifying.finding import Finding
from reins.verifying.log_row import LogRow
from store import (
    agent_state,
    agent_steps,
    agents_config,
    approval_rules,
    dead_letters,
    group_reads,
    inbox,
    notes,
    saved,
    topic_bounds,
)
from store.lance.tables import Row

_SLICE = 200
_KEYED = tuple(
    each.TABLE
    for each in (
        agent_state,
        agents_config,
        inbox,
        approval_rules,
        saved,
        notes,
        dead_letters,
        topic_bounds,
        group_reads,
    )
)


def states_derived(facts: Facts) -> Iterator[Finding]:
    """The state of each session is what the newest row of its log leads to."""
    states = newest_states(facts)
    for session_id, newest in facts.logs.newest.items():
        state = states.get(session_id)
        why = "there is no state" if state is None else _off(state, newest)
        if why is not None:
            message = f"{why}; the newest row of its log is seq {newest.seq}"
            yield Finding("states_derived", message, {"session_id": session_id})
    for session_id, state in states.items():
        if session_id not in facts.logs.newest and _seq_of(state) is not None:
            message = f"there is a state of seq {_seq_of(state)}, and no log"
            yield Finding("states_derived", message, {"session_id": session_id})
    yield from _different(facts, states)


def _off(state: Row, newest: LogRow) -> str | None:
    seq = _seq_of(state)
    if state["journal_n"] < newest.number or (seq is not None and seq < newest.seq):
        return f"the state is that of seq {seq}, behind the log"
    if seq is not None and seq > newest.seq:
        return f"the state is that of seq {seq}, ahead of the log"
    return None


def _seq_of(state: Row) -> int | None:
    try:
        return int(orjson.loads(state["history"])["seq"])
    except (ValueError, TypeError, KeyError):
        return None  # written by hand


def _different(facts: Facts, states: dict[str, Row]) -> Iterator[Finding]:
    """States that have the number of their newest row, and do not say what it says."""
    numbers = {
        row.number: session_id
        for session_id, row in facts.logs.newest.items()
        if row.number and session_id in states and states[session_id]["journal_n"] == row.number
    }
    wanted = sorted(numbers)
    for at in range(0, len(wanted), _SLICE):
        rows = facts.snapshot.by_number(agent_steps.TABLE, wanted[at : at + _SLICE])
        for number, row in rows.items():
            derived = _derived(row, number)
            if derived is None:
                message = f"the snapshot of seq {row['seq']} is none that a state follows from"
                yield Finding("states_derived", message, {"session_id": numbers[number]})
                continue
            state = states[numbers[number]]
            names = [name for name, value in derived.items() if state[name] != value]
            if names:
                message = f"its {', '.join(names)} differ from what seq {row['seq']} leads to"
                yield Finding("states_derived", message, {"session_id": numbers[number]})


def _derived(row: Row, number: int) -> Row | None:
    """The state that a row of the log leads to; None of one whose bytes are damaged."""
    try:
        return agent_state.from_step({**row, "journal_n": number})
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def newest_states(facts: Facts) -> dict[str, Row]:
    """The newest row of `agent_state` of each session, journalled ones included.

    Rows that are still journalled stand in the log alone: what they lead to is made here.
    """
    states: dict[str, Row] = {}
    derived = (
        _derived(found.row, found.number)
        for found in facts.snapshot.pending.rows(agent_steps.TABLE.name)
    )
    journalled = (row for row in derived if row is not None)
    stored = (
        {**found.row, "journal_n": found.number} for found in facts.snapshot.rows(agent_state.TABLE)
    )
    for rows in (stored, journalled):
        for row in rows:
            known = states.get(row["session_id"])
            if known is None or known["journal_n"] < row["journal_n"]:
                states[row["session_id"]] = row
    return states


def states_once(facts: Facts) -> Iterator[Finding]:
    """A table with a key has one row for each of its values."""
    for table in _KEYED:
        seen: set[str] = set()
        key = str(table.key)
        for found in facts.snapshot.stored_rows(table, [key]):
            value = found.row[key]
            if value in seen:
                message = f"{table.name} has two rows of one {key}"
                yield Finding("states_once", message, {key: value})
            seen.add(value)


def configs_there(facts: Facts) -> Iterator[Finding]:
    """Each session with rows has its configuration, that of its newest life."""
    configs: dict[str, dict[str, Any]] = {}
    columns = ("session_id", "agent_id", "agent_type", "created_at")
    for found in facts.snapshot.rows(agents_config.TABLE, columns):
        configs[found.row["session_id"]] = found.row
    for session_id, newest in facts.logs.newest.items():
        config = configs.pop(session_id, None)
        message = None
        if config is None:
            message = "it has no configuration"
        elif config["agent_id"] != newest.agent_id:
            message = f"its configuration is of agent {config['agent_id']}, not {newest.agent_id}"
        elif config["agent_type"] != newest.snapshot["agent_type"]:
            message = f"its configuration is of type {config['agent_type']}"
        elif config["created_at"] != newest.snapshot["created_at"]:
            message = "its configuration is of another life"
        if message is not None:
            yield Finding("configs_there", message, {"session_id": session_id})
    for session_id in configs:
        message = "it has a configuration, and no log"
        yield Finding("configs_there", message, {"session_id": session_id})

"""The subscribers of a topic and how far each is behind, by their newest rows: from any process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from agent_core.actions.topics import matcher
from agent_core.session.status import Status
from reins.bus.leases import Leases
from store import agent_state, group_reads, messages, topics
from store.reading import Reader, reader
from store.times import now_us, to_us


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One subscriber of a topic. **Units**: `lag` is messages, `lag_s` the age of the oldest."""

    session_id: str
    agent_id: str
    status: str
    cursor: int
    lag: int
    lag_s: float
    group: str | None = None


def list_subscribers(topic: str, *, store: Reader | None = None) -> list[Subscriber]:
    """The sessions that subscribe to a topic and have not ended, who is furthest behind first."""
    reading = store or reader()
    name = topics.topic_id(topic)
    newest = messages.last_number(name, store=reading)
    ages: dict[int, float] = {}
    shares: dict[str | None, tuple[int, int]] = {}
    found = []
    for row, state in _reactive(reading):
        if topic not in state["cursors"] and not _listens(topic, state):
            continue
        group = state.get("group")
        if group is not None and group not in shares:
            shares[group] = _shared(group, topic, reading)
        cursor, ahead = shares.get(group, (state["cursors"].get(topic, 0), 0))
        cursor = min(cursor, newest)
        if cursor not in ages:
            ages[cursor] = _age_s(name, cursor, reading)
        found.append(
            Subscriber(
                row["session_id"], row["agent_id"], row["status"], cursor, newest - cursor - ahead,
                ages[cursor], group,
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (-each.lag, each.session_id))


def _reactive(reading: Reader) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    going = [status.value for status in Status if not status.ended]
    for row in agent_state.each_agent_state(going, store=reading):
        if '"reading"' in (row["snapshot"] or ""):  # a type without a `receive`
            state = orjson.loads(row["snapshot"]).get("reading")
        elif '"cursors"' in (row["context"] or ""):
            state = orjson.loads(row["context"])
        else:
            continue
        if isinstance(state, dict) and isinstance(state.get("cursors"), dict):
            yield row, state


def _listens(topic: str, state: Mapping[str, Any]) -> bool:
    return any(matcher(pattern).fullmatch(topic) for pattern in state.get("on", ()))


def _shared(group: str, topic: str, reading: Reader) -> tuple[int, int]:
    """The number up to which a group has done all, and how many above it."""
    rows = [r for r in group_reads.list_group_reads(group, store=reading) if r["topic"] == topic]
    leases = Leases(
        max((int(row["floor"]) for row in rows), default=0),
        {number for row in rows for number in group_reads.done_of(row)},
    )
    return leases.floor, leases.done_above


def _age_s(conversation_id: str, cursor: int, reading: Reader) -> float:
    """Seconds since the message after the cursor was published; 0 where there is none."""
    first = messages.list_messages(conversation_id, cursor, 1, store=reading)
    if not first:
        return 0.0
    at = first[0]["created_at"]
    return max(0.0, (now_us() - (at if isinstance(at, int) else to_us(at))) / 1e6)

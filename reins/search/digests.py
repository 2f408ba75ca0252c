"""Digests: one passage a session, of all that it is about, so that sessions are found by words that
stand in several of their rows.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from reins.search.passages import Passage, about_session, in_one_form, number_of
from store import agent_state, agent_steps, agents_config
from store.reading import Reader
from store.times import to_us

Row = Mapping[str, Any]
_EVERY_S = 30.0
"""A session that only ticks has its digest made anew so often."""
_AT_ONCE = ("guidance", "final", "error", "status")
"""Kinds of rows after which it is made at once."""
_MOST = 1_000
"""Digests of one round."""
_PAUSE_S = 3.0
"""Between two rounds: what takes another's place is deleted in segments, which is dear by the
round, and not by the digest.
"""
_ABOUT, _GUIDED, _SAID = 6_000, 500, 2_000
"""Characters of its configuration, of one guidance, and of what it said last."""
_GUIDANCE = 20


def digests_of(
    session_ids: Sequence[str], guidance: Iterable[Row], store: Reader
) -> Iterator[Passage]:
    """The digests of those sessions that somebody created.

    `guidance`: passages of the rows that guided them, in order.
    """
    configs = agents_config.get_agent_configs(session_ids, store=store)
    states = agent_state.get_agent_states(session_ids, store=store)
    guided: dict[str, list[str]] = defaultdict(list)
    for row in guidance:
        said = row["text"][:_GUIDED]
        guided[row["session_id"]].append(f"{row['actor']}: {said}" if row["actor"] else said)
    for session_id, config in configs.items():
        yield _digest(config, states.get(session_id), guided[session_id][-_GUIDANCE:])


def _digest(config: Row, state: Row | None, guided: Sequence[str]) -> Passage:
    """`at` is the time of the newest row that it tells of, `cost_usd` the sum of all."""
    about = "\n".join(about_session(config))[:_ABOUT]
    state = state or {"updated_at": config["created_at"]}
    last = [str(state.get(name) or "")[:_SAID] for name in ("result", "error")]
    parts = (about, state.get("status"), *guided, *last)
    return Passage(
        n=number_of("session", config["session_id"]), source="session",
        session_id=config["session_id"], conversation_id=None, agent_id=config["agent_id"],
        agent_type=config["agent_type"], kind="session", actor=config["created_by"], number=None,
        at=to_us(state["updated_at"]),
        cost_usd=orjson.loads(state.get("usage") or "{}").get("cost_usd"),
        text=in_one_form("\n".join(part for part in parts if part)),
    )  # fmt: skip


class DigestsDue:
    """Sessions whose digests are to be made anew, each with the time when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}
        self._not_before = 0.0

    def note(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Note what happened, in rows as they are journalled."""
        now = self._clock()
        for table, row in rows:
            if table == agent_steps.TABLE.name and row["kind"] not in _AT_ONCE:
                self._due.setdefault(row["session_id"], now + _EVERY_S)
            elif table in (agent_steps.TABLE.name, agents_config.TABLE.name):
                self._due[row["session_id"]] = now

    def now(self, session_ids: Iterable[str]) -> None:
        """These are due."""
        self._due |= dict.fromkeys(session_ids, self._clock())

    def are_due(self) -> bool:
        """True if `take` gives any."""
        now = self._clock()
        return now >= self._not_before and any(at <= now for at in self._due.values())

    def take(self) -> list[str]:
        """Sessions that are due, as many as one round makes; they are not due any more."""
        now = self._clock()
        if now < self._not_before:
            return []
        due = [each for each, at in self._due.items() if at <= now][:_MOST]
        for each in due:
            del self._due[each]
        if due:
            self._not_before = now + _PAUSE_S
        return due


def out_of_date(digests: Mapping[str, datetime], store: Reader) -> set[str]:
    """Sessions of which there is something newer than what their digest tells."""
    states = store.stored(agent_state.TABLE, None, ["session_id", "updated_at"]).to_pylist()
    states += store.journalled(agent_state.TABLE, {}, newest=True)
    return {
        row["session_id"] for row in states
        if row["session_id"] not in digests or digests[row["session_id"]] < row["updated_at"]
    }  # fmt: skip

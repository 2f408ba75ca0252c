"""Participants of all conversations, in memory, kept up to date by the follower."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson

from reins.web.views.conversations import participant_row
from reins.web.views.rows import Row
from store import agent_state, agent_steps, agents_config, participants
from store.lance.tables import quoted
from store.reading import Reader

Changed = dict[str, set[str]]
"""Sessions by conversation."""


class Participants:
    """All participants by session; one thread applies what happens, any may read.

    Of each it keeps the newest snapshot and the config as they are stored, and parses neither until
    somebody looks. What it was not told of is read then, once.
    """

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._sessions: dict[str, set[str]] = {}
        self._lines: dict[str, Row] = {}
        self._configs: dict[str, str | None] = {}
        self._loads = 0

    def load(self) -> None:
        """Read who takes part anew; hand it the sessions' states with `take_state` next."""
        rows = participants.list_participants(store=self._store)
        with self._lock:
            self._loads += 1
            for known in (self._rows, self._sessions, self._lines, self._configs):
                known.clear()
            for row in rows:
                self._take(row)

    def take_state(self, row: Row) -> None:
        """Keep a row of `agent_state`, if its session takes part anywhere."""
        if row["session_id"] in self._rows:
            with self._lock:
                self._lines[row["session_id"]] = _line_of(row)

    def apply(self, rows: Mapping[str, Sequence[Row]]) -> Changed:
        """Take in journalled rows by table, oldest first; returns the participants they changed."""
        changed: Changed = {}
        with self._lock:
            sessions = {
                _session_of(row) for row in rows.get(participants.TABLE.name, ()) if self._take(row)
            }
            if self._rows:
                sessions |= self._apply_configs(rows.get(agents_config.TABLE.name, ()))
                sessions |= self._apply_steps(rows.get(agent_steps.TABLE.name, ()))
                sessions |= self._apply_states(rows.get(agent_state.TABLE.name, ()))
            for session_id in sessions:
                conversation_id = self._rows[session_id]["conversation_id"]
                changed.setdefault(conversation_id, set()).add(session_id)
        return changed

    def present(self, conversation_id: str) -> int:
        """How many take part at present."""
        with self._lock:
            sessions = self._sessions.get(conversation_id, ())
            return sum(self._rows[session_id]["left_at"] is None for session_id in sessions)

    def shown(
        self, conversation_id: str, session_ids: Collection[str] | None = None
    ) -> list[dict[str, Any]]:
        """Those who take part or did, or some of them, in the shape of `Participant`; in the order
        of joining.
        """
        with self._lock:
            rows = {
                session_id: self._rows[session_id]
                for session_id in self._sessions.get(conversation_id, ())
                if session_ids is None or session_id in session_ids
            }
        self._read(rows)
        with self._lock:
            known = [
                (row, self._lines.get(session_id), self._configs.get(session_id))
                for session_id, row in rows.items()
            ]
        shown = [participant_row(*each) for each in known]
        return sorted(shown, key=lambda each: (each["joined_at"], each["session_id"]))

    def _take(self, row: Row) -> bool:
        session_id = _session_of(row)
        before = self._rows.get(session_id)
        if before is not None:
            if (row["journal_n"] or 0) <= (before["journal_n"] or 0):
                return False
            self._sessions[before["conversation_id"]].discard(session_id)
        self._rows[session_id] = row
        self._sessions.setdefault(row["conversation_id"], set()).add(session_id)
        return True

    def _apply_configs(self, rows: Iterable[Row]) -> set[str]:
        own = {row["session_id"]: row["config"] for row in rows if row["session_id"] in self._rows}
        self._configs |= own
        return set(own)

    def _apply_steps(self, steps: Iterable[Row]) -> set[str]:
        changed = set()
        for step in steps:
            session_id = step["session_id"]
            if session_id in self._rows and step["seq"] > self._seq(session_id):
                self._lines[session_id] = {"seq": step["seq"], "snapshot": step["state"]}
                changed.add(session_id)
        return changed

    def _apply_states(self, rows: Iterable[Row]) -> set[str]:
        """Rows that were written by hand are read as they are joined with the log."""
        own = {row["session_id"] for row in rows} & self._rows.keys()
        for session_id in own:
            self._lines.pop(session_id, None)
        return own

    def _seq(self, session_id: str) -> int:
        line = self._lines.get(session_id)
        return 0 if line is None else int(line["seq"])

    def _read(self, rows: Mapping[str, Row]) -> None:
        """Read of these participants what is not known yet."""
        with self._lock:
            loads = self._loads
            without_config = [each for each in rows if each not in self._configs]
            without_line = [each for each in rows if each not in self._lines]
        configs = _configs_of(self._store, without_config)
        lines = {}
        for each in without_line:
            state = agent_state.get_agent_state(rows[each]["agent_id"], each, store=self._store)
            if state is not None:
                lines[each] = _line_of(state)
        with self._lock:
            if loads != self._loads:  # another folder, perhaps
                return
            self._configs = {**dict.fromkeys(without_config), **configs, **self._configs}
            for each, line in lines.items():
                if each not in self._lines or line["seq"] > self._seq(each):
                    self._lines[each] = line


def _session_of(row: Row) -> str:
    found: str = row["session_id"] or row["participant_id"]
    return found


def _line_of(state: Row) -> Row:
    """The kept part of a row of `agent_state`, with the columns that stand for themselves."""
    seq = orjson.loads(state["history"] or "{}").get("seq", 0)
    names = ("snapshot", "status", "error")
    return {"seq": seq, **{name: state[name] for name in names}}


def _configs_of(store: Reader, session_ids: Collection[str]) -> dict[str, str | None]:
    if not session_ids:
        return {}
    names = ", ".join(map(quoted, session_ids))
    rows = store.joined(agents_config.TABLE, {}, f"session_id IN ({names})")
    return {row["session_id"]: row["config"] for row in rows}

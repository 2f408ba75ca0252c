"""The place at which an assistant's calls reach a data folder: it reads rows and sends actions."""

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from agent_core.session.status import Status, Verb
from reins.mcp_server.errors import RefusedError
from store import agent_state
from store.id_forms import in_either_form
from store.lance.tables import quoted
from store.locks import held
from store.queue import reading as queue_reading
from store.queue.writer import QueueWriter
from store.reading import Reader
from store.times import iso

_OURS = uuid.UUID("3f2b6f0e-95d4-5b0c-8a53-7d0c53a5b7a1")
_NOTE = "mcp"
"""Where the metadata of an action keeps the digest of the call that asked for it."""
_LANES = 16
_FIRST_S, _LONGEST_S = 0.01, 0.2
_DONE: dict[Verb, str] = {
    "pause": "paused",
    "resume": "resumed",
    "interrupt": "steered",
    "destroy": "destroyed",
    "restore": "restored",
}
Rest = Callable[[float], bool]
"""Sleeps that many seconds; False where nobody waits any more."""


class Desk:
    """One data folder, for one actor; safe to share between threads."""

    def __init__(
        self,
        store: Reader,
        writer: QueueWriter,
        *,
        actor: str,
        vector_of: Callable[[str, str], Sequence[float] | None] = lambda _text, _route: None,
    ) -> None:
        """`vector_of` gives a text's vector by a route of embeddings, for searches by meaning."""
        self.store = store
        self.actor = actor
        self.vector_of = vector_of
        self._writer = writer

    def send(
        self,
        call: Mapping[str, Any],
        make: Callable[[], dict[str, Any]],
        *,
        key: str,
        wait_s: float,
        rest: Rest,
    ) -> dict[str, Any]:
        """Put the action that `make` builds in the queue, once, and return its receipt.

        With a `key`, the same `call` sent again is the action that is there. Raises: RefusedError,
        StoreError, and what `make` raises.
        """
        if not key:
            action = make()
            self._writer.append(action)
            return self.receipt(action["action_id"], wait_s, rest)
        digest = hashlib.sha256(orjson.dumps(call, option=orjson.OPT_SORT_KEYS)).hexdigest()
        action_id = f"act_{uuid.uuid5(_OURS, key).hex}"
        lane = int(digest_of(key)[:2], 16) % _LANES
        with held(self.store.folder.path / "locks" / f"mcp-{lane:02}.lock"):
            before = queue_reading.get_actions(self.store, [action_id])
            if before:
                _check_same(before[0], digest, key)
                self._writer.confirm(before[0])
            else:
                noted = orjson.dumps({_NOTE: {"call": digest}}).decode()
                self._writer.append({**make(), "action_id": action_id, "metadata": noted})
        found = self.receipt(action_id, wait_s, rest)
        return {**found, "sent_before": True} if before else found

    def receipt(self, action_id: str, wait_s: float, rest: Rest) -> dict[str, Any]:
        """The receipt, processed if that comes within `wait_s`. Raises: RefusedError."""
        until = time.monotonic() + wait_s
        pause_s = _FIRST_S
        while True:
            found = queue_reading.get_actions(self.store, [action_id])
            if not found:
                raise RefusedError(
                    f"there is no action {action_id!r}; give the action_id of a receipt"
                )
            left_s = until - time.monotonic()
            if found[0]["processed"] or left_s <= 0 or not rest(min(pause_s, left_s)):
                return self._receipt_row(found[0])
            pause_s = min(pause_s * 1.5, _LONGEST_S)

    def session(self, session_id: str) -> dict[str, Any]:
        """The state of a session. Raises: RefusedError, where there is none."""
        found = self._state(session_id)
        if found is None:
            raise RefusedError(
                f"there is no session {session_id!r}; list_sessions shows those that there are"
            )
        return found

    def target(self, session_id: str, verb: Verb) -> dict[str, str]:
        """The ids of a session that takes the verb, or of one that is about to be created.

        Raises: RefusedError.
        """
        found = self._state(session_id)
        if found is not None and verb in Status(found["status"]).verbs:
            return _ids(found)
        waiting = queue_reading.waiting(self.store, ["create_agent"], session_id)
        if waiting:
            return _ids(waiting[-1])
        found = self.session(session_id)  # what has just left the queue is on record
        if verb not in Status(found["status"]).verbs:
            raise RefusedError(
                f"session {session_id!r} is {found['status']}, which cannot be {_DONE[verb]}. "
                "create_session with the same ids goes on with the log of one that has ended."
            )
        return _ids(found)

    def _state(self, session_id: str) -> dict[str, Any] | None:
        def read(session_id: str) -> list[dict[str, Any]]:
            own = {"session_id": session_id}
            return self.store.joined(agent_state.TABLE, own, f"session_id = {quoted(session_id)}")

        rows = in_either_form(session_id, read)
        # Rows from before there was a journal have no number.
        return max(rows, key=lambda row: row["journal_n"] or 0, default=None)

    def _receipt_row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        kept = ("action_id", "type", "agent_id", "session_id", "actor", "error", "applied_seq")
        receipt = {name: row[name] for name in kept if row[name] is not None}
        receipt["outcome"] = row["outcome"] or "queued"
        receipt["created_at"] = iso(row["created_at"] or 0)
        if row["processed"]:
            return {**receipt, "processed_at": iso(row["processed_at"])}
        works = self.store.folder.owner_pid() is not None
        todo = "get_action with its action_id says later what became of it"
        none = "no worker runs on this data folder; it will be done once one is started: reins run"
        return {**receipt, "note": todo if works else none}


def _ids(row: Mapping[str, Any]) -> dict[str, str]:
    return {"agent_id": row["agent_id"], "session_id": row["session_id"]}


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _check_same(row: Mapping[str, Any], digest: str, key: str) -> None:
    noted = orjson.loads(row["metadata"] or "{}").get(_NOTE) or {}
    if noted.get("call") != digest:
        raise RefusedError(
            f"idempotency_key {key[:80]!r} was used for another call, whose action is "
            f"{row['action_id']}; nothing was sent. Choose a new key for a new call."
        )

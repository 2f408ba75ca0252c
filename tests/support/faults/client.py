"""A program that uses a folder as people do: it asks for things and reads what comes of them.

Each line of its output is a promise: an action that a helper acknowledged, a row that a reader was
shown. The same goes into the record of faults, where there is one.
"""

import json
import random
import sys
import time
from hashlib import sha256
from typing import Any

import queue_imp as q
from store.agent_steps import list_steps
from store.errors import StoreError
from tests.support.faults.control import note

SESSIONS = 3
ASKED = [
    ("create_agent", {"agent_type": "odd", "config": {"tick": "parts", "tick_s": 0.002}}),
    ("agent_pause", {"reason": "a test"}),
    ("agent_resume", {}),
    ("agent_interrupt", {"guidance": {"subject": "dogs"}, "mode": "steer"}),
    ("agent_interrupt", {"guidance": "birds", "mode": "now"}),
    ("conversation_create", {"conversation_id": "c"}),
    ("post_message", {"conversation_id": "c", "text": "hello"}),
]
WEIGHTS = [5, 3, 5, 4, 4, 1, 3]
FIRST = [ASKED[0], ASKED[5], ASKED[6]]


def digest(row: dict[str, Any]) -> str:
    """A row's content in short."""
    kept = {name: row[name] for name in ("kind", "text", "payload", "state", "applied_actions")}
    return sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:16]


def promise(**what: Any) -> None:
    line = json.dumps(what)
    note(line)
    print(line, flush=True)  # noqa: T201 - read by whoever runs it


class Client:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._seen = {f"s{number}": 0 for number in range(SESSIONS)}

    def run(self, actions: int, for_s: float) -> None:
        """So many actions over that time, the last at its end."""
        for number in range(actions):
            began = time.monotonic()
            self._ask(number)
            self._read()
            time.sleep(max(0.0, for_s / actions - (time.monotonic() - began)))
        self._read()

    def _ask(self, number: int) -> None:
        drawn = self._chance.choices(ASKED, WEIGHTS)[0]
        kind, payload = FIRST[number] if number < len(FIRST) else drawn
        of = {} if "conversation_id" in payload else {"agent_id": self._chance.choice("012")}
        if of:
            of = {"agent_id": f"s{of['agent_id']}"}
        action = q.create_action(kind, "client", **of, **payload)
        try:
            promise(acknowledged=q.enqueue(action))
        except (StoreError, OSError) as error:
            promise(refused=action["action_id"], why=str(error))

    def _read(self) -> None:
        for session, after in self._seen.items():
            try:
                rows = list_steps(session, after)
            except Exception as error:  # noqa: BLE001 - a reader may fail, and says nothing then
                promise(unread=session, why=f"{type(error).__name__}: {error}")
                continue
            for row in rows:
                promise(shown=[session, row["seq"], digest(row)])
                self._seen[session] = row["seq"]


if __name__ == "__main__":
    Client(int(sys.argv[1])).run(int(sys.argv[2]), float(sys.argv[3]))

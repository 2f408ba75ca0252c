"""Dead letters: put on record with the tick that gives a message up, and given again."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from agent_core.agent.effects import Prepared
from reins.bus.subscribing import Delivery
from store import dead_letters
from store.journal.file import Record
from store.times import now_us

_NAMESPACE = uuid.UUID("7d7b2f2e-25a8-4a5a-8a27-0d8f5a1c9e31")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An effect: the row of a message that is given up, in the commit that moves the cursor on."""

    row: dict[str, Any]
    waiting: Counter[str]
    """Those that wait, by topic; counted once it is on disk."""

    @property
    def key(self) -> str:
        return f"dead letter {self.row['letter_id']}"

    def records(self) -> list[Record]:
        """The records, for who commits them by itself; it counts as waiting from now on."""
        self.waiting[self.row["topic"]] += 1
        return [dead_letters.record(self.row)]

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        yield Prepared([dead_letters.record(self.row)], {"dead_letter": self.row["letter_id"]})
        self.waiting[self.row["topic"]] += 1


def dead_letter(
    delivery: Delivery, *, agent_id: str, session_id: str, created_at: int, attempts: int,
    error: str, waiting: Counter[str],
) -> DeadLetter:  # fmt: skip
    """The dead letter of a message and a subscriber: one for each life of the session."""
    source = delivery.source
    names = f"{session_id}\n{created_at}\n{source.topic}\n{source.number}"
    return DeadLetter(
        {
            "letter_id": f"dead_{uuid.uuid5(_NAMESPACE, names).hex}",
            "topic": delivery.topic,
            "number": delivery.number,
            "message_id": delivery.message_id,
            "agent_id": agent_id,
            "session_id": session_id,
            "attempts": attempts,
            "error": error,
            "buried_at": now_us(),
            "replayed_by": None,
            "replayed_at": None,
            "replayed_action": None,
        },
        waiting,
    )

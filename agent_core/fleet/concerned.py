"""The sessions of a worker that need a person: those that live, and those that have failed."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from agent_core.session.concerns import Concern, Concerned, concerns_of
from agent_core.session.session import Session
from agent_core.session.status import Status
from reins.threads import READS
from store import agent_state
from store.reading import Reader

_AT_ONCE = 500
"""Sessions that are looked at before the loop goes on."""


class FleetConcerns:
    """Looks at all sessions, a part at a time; those that have failed do not live, and are read."""

    def __init__(self, live: Mapping[str, Session], store: Reader) -> None:
        self._live = live
        self._store = store

    async def now(self) -> list[Concern]:
        """The causes there are, the most urgent first."""
        found: list[Concerned | None] = []
        for number, session in enumerate(list(self._live.values()), 1):
            if _may_be_concerned(session):
                found.append(Concerned.of(session.session_id, session.agent_id, session.snapshot()))
            if not number % _AT_ONCE:
                await asyncio.sleep(0)
        found += [
            Concerned.of(row["session_id"], row["agent_id"], orjson.loads(row["snapshot"]))
            for row in await READS.call(self._failed)
            if row["session_id"] not in self._live
        ]
        return concerns_of([each for each in found if each is not None])

    def _failed(self) -> list[dict[str, Any]]:
        columns = ["session_id", "agent_id", "snapshot"]
        where = f"status = '{Status.FAILED.value}' AND snapshot IS NOT NULL"
        rows: list[dict[str, Any]] = self._store.stored(
            agent_state.TABLE, where, columns
        ).to_pylist()
        return rows


def _may_be_concerned(session: Session) -> bool:
    """False for those that are well, of whom a snapshot would be made for nothing."""
    return (
        session.trouble is not None
        or session.held is not None
        or session.waits is not None
        or session.failures > 0
        or session.agent.concern is not None
        or session.status is Status.FAILED
        or session.inbox.waits(session.session_id) is not None
    )

"""Mutants: one thing that holds a promise up is taken out, and some seed is to find it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.pausing import PauseMixin
from agent_core.conversations.conversation import Conversation
from agent_core.dispatch.dispatcher import Dispatcher
from agent_core.session.session import Session
from store import starting
from store.errors import StoreError
from store.flush import Flush
from store.journal.journal import Journal
from store.journal.writer import Entry
from store.queue import flush as queue_flush
from store.queue import reading as queue_reading
from store.queue.writer import QueueWriter
from store.reading import Reader
from tests.simulation.disk import Disk, SimulatedQueueFile

Mutant = Callable[[], contextlib.AbstractContextManager[Any]]


@contextlib.contextmanager
def _without_sync(where: Callable[[Any], bool]) -> Iterator[None]:
    real = Disk.sync

    def sync(disk: Disk, told: int) -> None:
        if not where(disk.world.here()):
            real(disk, told)

    with mock.patch.object(Disk, "sync", sync):
        yield


def an_action_is_acknowledged_whose_commit_failed() -> Any:
    return _without_errors("append")


def rows_are_forgotten_before_the_tables_are_synced() -> Any:
    return _without_sync(lambda thread: thread.name == "flush")


def an_outcome_counts_whose_commit_failed() -> Any:
    return _without_errors("mark")


def _without_errors(name: str) -> Any:
    real = getattr(QueueWriter, name)

    def swallowing(writer: QueueWriter, *given: Any) -> None:
        with contextlib.suppress(StoreError):
            real(writer, *given)

    return mock.patch.object(QueueWriter, name, swallowing)


def actions_in_the_table_are_not_recognised() -> Any:
    return mock.patch.object(queue_flush, "_there", return_value=set())


def rows_are_acknowledged_before_their_commit() -> Any:
    async def append(journal: Journal, *records: Any) -> None:
        future = journal._loop.create_future()
        future.add_done_callback(lambda done: done.exception())
        journal._writer.put([Entry(records, future)])

    return mock.patch.object(Journal, "append", append)


def rows_in_the_tables_are_not_recognised() -> Any:
    return mock.patch.object(starting, "highest_number", return_value=0)


def applied_actions_are_not_remembered() -> Any:
    return mock.patch.object(Session, "forget_marked", lambda self, _: self.unmarked.clear())


def messages_are_not_looked_up() -> Any:
    return mock.patch.object(Conversation, "_is_there", return_value=False)


def lanes_are_no_lanes() -> Any:
    return mock.patch.object(Dispatcher, "_lane", side_effect=lambda *_: asyncio.Lock())


def actions_in_flight_are_taken_up_again() -> Any:
    real = Dispatcher.poll_once

    async def poll_once(dispatcher: Dispatcher) -> int:
        dispatcher._in_flight.clear()
        return await real(dispatcher)

    return mock.patch.object(Dispatcher, "poll_once", poll_once)


def a_sync_that_failed_is_tried_again() -> Any:
    """The flush's: what was written before it counts as written."""
    return mock.patch.object(Flush, "_take_back", lambda flush: setattr(flush._safe, "in_doubt", 0))


def ids_are_not_looked_up() -> Any:
    async def processed(*_: Any) -> dict[str, Any]:
        return {}

    return mock.patch.object(queue_reading, "processed", processed)


def actions_are_ordered_by_clocks() -> Any:
    real = SimulatedQueueFile.waiting

    def waiting(*given: Any) -> Any:
        found, newest = real(*given)
        return sorted(found, key=lambda action: action.row["created_at"]), newest

    return mock.patch.object(SimulatedQueueFile, "waiting", waiting)


def a_pause_does_not_hold() -> Any:
    def may_tick(agent: Any) -> bool:
        room = agent.session.ledger.spent(agent.session) is None  # else it would spin
        return super(PauseMixin, agent).may_tick() and room

    return mock.patch.object(PauseMixin, "may_tick", may_tick)


def a_tick_that_is_undone_leaves_its_state() -> Any:
    return mock.patch.object(LoopingAgentBase, "undo", LoopingAgentBase.tick_now)


def readers_look_at_the_tables_first() -> Any:
    def joined(reader: Reader, table: Any, match: Any, where: Any, **_given: Any) -> Any:
        stored = reader.stored(table, where).to_pylist()
        pending = reader.journalled(table, match)
        seen = {row["journal_n"] for row in stored}
        rows = stored + [row for row in pending if row["journal_n"] not in seen]
        return sorted(rows, key=lambda row: row["journal_n"] or 0)

    return mock.patch.object(Reader, "joined", joined)


MUTANTS: dict[Mutant, int] = {
    an_action_is_acknowledged_whose_commit_failed: 6,
    rows_are_forgotten_before_the_tables_are_synced: 1,
    an_outcome_counts_whose_commit_failed: 14,
    actions_in_the_table_are_not_recognised: 14,
    rows_are_acknowledged_before_their_commit: 14,
    rows_in_the_tables_are_not_recognised: 19,
    applied_actions_are_not_remembered: 33,
    messages_are_not_looked_up: 411,
    lanes_are_no_lanes: 3,
    actions_in_flight_are_taken_up_again: 29,
    a_sync_that_failed_is_tried_again: 11,
    ids_are_not_looked_up: 2,
    actions_are_ordered_by_clocks: 3,
    a_pause_does_not_hold: 2,
    a_tick_that_is_undone_leaves_its_state: 2,
    readers_look_at_the_tables_first: 35,
}
"""Each with a seed that finds it."""

"""The end of a worker's sessions: their tasks end, and what they took is on record."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

from agent_core.session.log import Event, SessionClosedError
from agent_core.session.session import Session
from store.errors import JournalError

_CANCEL_S = 1.0
"""A tick that has not ended this long after its cancellation is left behind."""


def ask_to_end(sessions: Iterable[Session]) -> None:
    """No session begins another tick; those at rest end at once."""
    for session in sessions:
        if session.task is not None and not session.scope.busy:
            session.task.cancel()
        else:
            session.agent.retire()


async def end_tasks(tasks: Sequence["asyncio.Task[None]"], grace_s: float) -> None:
    """Wait for tasks, then cancel them, then leave behind what swallows that."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=grace_s)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=_CANCEL_S)


def side_tasks(sessions: Iterable[Session]) -> list["asyncio.Task[None]"]:
    return [task for session in sessions for task in session.beside.running]


def write_rest(session: Session) -> None:
    """Put on record what a tick that was given up has taken: no row of its own tells it."""
    account = session.account
    if account is None:
        return
    if account.has_unwritten and not session.status.ended:
        text = f"{session.status.value}: a tick was given up for a stop of the worker"
        session.beside.run(_record(session, Event("status", text)), "write the rest")
    else:
        account.write_calls()


async def _record(session: Session, event: Event) -> None:
    with contextlib.suppress(JournalError):
        try:
            await session.log.record(event)
        except SessionClosedError:
            await session.log.write(session.caller.take_calls(None))

"""Kinds of sources that wake sessions besides topics; the composition root hands them in.

Each publishes messages with a key into the session's mailbox, while the session runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from agent_core.session.session import Session
from store.journal.file import Record

Entries = Mapping[int, str]
"""Entries of a session's `on`, by their place in it."""


class SourceKind(Protocol):
    """One kind of source, for all sessions; what it does, it does beside their ticks."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The beginnings of its entries."""

    async def check(self, entry: str) -> None:
        """Raises: AgentRejectedError, where a new session may not have this entry."""

    def begin(self, session: Session, entries: Entries, since: str) -> Callable[[], object]:
        """Let these wake the session, as long as it runs; returns what ends that."""

    def look(self, session: Session) -> None:
        """A session goes on that was paused: look at once at what it has missed."""

    def closing_records(self, session: Session) -> Sequence[Record]:
        """The rows that go with the last one of a session."""


class Sources:
    """The kinds of sources there are."""

    def __init__(self, *kinds: SourceKind) -> None:
        self._kinds = kinds

    async def check(self, on: Sequence[str]) -> None:
        """Raises: AgentRejectedError, where a new session may not have one of these entries."""
        for kind in self._kinds:
            for entry in _of(kind, on).values():
                await kind.check(entry)

    @contextmanager
    def running(self, session: Session, config: Any) -> Iterator[None]:
        """Let what its configuration names wake the session, for as long as this lasts."""
        with ExitStack() as stack:
            for kind in self._kinds:
                if entries := _of(kind, config.on):
                    stack.callback(kind.begin(session, entries, config.since))
            yield

    def look(self, session: Session) -> None:
        """See `SourceKind.look`."""
        for kind in self._kinds:
            kind.look(session)

    def closing_records(self, session: Session) -> Sequence[Record]:
        """See `SourceKind.closing_records`."""
        return [record for kind in self._kinds for record in kind.closing_records(session)]


def _of(kind: SourceKind, on: Sequence[str]) -> dict[int, str]:
    return {at: entry for at, entry in enumerate(on) if entry.startswith(kind.prefixes)}

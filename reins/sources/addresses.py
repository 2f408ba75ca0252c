"""Addresses whose answers change: `url:https://… every 60s`, asked as the tools of agents ask."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from agent_core.actions.sources import read_url
from agent_core.agent.base import AgentRejectedError
from agent_core.session.session import Session
from reins.bus.sourcing import Entries
from reins.bus.topics import Topics
from reins.settings import Settings
from reins.sources.watching import Change, Watch, Watches
from reins.tools.outcome import ToolError
from reins.tools.web.fetching import Fetcher
from reins.tools.web.outside import Outside
from reins.tools.web.page import Request
from store.journal.file import Record
from store.store import Store

_AT_ONCE = 8
"""Addresses that are asked at the same moment."""
_MAX_BYTES = 2 << 20
_ERROR_CHARS = 300


class AddressWatch(Watch):
    """One address: its session is told when the status or the content of its answer changes."""

    def __init__(
        self, session: Session, entry: str, settings: Callable[[], Settings],
        room: asyncio.Semaphore, **parts: Any,
    ) -> None:  # fmt: skip
        super().__init__(session, entry, **parts)
        self._settings = settings
        self._room = room
        self._asked = read_url(entry)

    async def look(self) -> float | None:
        async with self._room:
            seen, more = await self._fetch()
        before = self.known[self._asked.url].seen if self._asked.url in self.known else None
        if seen != before:
            says: dict[str, Any] | None = None
            if before is not None or self.tells_first:
                says = {"source": self.entry, "url": self._asked.url, **seen, **more}
                says["before"] = before
            await self.tell([Change(self._asked.url, seen, says)])
        return self._asked.interval_us / 1e6

    async def _fetch(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The part of the answer that is compared, and the one that is told besides."""
        try:
            page = await fetcher(self._settings()).fetch(
                Request(self._asked.url, "GET", {"Accept": "*/*"}, elsewhere=False)
            )
        except ToolError as error:
            return {"status": error.status, "digest": None}, {"error": str(error)[:_ERROR_CHARS]}
        digest = hashlib.sha256(page.body).hexdigest()
        more = {"size_bytes": len(page.body), "cut": page.cut}
        return {"status": page.status, "digest": digest}, more


class Addresses:
    """`url:…`: hosts as `REINS_HTTP_HOSTS` and `REINS_HTTP_INNER_HOSTS` allow them."""

    prefixes = ("url:",)

    def __init__(self, store: Store, topics: Topics, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._topics = topics
        self._settings = settings
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._watches = Watches()

    async def check(self, entry: str) -> None:
        """Raises: AgentRejectedError, for an address that no tool may ask."""
        try:
            fetcher(self._settings()).outside.target(read_url(entry).url)
        except ToolError as error:
            raise AgentRejectedError(str(error)) from None

    def begin(self, session: Session, entries: Entries, since: str) -> Callable[[], object]:
        made = [
            AddressWatch(
                session, entry, self._settings, self._room,
                since=since, store=self._store, topics=self._topics,
            )
            for entry in entries.values()
        ]  # fmt: skip
        return self._watches.begin(session, made)

    def look(self, session: Session) -> None:
        self._watches.look(session)

    def closing_records(self, session: Session) -> Sequence[Record]:
        del session  # what was seen stays on record
        return ()

    async def stop(self) -> None:
        """End all watches; a second stop does nothing."""
        await self._watches.stop()


def fetcher(settings: Settings) -> Fetcher:
    """Requests as the settings allow them."""
    outside = Outside(tuple(settings.http_hosts), frozenset(settings.http_inner_hosts))
    return Fetcher(outside, size_bytes=_MAX_BYTES)

"""Files that change: `file:FOLDER/GLOB`. Events are hints, the folder is the truth."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agent_core.actions.sources import folder_of
from agent_core.agent.base import AgentRejectedError
from agent_core.session.session import Session
from reins.bus.sourcing import Entries
from reins.bus.topics import Topics
from reins.settings import Settings
from reins.sources.notices import Notices
from reins.sources.scanning import Stat, WatchRefusedError, digest_of, matching, scan
from reins.sources.watching import Change, Watch, Watches
from reins.threads import READS
from store.journal.file import Record
from store.store import Store

_LOOK_S = 60.0
"""Between two looks that no event has asked for."""
_MAX_NOTICED = 100
"""Folders of one watch whose changes are heard of at once; others are looked at now and then."""
_SETTLE_S = 0.2
"""A file that changes within this time is still being written, for `_PATIENCE_S` at the most."""
_PATIENCE_S = 10.0


class FolderWatch(Watch):
    """The files of one folder that match one pattern."""

    def __init__(
        self, session: Session, entry: str, settings: Callable[[], Settings], notices: Notices,
        **parts: Any,
    ) -> None:  # fmt: skip
        super().__init__(session, entry, **parts)
        self._settings = settings
        self._notices = notices
        self._waiting: dict[str, tuple[Stat | None, float]] = {}
        self._noticed: dict[Path, Callable[[], None]] = {}

    async def look(self) -> float | None:
        try:
            folder = allowed(self.entry, self._settings())
            if self._noticed and self.has_begun:
                await asyncio.sleep(_SETTLE_S)  # what changes seldom changes alone
            found, folders = await READS.call(scan, folder, folder_of(self.entry)[1])
            is_new = await self._notice(folders)
        except (WatchRefusedError, OSError) as error:
            await self.tell_trouble(_said(error))
            return _LOOK_S
        await self.tell_trouble(None)
        settled = self._settled(found)
        changes = await READS.call(self._changes, folder, settled)
        await self.tell(changes)
        return _SETTLE_S if self._waiting or is_new else _LOOK_S

    async def _notice(self, folders: Sequence[Path]) -> bool:
        """Hear of changes in these folders; True if there are new ones, to be looked at again."""
        silent = await READS.call(self._notices.silent, [*self._noticed])
        for path in self._noticed.keys() - set(folders) | set(silent):
            self._noticed.pop(path)()
        new, is_new = [path for path in folders if path not in self._noticed], False
        for path in new[: _MAX_NOTICED - len(self._noticed)]:
            self._noticed[path] = await self._notices.of(path, self.wake)
            is_new = True
        return is_new

    async def stop(self) -> None:
        await super().stop()
        for end in self._noticed.values():
            end()
        self._noticed.clear()

    def _settled(self, found: dict[str, Stat]) -> dict[str, Stat | None]:
        """Those that differ from what was seen last, and are not being written; None: removed."""
        settled: dict[str, Stat | None] = {}
        now, waiting = time.monotonic(), {}
        gone = [item for item, each in self.known.items() if "size" in each.seen]
        differing: dict[str, Stat | None] = {item: None for item in gone if item not in found}
        differing |= {item: each for item, each in found.items() if self._differs(item, each)}
        for item, each in differing.items():
            before, since = self._waiting.get(item, (each, now))
            same = item in self._waiting and before == each
            if same or not self.has_begun or now - since > _PATIENCE_S:
                settled[item] = each
            else:
                waiting[item] = (each, since)
        self._waiting = waiting
        return settled

    def _differs(self, item: str, found: Stat) -> bool:
        seen = self.known[item].seen if item in self.known else {}
        return (seen.get("size"), seen.get("mtime_ns")) != found

    def _changes(self, folder: Path, settled: dict[str, Stat | None]) -> Sequence[Change]:
        """The changes to put on record; blocks while files are read."""
        made = [self._change(folder, item, each) for item, each in sorted(settled.items())]
        return [each for each in made if each is not None]

    def _change(self, folder: Path, item: str, found: Stat | None) -> Change | None:
        seen = self.known[item].seen if item in self.known else {}
        path = f"{folder_of(self.entry)[0]}/{item}"
        says: dict[str, Any] | None = {"source": self.entry, "path": path}
        if found is None:
            return Change(item, {"gone": True}, {**(says or {}), "change": "removed"})
        try:
            digest = digest_of(folder / item, found.size_bytes)
        except OSError:
            return None  # it has gone, or may not be read: the next look sees what it is
        now_seen = {"size": found.size_bytes, "mtime_ns": found.mtime_ns, "digest": digest}
        was_there = "size" in seen
        if was_there and digest is not None and seen.get("digest") == digest:
            says = None  # touched
        elif not self.has_begun and not self.tells_first:
            says = None  # it was there before the session
        else:
            change = "changed" if was_there else "created"
            mtime = found.mtime_ns / 1e9
            says = {"source": self.entry, "path": path, "change": change,
                    "size_bytes": found.size_bytes, "mtime": mtime, "digest": digest}  # fmt: skip
        return Change(item, now_seen, says)


class Folders:
    """`file:FOLDER/GLOB`, below the folders that `REINS_WATCH_ROOTS` lists."""

    prefixes = ("file:",)

    def __init__(self, store: Store, topics: Topics, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._topics = topics
        self._settings = settings
        self._notices = Notices()
        self._watches = Watches()

    async def check(self, entry: str) -> None:
        """Raises: AgentRejectedError, for a folder that may not be looked at, or is not there."""
        try:
            matching(folder_of(entry)[1])
            await READS.call(allowed, entry, self._settings())
        except (WatchRefusedError, OSError) as error:
            raise AgentRejectedError(_said(error)) from None

    def begin(self, session: Session, entries: Entries, since: str) -> Callable[[], object]:
        made = [
            FolderWatch(
                session, entry, self._settings, self._notices,
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
        await self._notices.stop()


def allowed(entry: str, settings: Settings) -> Path:
    """The folder of an entry, below one that the settings list. Raises: WatchRefusedError."""
    roots = [Path(each).expanduser().resolve() for each in settings.watch_roots]
    if not roots:
        raise WatchRefusedError(
            "no folder may be watched; list those that may in REINS_WATCH_ROOTS, as JSON"
        )
    asked = Path(folder_of(entry)[0])
    folder = (asked if asked.is_absolute() else roots[0] / asked).resolve()
    data = settings.data.resolve()
    if not any(folder.is_relative_to(root) for root in roots):
        listed = ", ".join(map(str, roots))
        raise WatchRefusedError(f"{folder} is below none of REINS_WATCH_ROOTS: {listed}")
    if folder.is_relative_to(data) or data.is_relative_to(folder):
        raise WatchRefusedError(
            f"{folder} holds the data folder {data}, or is in it, which changes all the time; "
            "watch another"
        )
    if not folder.is_dir():
        raise WatchRefusedError(f"the folder {folder} is not there; make it")
    return folder


def _said(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)

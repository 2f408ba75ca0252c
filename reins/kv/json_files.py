"""Rows as JSON files, one for each key: for a person to read, and for a few thousand keys."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import orjson

from reins.kv.backend import Backend, Kept
from reins.kv.errors import KVError
from reins.kv.files import File, Folder, file_name
from reins.kv.memory import between, page
from reins.kv.one_thread import OneThread


class JsonFilesKV(Backend):
    """A write is on disk when it has returned: file synced, renamed, folder synced.

    Processes share a folder by a lock, which writers take for each write; readers take none.
    """

    def __init__(self, path: Path | str, *, timeout_s: float = 5.0) -> None:
        self.path = Path(path).expanduser().absolute()
        self._folder = Folder(self.path, timeout_s)
        self._thread = OneThread("json")
        self._keys: dict[str, str] = {}
        """Of files that were listed: a file's key never changes."""

    def __repr__(self) -> str:
        return f"JsonFilesKV({str(self.path)!r})"

    async def close(self) -> None:
        await self._thread.close(lambda: None)

    async def _find(self, key: str) -> Kept | None:
        return await self._thread.run(self._found, key)

    async def _write(self, key: str, body: bytes, guard: int | None) -> int:
        return await self._thread.run(self._written, key, body, guard)

    async def _write_newer(self, key: str, body: bytes, seq: int) -> bool:
        return await self._thread.run(self._written_newer, key, body, seq)

    async def _remove(self, key: str, guard: int | None) -> bool:
        return await self._thread.run(self._removed, key, guard)

    async def _page(self, prefix: str, after: str, limit: int) -> Sequence[Kept]:
        return await self._thread.run(self._listed, prefix, after, limit)

    def _found(self, key: str) -> Kept | None:
        kept = self._folder.read(file_name(key), key)
        return (key, orjson.dumps(kept.value), kept.version) if kept else None

    def _written(self, key: str, body: bytes, guard: int | None) -> int:
        with self._folder.locked():
            kept = self._folder.read(file_name(key), key)
            if guard is not None and guard != (kept.version if kept else 0):
                return 0
            return self._put(key, body, kept, kept.seq if kept else 0)

    def _written_newer(self, key: str, body: bytes, seq: int) -> bool:
        with self._folder.locked():
            kept = self._folder.read(file_name(key), key)
            if kept and kept.seq >= seq:
                return False
            self._put(key, body, kept, seq)
            return True

    def _put(self, key: str, body: bytes, kept: File | None, seq: int) -> int:
        version = (kept.version if kept else self._folder.floor()) + 1
        row = {"key": key, "version": version, "seq": seq, "value": orjson.Fragment(body)}
        self._folder.place(file_name(key), orjson.dumps(row) + b"\n")
        return version

    def _removed(self, key: str, guard: int | None) -> bool:
        with self._folder.locked():
            kept = self._folder.read(file_name(key), key)
            if kept is None or guard not in (None, kept.version):
                return False
            # Before it is gone: who puts it again goes on from there.
            self._folder.raise_floor(kept.version)
            self._folder.drop(file_name(key))
            return True

    def _listed(self, prefix: str, after: str, limit: int) -> list[Kept]:
        keys = sorted(filter(None, map(self._key_of, self._folder.names())))
        found = (self._found(key) for key in between(keys, prefix, after))
        return list(page(islice((kept for kept in found if kept), limit)))

    def _key_of(self, name: str) -> str | None:
        if name not in self._keys:
            kept = self._folder.read(name)
            if kept is None:
                return None
            if file_name(kept.key) != name:
                raise KVError(
                    f"{self.path / name} holds the key {kept.key!r}, whose file is "
                    f"{file_name(kept.key)}. Move it there, or away"
                )
            self._keys[name] = kept.key
        return self._keys[name]

"""Rows in PostgreSQL, each write one statement, alone on its key."""

from collections.abc import Sequence
from typing import Any

from reins.kv.address import Address
from reins.kv.backend import Backend, Kept
from reins.kv.connections import Connections
from reins.kv.limits import MAX_PAGE_BYTES, end_of

# Versions come from a sequence, which every writer asks while it holds its key's lock, so that a
# key's versions grow by the order of its writes, also where it is deleted in between.
_HELD = """
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 7464)))
"""
_NEXT = "nextval('reins_kv_version')"
_FIND = "SELECT key, value, version FROM reins_kv WHERE key = %(key)s"
_WRITE = f"""
{_HELD} INSERT INTO reins_kv (key, value, version, seq)
SELECT %(key)s, %(value)s, {_NEXT}, 0 FROM held
ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version
RETURNING version
"""
_WRITE_NEW = f"""
{_HELD} INSERT INTO reins_kv (key, value, version, seq)
SELECT %(key)s, %(value)s, {_NEXT}, 0 FROM held
ON CONFLICT (key) DO NOTHING RETURNING version
"""
_WRITE_OVER = f"""
{_HELD} UPDATE reins_kv SET value = %(value)s, version = {_NEXT} FROM held
WHERE key = %(key)s AND version = %(guard)s RETURNING version
"""
_WRITE_NEWER = f"""
{_HELD} INSERT INTO reins_kv AS kept (key, value, version, seq)
SELECT %(key)s, %(value)s, {_NEXT}, %(seq)s FROM held
ON CONFLICT (key) DO UPDATE
SET value = excluded.value, version = excluded.version, seq = excluded.seq
WHERE kept.seq < excluded.seq RETURNING version
"""
_REMOVE = f"""
{_HELD} DELETE FROM reins_kv USING held
WHERE key = %(key)s AND (%(guard)s::bigint IS NULL OR version = %(guard)s) RETURNING key
"""
_PAGE = f"""
SELECT key, value, version FROM (
    SELECT key, value, version, sum(octet_length(value)) OVER (ORDER BY key) - octet_length(value)
        AS bytes_before
    FROM (SELECT * FROM reins_kv
          WHERE key >= %(prefix)s AND key > %(after)s
            AND (%(end)s::text IS NULL OR key < %(end)s)
          ORDER BY key LIMIT %(limit)s) AS limited) AS summed
WHERE bytes_before < {MAX_PAGE_BYTES} ORDER BY key
"""


class PostgresKV(Backend):
    """A write is on disk when it has returned, unless the server's `synchronous_commit` is off.

    Its table `reins_kv` and sequence `reins_kv_version` are made where they are missing.
    """

    def __init__(self, address: Address, *, timeout_s: float = 5.0) -> None:
        self._address = address
        self._connections = Connections(address, timeout_s)

    def __repr__(self) -> str:
        return f"PostgresKV({self._address.shown!r})"

    async def close(self) -> None:
        await self._connections.close()

    async def _find(self, key: str) -> Kept | None:
        found = await self._run(_FIND, key=key)
        return found[0] if found else None

    async def _write(self, key: str, body: bytes, guard: int | None) -> int:
        statement = {None: _WRITE, 0: _WRITE_NEW}.get(guard, _WRITE_OVER)
        found = await self._run(statement, key=key, value=body.decode(), guard=guard)
        return int(found[0][0]) if found else 0

    async def _write_newer(self, key: str, body: bytes, seq: int) -> bool:
        return bool(await self._run(_WRITE_NEWER, key=key, value=body.decode(), seq=seq))

    async def _remove(self, key: str, guard: int | None) -> bool:
        return bool(await self._run(_REMOVE, key=key, guard=guard))

    async def _page(self, prefix: str, after: str, limit: int) -> Sequence[Kept]:
        given = {"prefix": prefix, "after": after, "end": end_of(prefix), "limit": limit}
        return await self._run(_PAGE, **given)

    async def _run(self, statement: str, **given: Any) -> list[Any]:
        return await self._connections.run(statement, given)

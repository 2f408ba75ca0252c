"""Rows in Redis, each write one script, which Redis runs alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from reins.kv.address import Address
from reins.kv.backend import Backend, Kept
from reins.kv.errors import KVError, UnavailableError
from reins.kv.limits import MAX_PAGE_BYTES, end_of

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.commands.core import AsyncScript

# In braces, so that all keys are on one node of a cluster.
_VERSION, _KEYS, _ROW = "{reins:kv}:version", "{reins:kv}:keys", "{reins:kv}:row:"
_CONNECTIONS = 8

# Not below the clock: a server that has lost its last writes gives no version out again.
# '%.0f', since Lua would write a number of 16 digits with 14 of them.
_KEEP = """
local clock = redis.call('TIME')
local version = math.max(redis.call('INCR', KEYS[1]), clock[1] * 1000000 + clock[2])
version = string.format('%.0f', version)
redis.call('SET', KEYS[1], version)
redis.call('ZADD', KEYS[2], 0, ARGV[1])
redis.call('HSET', KEYS[3], 'version', version, 'value', ARGV[2])
"""
_WRITE = f"""
local found = redis.call('HGET', KEYS[3], 'version') or '0'
if ARGV[3] ~= '' and ARGV[3] ~= found then return 0 end
{_KEEP}
return tonumber(version)
"""
_WRITE_NEWER = f"""
if tonumber(ARGV[3]) <= tonumber(redis.call('HGET', KEYS[3], 'seq') or '0') then return 0 end
{_KEEP}
redis.call('HSET', KEYS[3], 'seq', ARGV[3])
return 1
"""
_REMOVE = """
local found = redis.call('HGET', KEYS[3], 'version')
if not found or (ARGV[2] ~= '' and ARGV[2] ~= found) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[3])
"""
_PAGE = f"""
local rows, bytes = {{}}, 0
for _, key in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
    local row = redis.call('HMGET', '{_ROW}' .. key, 'value', 'version')
    rows[#rows + 1] = {{key, row[1], row[2]}}
    bytes = bytes + #row[1]
    if bytes >= {MAX_PAGE_BYTES} then break end
end
return rows
"""


class RedisKV(Backend):
    """As durable as the server: with `appendfsync always` a write is on disk when it has returned,
    with Redis's own `everysec` a crash may lose the last second, without `appendonly` minutes.
    """

    def __init__(self, address: Address, *, timeout_s: float = 5.0) -> None:
        self._address, self._timeout_s = address, timeout_s
        self._scripts: dict[str, AsyncScript] = {}
        self._client: Redis | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"RedisKV({self._address.shown!r})"

    async def close(self) -> None:
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _find(self, key: str) -> Kept | None:
        async with self._answering() as client:
            body, version = await client.hmget(_ROW + key, ["value", "version"])
        return (key, body, int(version)) if body and version else None

    async def _write(self, key: str, body: bytes, guard: int | None) -> int:
        return int(await self._run(_WRITE, key, body, "" if guard is None else guard))

    async def _write_newer(self, key: str, body: bytes, seq: int) -> bool:
        return bool(await self._run(_WRITE_NEWER, key, body, seq))

    async def _remove(self, key: str, guard: int | None) -> bool:
        return bool(await self._run(_REMOVE, key, "" if guard is None else guard))

    async def _page(self, prefix: str, after: str, limit: int) -> Sequence[Kept]:
        first = f"({after}" if after >= prefix and after else f"[{prefix}"
        end = end_of(prefix)
        last = "+" if end is None else f"({end}"
        async with self._answering():
            found = await self._scripts[_PAGE](keys=[_KEYS], args=[first, last, limit])
        return [(key.decode(), body, int(version)) for key, body, version in found]

    async def _run(self, script: str, key: str, *given: Any) -> Any:
        async with self._answering():
            keys = [_VERSION, _KEYS, _ROW + key]
            return await self._scripts[script](keys=keys, args=[key, *given])

    @contextlib.asynccontextmanager
    async def _answering(self) -> AsyncIterator["Redis"]:
        """The client, for one call: bounded in time, its errors told as ours."""
        if self._client is None:
            self._client = self._open()
        from redis import exceptions  # noqa: PLC0415 - an extra

        try:
            async with asyncio.timeout(self._timeout_s):
                yield self._client
        except (exceptions.AuthenticationError, exceptions.ResponseError) as error:
            raise KVError(
                f"{self._address.shown} refused this: {self._address.without_secrets(error)}. "
                "Check user and password, and the server's memory, disk and role"
            ) from None
        except (exceptions.RedisError, TimeoutError, OSError) as error:
            raise UnavailableError(
                f"{self._address.shown} cannot be reached, or did not answer within "
                f"{self._timeout_s:g} s: "
                f"{self._address.without_secrets(error) or 'no word came'}. Check that it runs "
                "and can be reached; a write may have been done"
            ) from None

    def _open(self) -> "Redis":
        if self._closed:
            raise KVError(f"the store {self._address.shown} was closed; open another")
        client = _client_of(self._address)
        for script in (_WRITE, _WRITE_NEWER, _REMOVE, _PAGE):
            self._scripts[script] = client.register_script(script)
        return client


def _client_of(address: Address) -> "Redis":
    try:
        from redis import asyncio as aio  # noqa: PLC0415 - an extra
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.maint_notifications import MaintNotificationsConfig  # noqa: PLC0415
    except ImportError:
        raise KVError("the package redis is not installed: pip install 'reins[redis]'") from None
    try:
        # No retries: a write whose answer was lost would be done twice, or refused by itself.
        # With notifications on, connections that the server has closed would be used again.
        pool = aio.BlockingConnectionPool.from_url(
            address.url, max_connections=_CONNECTIONS, timeout=None,
            socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0),
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )  # fmt: skip
    except (ValueError, TypeError):
        raise KVError(
            f"the address {address.scheme}://… is none that redis-py reads; expected is "
            "redis://[[user]:password@]host[:port][/number]"
        ) from None
    return aio.Redis.from_pool(pool)

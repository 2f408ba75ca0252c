"""A store by its address."""

from pathlib import Path

from reins import redaction
from reins.kv.address import Address
from reins.kv.errors import KVError
from reins.kv.json_files import JsonFilesKV
from reins.kv.memory import MemoryKV
from reins.kv.postgres import PostgresKV
from reins.kv.protocol import KV
from reins.kv.redis import RedisKV
from reins.kv.sqlite import SqliteKV

_EXPECTED = (
    "memory:, json:/path/of/a/folder, sqlite:/path/of/a/file, redis://host:port/number (rediss:// "
    "with TLS) or postgresql://host:port/database"
)


def open_kv(url: str, *, timeout_s: float = 5.0) -> KV:
    """The store at an address: `memory:`, `json:/path`, `sqlite:/path`, `redis://…`, `rediss://…`
    or `postgresql://…`. It opens at the first call, each of which waits for about `timeout_s`.

    Passwords in it are known as secrets from then on. Raises: KVError.
    """
    if timeout_s <= 0:
        raise KVError(f"timeout_s is {timeout_s!r}; give the seconds that a call may take")
    scheme, colon, rest = url.partition(":")
    match scheme + colon:
        case "memory:" if not rest:
            return MemoryKV()
        case "json:" if rest:
            return JsonFilesKV(_path(rest), timeout_s=timeout_s)
        case "sqlite:" if rest:
            return SqliteKV(_path(rest), timeout_s=timeout_s)
        case "redis:" | "rediss:":
            return RedisKV(_known(url), timeout_s=timeout_s)
        case "postgresql:" | "postgres:":
            return PostgresKV(_known(url), timeout_s=timeout_s)
    given = f" begins with {scheme}://" if rest.startswith("//") else " is none"
    raise KVError(f"the address of the store{given}; expected is {_EXPECTED}")


def _path(rest: str) -> Path:
    """With no, one or three slashes before it, as people write it."""
    return Path(rest.removeprefix("//") if rest.startswith("///") else rest)


def _known(url: str) -> Address:
    address = Address.read(url)
    redaction.know(*address.secrets)
    return address

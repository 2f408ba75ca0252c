"""A few connections to PostgreSQL: opened when needed, dropped when broken, bounded in time."""

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from reins.kv.address import Address
from reins.kv.errors import KVError, UnavailableError

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]

_MOST = 8
_IS_THERE = "SELECT to_regclass('reins_kv') IS NOT NULL"
# One maker at a time: IF NOT EXISTS does not keep two of them apart.
_MAKE = """
SELECT pg_advisory_xact_lock(746400);
CREATE SEQUENCE IF NOT EXISTS reins_kv_version;
CREATE TABLE IF NOT EXISTS reins_kv (key text COLLATE "C" PRIMARY KEY, value text NOT NULL,
    version bigint NOT NULL, seq bigint NOT NULL)
"""


class Connections:
    """At most eight, kept open. A second `close` does nothing."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address, self._timeout_s = address, timeout_s
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(_MOST)
        self._made = self._closed = False

    async def run(self, statement: str, given: Mapping[str, Any]) -> list[Any]:
        """The rows that a statement returns. Raises: KVError, UnavailableError."""
        with self._telling():
            async with self._one() as connection:
                cursor = await connection.execute(statement.encode(), given)
                return await cursor.fetchall()

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    @contextlib.asynccontextmanager
    async def _one(self) -> AsyncIterator["Connection"]:
        async with asyncio.timeout(self._timeout_s):
            await self._places.acquire()
        try:
            connection = await self._ready()
            try:
                with self._bounded(connection):
                    if not self._made:
                        await self._make(connection)
                    yield connection
            except BaseException:
                await connection.close()  # its answer may still come
                raise
            self._idle.append(connection)
        finally:
            self._places.release()
        if self._closed:
            await self.close()

    async def _ready(self) -> "Connection":
        if self._closed:
            raise KVError(f"the store {self._address.shown} was closed; open another")
        while self._idle:
            connection = self._idle.pop()
            if not _has_word(connection):
                return connection
            await connection.close()
        async with asyncio.timeout(self._timeout_s):
            return await self._connect()

    async def _connect(self) -> "Connection":
        psycopg = _driver()
        try:
            given = psycopg.conninfo.conninfo_to_dict(self._address.url)
        except psycopg.Error:  # whose message shows parts of it
            raise KVError(
                f"the address {self._address.scheme}://… is none that libpq reads; expected is "
                "postgresql://[user[:password]@]host[:port]/database[?option=value]"
            ) from None
        given = {"fallback_application_name": "reins", **given, "client_encoding": "UTF8"}
        connection: Connection = await psycopg.AsyncConnection.connect(**given, autocommit=True)
        return connection

    async def _make(self, connection: "Connection") -> None:
        """Make table and sequence where they are missing: who may not make any uses what is."""
        cursor = await connection.execute(_IS_THERE)
        if await cursor.fetchone() != (True,):
            await connection.execute(_MAKE)  # several in one: a transaction
        self._made = True

    @contextlib.contextmanager
    def _bounded(self, connection: "Connection") -> Iterator[None]:
        """Hang up after a while. To cancel instead would wait for the server's word on it."""
        timer = asyncio.get_running_loop().call_later(self._timeout_s, _hang_up, connection)
        try:
            yield
        finally:
            timer.cancel()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell the driver's errors as ours."""
        psycopg = _driver()
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError, OSError) as error:
            raise UnavailableError(
                f"{self._address.shown} cannot be reached, or did not answer within "
                f"{self._timeout_s:g} s: "
                f"{self._address.without_secrets(error) or 'no word came'}. Check that it runs "
                "and can be reached; a write may have been done"
            ) from None
        except psycopg.Error as error:
            raise KVError(
                f"{self._address.shown} refused this: {self._address.without_secrets(error)}. "
                "Check the rights of its user on table reins_kv and sequence reins_kv_version"
            ) from None


def _driver() -> Any:
    try:
        return import_module("psycopg")
    except ImportError:
        raise KVError(
            "the package psycopg is not installed: pip install 'reins[postgres]'"
        ) from None


def _has_word(connection: "Connection") -> bool:
    """True where the server has ended an idle connection: it says nothing else unasked."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _hang_up(connection: "Connection") -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)

"""The calls of a key-value store, whatever keeps its rows."""

from collections.abc import AsyncIterator
from enum import Enum
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, Protocol, Self, TypeAlias


class Absent(Enum):
    """No row: as what a writer expects, and as what was found."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
Expected: TypeAlias = int | Literal[Absent.ABSENT] | None
"""A version, ABSENT, or None: whatever there is."""


class Entry(NamedTuple):
    """A value, and the version that it has had since it was put."""

    value: Any
    version: int


class Row(NamedTuple):
    """An entry with its key."""

    key: str
    value: Any
    version: int


class KV(Protocol):
    """JSON values by key. Each call is atomic, and durable once it has returned, as the store is.

    A key's versions only grow, also where it is deleted and put again: a version that was read
    never stands for another value. Of a call that is cancelled, or raises UnavailableError, it is
    not known whether it was done: read before writing again.

    A store belongs to one event loop. It opens at the first call; `close` ends it, and a second
    `close` does nothing.

    Raises, in all calls: KVError, where key, value or store are not usable; UnavailableError,
    where the store does not answer in time.
    """

    async def get(self, key: str) -> Entry | None:
        """The value and its version; None where there is none."""
        ...

    async def put(self, key: str, value: Any, *, expect: Expected = None) -> int:
        """Put a value; returns its version. Raises: ConflictError, if `expect` does not hold."""
        ...

    async def put_newer(self, key: str, value: Any, seq: int) -> bool:
        """Put a value if none was put here with this `seq` or a higher one; True if it was put.

        `put` leaves the kept `seq` as it is, `delete` forgets it: who mirrors what can be removed
        puts a value that says so.
        """
        ...

    async def delete(self, key: str, *, expect: int | None = None) -> bool:
        """Remove a key; False if there was none. Raises: ConflictError, if `expect` does not hold,
        which it does not where there is none.
        """
        ...

    async def scan(self, prefix: str = "", *, after: str = "", limit: int = 100) -> list[Row]:
        """Rows whose keys begin with `prefix` and come after `after`, in the order of code points.

        At most `limit`, and fewer where they are large; none where there are no more.
        """
        ...

    async def close(self) -> None:
        """Give back connections, files and threads."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


async def rows(kv: KV, prefix: str = "", *, page: int = 100) -> AsyncIterator[Row]:
    """All rows under a prefix, page by page: each as it was when its page was read."""
    after = ""
    while found := await kv.scan(prefix, after=after, limit=page):
        for row in found:
            yield row
        after = found[-1].key

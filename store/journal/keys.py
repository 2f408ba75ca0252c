"""The keys of a group's rows, beside its body: who asks for one reads no row of the others.

A key is the value of the column that readers ask a table's journalled rows for. Each row has eight
bytes for it, a digest, or zeros where its maker named none: such a row may be anyone's.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from struct import pack, unpack_from
from typing import Protocol, TypeVar

SIZE = 8
END = 4
UNKNOWN = bytes(SIZE)


class Keyed(Protocol):
    """A group as a search knows it."""

    @property
    def rows(self) -> int: ...

    @property
    def keys(self) -> bytes: ...


G = TypeVar("G", bound=Keyed)


@lru_cache(maxsize=1 << 14)
def digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=SIZE).digest() if key else UNKNOWN


def packed(keys: Iterable[str]) -> bytes:
    return b"".join(map(digest, keys))


def wanted(
    groups: Sequence[G], key: str | None, *, newest: bool
) -> Iterator[tuple[G, Sequence[int]]]:
    """The groups in their order, each with the places of its rows that may have the key.

    None asks for those of every key. `newest`: only the newest row of each.
    """
    if newest:
        yield from reversed(list(_newest(groups, None if key is None else digest(key))))
    elif key is None:
        yield from ((group, range(group.rows)) for group in groups)
    else:
        for group in groups:
            if found := {*places(group, key), *unknown(group)}:
                yield group, sorted(found)


def _newest(groups: Sequence[G], own: bytes | None) -> Iterator[tuple[G, Sequence[int]]]:
    seen: set[bytes] = set()
    for group in reversed(groups):
        found = [*_at(group, UNKNOWN)]
        if own is None:
            for each, at in _last(group).items():
                if each not in seen:
                    seen.add(each)
                    found.append(at)
        elif own != UNKNOWN and not seen and (same := [*_at(group, own)]):
            seen.add(own)
            found.append(same[-1])
        if found:
            yield group, sorted(found)


def places(group: Keyed, key: str) -> list[int]:
    """Those of the rows that may have the key, but for the unknown ones; in order."""
    return [*_at(group, digest(key))] if key else []


def unknown(group: Keyed) -> list[int]:
    """The places of the rows that may have any key, in order."""
    return [*_at(group, UNKNOWN)]


def _at(group: Keyed, wanted: bytes) -> Iterator[int]:
    """The places of the rows with this digest."""
    keys = group.keys
    if not keys:
        yield from range(group.rows) if wanted == UNKNOWN else ()
        return
    at = keys.find(wanted)
    while at >= 0:
        if at % SIZE == 0:
            yield at // SIZE
            at += SIZE - 1
        at = keys.find(wanted, at + 1)


def _last(group: Keyed) -> dict[bytes, int]:
    """The place of the newest row of each digest."""
    keys = group.keys
    found = {keys[at : at + SIZE]: at // SIZE for at in range(0, len(keys), SIZE)}
    found.pop(UNKNOWN, None)
    return found


def ends(lines: Iterable[bytes]) -> bytes:
    """Where each row ends in the body that they make."""
    at = [*accumulate(len(line) + 1 for line in lines)]
    return pack(f"<{len(at)}I", *at)


def span(ends: bytes, place: int) -> tuple[int, int]:
    """Where the row at a place begins, and how long it is."""
    at = (place - 1) * END
    begins, end = unpack_from("<2I", ends, at) if place else (0, *unpack_from("<I", ends))
    return begins, end - begins - 1

"""The rows by which a memory is put, forgotten and restored, checked against what there is."""

from dataclasses import dataclass
from typing import Any

from reins.mind.errors import MindError
from reins.mind.lineage import NOWHERE, Lineage
from reins.mind.memories import Memories, MemoryRow, Scope, Version, conflict
from reins.plans.json_value import as_json
from reins.plans.naming import unknown


@dataclass(frozen=True, slots=True)
class Stamp:
    """The id of a row, its moment, whose word it is, and on what it rests.

    **Units**: `at` is microseconds since 1970. A row that is made again after a restart has the
    same id, and counts once.
    """

    id: str
    at: int
    source: str = ""
    lineage: Lineage = NOWHERE


def put(
    memories: Memories,
    key: str,
    value: Any,
    stamp: Stamp,
    *,
    scope: Scope = "session",
    expires_at: int | None = None,
    expect: int | None = None,
) -> MemoryRow:
    """The row that gives a key a value. `expect`: the version that it must follow, 0 for a new key.

    Raises: VersionConflictError where it is another; MindError for what is no memory.
    """
    return MemoryRow(
        id=stamp.id, kind="put", key=key, version=_next(memories, key, scope, expect),
        at=stamp.at, scope=scope, value=as_json(value, f"memory {key!r}"), source=stamp.source,
        expires_at=expires_at, lineage=stamp.lineage,
    )  # fmt: skip


def forget(
    memories: Memories,
    key: str,
    stamp: Stamp,
    *,
    scope: Scope = "session",
    expect: int | None = None,
) -> MemoryRow:
    """The row after which a key is not recalled, until it is put or restored.

    Raises: VersionConflictError as `put`; MindError where there is nothing to forget.
    """
    version = _next(memories, key, scope, expect)
    if _versions(memories, key, scope)[-1].forgotten:
        raise MindError(f"memory {key!r} ({scope}) is forgotten already; nothing to do")
    return MemoryRow(
        id=stamp.id, kind="forget", key=key, version=version, at=stamp.at, scope=scope,
        source=stamp.source, lineage=stamp.lineage,
    )  # fmt: skip


def restore(
    memories: Memories,
    key: str,
    stamp: Stamp,
    *,
    version: int | MemoryRow | None = None,
    scope: Scope = "session",
    expires_at: int | None = None,
    expect: int | None = None,
) -> MemoryRow:
    """The row that brings a version of a key back as its newest: one that the state keeps, by its
    number, any other by its row; without one the newest with a value before this.

    When the old one expired does not count: say `expires_at` anew. Raises: VersionConflictError as
    `put`; MindError for a version that is not kept or has no value.
    """
    following = _next(memories, key, scope, expect)
    number, value = (
        _of_row(version, key, scope)
        if isinstance(version, MemoryRow)
        else _of_kept(_versions(memories, key, scope), key, version)
    )
    return MemoryRow(
        id=stamp.id, kind="restore", key=key, version=following, at=stamp.at, scope=scope,
        value=value, source=stamp.source, expires_at=expires_at, restores=number,
        lineage=stamp.lineage,
    )  # fmt: skip


def _of_row(row: MemoryRow, key: str, scope: Scope) -> tuple[int, Any]:
    if (row.key, row.scope) != (key, scope) or row.kind == "forget":
        raise MindError(
            f"row {row.id!r} is a {row.kind} of {row.key!r} ({row.scope}); expected a version of "
            f"{key!r} ({scope}) with a value"
        )
    return row.version, row.value


def _of_kept(versions: tuple[Version, ...], key: str, number: int | None) -> tuple[int, Any]:
    held = {each.number: each.value for each in versions if each.is_here}
    wanted = number or max((each for each in held if each < versions[-1].number), default=0)
    if wanted not in held:
        raise MindError(
            f"memory {key!r} has no version {number or 'before its newest'} to restore here; "
            f"with a value there are {', '.join(map(str, held)) or 'none'}. "
            f"Give the row of another, from the table"
        )
    return wanted, held[wanted]


def _versions(memories: Memories, key: str, scope: Scope) -> tuple[Version, ...]:
    kept = memories.kept(scope)
    if key not in kept:
        raise MindError(f"{unknown('memory', key, kept)} ({scope})")
    return kept[key]


def _next(memories: Memories, key: str, scope: Scope, expect: int | None) -> int:
    version = memories.version(key, scope)
    if expect is not None and expect != version:
        raise conflict(key, scope, version, expect)
    return version + 1

"""Memories: values by key that are put, forgotten and restored, each time as another version."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, get_args

from pydantic import ConfigDict

from reins.mind.errors import MindError, TooLargeError, VersionConflictError
from reins.mind.lineage import NOWHERE, Lineage
from reins.mind.reading import check_size, check_text, check_time, dump, read, size_bytes

Scope: TypeAlias = Literal["session", "agent", "shared"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Nearest first: a session's memory goes before its agent's, and that before what all share."""
Kind: TypeAlias = Literal["put", "forget", "restore"]
MAX_KEY_CHARS = 200
MAX_VALUE_BYTES = 64 * 1024
KEPT_BYTES = 4 * 1024
"""A longer value is in its row alone: a state knows of it, and does not have it."""
MOST_KEYS = 1_000
ROOM_BYTES = {"agent": 64 * 1024, "shared": 256 * 1024}
"""For the newest values of a scope beyond one session; of long ones their rows alone have them."""
VERSIONS = 3
"""Versions of a key that a state keeps, the newest included; rows have them all."""
MAX_FRESH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRow:
    """Another version of one key, put, forgotten or restored; it is never changed.

    A restore has the value that it brings back, and says in `restores` of which version, so that
    the newest row says all. **Units**: `at` and `expires_at` in microseconds since 1970; from
    `expires_at` on it is not recalled. Raises: MindError.
    """

    id: str
    kind: Kind
    key: str
    version: int
    at: int
    scope: Scope = "session"
    value: Any = None
    source: str = ""
    expires_at: int | None = None
    restores: int | None = None
    lineage: Lineage = NOWHERE

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        check_text(self.id, "the id of the memory", MAX_KEY_CHARS * 2)
        check_text(self.key, "the key of the memory", MAX_KEY_CHARS)
        check_text(self.source, f"the source of memory {self.key!r}", MAX_KEY_CHARS, empty=True)
        if self.kind not in get_args(Kind) or self.scope not in SCOPES:
            raise MindError(
                f"memory {self.key!r} is {self.kind!r} in the scope {self.scope!r}; expected "
                f"{', '.join(get_args(Kind))} in {', '.join(SCOPES)}"
            )
        check_time(self.at, f"the time of memory {self.key!r}")
        if self.version < 1 or (self.kind == "restore") != (self.restores is not None):
            raise MindError(
                f"memory {self.key!r} has version {self.version} and restores {self.restores}; "
                f"expected 1 or more, and a version to restore in a restore alone"
            )
        check_size(
            self.value, f"memory {self.key!r}", MAX_VALUE_BYTES,
            "keep what is larger in a file, and remember where",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key, as a state keeps it; `elsewhere`: its value is in its row alone."""

    number: int
    at: int
    value: Any = None
    forgotten: bool = False
    elsewhere: bool = False
    source: str = ""
    expires_at: int | None = None

    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def is_here(self) -> bool:
        """True where it has a value, and a state has it."""
        return not (self.forgotten or self.elsewhere)

    def is_held(self, at: int) -> bool:
        """True where it is recalled at this moment: neither forgotten nor expired."""
        return not self.forgotten and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory as it is recalled; `elsewhere`: it is long, and its value is in its row alone."""

    key: str
    scope: Scope
    version: int
    value: Any
    elsewhere: bool
    source: str
    at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Memories:
    """The newest versions of each key by scope, as rows have left them. `fresh` are rows that are
    taken in and not on disk yet, for whoever writes them. A value: each change makes another.
    """

    session: dict[str, tuple[Version, ...]] = field(default_factory=dict)
    agent: dict[str, tuple[Version, ...]] = field(default_factory=dict)
    shared: dict[str, tuple[Version, ...]] = field(default_factory=dict)
    fresh: tuple[MemoryRow, ...] = ()

    __pydantic_config__ = ConfigDict(extra="forbid")

    def kept(self, scope: Scope) -> dict[str, tuple[Version, ...]]:
        """The versions by key in a scope, oldest first, forgotten and expired ones included."""
        if scope not in SCOPES:
            raise MindError(f"the scope is {scope!r}; expected {', '.join(SCOPES)}")
        found: dict[str, tuple[Version, ...]] = getattr(self, scope)
        return found

    def version(self, key: str, scope: Scope = "session") -> int:
        """The number of the key's newest version; 0 for one that was never put."""
        versions = self.kept(scope).get(key)
        return versions[-1].number if versions else 0

    def recall(self, key: str, at: int, scope: Scope | None = None) -> Memory | None:
        """The memory at this moment, of the nearest scope that has one; None where none has."""
        for each in SCOPES if scope is None else (scope,):
            versions = self.kept(each).get(key)
            if versions and versions[-1].is_held(at):
                newest = versions[-1]
                return Memory(
                    key, each, newest.number, newest.value, newest.elsewhere, newest.source,
                    newest.at, newest.expires_at,
                )  # fmt: skip
        return None

    def recall_all(self, prefix: str, at: int, scope: Scope | None = None) -> dict[str, Memory]:
        """The memories whose keys begin so, by key."""
        scopes = SCOPES if scope is None else (scope,)
        keys = sorted({key for each in scopes for key in self.kept(each) if key.startswith(prefix)})
        found = ((key, self.recall(key, at, scope)) for key in keys)
        return {key: memory for key, memory in found if memory is not None}

    def followed_by(self, *rows: MemoryRow, fresh: bool = False) -> "Memories":
        """The same after these rows; with `fresh` they are still to be written.

        Folding all rows at once comes to the same. Raises: VersionConflictError for a version that
        there is already.
        """
        found = {scope: dict(self.kept(scope)) for scope in SCOPES}
        for row in rows:
            before = found[row.scope].get(row.key, ())
            if before and row.version <= before[-1].number:
                raise conflict(row.key, row.scope, before[-1].number, row.version - 1)
            found[row.scope][row.key] = (*before, _version(row))[-VERSIONS:]
        kept = (*self.fresh, *rows) if fresh else self.fresh
        if len(kept) > MAX_FRESH:
            raise TooLargeError(
                f"{len(kept)} rows are not written yet, of at most {MAX_FRESH}; "
                f"commit them (`committed`) before there are more"
            )
        return Memories(**found, fresh=kept)

    def check_room(self, scope: Scope) -> None:
        """Raises: TooLargeError for more than a scope beyond one session holds."""
        kept, most_bytes = self.kept(scope), ROOM_BYTES[scope]
        size = sum(
            size_bytes(each[-1].value, f"memory {key!r}")
            for key, each in kept.items()
            if each[-1].is_here
        )
        if len(kept) > MOST_KEYS or size > most_bytes:
            raise TooLargeError(
                f"memories of the scope {scope} would be {len(kept)} keys with {size:,} bytes, of "
                f"{MOST_KEYS:,} with {most_bytes:,} at the most; forget some, use keys again, or "
                "keep what is long in a file"
            )

    def without_older(self) -> "Memories":
        """The same with the newest version of each key alone: the others stay in their rows."""
        newest = {
            scope: {key: versions[-1:] for key, versions in self.kept(scope).items()}
            for scope in SCOPES
        }
        return Memories(**newest, fresh=self.fresh)

    def committed(self) -> "Memories":
        """The same, when what was fresh is on disk."""
        return replace(self, fresh=())

    def as_json(self) -> dict[str, Any]:
        """The same as a snapshot holds it."""
        return dump(self)

    @classmethod
    def from_json(cls, given: Any) -> "Memories":
        """The memories of which `as_json` made this. Raises: MindError."""
        return read(cls, given, "memory")


def fold_memories(rows: Iterable[MemoryRow]) -> Memories:
    """The memories that rows come to, in whatever order they are given.

    A row that is there twice counts once. Raises: VersionConflictError for two of one version.
    """
    known: dict[str, MemoryRow] = {}
    for row in rows:
        if known.setdefault(row.id, row) != row:
            raise MindError(f"two different memories have the id {row.id!r}; each needs its own")
    return Memories().followed_by(*sorted(known.values(), key=lambda row: row.version))


def conflict(key: str, scope: Scope, version: int, expected: int) -> VersionConflictError:
    return VersionConflictError(
        f"memory {key!r} ({scope}) is at version {version}, expected {expected}; "
        f"recall it, and decide again"
    )


def _version(row: MemoryRow) -> Version:
    is_long = size_bytes(row.value, f"memory {row.key!r}") > KEPT_BYTES
    return Version(
        row.version, row.at, None if is_long else row.value, row.kind == "forget", is_long,
        row.source, row.expires_at,
    )  # fmt: skip

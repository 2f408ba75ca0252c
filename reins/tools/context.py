"""The surroundings of a call: who makes it, in which workspace, within which budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from reins.tools.asking import Answered
from reins.tools.budget import Budget
from reins.tools.sandbox.confinement import Confinement
from reins.tools.threads import in_thread


class Approve(Protocol):
    """Decides on a call before it is made."""

    async def __call__(
        self, tool: str, arguments: Mapping[str, Any], risk: str, reasons: list[str]
    ) -> str | None:
        """None where the call may go; else the reason why not."""
        ...


class Answer(Protocol):
    """The answer of a model."""

    @property
    def text(self) -> str: ...


class Answers(Protocol):
    """A model that answers prompts, as `reins.llm.Model` does."""

    async def call(self, function: str, /, **arguments: object) -> Answer: ...

    async def stream(self, function: str, /, **arguments: object) -> Answer: ...


Scope: TypeAlias = Literal["session", "agent", "shared"]


@dataclass(frozen=True, slots=True)
class FoundMemory:
    """A memory that was looked for; `score` is from 0 to 1, `by` words, meaning or both."""

    key: str
    scope: Scope
    text: str
    score: float
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The memories that were found, best first; `note` is why they were not searched by meaning."""

    memories: tuple[FoundMemory, ...] = ()
    note: str | None = None


class Mind(Protocol):
    """The memories of a session, its agent and all, by key; without a scope those of the nearest
    that has the key. A change counts once the call's result is on record.

    Raises: ToolError where it cannot be.
    """

    def remember(self, key: str, text: str, scope: Scope) -> None: ...

    def recall_all(self, scope: Scope | None = None) -> Mapping[str, str]: ...

    async def find(self, about: str, scope: Scope | None, limit: int) -> Found:
        """Those about something, by words and by meaning; of a scope, or of all."""
        ...

    def forget(self, key: str, scope: Scope) -> None: ...

    def restore(self, key: str, version: int | None, scope: Scope) -> str: ...

    def done_before(self, kept: Mapping[str, Any], told: Mapping[str, Any] | None) -> None:
        """The call is done again from its record: the mind after it, and the words of its row."""
        ...


class Boards(Protocol):
    """Values by key that agents and people share, each with its version. A change is on record
    when it returns, whatever becomes of the call. Raises: ToolError where it cannot be.
    """

    async def get(self, board: str, key: str) -> tuple[Any, int] | None: ...

    async def keys(self, board: str) -> Mapping[str, int]: ...

    async def put(self, board: str, key: str, value: Any, expect: int | None) -> int: ...

    async def delete(self, board: str, key: str, expect: int | None) -> int: ...


class Facts(Protocol):
    """The facts of a session, its agent and all, seen together. A change counts once the call's
    result is on record. Raises: ToolError where it cannot be.
    """

    async def remember(
        self,
        subject: str,
        relation: str,
        object: str,  # noqa: A002 - the third part of a fact has no other name
        **more: Any,
    ) -> dict[str, Any]: ...

    async def end(self, fact_id: str, at: str | None, text: str) -> None: ...

    async def retract(self, fact_id: str | None, source: str | None, text: str) -> int: ...

    async def about(self, name: str, **more: Any) -> dict[str, Any]: ...

    async def neighbours(self, name: str, relation: str | None, **more: Any) -> list[Any]: ...

    async def paths(self, start: str, goal: str, steps: int) -> dict[str, Any] | None: ...

    async def why(self, fact_id: str) -> dict[str, Any]: ...

    def done_before(self, told: Mapping[str, Any] | None) -> None:
        """The call is done again from its record: the words of its row."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document: its place, `ID:VERSION:FROM-TO`, its title, its text; `to_char` is the
    character behind it, of `chars` in all.
    """

    place: str
    title: str
    text: str
    to_char: int
    chars: int


class Documents(Protocol):
    """All that people and agents have added to be read and cited. Raises: ToolError."""

    async def search(self, query: str, document_id: str | None, most: int) -> list[Passage]: ...

    async def read(
        self, document_id: str, version: int | None, from_char: int, to_char: int | None
    ) -> Passage: ...

    async def cite(self, document_id: str, version: int | None, quote: str) -> str:
        """The place of words that stand in it."""
        ...

    async def add(self, source: str, text: str | None, title: str | None) -> Passage:
        """Store a version, on record when it returns; a passage without text."""
        ...


class Search(Protocol):
    """Searches what all sessions have said and done. Raises: ToolError for what is no query."""

    async def search(
        self, query: str, like: str | None, *, around: int, limit: int
    ) -> Mapping[str, Any]:
        """The answer of `GET /api/search`: `groups` of `hits`, and how many rows are `behind`."""
        ...


class Tables(Protocol):
    """Reads the tables of all sessions. Raises: ToolError for what has no result."""

    async def select(self, statement: str, most: int) -> str:
        """The result of one SELECT as CSV, at most so many rows; it says if there are more."""
        ...


NO_WORKSPACE = (
    "there is no workspace here: a session has one in its config, a call from a shell with "
    "--workspace, one from a script in its context"
)


@dataclass(slots=True)
class Context:
    """Given to tools that ask for it; everything in it may be missing in a plain script.

    `key` is the idempotency key of the call: the same when it is done again after a crash.
    `results` is the folder in which results are kept whole that are too long for a model. `begun`:
    the newest call has come to the tool itself, which may have acted since. `answered`: the call
    had asked a person, and goes on with the answer.
    """

    session_id: str = ""
    agent_id: str = ""
    seq: int = 0
    workspace: Path | None = None
    results: Path | None = None
    confinement: Confinement | None = None
    budget: Budget = field(default_factory=Budget)
    approve: Approve | None = None
    key: str = ""
    begun: bool = False
    memory: dict[str, Any] = field(default_factory=dict)
    model: Answers | None = None
    answered: Answered | None = None
    mind: Mind | None = None
    boards: Boards | None = None
    facts: Facts | None = None
    documents: Documents | None = None
    search: Search | None = None
    tables: Tables | None = None

    async def in_thread(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        """Call what blocks in a thread; it sees this task's context variables."""
        return await in_thread(partial(function, *given, **named))

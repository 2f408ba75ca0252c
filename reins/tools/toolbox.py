"""The tools of a worker as its agents use them: chosen by name, looked at before, and called."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

import orjson

from reins.tools.beneath import where
from reins.tools.calling import Calls, words_of
from reins.tools.context import Context
from reins.tools.outcome import Outcome, ToolError, as_text
from reins.tools.sandbox.confinement import Confinement
from reins.tools.tool import Tool, digest_of

_ROW_BYTES = 64 * 1024
"""Of a result, in a row of the log; the model is shown less, the whole is in a file."""
_LOOK_S = 10.0
"""Seconds that a tool may take to look at a call, or to make it ready to be shown."""
_TOUCHES_CHARS = 256
_REASON_CHARS = 500

_NAMES: tuple[Literal["low", "medium", "high"], ...] = ("low", "medium", "high")


class Tools(Protocol):
    """All tools that there are."""

    @property
    def tools(self) -> Mapping[str, Tool]: ...

    def select(self, names: Iterable[str]) -> dict[str, Tool]:
        """Those of these names, sets and patterns. Raises: ValueError, LookupError, ToolError."""
        ...


@dataclass(frozen=True, slots=True)
class Looked:
    """A call before it is made: its risk with the reasons, and a digest of what it would change.

    `leads_to` is where its path leads, over links, if that is another than it names.
    """

    risk: Literal["low", "medium", "high"]
    reasons: list[str]
    touches: str
    leads_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acted:
    """A call that was made, as a row of the log has it; `text` is the result, bounded."""

    ok: bool
    text: str
    kind: str | None = None
    error: str | None = None
    took_s: float = 0.0
    attempts: int = 1
    size_bytes: int = 0
    file: str | None = None
    exit: int | None = None
    confinement: str | None = None
    note: str | None = None
    asks: dict[str, Any] | None = None
    """The question to a person, and what the tool needs to go on with the answer."""

    @classmethod
    def of(cls, outcome: Outcome) -> "Acted":
        """An outcome, bounded."""
        text, value = outcome.text(), outcome.value
        return cls(
            ok=outcome.ok,
            text=outcome.for_model(_ROW_BYTES),
            kind=outcome.kind,
            error=outcome.error[:2_000] or None,
            took_s=round(outcome.took_s, 6),
            attempts=outcome.attempts,
            size_bytes=outcome.size_bytes or len(text.encode("utf-8", "replace")),
            file=outcome.file,
            # Of a command, whose report is a text that bears the facts.
            exit=getattr(getattr(value, "ran", None), "code", None),
            confinement=getattr(value, "confinement", None),
            asks=None if outcome.asks is None else asdict(outcome.asks),
        )

    @classmethod
    def not_made(cls, kind: str, why: str) -> "Acted":
        """A call that gave nothing, for a reason that its tool does not know."""
        return cls(ok=False, text=f"{kind}: {why}", kind=kind, error=why)

    @classmethod
    def never_made(cls, kind: str, why: str) -> "Acted":
        """The same, where it has not come to the tool, nor has any try before."""
        return replace(cls.not_made(kind, why), attempts=0)

    def with_note(self, note: str) -> "Acted":
        """The same, with a word on how it went."""
        return replace(self, note=note)

    def as_payload(self) -> dict[str, Any]:
        """Its fields; those that say nothing are left out."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in given.items() if value is not None}


class Folders(Protocol):
    """The folders of sessions: where they work, and where results are kept whole."""

    def open_for(self, session_id: str, asked: str | None) -> Path:
        """The workspace of a session, which may ask for one. Raises: ToolError."""
        ...

    def results_of(self, session_id: str) -> Path:
        """The folder of its long results."""
        ...


@dataclass
class Toolbox:
    """Tools, folders and the confinement of commands. A reload puts others in their place."""

    tools: Tools
    folders: Folders | None = None
    confine: Callable[[], Awaitable[Confinement]] | None = None
    calls: Calls = field(default_factory=Calls)

    def take(self, tools: Tools, folders: Folders) -> None:
        """Use these from now on; calls in flight end with what they began with."""
        self.tools, self.folders = tools, folders

    def select(self, names: Iterable[str]) -> dict[str, Tool]:
        """The tools of these names, sets and patterns. Raises: as `Tools.select`."""
        return self.tools.select(names)

    async def context(self, session_id: str, agent_id: str, workspace: str | None) -> Context:
        """The surroundings of a session's calls. Raises: ToolError."""
        made = Context(session_id=session_id, agent_id=agent_id)
        if self.folders is not None:
            try:
                made.workspace = await made.in_thread(self.folders.open_for, session_id, workspace)
            except OSError as error:
                raise ToolError(f"the workspace cannot be opened: {words_of(error)}") from error
            made.results = self.folders.results_of(session_id)
        if self.confine is not None:
            made.confinement = await self.confine()
        return made

    async def look(self, tool: Tool, arguments: Mapping[str, Any], context: Context) -> Looked:
        """Look at a call with these arguments, which fit. Raises: ToolError."""
        looked: Looked = await _asked("looking at the call", _look, tool, arguments, context)
        return looked

    async def finds_it_so(
        self, tool: Tool, arguments: Mapping[str, Any], context: Context, touches: str
    ) -> bool:
        """True where what the call would change is as `touches` has it, or as the call leaves it.

        Raises: ToolError.
        """
        doing = "looking at what it would change"
        left, found = await _asked(doing, _left_and_found, tool, arguments, context)
        return found in (touches, left)

    async def preview(
        self, tool: Tool, arguments: Mapping[str, Any], context: Context
    ) -> dict[str, Any]:
        """Make ready what a person needs to see of the call. Raises: ToolError."""
        doing = "making the call ready to be shown"
        shown: dict[str, Any] = await _asked(doing, _shown, tool, arguments, context)
        return shown

    async def act(self, tool: Tool, arguments: Mapping[str, Any], context: Context) -> Acted:
        """Make the call. Raises: asyncio.CancelledError alone."""
        outcome = await self.calls.call(tool, arguments, context)
        return Acted.of(outcome)


async def _asked(
    doing: str,
    function: Callable[[Tool, Mapping[str, Any], Context], Any],
    tool: Tool,
    arguments: Mapping[str, Any],
    context: Context,
) -> Any:
    """The answer of the tool's own code, from a thread. Whatever that raises is a ToolError."""
    try:
        async with asyncio.timeout(_LOOK_S) as limit:
            return await context.in_thread(function, tool, arguments, context)
    except ToolError as error:
        raise ToolError(words_of(error)) from error
    except Exception as error:
        why = f"took longer than {_LOOK_S:g} s" if limit.expired() else f"gave {words_of(error)}"
        raise ToolError(f"{tool.name}: {doing} {why}; it was not made") from error


def _look(tool: Tool, arguments: Mapping[str, Any], context: Context) -> Looked:
    risk, reasons = tool.policy.risk_of(arguments, context)
    told = [as_text(each)[:_REASON_CHARS] for each in reasons]
    leads_to = _leads_to(arguments, context)
    touches = _digest(tool.touches(arguments, context), leads_to)
    return Looked(_NAMES[risk], told, touches, leads_to)


def _left_and_found(
    tool: Tool, arguments: Mapping[str, Any], context: Context
) -> tuple[str | None, str]:
    left, leads_to = tool.leaves(arguments, context), _leads_to(arguments, context)
    found = _digest(tool.touches(arguments, context), leads_to)
    return None if left is None else _digest(left, leads_to), found


def _digest(touches: object, leads_to: tuple[str, ...]) -> str:
    """A digest as a snapshot keeps it, whatever the tool takes for one; and where a path leads."""
    said = " ".join([as_text(touches), *leads_to])
    return said if len(said) <= _TOUCHES_CHARS else digest_of(said)


def _shown(tool: Tool, arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """As JSON has it. Raises: what is no mapping, or what no text can hold."""
    plain = dict(tool.preview(arguments, context))
    shown: dict[str, Any] = orjson.loads(
        orjson.dumps(plain, default=repr, option=orjson.OPT_NON_STR_KEYS)
    )
    return shown


def _leads_to(arguments: Mapping[str, Any], context: Context) -> tuple[str, ...]:
    path = arguments.get("path")
    if context.workspace is None or not isinstance(path, str):
        return ()
    try:
        real = where(context.workspace, path)
    except (OSError, ValueError):
        return ()  # it is refused when it is opened
    return () if real == str(PurePosixPath(path)) else (real,)

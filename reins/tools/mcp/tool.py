"""A tool of an MCP server as one of ours: named, checked, under a policy that hints only raise."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from pydantic import BaseModel, RootModel

from reins.tools.asking import Answered, Asks
from reins.tools.context import Context
from reins.tools.mcp.config import ServerEntry
from reins.tools.mcp.pins import Spec
from reins.tools.mcp.schemas import Checker, harmless
from reins.tools.outcome import ArgumentsError, AsksPersonError, ToolError
from reins.tools.policy import Policy, Risk
from reins.tools.tool import Tool

NAME_CHARS = 64
_UNFIT = re.compile(r"[^A-Za-z0-9_]")
_DESCRIPTION_CHARS = 4_000


class McpArguments(RootModel[dict[str, Any]]):
    """The arguments as they are given; the schema is the server's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a server: a text, or a question to a person. `failed`: it says no.

    `notes` are questions to a person that could not wait, and were declined.
    """

    text: str = ""
    failed: bool = False
    asks: Asks | None = None
    notes: list[str] = field(default_factory=list)


class Caller(Protocol):
    """A server, as far as its tools need it."""

    async def call(
        self, tool: str, arguments: Mapping[str, Any], answered: Answered | None
    ) -> Answer:
        """Raises: ToolError."""
        ...


def name_of(server: str, tool: str) -> str:
    """The name under which agents have it: `server__tool`, in letters, digits and underscores."""
    name = f"{_UNFIT.sub('_', server)}__{_UNFIT.sub('_', tool)}"
    if len(name) <= NAME_CHARS:
        return name
    return f"{name[: NAME_CHARS - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class McpTool(Tool):
    """One tool of a server. Its results are material from outside, as all that it says is."""

    input = McpArguments

    def __init__(self, server: str, entry: ServerEntry, spec: Spec, caller: Caller) -> None:
        """Raises: SchemaError."""
        self.tool = str(spec["name"])
        self.name = name_of(server, self.tool)
        self.group = f"mcp_{_UNFIT.sub('_', server)}"
        said = str(spec.get("description") or spec.get("title") or "").strip()
        self.description = said[:_DESCRIPTION_CHARS] or f"{self.tool} of MCP server {server}"
        self.policy = _policy(server, entry, self.tool, spec.get("annotations") or {})
        self.whole_spec = dict(spec)
        self._harmless = harmless(spec.get("inputSchema"))
        self._checker = Checker(self._harmless)
        self._caller = caller

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return self._harmless

    def spec(self) -> dict[str, Any]:
        """As agents and people are told of it; `x-mcp` binds an approval to all that it said."""
        made = super().spec()
        made["function"]["x-mcp"] = self.whole_spec
        return made

    def check(self, arguments: Mapping[str, Any]) -> BaseModel:
        taken = super().check(arguments)
        if faults := self._checker.faults(arguments):
            raise ArgumentsError(f"{faults}. {self.name} takes: {self.signature() or 'nothing'}")
        return taken

    async def run(self, given: BaseModel, context: Context) -> str:
        """Raises: ToolError; AsksPersonError where the server asks a person first."""
        answer = await self._caller.call(self.tool, given.model_dump(), context.answered)
        text = "\n".join([answer.text, *map(_declined, answer.notes)])
        if answer.asks is not None:
            raise AsksPersonError(answer.asks)
        if answer.failed:
            raise ToolError(text)
        return text


def _declined(question: str) -> str:
    return (
        f"[the server asked a person in the middle of the call, which cannot wait; it was "
        f"declined: {question}]"
    )


def _policy(server: str, entry: ServerEntry, tool: str, hints: Mapping[str, Any]) -> Policy:
    """By what the person says who configured it. The server's hints may raise a risk."""
    said = entry.entry(tool)
    risk, why = Risk.named(said.risk), f"a tool of MCP server {server}"
    if hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True:
        risk, why = Risk.high, f"{why}, which says that it can destroy"
    elif hints.get("readOnlyHint") is False:
        risk, why = max(risk, Risk.medium), f"{why}, which says that it changes things"
    return Policy(
        risk=risk,
        why=why,
        timeout_s=entry.call_s,
        idempotent=said.idempotent,
        outward=said.outward or hints.get("openWorldHint") is True,
        brings_in=True,
    )

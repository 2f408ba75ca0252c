"""A tool as an assistant sees it: its name, its arguments, and hints that are true."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent_core.actions.ids import MAX_ID_CHARS
from reins.mcp_server.desk import Desk, Rest
from reins.mcp_server.errors import RefusedError

Name = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]
SHARED = ("wait_s", "idempotency_key")
_SHOWN = 5


class Arguments(BaseModel):
    """The arguments of a tool: these and no others."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool: on which desk, with which arguments, and how to wait."""

    desk: Desk
    arguments: Any
    given: Mapping[str, Any]
    rest: Rest


@dataclass(frozen=True, slots=True)
class ServedTool:
    """A tool that this server offers; `run` may raise RefusedError, ActionError and StoreError.

    `reads`: it changes nothing. `destroys`: what it does cannot be taken back. `repeats`: a second
    call with the same arguments changes nothing more. `reaches_out`: agents act outside for it.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Call], dict[str, Any]] = field(repr=False)
    reads: bool = False
    destroys: bool = False
    repeats: bool = False
    reaches_out: bool = False

    def spec(self) -> dict[str, Any]:
        """The tool as `tools/list` shows it."""
        schema = _untitled(self.arguments.model_json_schema())
        schema.pop("description", None)
        hints = {"readOnlyHint": self.reads, "openWorldHint": self.reaches_out}
        if not self.reads:
            hints |= {"destructiveHint": self.destroys, "idempotentHint": self.repeats}
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": {"$schema": _DIALECT, **schema},
            "annotations": {"title": self.title, **hints},
        }

    def call(self, desk: Desk, given: Mapping[str, Any], rest: Rest) -> dict[str, Any]:
        """The result of one call. Raises: RefusedError, ActionError, StoreError."""
        # Models write null where they mean nothing.
        given = {name: value for name, value in given.items() if value is not None}
        try:
            arguments = self.arguments.model_validate(given)
        except ValidationError as error:
            raise RefusedError(self._misfit(error)) from None
        return self.run(Call(desk, arguments, {"tool": self.name, **given}, rest))

    def _misfit(self, error: ValidationError) -> str:
        found = error.errors(include_url=False, include_context=False)[:_SHOWN]
        flaws = [
            f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in found
        ]
        needed, others = self.names()
        takes = ", ".join([*needed, *(f"{name} (optional)" for name in others)]) or "none"
        return f"{self.name} was called with other arguments: {'; '.join(flaws)}. It takes {takes}."

    def names(self) -> tuple[list[str], list[str]]:
        """The arguments that it needs, and the others; those that all tools share come last."""
        fields = sorted(self.arguments.model_fields.items(), key=lambda each: each[0] in SHARED)
        return (
            [name for name, part in fields if part.is_required()],
            [name for name, part in fields if not part.is_required()],
        )


_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without the titles that Pydantic makes of names, what is its own first."""
    parts = sorted(schema.get("properties", {}).items(), key=lambda each: each[0] in SHARED)
    properties = {
        name: {key: value for key, value in part.items() if key != "title"} for name, part in parts
    }
    kept = {key: value for key, value in schema.items() if key != "title"}
    return {**kept, "properties": properties} if properties else kept

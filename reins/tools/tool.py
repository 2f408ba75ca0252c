"""A tool: a function with a name, a checked input, a description and a policy."""

import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from reins.tools.context import Context
from reins.tools.outcome import ToolError
from reins.tools.policy import Policy, Risk

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SHOWN = 3
"""Errors of one call that are told."""


class ArgumentsError(ToolError):
    """The arguments do not fit the tool's input: what came and what was expected, by field."""


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A tool as it was declared; calling it checks the input and keeps the policy."""

    name: str
    description: str
    input: type[BaseModel]
    policy: Policy
    function: Callable[..., Any]
    wants_context: bool = False
    wants_input: bool = False
    module: str = field(default="")

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    @property
    def cancellable(self) -> bool:
        """False where a call goes on to its end: a thread cannot be stopped."""
        return self.policy.cancellable and self.is_async

    def spec(self) -> dict[str, Any]:
        """The JSON of function calling, as OpenAI's API has it."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": self.input.model_json_schema(),
            },
        }

    def check(self, arguments: Mapping[str, Any]) -> BaseModel:
        """The input made of these arguments. Raises: ArgumentsError."""
        try:
            return self.input.model_validate(dict(arguments))
        except ValidationError as error:
            raise ArgumentsError(self._told(error)) from None
        except RecursionError:
            raise ArgumentsError(f"{self.name}: the arguments are nested too deeply") from None

    def _told(self, error: ValidationError) -> str:
        found = error.errors(include_url=False, include_context=False)
        told = [
            f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
            + ("" if each["type"] == "missing" else f", given {each['input']!r:.80}")
            for each in found[:_SHOWN]
        ]
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return f"{self.name}: {'; '.join(told)}{more}. It takes: {self.signature()}"

    def signature(self) -> str:
        """The input in a line, as a model reads it."""
        schema = self.input.model_json_schema()
        needed = schema.get("required", [])
        return ", ".join(
            f"{name}{'' if name in needed else '?'}: {_kind(each)}"
            for name, each in schema.get("properties", {}).items()
        )

    async def run(self, given: BaseModel, context: Context) -> Any:
        """The function itself, once, without the policy; a function that blocks, in a thread."""
        arguments: dict[str, Any] = {}
        if self.wants_input:
            arguments["given"] = given
        else:
            arguments = {name: getattr(given, name) for name in type(given).model_fields}
        if self.wants_context:
            arguments["context"] = context
        if self.is_async:
            return await cast("Awaitable[Any]", self.function(**arguments))
        return await context.in_thread(self.function, **arguments)


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(repr, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_kind(each) for each in schema["anyOf"] if each.get("type") != "null")
    kind = str(schema.get("type", schema.get("$ref", "any").rsplit("/", 1)[-1]))
    return f"[{_kind(schema['items'])}]" if kind == "array" and "items" in schema else kind


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    risk: str | Risk = Risk.medium,
    **policy: Any,
) -> Any:
    """Declare a function as a tool, with or without arguments: `@tool` or `@tool(risk="low")`.

    The input is checked against the function's annotations, the description is its docstring. A
    parameter `context` gets the call's context. Without a risk named it is medium, so that it asks.

    Raises: ValueError, TypeError where the declaration says too little.
    """

    def declared(function: Callable[..., Any]) -> Tool:
        called = name or function.__name__
        if not _NAME.fullmatch(called):
            raise ValueError(f"a tool cannot be named {called!r}; expected {_NAME.pattern}")
        said = inspect.cleandoc(description or function.__doc__ or "")
        if not said:
            raise ValueError(f"tool {called} says nothing of itself; give it a docstring")
        given = _input(function, called)
        return Tool(
            name=called,
            description=said,
            input=given[0],
            policy=Policy(risk=Risk.named(risk), **policy),
            function=function,
            wants_context="context" in inspect.signature(function).parameters,
            wants_input=given[1],
            module=function.__module__,
        )

    return declared if function is None else declared(function)


def _input(function: Callable[..., Any], name: str) -> tuple[type[BaseModel], bool]:
    """The model of the function's input; True where it is the one that it declares itself."""
    hints = typing.get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for each in inspect.signature(function).parameters.values():
        if each.name == "context":
            continue
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise TypeError(f"tool {name}: parameter {each.name} has no name that a call can give")
        if each.name not in hints:
            raise TypeError(f"tool {name}: parameter {each.name} has no annotation")
        fields[each.name] = (hints[each.name], ... if each.default is each.empty else each.default)
    own = hints.get("given")
    if fields.keys() == {"given"} and isinstance(own, type) and issubclass(own, BaseModel):
        return own, True
    made = create_model(f"{name}_input", __config__=ConfigDict(extra="forbid"), **fields)
    return made, False

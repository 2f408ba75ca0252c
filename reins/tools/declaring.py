"""`@tool`: a function declared as a tool, by its annotations and its docstring."""

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, overload

from pydantic import BaseModel, ConfigDict, create_model

from reins.tools.context import Context
from reins.tools.policy import Policy, Risk
from reins.tools.tool import Tool

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_POLICY = {each.name for each in fields(Policy)}
Touches = Callable[[Mapping[str, Any], Context], str]
Preview = Callable[[Mapping[str, Any], Context], dict[str, Any]]


class FunctionTool(Tool):
    """A function as a tool; one that is not async runs in a thread."""

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        description: str,
        policy: Policy,
        group: str,
        *,
        touches: Touches | None = None,
        leaves: Touches | None = None,
        preview: Preview | None = None,
    ) -> None:
        self.name = name
        self.description = description
        self.policy = policy
        self.group = group
        self.function = function
        self.input, self._takes_input = _input(function, name)
        self.is_async = inspect.iscoroutinefunction(function)
        self._takes_context = "context" in inspect.signature(function).parameters
        self._touches = touches
        self._leaves = leaves
        self._preview = preview

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    @property
    def stoppable(self) -> bool:
        return self.is_async

    async def run(self, given: BaseModel, context: Context) -> Any:
        if self._takes_input:
            named: dict[str, Any] = {"given": given}
        else:
            named = {name: getattr(given, name) for name in type(given).model_fields}
        if self._takes_context:
            named["context"] = context
        if self.is_async:
            return await self.function(**named)
        return await context.in_thread(self.function, **named)

    def touches(self, arguments: Mapping[str, Any], context: Context) -> str:
        found = super().touches(arguments, context)
        return found if self._touches is None else f"{found} {self._touches(arguments, context)}"

    def leaves(self, arguments: Mapping[str, Any], context: Context) -> str | None:
        if self._leaves is None:
            return None
        return f"{super().touches(arguments, context)} {self._leaves(arguments, context)}"

    def preview(self, arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
        if self._preview is None:
            return super().preview(arguments, context)
        return self._preview(arguments, context)


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    group: str | None = None,
    risk: str | Risk = Risk.medium,
    touches: Touches | None = None,
    leaves: Touches | None = None,
    preview: Preview | None = None,
    **policy: Any,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    group: str | None = None,
    risk: str | Risk = Risk.medium,
    touches: Touches | None = None,
    leaves: Touches | None = None,
    preview: Preview | None = None,
    **policy: Any,
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Declare a function as a tool, with or without arguments: `@tool` or `@tool(risk="low")`.

    The input is checked against the function's annotations, the description is its docstring. A
    parameter `context` gets the call's context. Without a risk named it is medium, so that it asks.
    `policy` are fields of `Policy`.

    Raises: ValueError, TypeError where the declaration says too little.
    """

    def declared(function: Callable[..., Any]) -> FunctionTool:
        called = name or function.__name__
        if not _NAME.fullmatch(called):
            raise ValueError(f"a tool cannot be named {called!r}; expected {_NAME.pattern}")
        said = inspect.cleandoc(description or function.__doc__ or "")
        if not said:
            raise ValueError(f"tool {called} says nothing of itself; give it a docstring")
        if unknown := policy.keys() - _POLICY:
            known = ", ".join(sorted(_POLICY))
            raise TypeError(
                f"tool {called}: no policy {', '.join(sorted(unknown))}; one of {known}"
            )
        return FunctionTool(
            function,
            called,
            said,
            Policy(risk=Risk.named(risk), **policy),
            group or function.__module__.rsplit(".", 1)[-1],
            touches=touches,
            leaves=leaves,
            preview=preview,
        )

    return declared if function is None else declared(function)


def _input(function: Callable[..., Any], name: str) -> tuple[type[BaseModel], bool]:
    """The model of the function's input; True where it is the one that it declares itself."""
    hints = typing.get_type_hints(function, include_extras=True)
    found: dict[str, Any] = {}
    for each in inspect.signature(function).parameters.values():
        if each.name == "context":
            continue
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise TypeError(f"tool {name}: parameter {each.name} has no name that a call can give")
        if each.name not in hints:
            raise TypeError(f"tool {name}: parameter {each.name} has no annotation")
        found[each.name] = (hints[each.name], ... if each.default is each.empty else each.default)
    own = hints.get("given")
    if found.keys() == {"given"} and isinstance(own, type) and issubclass(own, BaseModel):
        return own, True
    return create_model(f"{name}_input", __config__=ConfigDict(extra="forbid"), **found), False

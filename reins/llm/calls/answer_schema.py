"""The JSON that an answer has to be: a schema, for routes that hold their model to one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reins.llm.settings import Constraint, RouteSpec
from reins.llm.wire.response import Exchange

_CONSTRAINED: Mapping[str, tuple[Constraint, ...]] = {
    "tools": ("tools", "always"),
    "shape": ("always",),
}
"""The options of a route under which each kind of answer is held to its schema."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_NAME_CHARS = 64


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """The JSON that answers a call. `make` is called where a route asks for it, and only there.

    `kind` is `tools` for the call of a tool, and `shape` for any other structured answer.
    `arguments` are further ones of the prompt, for a model that is held to the schema.
    """

    kind: Literal["tools", "shape"]
    make: Callable[[], dict[str, Any]]
    name: str = "answer"
    arguments: Mapping[str, object] = field(default_factory=dict)

    def response_format(self) -> dict[str, Any]:
        """As OpenAI's API has it. Not `strict`: tools may take what that forbids."""
        name = _NOT_IN_A_NAME.sub("_", self.name)[:_NAME_CHARS]
        named = {"name": name, "schema": self.make()}
        return {"type": "json_schema", "json_schema": named}


def sent_over(
    spec: RouteSpec,
    schema: AnswerSchema | None,
    arguments: Mapping[str, object],
    exchange: Exchange,
) -> tuple[Mapping[str, object], dict[str, Any] | None]:
    """The arguments and the `response_format` of an attempt over a route; noted in `exchange`."""
    if schema is None or spec.json_schema not in _CONSTRAINED[schema.kind]:
        return arguments, None
    exchange.option = spec.called("json_schema")
    return {**arguments, **schema.arguments}, schema.response_format()

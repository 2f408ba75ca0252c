"""A tool: a name, a checked input, a description and a policy; and how a script calls it."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from reprlib import Repr
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from reins.tools.calling import calls_here
from reins.tools.context import Context
from reins.tools.outcome import ArgumentsError, CallError
from reins.tools.policy import Policy
from reins.tools.waiting import wait_for

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHOWN = 3
"""Errors of one call that are told."""


class Tool(ABC):
    """A tool. `@tool` makes one of a function; a class of one's own sets these and `run`.

    `group` is the set in which it can be chosen: by default the last part of its module's name.
    """

    name: str
    description: str
    input: type[BaseModel]
    policy: Policy = Policy()
    group: str = ""

    @abstractmethod
    async def run(self, given: BaseModel, context: Context) -> Any:
        """The work itself, once, without the policy."""

    @property
    def stoppable(self) -> bool:
        """False where a call that is given up goes on to its end all the same, as a thread does."""
        return True

    @property
    def cancellable(self) -> bool:
        """True where a call may be given up in the middle."""
        return self.policy.cancellable and self.stoppable

    def touches(self, arguments: Mapping[str, Any], context: Context) -> str:
        """A digest of what the call would change: an approval is stale once it is another.

        By default of the arguments alone. It may read files: call it in a thread.
        """
        del context
        return digest_of(arguments)

    def leaves(self, arguments: Mapping[str, Any], context: Context) -> str | None:
        """The digest that `touches` gives once the call is made; None if it is not known before.

        A call that may have been begun is made again where it finds things as they were, or so.
        """
        del arguments, context
        return None

    def preview(self, arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Give a person what is needed to decide on the call: its `kind`, and more by the kind.

        Kinds: diff, argv, url, text, fields. It may read files: call it in a thread.
        """
        del context
        return {"kind": "fields", "fields": dict(arguments)}

    def spec(self) -> dict[str, Any]:
        """The JSON of function calling, as OpenAI's API has it."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": self._schema,
            },
        }

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return self.input.model_json_schema()

    def check(self, arguments: Mapping[str, Any]) -> BaseModel:
        """The input made of these arguments. Raises: ArgumentsError."""
        try:
            _refuse_surrogates(arguments)
            return self.input.model_validate(dict(arguments))
        except ValidationError as error:
            raise ArgumentsError(self._told(error)) from None
        except RecursionError:
            raise ArgumentsError(f"{self.name}: the arguments are nested too deeply") from None

    def filled(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as they are used, as JSON: checked, with the defaults of those left out.

        Two calls with the same ones are one call, however they are written. Raises: ArgumentsError.
        """
        taken = self.check(arguments)
        try:
            return taken.model_dump(mode="json", by_alias=True, warnings=False)
        except ValueError:  # what has no form in JSON
            return dict(arguments)

    def _told(self, error: ValidationError) -> str:
        found = error.errors(include_url=False, include_context=False)
        told = [
            f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
            + ("" if each["type"] == "missing" else f", given {_SHORT.repr(each['input'])}")
            for each in found[:_SHOWN]
        ]
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return f"{'; '.join(told)}{more}. {self.name} takes: {self.signature() or 'nothing'}"

    def signature(self) -> str:
        """The input in a line, as a model reads it."""
        return self._signature

    @cached_property
    def _signature(self) -> str:
        needed, kinds = self._schema.get("required", []), self._schema.get("$defs", {})
        return ", ".join(
            f"{name}{'' if name in needed else '?'}: {_kind(each, kinds)}"
            for name, each in self._schema.get("properties", {}).items()
        )

    async def acall(self, /, *, context: Context | None = None, **arguments: Any) -> Any:
        """Call it under its policy, without an agent. Raises: CallError where it gives nothing."""
        outcome = await calls_here().call(self, arguments, context or Context())
        if not outcome.ok:
            raise CallError(outcome)
        return outcome.value

    def call(self, /, *, context: Context | None = None, **arguments: Any) -> Any:
        """The same, waiting for it. Raises: also RuntimeError in the thread of a running loop."""
        return wait_for(f"{self.name}.call", lambda: self.acall(context=context, **arguments))


def _refuse_surrogates(arguments: Mapping[str, Any]) -> None:
    """Raises: ArgumentsError for text that no table, file or request can hold."""
    try:
        orjson.dumps(dict(arguments), default=repr, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError as error:
        if "UTF-8" in str(error):
            raise ArgumentsError(
                "the arguments hold half a character (a lone surrogate such as \\ud83d), which "
                "UTF-8 cannot hold; leave it out"
            ) from None


def digest_of(value: Any) -> str:
    """A name for a value of JSON, whatever the order of its keys."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return hashlib.sha256(orjson.dumps(value, default=repr, option=options)).hexdigest()


def _kind(schema: Mapping[str, Any], kinds: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        inner = kinds.get(name, {})
        if "enum" not in inner and "properties" in inner:
            return f"{{{', '.join(inner['properties'])}}}"
        return _kind(inner, {}) if inner else name
    if "enum" in schema:
        return " | ".join(map(repr, schema["enum"]))
    if "const" in schema:
        return repr(schema["const"])
    if "anyOf" in schema:
        return " | ".join(
            _kind(each, kinds) for each in schema["anyOf"] if each != {"type": "null"}
        )
    kind = str(schema.get("type", "any"))
    return f"[{_kind(schema['items'], kinds)}]" if kind == "array" and "items" in schema else kind

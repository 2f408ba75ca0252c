"""The actions that every library has: what a plan in JSON can do without any code of one's own."""

import json
import re
from typing import Any

from reins.plans.actions import Actions
from reins.plans.context import Context
from reins.plans.errors import PlanError
from reins.plans.lenses import WHOLE, lens
from reins.plans.naming import unknown

built_in = Actions()
_PLACE = re.compile(r"\{([^{}\s\"']+)\}")
"""A part of the state in a text. JSON, which has quotation marks in its braces, is none."""


@built_in.action
async def ask(state: Any, ctx: Context) -> Any:
    """Ask the model `prompt`, in which `{a.b}` stands for that part of the state, and put the
    answer `to` a part.
    """
    _only(ctx, "prompt", "to")
    if ctx.ask is None:
        raise PlanError("there is no model here; ask works in a session of type plan")
    prompt, to = _text(ctx, "prompt"), _text(ctx, "to")
    answer = await ctx.ask(_as_text(_filled(prompt, state, "prompt")))
    return with_part(state, to, answer)


@built_in.action
async def tool(state: Any, ctx: Context) -> Any:
    """Call the tool `tool` with `args`, in whose texts `{a.b}` stands for that part of the state,
    and put the result `to` a part, if there is one.
    """
    _only(ctx, "tool", "args", "to")
    if ctx.call is None:
        raise PlanError(
            "there are no tools here; tool works in a session of type plan whose tools name some"
        )
    arguments = ctx.args.get("args", {})
    if not isinstance(arguments, dict):
        raise PlanError(f"the argument args is {arguments!r:.80}; expected an object")
    result = await ctx.call(_text(ctx, "tool"), _filled(arguments, state, "args"))
    return with_part(state, _text(ctx, "to"), result) if "to" in ctx.args else state


@built_in.action
async def put(state: Any, ctx: Context) -> Any:
    """Put `value` `to` a part of the state."""
    _only(ctx, "value", "to")
    if "value" not in ctx.args:
        raise PlanError("put needs the argument value")
    return with_part(state, _text(ctx, "to"), ctx.args["value"])


def _filled(value: Any, state: Any, argument: str) -> Any:
    """The value with parts of the state in its texts; a text that is one such place is the part."""
    if isinstance(value, dict):
        return {key: _filled(each, state, argument) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, state, argument) for each in value]
    if not isinstance(value, str):
        return value

    def part(place: re.Match[str]) -> Any:
        try:
            return lens(place[1]).get(state)
        except (PlanError, LookupError) as error:
            raise PlanError(f"{place[0]} in the argument {argument}: {error}") from None

    if (whole := _PLACE.fullmatch(value)) is not None:
        return part(whole)
    return _PLACE.sub(lambda found: _as_text(part(found)), value)


def _as_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def with_part(state: Any, path: str, value: Any) -> Any:
    """The state with a value at a path, whose last key may be a new one."""
    above, _, last = path.rpartition(".")
    try:
        whole = lens(path)
        around = lens(above).get(state) if above else state
        if path == WHOLE or not isinstance(around, dict):
            return whole.set(state, value)
    except (PlanError, LookupError) as error:
        raise PlanError(f"the argument to is {path!r}: {error}") from None
    made = {**around, last: value}
    return lens(above).set(state, made) if above else made


def _only(ctx: Context, *names: str) -> None:
    """Raises: PlanError for an argument that the action does not have."""
    for name in ctx.args:
        if name not in names:
            raise PlanError(unknown("argument", name, names))


def _text(ctx: Context, name: str) -> str:
    value = ctx.args.get(name)
    if not isinstance(value, str) or not value:
        raise PlanError(f"the argument {name} is {value!r}; expected a text")
    return value

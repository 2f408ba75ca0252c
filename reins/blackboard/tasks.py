"""Actions of plans on boards: read a value, put one, delete one."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reins.plans.actions import Actions
from reins.plans.builtin import with_part
from reins.plans.context import Context
from reins.plans.errors import PlanError
from reins.plans.lenses import lens

NAMES = ("board_get", "board_put", "board_delete")


class _Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    board: str
    key: str


class _Get(BaseModel):
    """A `key`, or what keys begin with (`prefix`); and where the value and its version are put."""

    model_config = ConfigDict(extra="forbid")

    board: str
    to: str
    key: str | None = None
    prefix: str | None = None
    version_to: str | None = None
    default: Any = None

    @model_validator(mode="after")
    def _one(self) -> "_Get":
        if (self.key is None) == (self.prefix is None):
            raise ValueError("give either key or prefix")
        return self


class _Change(_Named):
    """`expect`: a version, or `expect_from`, the part of the state that has it."""

    expect: int | None = Field(None, ge=0)
    expect_from: str | None = None
    version_to: str | None = None


class _Put(_Change):
    """A `value`, or the part of the state at `from`."""

    value: Any = None
    path: str | None = Field(None, alias="from")

    @model_validator(mode="after")
    def _one(self) -> "_Put":
        if ("value" in self.model_fields_set) == (self.path is not None):
            raise ValueError("give either value or from")
        return self


def board_actions() -> Actions:
    """`board_get`, `board_put` and `board_delete`."""
    actions = Actions()
    for name, act in zip(NAMES, (_get, _put, _delete), strict=True):
        actions.register(name, act)
    return actions


async def _get(state: Any, ctx: Context) -> Any:
    """Put the value of a key, or an object of all at `prefix`, `to` a part of the state."""
    asked, boards = _asked(_Get, ctx), _boards(ctx)
    if asked.key is None:
        found = await boards.all(asked.board, asked.prefix or "")
        return with_part(state, asked.to, {key: each.value for key, each in found.items()})
    entry = await boards.get(asked.board, asked.key)
    if entry is None and "default" not in asked.model_fields_set:
        raise PlanError(
            f"board {asked.board} has no key {asked.key!r}; a default is put there where one is "
            "given"
        )
    state = with_part(state, asked.to, asked.default if entry is None else entry.value)
    return _with_version(state, asked.version_to, 0 if entry is None else entry.version)


async def _put(state: Any, ctx: Context) -> Any:
    """Give a key a value: on disk, and announced, when the task goes on."""
    asked = _asked(_Put, ctx)
    value = asked.value if asked.path is None else lens(asked.path).get(state)
    version = await _boards(ctx).put(asked.board, asked.key, value, _expected(state, asked))
    return _with_version(state, asked.version_to, version)


async def _delete(state: Any, ctx: Context) -> Any:
    """Take a key and its value away."""
    asked = _asked(_Change, ctx)
    version = await _boards(ctx).delete(asked.board, asked.key, _expected(state, asked))
    return _with_version(state, asked.version_to, version)


def _asked(model: type[Any], ctx: Context) -> Any:
    try:
        return model.model_validate(ctx.args)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
            for each in error.errors(include_url=False)[:5]
        )
        raise PlanError(f"its arguments do not fit: {told}") from None


def _boards(ctx: Context) -> Any:
    if ctx.boards is None:
        raise PlanError("there are no boards here; they are there in a session of type plan")
    return ctx.boards


def _expected(state: Any, asked: _Change) -> int | None:
    if asked.expect_from is None:
        return asked.expect
    version = lens(asked.expect_from).get(state)
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise PlanError(
            f"the part {asked.expect_from!r} of the state is {version!r:.80}; expected a version, "
            "as version_to has put it there"
        )
    return version


def _with_version(state: Any, path: str | None, version: int) -> Any:
    return state if path is None else with_part(state, path, version)

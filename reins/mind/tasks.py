"""Actions of plans on the mind of the session that runs them, and what they are handed for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reins.mind.actions import CHANGES
from reins.mind.arguments import Recall, Remember
from reins.mind.errors import MindError
from reins.mind.held import Act, Held, act_of, arguments
from reins.mind.lineage import Lineage
from reins.mind.memories import Scope
from reins.mind.relevance import found_by_words
from reins.plans.actions import Actions
from reins.plans.builtin import with_part
from reins.plans.context import Context
from reins.plans.lenses import lens
from reins.plans.naming import unknown


class TaskMind:
    """The mind of a session, as one task of its plan has it.

    What is asked of it is done with the row that takes the task's end in, all of it or, where the
    task fails or is cancelled, nothing. Until then nobody recalls it, the task included.
    """

    def __init__(self, held: Callable[[], Held], now: Callable[[], int], lineage: Lineage) -> None:
        self._held, self._now, self._lineage = held, now, lineage
        self.acts: list[Act] = []

    def do(self, name: str, **args: Any) -> None:
        """Ask for `remember`, `forget`, `restore`, `believe` or `doubt`. Raises: MindError."""
        if name not in CHANGES or name == "recall":
            known = [each for each in CHANGES if each != "recall"]
            raise MindError(unknown("act", name, known))
        self.acts.append(act_of(name, args, self._lineage))

    def recall(self, key: str, scope: Scope | None = None) -> Any:
        """The value of a memory, of the nearest scope that has it. Raises: MindError where none
        has.
        """
        memory = self._held().memory.recall(key, self._now(), scope)
        if memory is None:
            every = self.recall_all(scope=scope)
            raise MindError(
                f"{unknown('memory', key, every)}; a default is put there where one is given"
            )
        return _value(memory)

    def recall_all(self, prefix: str = "", scope: Scope | None = None) -> dict[str, Any]:
        """The values of memories whose keys begin so, by key, each of its nearest scope."""
        every = self._held().memory.recall_all(prefix, self._now(), scope)
        return {key: _value(memory) for key, memory in every.items()}

    def recall_about(
        self, about: str, scope: Scope | None = None, limit: int = 5
    ) -> dict[str, Any]:
        """The values of the memories that fit by words, best first: a replay finds the same."""
        found = found_by_words(self._held().memory, about, self._now(), scope, limit)
        return {key: _value(memory) for key, memory in found.items()}

    def probability(self, claim: str) -> float:
        """The probability of a claim as it stands; of one without evidence, its prior."""
        return self._held().beliefs.belief(claim, self._now()).probability


def _value(memory: Any) -> Any:
    if memory.elsewhere:
        raise MindError(
            f"memory {memory.key!r} is too long to be in a snapshot; read version "
            f"{memory.version} of it from the table memories"
        )
    return memory.value


def session_actions() -> Actions:
    """`remember`, `recall`, `forget`, `restore`, `believe` and `doubt` on the session's mind."""
    actions = Actions()
    for name in CHANGES:
        actions.register(name, _recall if name == "recall" else _Act(name))
    return actions


def mind_in(ctx: Context) -> TaskMind:
    """The session's mind. Raises: MindError outside of a session."""
    if not isinstance(ctx.mind, TaskMind):
        raise MindError(
            "there is no mind here; it is that of a session of type plan. In a plan that runs "
            "without one, use the actions of reins.mind.mind_actions()"
        )
    return ctx.mind


@dataclass(frozen=True, slots=True)
class _Act:
    """An act on the mind as an action; the state of the plan stays as it is."""

    name: str

    async def __call__(self, state: Any, ctx: Context) -> Any:
        mind_in(ctx).do(self.name, **_with_value(ctx.args, state))
        return state


def _with_value(args: Mapping[str, Any], state: Any) -> dict[str, Any]:
    """With the part of the plan's state at `from` as the value of a memory."""
    given = dict(args)
    if "from" in given and "value" not in given:
        asked: Remember = arguments(Remember, given)
        given["value"] = lens(asked.path or "").get(state)
        del given["from"]
    return given


async def _recall(state: Any, ctx: Context) -> Any:
    """Put the value of the memory at `key`, or an object of all at `prefix` or of those `about`
    something, `to` a part.
    """
    mind, asked = mind_in(ctx), arguments(Recall, ctx.args)
    act_of("recall", ctx.args)
    if asked.about is not None:
        return with_part(state, asked.to, mind.recall_about(asked.about, asked.scope, asked.limit))
    if asked.key is None:
        return with_part(state, asked.to, mind.recall_all(asked.prefix or "", asked.scope))
    try:
        value = mind.recall(asked.key, asked.scope)
    except MindError:
        if "default" not in asked.model_fields_set:
            raise
        value = asked.default
    return with_part(state, asked.to, value)


def lineage_of(ctx_key: str) -> Lineage:
    """On what the acts of a task rest: the task, by its key."""
    return Lineage(call_id=ctx_key)

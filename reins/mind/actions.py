"""Actions of plans that remember and believe: pure changes of an AgentState, made by a lens.

They run in memory as well as in a session. The rows that they leave stand in the state (`fresh`).
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from reins.mind import remembering
from reins.mind.arguments import Believe, Forget, Recall, Remember, Restore
from reins.mind.errors import MindError
from reins.mind.evidence import Evidence
from reins.mind.lineage import NOWHERE, Lineage
from reins.mind.reading import problems
from reins.mind.relevance import found_by_words
from reins.mind.remembering import Stamp
from reins.mind.state import AgentState, beliefs_of, memory_of, mind_of
from reins.plans.actions import Actions
from reins.plans.context import Context
from reins.plans.joining import joined
from reins.plans.lenses import WHOLE, Lens, lens
from reins.plans.naming import unknown
from store.times import now_us

_PLACES = ("data", "profile", "scratch")
_Change: TypeAlias = Callable[[AgentState, Any, Stamp], AgentState]


def remember(state: AgentState, given: Remember, stamp: Stamp) -> AgentState:
    """Put a `value`, or the part of the state at `from`, into the memory under `key`."""
    value = given.value if given.path is None else lens(given.path).get(state)
    row = remembering.put(
        state.memory, given.key, value, stamp, scope=given.scope, expect=given.expect,
        expires_at=given.expires_at(stamp.at),
    )  # fmt: skip
    return memory_of.set(state, state.memory.followed_by(row, fresh=True))


def recall(state: AgentState, given: Recall, stamp: Stamp) -> AgentState:
    """Put the value of the memory at `key`, or an object of all at `prefix` or of those `about`
    something, `to` a place.

    Where there is none it is `default`; without one it is a failure.
    """
    value: Any
    if given.about is not None:
        near = found_by_words(state.memory, given.about, stamp.at, given.scope, given.limit)
        value = {key: _value(memory) for key, memory in near.items()}
    elif given.key is None:
        every = state.memory.recall_all(given.prefix or "", stamp.at, given.scope)
        value = {key: _value(memory) for key, memory in every.items()}
    else:
        value = _recalled(state, given, given.key, stamp.at)
    return _placed(state, given.to, value)


def _recalled(state: AgentState, given: Recall, key: str, at: int) -> Any:
    memory = state.memory.recall(key, at, given.scope)
    if memory is not None:
        return _value(memory)
    if "default" in given.model_fields_set:
        return given.default
    raise MindError(
        f"{unknown('memory', key, state.memory.recall_all('', at, given.scope))}; "
        f"a default is put there where one is given"
    )


def _value(memory: Any) -> Any:
    if memory.elsewhere:
        raise MindError(
            f"memory {memory.key!r} is too long to be in a state; read version {memory.version} "
            f"of it from its row"
        )
    return memory.value


def forget(state: AgentState, given: Forget, stamp: Stamp) -> AgentState:
    """Forget the memory at `key`; `restore` brings it back."""
    row = remembering.forget(state.memory, given.key, stamp, scope=given.scope, expect=given.expect)
    return memory_of.set(state, state.memory.followed_by(row, fresh=True))


def restore(state: AgentState, given: Restore, stamp: Stamp) -> AgentState:
    """Bring back a `version` of the memory at `key`, or the newest before this."""
    row = remembering.restore(
        state.memory, given.key, stamp, version=given.version, scope=given.scope,
        expect=given.expect, expires_at=given.expires_at(stamp.at),
    )  # fmt: skip
    return memory_of.set(state, state.memory.followed_by(row, fresh=True))


def believe(state: AgentState, given: Believe, stamp: Stamp) -> AgentState:
    """Add evidence for a `claim`: of a `strength`, or with likelihoods that make it likelier."""
    return _with_evidence(state, given, stamp, doubts=False)


def doubt(state: AgentState, given: Believe, stamp: Stamp) -> AgentState:
    """Add evidence against a `claim`: of a `strength`, or with likelihoods that make it less so."""
    return _with_evidence(state, given, stamp, doubts=True)


def _with_evidence(state: AgentState, given: Believe, stamp: Stamp, *, doubts: bool) -> AgentState:
    p_if_true, p_if_false = given.likelihoods(doubts=doubts)
    evidence = Evidence(
        id=stamp.id,
        claim=given.claim,
        at=state.beliefs.next_at(given.claim, stamp.at),
        p_if_true=p_if_true,
        p_if_false=p_if_false,
        source=stamp.source,
        reliability=given.reliability,
        text=given.text,
        lineage=stamp.lineage,
    )
    return beliefs_of.set(state, state.beliefs.followed_by(evidence, fresh=True))


CHANGES: Mapping[str, tuple[_Change, type[BaseModel]]] = {
    "remember": (remember, Remember),
    "recall": (recall, Recall),
    "forget": (forget, Forget),
    "restore": (restore, Restore),
    "believe": (believe, Believe),
    "doubt": (doubt, Believe),
}
"""Each action: its change of a state, and the model of its arguments."""


def mind_actions(where: str = WHOLE, *, now: Callable[[], int] = now_us) -> Actions:
    """The six actions, for plans in whose state the JSON of an AgentState stands at this path; and
    the combiner `minds`, by which branches remember and believe side by side.

    `Library` and `Actions.take` put them beside others. `now` gives microseconds since 1970.
    """
    at = lens(where) | mind_of
    actions = Actions()
    for name, (change, arguments) in CHANGES.items():
        actions.register(name, _Action(at, change, arguments, now))
    actions.function("minds", partial(join_minds, at))
    return actions


@dataclass(frozen=True, slots=True)
class _Action:
    """A change as an action of a plan."""

    at: Lens[Any, AgentState]
    change: _Change
    arguments: type[BaseModel]
    now: Callable[[], int]

    def __call__(self, state: Any, ctx: Context) -> Any:
        try:
            given: Any = self.arguments.model_validate(ctx.args)
        except ValidationError as error:
            raise MindError(f"its arguments do not fit: {problems(error)}") from None
        stamp = Stamp(_id(ctx.key), self.now(), given.source, _lineage(given))
        return self.at.modify(state, lambda mind: self.change(mind, given, stamp))


def _id(key: str) -> str:
    """Made of the key of the task: after a restart it is the same row. In memory it is a new one,
    since two runs have the same keys there.
    """
    if key.startswith(":"):
        return uuid.uuid4().hex
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def _lineage(given: Any) -> Lineage:
    return NOWHERE if given.document is None else Lineage(document=given.document)


def _placed(state: AgentState, path: str, value: Any) -> AgentState:
    """The state with a value at a path such as `scratch.found`, whose last key may be new."""
    above, _, last = path.rpartition(".")
    if above.partition(".")[0] not in _PLACES or not last:
        raise MindError(f"it goes to {path!r}; expected a place such as 'scratch.found'")
    around: Lens[AgentState, Any] = lens(above)
    if not isinstance(around.get(state), dict):
        raise MindError(f"{above!r} is no object, so that {path!r} has no place in it")
    return around.modify(state, lambda found: {**found, last: value})


def join_minds(at: Lens[Any, AgentState], state: Any, outputs: list[Any]) -> Any:
    """A combiner: all that the branches remember and believe, and the rest as without a combiner.

    Evidence is folded in its order, whichever branch it is of. Raises: VersionConflictError where
    two wrote one memory, ConflictError where two gave another part different values.
    """
    before = at.get(state)
    after = [at.get(each) for each in outputs]
    alike = [
        at.set(each, replace(mind, memory=before.memory, beliefs=before.beliefs))
        for each, mind in zip(outputs, after, strict=True)
    ]
    memories = [row for mind in after for row in mind.memory.fresh[len(before.memory.fresh) :]]
    evidence = [row for mind in after for row in mind.beliefs.fresh[len(before.beliefs.fresh) :]]
    return at.modify(
        joined(state, dict(enumerate(alike))),
        lambda mind: replace(
            mind,
            memory=before.memory.followed_by(*memories, fresh=True),
            beliefs=before.beliefs.followed_by(*evidence, fresh=True),
        ),
    )

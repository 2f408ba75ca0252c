"""The course of a session's plan: its program, and what each end of a task leads to."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from agent_core.agent.base import MAX_SNAPSHOT_BYTES as _MOST
from agents_impl.plan.models import ALARM
from reins.plans import (
    Actions,
    Alarm,
    Choice,
    Chosen,
    Err,
    Failure,
    Fault,
    Leaf,
    Node,
    Ok,
    Outcome,
    PlanError,
    PlanFormatError,
    Program,
    Replaced,
    Spent,
    Stepped,
    choices,
    compile_plan,
    enter,
    from_json,
    leaves,
    misfits,
    result,
    stalled,
    step,
    timers,
    to_json,
    with_left,
)
from reins.plans.outcome import Event, failed
from reins.plans.paths import is_beneath
from reins.plans.tree import name_at

_LINES, _LINE_CHARS = 5, 400

__all__ = [
    "Alarm", "Choice", "Chosen", "Course", "Err", "Failure", "Leaf", "Ok", "Outcome", "PlanError",
    "Replaced", "Spent", "Taken", "failed", "fitting", "outcome_of", "result",
]  # fmt: skip


@dataclass(slots=True)
class Taken:
    """The fold of some events: the tree, the one before it failed, and what a row tells."""

    tree: dict[str, Any]
    before: dict[str, Any] | None = None
    again: dict[str, Any] | None = None
    cancelled: list[str] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, str]] = field(default_factory=list)


class Course:
    """A plan with the actions that there are now. Raises: PlanError where it cannot be run."""

    def __init__(
        self, actions: Actions, plan: Any, name: str | None, source: str | None = None
    ) -> None:
        """`plan` is JSON; else the plan of this name, or as its `source` has kept it."""
        if name is not None:
            plan_: Node = actions.get_plan(name) if source is None else from_json(source)
        else:
            plan_ = _read(plan)
        self.program: Program = compile_plan(actions, plan_)

    @property
    def source(self) -> str | None:
        """The plan as JSON; None where functions stand in it themselves."""
        try:
            return to_json(self.program.plan)
        except PlanError:
            return None

    def check(self, tree: Mapping[str, Any]) -> None:
        """Check that a tree fits the plan. Raises: PlanError."""
        if wrong := misfits(self.program.plan, dict(tree)):
            raise PlanError(f"the plan is another one now: {'; '.join(wrong[:5])}")

    def begin(self, state: Any) -> Taken:
        """Raises: PlanError."""
        stepped = enter(self.program, state)
        taken = Taken(stepped.tree, decisions=_told(stepped.decisions))
        if isinstance(result(stepped.tree), Err):
            taken.before = stepped.tree
        return taken

    def take(
        self,
        tree: dict[str, Any],
        events: Iterable[tuple[str, Event]],
        heed: "Callable[[str, Event], Event]" = lambda _path, event: event,
    ) -> Taken:
        """Fold events in, each at its path, in their order; one that comes late is `unused`.

        `heed` is told of each that is not late, and gives it or the one that counts in its place.
        """
        taken = Taken(tree)
        for path, event in events:
            stepped = step(self.program, taken.tree, path, event)
            name = name_at(tree, path)  # it was live before: tasks begin after the row
            if stepped.late:
                if name is not None and not isinstance(event, Alarm):
                    taken.nodes.append({"path": path, "name": name, **_end_of(event, "unused")})
                continue
            if (heeded := heed(path, event)) is not event:
                event, stepped = heeded, step(self.program, taken.tree, path, heeded)  # noqa: PLW2901
            self._follow(taken, path, event, stepped)
            taken.nodes.append({"path": path, **({"name": name} if name else {}), **_end_of(event)})
        return taken

    def take_again(self, tree: dict[str, Any], again: Mapping[str, Any]) -> Taken:
        """Fold an end in that is on record: what followed from it has failed."""
        taken, event = Taken(tree), Outcome(again["state"])
        stepped = step(self.program, tree, again["path"], event)
        if not stepped.late:
            self._follow(taken, again["path"], event, stepped)
        return taken

    @staticmethod
    def _follow(taken: Taken, path: str, event: Event, stepped: Stepped) -> None:
        if isinstance(result(stepped.tree), Err):
            taken.before = taken.tree
            if isinstance(event, Outcome):  # the task is right, and a function of the plan is not
                taken.again = {"path": path, "state": event.state}
        taken.tree = stepped.tree
        taken.cancelled += stepped.cancelled
        taken.decisions += _told(stepped.decisions)

    def live(self, tree: dict[str, Any]) -> list[Leaf]:
        return leaves(self.program.plan, tree)

    @staticmethod
    def without_work(alarms: Iterable[str], running: Collection[str]) -> list[str]:
        """Those of the alarms beneath which no task runs."""
        return [
            alarm
            for alarm in alarms
            if not any(is_beneath(path, alarm.removeprefix(ALARM)) for path in running)
        ]

    def stalled(self, tree: dict[str, Any], running: Collection[str]) -> set[str]:
        return stalled(self.program.plan, tree, running)

    def choices(self, tree: dict[str, Any]) -> list[Choice]:
        return choices(self.program.plan, tree)

    @staticmethod
    def alarms(tree: dict[str, Any]) -> dict[str, float]:
        """Seconds until each alarm, by the name of its piece."""
        return {f"{ALARM}{timer.path}": timer.left_s for timer in timers(tree)}

    @staticmethod
    def with_left(tree: dict[str, Any], left_s: Mapping[str, float]) -> dict[str, Any]:
        """The tree with other seconds until these alarms."""
        known = {timer.path for timer in timers(tree)}
        left = {name.removeprefix(ALARM): value for name, value in left_s.items()}
        return with_left(tree, {path: left[path] for path in known if path in left})


def _read(plan: Any) -> Node:
    try:
        return from_json(json.dumps(plan))
    except PlanFormatError as error:  # lines and columns are ours, not the user's
        wrong = "; ".join(f"{each.place or 'plan'}: {each.message}" for each in error.problems[:5])
        raise PlanError(wrong) from None


def _told(decisions: Iterable[Any]) -> list[dict[str, str]]:
    return [{"path": each.path, "words": each.words} for each in decisions]


def outcome_of(event: Event) -> str:
    """The word for an event, as rows and spans have it."""
    match event:
        case Alarm():
            return "alarm"
        case Chosen():
            return "chosen"
        case Failure():
            return "failed"
        case Replaced():
            return "replaced"
    return "done"


def fitting(event: Outcome | Failure | Replaced) -> Outcome | Failure | Replaced:
    """The end; a failure where its state alone is more than a snapshot holds, so that the task's
    path is told, and a retry or an `on_error` takes it as any other fault.
    """
    if not isinstance(event, Outcome) or (size := len(orjson.dumps(event.state))) <= _MOST:
        return event
    words = (
        f"the state that it leaves has {size} bytes, and a session's snapshot holds {_MOST}; put "
        "what is large into a file, and its name into the state"
    )
    return Failure(Fault("action", words), event.said, event.spent)


def _end_of(event: Event, outcome: str | None = None) -> dict[str, Any]:
    """An event as a row tells it."""
    told: dict[str, Any] = {"outcome": outcome or outcome_of(event)}
    if isinstance(event, Alarm | Chosen):
        return told
    if isinstance(event, Failure):
        told["error"] = str(event.fault.message)[:1_000]
    if event.said:
        told["said"] = [line[:_LINE_CHARS] for line in event.said[-_LINES:]]
    if event.spent.tokens or event.spent.cost_usd:
        told |= {"tokens": event.spent.tokens, "cost_usd": event.spent.cost_usd}
    return told

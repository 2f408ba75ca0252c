"""A running plan as data: pure functions from a tree and an event to the next tree.

The tree is JSON, so a snapshot of it is the continuation. A node of it has its `kind`, what it
remembers (`memory`), its children by segment (`at`), and its input (`in`) unless that is the same
as its parent's. A task that is live has its `name`. At the end the tree is `ended`.
"""

from dataclasses import dataclass
from typing import Any

from reins.plans import paths, tree
from reins.plans.behaviours import behaviour_of
from reins.plans.composing import ChooseBehaviour
from reins.plans.errors import PlanError
from reins.plans.json_value import as_json, same
from reins.plans.moves import Ended, Finish, FunctionError, Go, Here, Move, Why
from reins.plans.nodes import LEVELS, WIDTH, Node
from reins.plans.outcome import Alarm, Chosen, Event, Failure, Outcome, Replaced, Spent
from reins.plans.program import Program, check_names, check_size, levels, width
from reins.plans.result import Err, Fault, Ok
from reins.plans.tree import Frame, Tree
from reins.plans.writing import to_json

MOVES = 100_000
"""Moves that one event may lead to without a task: more is a plan that turns on the spot."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that an event led to: where, and what in words."""

    path: str
    words: str


@dataclass(frozen=True, slots=True)
class Stepped:
    """The tree after an event, the tasks that it cancels in the order of the plan, and why.

    `late`: nothing stands at the event's path any more, and the tree is as it was.
    """

    tree: Tree
    cancelled: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    late: bool = False


def enter(program: Program, state: Any) -> Stepped:
    """The tree of a plan that has just begun. Raises: PlanError for a state that is not JSON."""
    try:
        given = as_json(state)
    except ValueError as error:
        raise PlanError(str(error)) from None
    fold = _Fold(program, {"kind": tree.ENTERING, "in": given})
    fold.enter(paths.ROOT)
    return fold.stepped()


def step(program: Program, before: Tree, path: str, event: Event) -> Stepped:
    """The tree after an event at a path. `before` is not changed."""
    frames = tree.frames(program.plan, tree.top(before), path)
    if not frames or not _is_awaited(event, frames[-1].tree):
        return Stepped(before, late=True)
    fold = _Fold(program, before)
    fold.take(path, event)
    return fold.stepped()


def _is_awaited(event: Event, node: Tree) -> bool:
    match event:
        case Alarm():
            return "left_s" in node
        case Chosen():
            return bool(node["kind"] == "choose")
        case _:
            return "name" in node


class _Fold:
    """One event on a copy of the tree: moves, until nothing is left to do."""

    def __init__(self, program: Program, before: Tree) -> None:
        self._program = program
        self._top = tree.top(tree.copied(before))
        self._before = set(tree.live(before))
        self._live = len(self._before)
        self._todo: list[tuple[str, Ended | None]] = []
        self._cancelled: list[str] = []
        self._decisions: list[Decision] = []

    def stepped(self) -> Stepped:
        cancelled = [path for path in self._cancelled if path in self._before]
        return Stepped(
            self._top["at"][""],
            tuple(sorted(cancelled, key=paths.order)),
            tuple(self._decisions),
        )

    def enter(self, path: str) -> None:
        self._todo.append((path, None))
        self._run()

    def take(self, path: str, event: Event) -> None:
        """Fold an event in, then count what it has spent."""
        frames = self._frames(path)
        if isinstance(event, Alarm):
            del frames[-1].tree["left_s"]
            self._alarm(frames, "timeout")
            return
        if isinstance(event, Chosen):
            self._move(frames[-1], lambda here: ChooseBehaviour().instead(here, event.item))
            self._run()
            return
        self._before.discard(path)  # it has ended, and is not cancelled
        counting = _charged(frames[:-1], event.spent + Spent(tasks=1))
        if isinstance(event, Replaced):
            self._replace(path, frames[-1], event)
        elif isinstance(event, Failure):
            fault = event.fault
            self._end(path, Err(Fault(fault.kind, fault.message, path, fault.causes)))
        else:
            self._end(path, _ok(path, event))
        self._run()
        # Over its limits, a node that has ended with this task has ended well.
        for at in counting:
            found = self._frames(at)
            if found and tree.is_spent(found[-1]):
                self._alarm(found, "budget")

    def _alarm(self, frames: list[Frame], why: Why) -> None:
        frame = frames[-1]
        self._move(frame, lambda here: behaviour_of(self._program, frame).alarm(here, why))
        self._run()

    def _frames(self, path: str) -> list[Frame]:
        return tree.frames(self._program.plan, self._top, path)

    def _run(self) -> None:
        moves = 0
        while self._todo:
            path, result = self._todo.pop()
            moves += 1
            if moves > MOVES:
                self._todo.clear()
                words = f"{MOVES:,} moves without a task; a loop of the plan turns on the spot"
                self._end(paths.ROOT, Err(Fault("limit", words)))
                return
            if result is None:
                self._entered(path)
            else:
                self._ended(path, result)

    def _entered(self, path: str) -> None:
        frames = self._frames(path)
        if not frames or frames[-1].tree["kind"] != tree.ENTERING:
            return  # cancelled before its turn came
        frame = frames[-1]
        frame.tree["kind"] = frame.node.kind
        if frame.node.kind == "task":
            self._begin_task(frame)
        else:
            self._move(frame, lambda here: behaviour_of(self._program, frame).enter(here))

    def _begin_task(self, frame: Frame) -> None:
        if self._live >= WIDTH:
            words = f"more than {WIDTH} tasks would be live at once"
            self._end(frame.path, Err(Fault("limit", words, frame.path)))
            return
        frame.tree["name"] = frame.node.name
        self._live += 1

    def _ended(self, path: str, result: Ended) -> None:
        """A child has ended: its parent moves on."""
        *above, segment = paths.segments(path)
        frames = self._frames(paths.joined(above))
        if frames:
            frame = frames[-1]
            self._move(
                frame, lambda here: behaviour_of(self._program, frame).step(here, segment, result)
            )

    def _move(self, frame: Frame, asked: Any) -> None:
        """Make the move that a kind of node asks for; what it raises fails the node."""
        node = frame.tree
        live = tuple(node.get("at", ()))
        here = Here(
            frame.node, frame.path, frame.state, node.get("memory"), live,
            "left_s" in node, self._program,
        )  # fmt: skip
        try:
            move: Move = _checked(asked(here), here)
        except FunctionError as error:
            move = Finish(here.fault("function", str(error)))
        except Exception as error:  # noqa: BLE001 - a function of the user's, told with its path
            move = Finish(here.fault("function", f"{type(error).__name__}: {error}"))
        if move.because:
            self._decisions.append(Decision(frame.path, move.because))
        if isinstance(move, Finish):
            self._end(frame.path, move.result)
        else:
            self._go(frame, move)

    def _go(self, frame: Frame, move: Go) -> None:
        node, at = frame.tree, frame.tree.setdefault("at", {})
        if move.memory is None:
            node.pop("memory", None)
        else:
            node["memory"] = move.memory
        if move.wait_s is not None:
            node["left_s"] = move.wait_s
        for segment in move.cancel:
            self._drop(paths.child(frame.path, segment), at.pop(segment, {}))
        state = frame.state
        if move.begin and not behaviour_of(self._program, frame).keeps_input:
            # One child at a time: its input stands in the place of the node's own.
            state = next(iter(move.begin.values()))
            frame.keep(state)
        for segment, given in move.begin.items():
            at[segment] = {"kind": tree.ENTERING}
            if not same(given, state):
                at[segment]["in"] = given
        self._todo += [(paths.child(frame.path, each), None) for each in reversed(list(move.begin))]

    def _end(self, path: str, result: Ended) -> None:
        """Take a node out, with all that is live beneath it."""
        if path == paths.ROOT:
            self._drop(path, self._top["at"][""])
            self._top["at"][""] = tree.ended(result)
            return
        *above, segment = paths.segments(path)
        parent = self._top["at"][""]
        for each in above:
            parent = parent["at"][each]
        gone = parent["at"].pop(segment)
        self._drop(path, gone)
        self._todo.append((path, result))

    def _drop(self, path: str, gone: Tree) -> None:
        dropped = list(tree.live(gone, path))
        self._live -= len(dropped)
        self._cancelled += dropped

    def _checked_plan(self, path: str, plan: Node) -> str:
        """The plan that a task has returned, as JSON. Raises: PlanError."""
        check_size(plan)
        check_names(Program(plan, self._program.actions))
        if len(paths.segments(path)) + 1 + levels(plan) > LEVELS:
            raise PlanError(f"with it the plan has more than {LEVELS} levels")
        if self._live - 1 + width(plan) > WIDTH:
            raise PlanError(f"more than {WIDTH} tasks would be live at once")
        return to_json(plan)

    def _replace(self, path: str, frame: Frame, event: Replaced) -> None:
        """Put the plan that a task has returned in the task's place."""
        try:
            text = self._checked_plan(path, event.plan)
        except PlanError as error:
            words = f"the plan that it returned cannot be run: {error}"
            self._end(path, Err(Fault("action", words, path)))
            return
        self._live -= 1
        del frame.tree["name"]
        frame.tree.update(kind=paths.RETURNED_KIND, plan=text)
        self._move(frame, lambda here: behaviour_of(self._program, frame).enter(here))


def _ok(path: str, event: Outcome) -> Ended:
    try:
        return Ok(as_json(event.state))
    except ValueError as error:
        return Err(Fault("action", str(error), path))


def _charged(frames: list[Frame], spent: Spent) -> list[str]:
    """Add to what is spent beneath each node with limits; their paths, from the outermost."""
    found = []
    for frame in frames:
        if tree.limits(frame) is not None:
            before = Spent(**frame.tree.get("spent", {}))
            frame.tree["spent"] = (before + spent).as_json()
            found.append(frame.path)
    return found


def _checked(move: object, here: Here) -> Move:
    """The move, if it is one that can be made. Raises: FunctionError, ValueError."""
    if isinstance(move, Finish):
        if isinstance(move.result, Ok | Err):
            return move
        raise FunctionError(f"Finish takes Ok or Err, given {move.result!r:.80}")
    if not isinstance(move, Go):
        raise FunctionError(f"it gave {move!r:.80}; expected Go or Finish")
    for segment in move.begin:
        if segment in here.live and segment not in move.cancel:
            raise FunctionError(f"{segment!r} is live already; begin it by another turn, as '0#2'")
    goes_on = move.begin or move.wait_s or here.waits or set(here.live) - set(move.cancel)
    if not goes_on:
        raise FunctionError("it begins nothing and has nothing to wait for")
    return move

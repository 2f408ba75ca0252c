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
from reins.plans.tree import Frame, Leaf, Tree
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

    `late`: nothing stands at the event's path any more, and the tree is as it was. `begun` are the
    tasks that are live since this event, in the order of the plan; `waits`: a timer has begun.
    """

    tree: Tree
    cancelled: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    late: bool = False
    begun: tuple[Leaf, ...] = ()
    waits: bool = False


def enter(program: Program, state: Any) -> Stepped:
    """The tree of a plan that has just begun. Raises: PlanError for a state that is not JSON."""
    try:
        given = as_json(state)
    except ValueError as error:
        raise PlanError(str(error)) from None
    root = Frame(paths.ROOT, "", program.plan, {"kind": tree.ENTERING, "in": given}, given)
    fold = _Fold(program, root)
    fold.enter(root)
    return fold.stepped()


def step(program: Program, before: Tree, path: str, event: Event) -> Stepped:
    """The tree after an event at a path. `before` is not changed."""
    frame = tree.opened(program.plan, before, path)
    if frame is None or not _is_awaited(event, frame.tree):
        return Stepped(before, late=True)
    fold = _Fold(program, frame.root)
    fold.take(frame, event)
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
    """One event on a tree that is open where it happens: moves, until nothing is left to do."""

    def __init__(self, program: Program, root: Frame) -> None:
        self._program = program
        self._root = root
        self._live: int | None = None
        self._todo: list[tuple[Frame, tuple[str, Ended] | None]] = []
        self._begun: dict[str, Leaf] = {}
        self._cancelled: list[str] = []
        self._decisions: list[Decision] = []
        self._waits = False

    def stepped(self) -> Stepped:
        return Stepped(
            self._root.tree,
            tuple(sorted(self._cancelled, key=paths.order)) if self._cancelled else (),
            tuple(self._decisions),
            begun=tree.in_order(self._begun.values()),
            waits=self._waits,
        )

    def enter(self, frame: Frame) -> None:
        self._todo.append((frame, None))
        self._run()

    def take(self, frame: Frame, event: Event) -> None:
        """Fold an event in, then count what it has spent."""
        if isinstance(event, Alarm):
            del frame.tree["left_s"]
            self._alarm(frame, "timeout")
            return
        if isinstance(event, Chosen):
            self._move(frame, lambda here: ChooseBehaviour().instead(here, event.item))
            self._run()
            return
        del frame.tree["name"]  # it has ended, and is not cancelled
        counting = _charged(frame, event.spent)
        if isinstance(event, Replaced):
            self._replace(frame, event)
        elif isinstance(event, Failure):
            fault = event.fault
            self._end(frame, Err(Fault(fault.kind, fault.message, frame.path, fault.causes)))
        else:
            self._end(frame, _ok(frame.path, event))
        self._run()
        # Over its limits, a node that has ended with this task has ended well.
        for each in counting:
            if each.stands() and tree.is_spent(each):
                self._alarm(each, "budget")

    def _alarm(self, frame: Frame, why: Why) -> None:
        self._move(frame, lambda here: behaviour_of(self._program, frame).alarm(here, why))
        self._run()

    def _run(self) -> None:
        moves = 0
        while self._todo:
            frame, end = self._todo.pop()
            moves += 1
            if moves > MOVES:
                self._todo.clear()
                words = f"{MOVES:,} moves without a task; a loop of the plan turns on the spot"
                self._end(self._root, Err(Fault("limit", words)))
                return
            if not frame.stands():
                continue  # cancelled before its turn came
            if end is None:
                self._entered(frame)
            else:
                self._ended(frame, *end)

    def _entered(self, frame: Frame) -> None:
        frame.tree["kind"] = frame.node.kind
        if frame.node.kind == "task":
            self._begin_task(frame)
        else:
            self._move(frame, lambda here: behaviour_of(self._program, frame).enter(here))

    def _begin_task(self, frame: Frame) -> None:
        live = self._count_live()
        if live >= WIDTH:
            words = f"more than {WIDTH} tasks would be live at once"
            self._end(frame, Err(Fault("limit", words, frame.path)))
            return
        node = frame.node
        frame.tree["name"] = node.name
        self._live = live + 1
        self._begun[frame.path] = Leaf(frame.path, node.name, node.args, frame.state)

    def _count_live(self) -> int:
        """The number of live tasks: counted once, where an event comes to need it."""
        if self._live is None:
            self._live = len(tree.live(self._root.tree))
        return self._live

    def _ended(self, frame: Frame, segment: str, result: Ended) -> None:
        """A child has ended: its parent moves on."""
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
            self._end(frame, move.result)
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
            self._waits = True
        for segment in move.cancel:
            self._drop(paths.child(frame.path, segment), at.pop(segment, {}))
        state = frame.state
        if move.begin and not behaviour_of(self._program, frame).keeps_input:
            # One child at a time: its input stands in the place of the node's own.
            state = next(iter(move.begin.values()))
            frame.keep(state)
        entering: list[tuple[Frame, None]] = []
        for segment, given in move.begin.items():
            at[segment] = child = {"kind": tree.ENTERING}
            if not same(given, state):
                child["in"] = given
            entering.append((frame.child(segment, child), None))
        self._todo += reversed(entering)

    def _end(self, frame: Frame, result: Ended) -> None:
        """Take a node out, with all that is live beneath it."""
        self._drop(frame.path, frame.tree)
        if frame.parent is None:
            frame.tree = tree.ended(result)
        else:
            del frame.parent.tree["at"][frame.segment]
            self._todo.append((frame.parent, (frame.segment, result)))

    def _drop(self, path: str, gone: Tree) -> None:
        for each in tree.live(gone, path):
            if self._live is not None:
                self._live -= 1
            if self._begun.pop(each, None) is None:
                self._cancelled.append(each)

    def _checked_plan(self, path: str, plan: Node) -> str:
        """The plan that a task has returned, as JSON. Raises: PlanError."""
        check_size(plan)
        check_names(Program(plan, self._program.actions))
        if len(paths.segments(path)) + 1 + levels(plan) > LEVELS:
            raise PlanError(f"with it the plan has more than {LEVELS} levels")
        if self._count_live() + width(plan) > WIDTH:
            raise PlanError(f"more than {WIDTH} tasks would be live at once")
        return to_json(plan)

    def _replace(self, frame: Frame, event: Replaced) -> None:
        """Put the plan that a task has returned in the task's place."""
        try:
            text = self._checked_plan(frame.path, event.plan)
        except PlanError as error:
            words = f"the plan that it returned cannot be run: {error}"
            self._end(frame, Err(Fault("action", words, frame.path)))
            return
        frame.tree.update(kind=paths.RETURNED_KIND, plan=text)
        self._move(frame, lambda here: behaviour_of(self._program, frame).enter(here))


def _ok(path: str, event: Outcome) -> Ended:
    try:
        return Ok(as_json(event.state))
    except ValueError as error:
        return Err(Fault("action", str(error), path))


def _charged(frame: Frame, spent: Spent) -> list[Frame]:
    """Add a task to what is spent beneath each node with limits; these, from the outermost."""
    found = []
    while frame.parent is not None:
        frame = frame.parent
        if tree.limits(frame) is not None:
            before = Spent(**frame.tree.get("spent", {}))
            frame.tree["spent"] = (before + spent + Spent(tasks=1)).as_json()
            found.append(frame)
    return found[::-1]


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

"""The shape of the tree in which a running plan stands, and ways through it.

It is JSON. A node has its `kind`; `memory`, children by segment (`at`), the seconds until its alarm
(`left_s`) and what is `spent` beneath it, where it has them; and its input (`in`), unless that is
the same as its parent's. A live task has its `name`. At the end there is one node, `ended`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from reins.plans import paths
from reins.plans.drawing import label
from reins.plans.json_value import same
from reins.plans.moves import Ended
from reins.plans.nodes import FIRST_COMPLETED, Budget, Limits, Node, Parallel, Task, children
from reins.plans.reading import from_json
from reins.plans.result import Err, Fault, Ok

Tree: TypeAlias = dict[str, Any]
ENTERING = "entering"
ENDED = "ended"


@dataclass(slots=True)
class Frame:
    """A node of the tree with its node of the plan, its path and its input."""

    path: str
    segment: str
    node: Any
    tree: Tree
    state: Any
    parent: "Frame | None" = None

    def child(self, segment: str, here: Tree) -> "Frame":
        """A node of the tree right beneath this one."""
        node = beneath(self.node, self.tree, segment)
        at = paths.child(self.path, segment)
        return Frame(at, segment, node, here, here.get("in", self.state), self)

    @property
    def root(self) -> "Frame":
        """The plan."""
        frame = self
        while frame.parent is not None:
            frame = frame.parent
        return frame

    def stands(self) -> bool:
        """True until the node, or one above it, is taken out."""
        frame = self
        while (parent := frame.parent) is not None:
            if parent.tree.get("at", {}).get(frame.segment) is not frame.tree:
                return False
            frame = parent
        return True

    def keep(self, state: Any) -> None:
        """Put another input in the place of the node's own."""
        self.state = state
        if self.parent is not None and same(state, self.parent.state):
            self.tree.pop("in", None)
        else:
            self.tree["in"] = state


@dataclass(frozen=True, slots=True)
class Leaf:
    """A task that is live: its path, its action, its arguments and its input."""

    path: str
    name: str
    args: dict[str, Any]
    state: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """A `choose` that stands: its path, what its items are called, the place of what runs."""

    path: str
    items: tuple[str, ...]
    item: int


@dataclass(frozen=True, slots=True)
class Timer:
    """A node that waits for an alarm, and for how long."""

    path: str
    left_s: float


def copied(root: Tree) -> Tree:
    """A copy of the nodes; states and memories are shared, since nobody changes them."""
    made = dict(root)
    if "at" in root:
        made["at"] = {segment: copied(each) for segment, each in root["at"].items()}
    return made


def opened(plan: Node, root: Tree, path: str) -> Frame | None:
    """The node at a path, to be changed: it and those above it are copies, all others are shared.

    None where nothing stands there.
    """
    here = _open(root)
    frame = Frame(paths.ROOT, "", plan, here, here.get("in"))
    for segment in paths.segments(path):
        at = frame.tree.get("at", {})
        if segment not in at:
            return None
        at[segment] = here = _open(at[segment])
        frame = frame.child(segment, here)
    return frame


def _open(here: Tree) -> Tree:
    made = dict(here)
    if "at" in made:
        made["at"] = dict(made["at"])
    return made


def beneath(node: Node, here: Tree, segment: str) -> Node:
    """The plan's node of a child."""
    if segment == paths.RETURNED:
        return returned(here["plan"])
    return children(node)[paths.place(segment)]


@lru_cache(maxsize=512)
def returned(text: str) -> Node:
    """The plan that an action has returned."""
    return from_json(text)


def live(root: Tree, path: str = paths.ROOT) -> list[str]:
    """The paths of the live tasks."""
    found = [path] if "name" in root else []
    for segment, each in root.get("at", {}).items():
        found += live(each, paths.child(path, segment))
    return found


def name_at(root: Tree, path: str) -> str | None:
    """The action of the live task at a path; None where there is none."""
    for segment in paths.segments(path):
        found = root.get("at", {}).get(segment)
        if found is None:
            return None
        root = found
    return root.get("name")


def leaves(plan: Node, root: Tree) -> list[Leaf]:
    """The live tasks of a plan with their inputs, in the order of the plan."""
    return list(in_order(_leaves(plan, root, paths.ROOT, None)))


def in_order(found: Collection[Leaf]) -> tuple[Leaf, ...]:
    """Tasks in the order of the plan; one alone, as most often, costs no look at its path."""
    if len(found) > 1:
        found = sorted(found, key=lambda leaf: paths.order(leaf.path))
    return tuple(found)


def choices(plan: Node, root: Tree) -> list[Choice]:
    """The `choose` nodes that stand, the outermost first."""
    found = [
        Choice(path, tuple(map(label, children(node))), paths.place(next(iter(here["at"]))))
        for path, node, here in _standing(plan, root)
        if here["kind"] == "choose"
    ]
    return sorted(found, key=lambda choice: paths.order(choice.path))


def stalled(plan: Node, root: Tree, running: Collection[str]) -> set[str]:
    """Of the tasks that run, those of a race with a branch of which none runs.

    While nothing is begun, only they themselves can end them.
    """
    found: set[str] = set()
    for path, node, here in _standing(plan, root):
        if isinstance(node, Parallel) and node.policy == FIRST_COMPLETED:
            branches = [
                {each for each in live(tree, paths.child(path, segment)) if each in running}
                for segment, tree in here.get("at", {}).items()
            ]
            if not all(branches):
                found = found.union(*branches)
    return found


def timers(root: Tree) -> list[Timer]:
    """The nodes that wait for an alarm, the outermost first."""
    found = [Timer(path, here["left_s"]) for path, here in places(root) if "left_s" in here]
    return sorted(found, key=lambda timer: paths.order(timer.path))


def with_left(root: Tree, left_s: dict[str, float]) -> Tree:
    """The tree with other seconds until the alarms of these paths: a clock has been stopped."""
    if not left_s:
        return root
    made = copied(root)
    for path, here in places(made):
        if path in left_s and "left_s" in here:
            here["left_s"] = left_s[path]
    return made


def ended(result: Ended) -> Tree:
    """The tree of a plan that has ended."""
    if isinstance(result, Ok):
        return {"kind": ENDED, "state": result.value}
    return {"kind": ENDED, "error": result.error.as_json()}


def result(root: Tree) -> "Ended | None":
    """The result of a plan that has ended, else None."""
    if root["kind"] != ENDED:
        return None
    return Err(Fault.from_json(root["error"])) if "error" in root else Ok(root["state"])


def limits(frame: Frame) -> Limits | None:
    """The limits of a node that has some."""
    if isinstance(frame.node, Budget):
        return frame.node.limits
    return frame.node.budget if isinstance(frame.node, Parallel) else None


def is_spent(frame: Frame) -> bool:
    """True where the tasks beneath the node have spent what they may."""
    bounds, spent = limits(frame), frame.tree.get("spent", {})
    most = {name: getattr(bounds, name) for name in ("tokens", "cost_usd", "tasks")}
    return any(bound is not None and spent.get(name, 0) >= bound for name, bound in most.items())


def misfits(plan: Node, root: Tree) -> list[str]:
    """The paths at which a tree does not fit the plan, each with what is wrong.

    Only live paths are looked at: what is over, and what is to come, may have been changed.
    """
    return list(_misfits(plan, root, paths.ROOT))


def places(root: Tree, path: str = paths.ROOT) -> list[tuple[str, Tree]]:
    """Every node of a standing plan with its path, the outermost first."""
    found = [(path, root)]
    for segment, each in root.get("at", {}).items():
        found += places(each, paths.child(path, segment))
    return found


def _misfits(node: Node, here: Tree, path: str) -> Iterator[str]:
    kind = "task" if here["kind"] == paths.RETURNED_KIND else here["kind"]
    if kind == ENDED:
        return
    if node.kind != kind:
        yield f"{path}: the tree has a {kind}, the plan a {node.kind}"
        return
    if isinstance(node, Task) and here.get("name", node.name) != node.name:
        yield f"{path}: the tree has the task {here['name']!r}, the plan {node.name!r}"
    for segment, each in here.get("at", {}).items():
        there = paths.child(path, segment)
        if segment != paths.RETURNED and paths.place(segment) >= len(children(node)):
            yield f"{there}: the plan has {len(children(node))} items there"
        else:
            yield from _misfits(beneath(node, here, segment), each, there)


def _standing(node: Node, here: Tree, path: str = paths.ROOT) -> Iterator[tuple[str, Node, Tree]]:
    yield path, node, here
    for segment, each in here.get("at", {}).items():
        yield from _standing(beneath(node, here, segment), each, paths.child(path, segment))


def _leaves(node: Node, here: Tree, path: str, outer: Any) -> list[Leaf]:
    state = here.get("in", outer)
    found = [Leaf(path, here["name"], getattr(node, "args", {}), state)] if "name" in here else []
    for segment, each in here.get("at", {}).items():
        there = paths.child(path, segment)
        found += _leaves(beneath(node, here, segment), each, there, state)
    return found

"""The nodes of a plan in its order, each with how it stands, as far as the log tells."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from reins.plans import Node, from_json
from reins.plans.drawing import label
from reins.plans.nodes import children
from reins.plans.paths import RETURNED, ROOT, child, order, segments
from reins.web.views.plan_history import History, node_of

MOST_NODES = 2_000


def node_rows(
    plan: Node | None, told: History, *, running: Collection[str], is_whole: bool
) -> tuple[list[dict[str, Any]], int]:
    """In the shape of `PlanNode`, and how many are left out.

    `running` are paths of pieces. Without a plan the nodes are those of whose runs there is word.
    """
    standing = _Standing(told, running, is_whole=is_whole)
    rows: list[dict[str, Any]] = []
    left_out = 0
    for path, node, above in _nodes(plan, told) if plan is not None else _known(told):
        if len(rows) >= MOST_NODES:
            left_out += 1
            continue
        kind = "task" if node is None else node.kind
        row = {
            "path": path,
            "kind": kind,
            "name": told_name(path, told) if node is None else label(node),
            "level": len(segments(path)),
            "standing": standing.of(path, kind, above),
        }
        rows.append(row)
    return rows, left_out


def told_name(path: str, told: History) -> str:
    """The action that ran at a node of a plan that is not known."""
    found = (each["name"] for each in reversed(told.runs) if each["node"] == path and each["name"])
    live = (each.name for at, each in told.live.items() if at == path)
    return next(live, None) or next(found, None) or path


def _nodes(
    node: Node, told: History, path: str = ROOT, above: str = ""
) -> Iterator[tuple[str, Any, str]]:
    """Every node with its path and the kind of the one above it."""
    yield path, node, above
    for place, each in enumerate(children(node)):
        yield from _nodes(each, told, child(path, str(place)), node.kind)
    if path in told.returned:
        yield from _nodes(from_json(told.returned[path]), told, child(path, RETURNED), node.kind)


def _known(told: History) -> Iterator[tuple[str, None, str]]:
    paths = {each["node"] for each in told.runs} | told.within
    for path in sorted(paths, key=order):
        yield path, None, ""


class _Standing:
    def __init__(self, told: History, running: Collection[str], *, is_whole: bool) -> None:
        self._told = told
        self._is_whole = is_whole
        self._live = {node_of(path) for path in told.live}
        self._running = {node_of(path) for path in told.live if path in running}
        self._last: Mapping[str, str] = {
            each["node"]: each["outcome"] for each in told.runs if each["outcome"] != "alarm"
        }
        entered = {*told.begun, *self._live, *(each["node"] for each in told.runs)}
        self._begun = {above for path in entered for above in _upwards(path)}
        self._passed: set[str] = set()

    def of(self, path: str, kind: str, above: str) -> str:
        told, tree = self._told, self._told.state.get("tree") or {}
        if path == ROOT and tree.get("kind") == "ended" and not told.live:
            return "failed" if "error" in tree else "done"
        if path in told.within:
            return "live" if self._has_running(path) else "waiting"
        if path in self._last:
            return self._last[path]
        if path in self._begun and kind != "task":
            return "ended"
        if self._is_passed(path, above):
            self._passed.add(path)
            return "not chosen"
        return "not begun" if self._is_whole else "unknown"

    def _has_running(self, path: str) -> bool:
        prefix = path if path == ROOT else f"{path}/"
        return path in self._running or any(each.startswith(prefix) for each in self._running)

    def _is_passed(self, path: str, above: str) -> bool:
        """True for what a choice has left aside, and all beneath it."""
        *parents, _ = segments(path) or [""]
        parent = ROOT + "/".join(parents)
        chose = above == "choose" and any(
            each != path and each.startswith(child(parent, "")) for each in self._begun
        )
        return parent in self._passed or chose


def _upwards(path: str) -> Iterator[str]:
    """A path and all above it."""
    parts = segments(path)
    for count in range(len(parts) + 1):
        yield ROOT + "/".join(parts[:count])

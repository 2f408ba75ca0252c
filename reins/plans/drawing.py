"""A plan as a Mermaid flowchart."""

from collections.abc import Callable, Iterator
from typing import Any

from reins.plans.nodes import Node, children

_LABELS: dict[str, Callable[[Any], str]] = {
    "task": lambda node: node.name,
    "parallel": lambda node: f"parallel {node.policy}" + (f" {node.n}" if node.n else ""),
    "choose": lambda node: f"choose by {_name(node.selector)}" if node.selector else "choose",
    "focus": lambda node: f"focus {_name(node.lens)}",
    "loop_while": lambda node: f"loop while {_name(node.condition)}",
    "retry": lambda node: f"retry {node.attempts} times",
    "timeout": lambda node: f"timeout {node.timeout_s:g} s",
    "node": lambda node: node.use,
}
_FROM, _TO = '"&<>#`\n', ("#quot;", "#amp;", "#lt;", "#gt;", "#35;", "#96;", " ")
_ESCAPED = str.maketrans(dict(zip(_FROM, _TO, strict=True)))


def to_mermaid(plan: Node) -> str:
    """The lines of a flowchart: a node for each of the plan, with edges to those beneath.

    Edges carry the places of the items; tasks are rounded.
    """
    return "\n".join(["flowchart TD", *_lines(plan)])


def label(node: Node) -> str:
    """A node in few words: its action, or its kind with what it does by."""
    return _LABELS[node.kind](node) if node.kind in _LABELS else node.kind


def _lines(plan: Node) -> Iterator[str]:
    waiting: list[tuple[Node, str]] = [(plan, "")]
    number = 0
    while waiting:
        node, edge = waiting.pop(0)
        name = f"n{number}"
        number += 1
        text = label(node).translate(_ESCAPED)
        yield f'    {name}("{text}")' if node.kind == "task" else f'    {name}["{text}"]'
        if edge:
            yield f"    {edge} {name}"
        beneath = children(node)
        arrows = (
            f"{name} -->|{at}|" if len(beneath) > 1 else f"{name} -->" for at in range(len(beneath))
        )
        waiting += zip(beneath, arrows, strict=True)


def _name(reference: object) -> str:
    return reference if isinstance(reference, str) else getattr(reference, "__name__", "a function")

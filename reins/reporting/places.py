"""Places in a plan: paths of runs without their turns and attempts, so that those count as one."""

import re
from typing import Any

_RUN = re.compile(r"[#~]\d+")


def place(path: str) -> str:
    """The place of a path: `/1/0#3~2` is a run at `/1/0`."""
    return _RUN.sub("", path)


def order(where: str) -> list[int]:
    """The key by which places are in the order of the plan."""
    return [int(each) if each.isdecimal() else -1 for each in where.split("/") if each]


def named_at(plan: Any, where: str) -> str:
    """The name of the task at a place of a plan in JSON; empty where there is none."""
    node = plan
    for index in order(where):
        items = node.get("items", [node.get("item")]) if isinstance(node, dict) else []
        if not isinstance(items, list) or not 0 <= index < len(items):
            return ""
        node = items[index]
    if isinstance(node, str):
        return node
    return str(node.get("name", "")) if isinstance(node, dict) else ""

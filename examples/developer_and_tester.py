"""A goal becomes a tree: a developer writes, a tester finds the fault, the developer mends it.

python examples/developer_and_tester.py
python examples/developer_and_tester.py "Write a program that sorts lines, and test it"

It brings its own worker along. The model is the one that the settings name; the offline one knows
the first goal alone.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import queue_imp as q
from agents import Runtime
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.agent_state import list_agent_states
from store.agent_steps import list_steps

GOAL = "Write a small CLI that counts words, and test it"
ROOT = "plan"
ENDED = ("completed", "failed", "stopped")
PATIENCE_S = 180.0
TOOLS = {"tools": ["files", "commands"], "config": {"approvals": "allow_medium"}}
WORKERS = {
    "developer": {"brief": "writes code", **TOOLS},
    "tester": {"brief": "writes and runs tests", **TOOLS},
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Have a program written and tested.")
    parser.add_argument("goal", nargs="?", default=GOAL)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="developer-and-tester-") as temporary:
        Path(temporary).chmod(0o711)  # run as root, commands are another user's, who comes by here
        os.environ["REINS_DATA"] = str(Path(temporary) / "data")
        os.environ["REINS_WORKSPACES"] = str(Path(temporary) / "workspaces")
        with RuntimeThread(Runtime(load_settings())):
            return 0 if worked(given.goal) else 1


def worked(goal: str) -> bool:
    """Create the orchestrator, approve what is asked, and print each row until it has ended."""
    config = {"goal": goal, "workers": WORKERS}
    created = q.wait_for_action(
        q.agent_create(ROOT, "example", agent_type="orchestrator", config=config)
    )
    if created["outcome"] != "applied":
        raise SystemExit(created["error"])
    seen: dict[str, int] = {}
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        states = {each["session_id"]: each for each in list_agent_states()}
        for name in sorted(states):
            for row in list_steps(name, seen.get(name, 0)):
                seen[name] = row["seq"]
                tell(name, row)
        if states[ROOT]["status"] in ENDED:
            return says_done()
        for item in q.inbox_items():
            approve = q.inbox_decide(item["item_id"], "example", "approve")
            q.wait_for_action(approve)
        time.sleep(0.05)
    raise SystemExit(f"not done after {PATIENCE_S:g} s")


def tell(name: str, row: dict[str, Any]) -> None:
    """A line of the tree; ticks and ends alone, a child's further to the right."""
    if row["kind"] in ("tick", "final"):
        print(f"{'  ' * name.count('.')}{name}: {' '.join(row['text'].split())[:100]}")


def says_done() -> bool:
    """The result, with what each child contributed."""
    result = json.loads(list_steps(ROOT)[-1]["payload"])["result"]["payload"] or {}
    for part in result.get("tasks", ()):
        print(f"{part['task']} {part['worker']}: {part['status']}, {part['attempts']} attempts")
    print(result.get("status"))
    return bool(result.get("status") == "done")


if __name__ == "__main__":
    sys.exit(main())

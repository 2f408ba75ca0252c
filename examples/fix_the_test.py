"""An agent finds out why a test fails and mends it; you approve what it may do.

python examples/fix_the_test.py                    approves for you, and says what
python examples/fix_the_test.py --ask              asks you, each time
python examples/fix_the_test.py --keep shop-copy   keeps the folder in which it worked

It brings its own worker along, and works on a copy of examples/small_shop. The model is the one
that the settings name; the offline one knows this goal.
"""

import argparse
import json
import logging
import os
import shutil
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
from reins.tools.sandbox.surroundings import owner
from store.agent_state import get_agent_state
from store.agent_steps import list_steps

SHOP = Path(__file__).parent / "small_shop"
SESSION = "fixer"
ENDED = ("completed", "failed", "stopped")
PATIENCE_S = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Have a failing test mended.")
    parser.add_argument("--ask", action="store_true", help="ask before each call that needs it")
    parser.add_argument("--keep", help="folder to keep; without it, a temporary one")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="fix-the-test-") as temporary:
        Path(temporary).chmod(0o711)  # run as root, commands are another user's, who comes by here
        os.environ["REINS_DATA"] = str(Path(temporary) / "data")
        workspaces = Path(given.keep or temporary).absolute() / "workspaces"
        os.environ["REINS_WORKSPACES"] = str(workspaces)
        copy_to(workspaces / SESSION)
        with RuntimeThread(Runtime(load_settings())):
            return 0 if mended(ask=given.ask) else 1


def copy_to(workspace: Path) -> None:
    """A copy of the shop, owned by whoever commands run as."""
    shutil.copytree(SHOP, workspace, ignore=shutil.ignore_patterns("__pycache__"))
    if (user := owner()) is not None:
        for path in (workspace, *workspace.rglob("*")):
            os.chown(path, user, user)


def mended(*, ask: bool) -> bool:
    """Create the session, decide what it asks, and print what it does until it has ended."""
    config = {"goal": "fix the failing test", "tools": ["files", "commands"]}
    created = q.wait_for_action(
        q.agent_create(SESSION, "example", agent_type="task", config=config)
    )
    if created["outcome"] != "applied":
        raise SystemExit(created["error"])
    seq, until = 0, time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        ended = get_agent_state(SESSION)["status"] in ENDED  # first: its last row is there then
        for row in list_steps(SESSION, seq):
            seq = row["seq"]
            tell(row)
        if ended:
            return says_done()
        for item in q.inbox_items():
            decide(item, ask=ask)
            until = time.monotonic() + PATIENCE_S
        time.sleep(0.05)
    raise SystemExit(f"not done after {PATIENCE_S:g} s")


def tell(row: dict[str, Any]) -> None:
    thought = json.loads(row["payload"] or "{}").get("thought")
    if thought and row["kind"] == "tick":
        print(f"      {thought}")
    print(f"{row['seq']:3}  {row['kind']:8} {row['text']}")


def decide(item: dict[str, Any], *, ask: bool) -> None:
    """Approve, or ask whoever runs this; the like of it then goes without asking."""
    print(f"   ?  {item['tool']} {item['args']}  ({item['risk']} risk)")
    answer = input("      approve? [Y/n] ").strip().lower() if ask else "y"
    decision = "reject" if answer.startswith("n") else "approve"
    remember = {"scope": "session"} if decision == "approve" else None
    q.wait_for_action(q.inbox_decide(item["item_id"], "example", decision, remember=remember))
    print(f"      {decision}d" if decision == "approve" else f"      {decision}ed")


def says_done() -> bool:
    """The result of the session, as its last row has it."""
    final = [row for row in list_steps(SESSION) if row["kind"] == "final"]
    return "All tests pass now" in (final[-1]["payload"] or "")


if __name__ == "__main__":
    sys.exit(main())

"""An orchestrator asks a panel: three personas answer a question side by side, and it sums up.

python examples/persona_panel.py
python examples/persona_panel.py "Is it better to be early or to be right?"

It brings its own worker along, and prints the tree as it grows, then each one's contribution. The
model is the one that the settings name; without any it is the offline one, which needs no key.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
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

QUESTION = "Should cats vote?"
ROOT = "panel"
SHOWN = 120
ENDED = ("completed", "failed", "stopped")
PATIENCE_S = 120.0
PANEL = {
    "Mara": ("noir", "a detective who has worked too many nights"),
    "Finn": ("pirate", "a captain without a ship"),
    "Odile": ("poetic", "the keeper of a lighthouse"),
}
WORKERS = {
    name: {
        "agent_type": "panelist",
        "brief": f"panelist, answers the question as {about} does",
        "config": {"name": name, "tone": tone, "about": about},
    }
    for name, (tone, about) in PANEL.items()
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask three personas a question.")
    parser.add_argument("question", nargs="?", default=QUESTION)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="persona-panel-") as temporary:
        os.environ["REINS_DATA"] = temporary
        with RuntimeThread(Runtime(load_settings())):
            return 0 if asked(given.question) else 1


def asked(question: str) -> bool:
    """Create the orchestrator, print the tree until it has ended, then what each contributed."""
    config = {"goal": question, "workers": WORKERS, "share": False}
    created = q.wait_for_action(
        q.agent_create(ROOT, "example", agent_type="orchestrator", config=config)
    )
    if created["outcome"] != "applied":
        raise SystemExit(created["error"])
    for line in tree():
        print(line)
    result = report_of(ROOT)
    for part in result.get("tasks", ()):
        tone, about = PANEL[part["worker"]]
        print(f"\n{part['worker']} ({tone}, {about}), {part['status']}:")
        print(report_of(part["session_id"]).get("summary"))
    print(f"\n{result.get('status')}: {result.get('summary')}")
    return bool(result.get("status") == "done")


def report_of(session_id: str) -> dict[str, Any]:
    """The report in the last row of a session that has ended; empty where it made none."""
    result = json.loads(list_steps(session_id)[-1]["payload"])["result"]
    return dict(result.get("payload") or {})


def tree() -> Iterator[str]:
    """The ticks of the root and its children as they come, a child's further to the right."""
    seen: dict[str, int] = {}
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        states = {each["session_id"]: each for each in list_agent_states()}
        new = [row for name in states for row in list_steps(name, seen.get(name, 0))]
        for row in sorted(new, key=lambda row: row["created_at"]):
            name = row["session_id"]
            seen[name] = max(row["seq"], seen.get(name, 0))
            if row["kind"] == "tick":
                text = " ".join(row["text"].split())[:SHOWN]
                yield f"{'    ' * ('.' in name)}{name}: {text}"
        if states[ROOT]["status"] in ENDED:
            return
        time.sleep(0.05)
    raise SystemExit(f"not done after {PATIENCE_S:g} s")


if __name__ == "__main__":
    sys.exit(main())

"""A session is recorded, and done again with no model: both logs are the same.

python examples/replay_session.py

It brings its own worker along, and stops it before the replay: nothing is left that could answer.
"""

import asyncio
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import queue_imp as q
from agents import Runtime
from reins.history import recording as replay
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.agent_steps import list_steps

PATIENCE_S = 60.0


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="reins-replay-") as data:
        os.environ["REINS_DATA"] = data
        with RuntimeThread(Runtime(load_settings(heartbeat_s=0.2))):
            live()
        recording = replay.record("ada")
    done = asyncio.run(replay.replay(recording))
    for then, now in zip(recording["rows"], done.rows, strict=False):
        same = "=" if then["text"] == now["text"] else "!"
        print(f"{now['seq']:3} {same} {now['kind']:8} {now['text']}")
    print("\n".join(done.differences) or f"the same: {len(done.rows)} rows")
    return len(done.differences)


def live() -> None:
    """A short life, with jokes in between."""
    applied(q.agent_create("ada", "example", "cats"))
    for guidance in ({"subject": "dogs"}, "tell some about tea"):
        applied(q.agent_interrupt("ada", "example", guidance))
    applied(q.agent_destroy_action("ada", "example", "enough"))


def applied(action_id: str) -> None:
    receipt = q.wait_for_action(action_id)
    if receipt["outcome"] != "applied":
        raise SystemExit(f"{receipt['type']}: {receipt['error']}")
    until = time.monotonic() + PATIENCE_S
    while receipt["type"] != "agent_destroy" and time.monotonic() < until:
        if any(row["kind"] == "tick" for row in list_steps("ada", receipt["applied_seq"])):
            return
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())

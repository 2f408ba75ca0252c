"""The life of an agent in six steps, from any process beside a worker on the same data folder.

Start a worker with `python -m agents` (or `make run`), then: `python -m examples.six_steps`.
"""

import time

import queue_imp as q
from store.agent_steps import list_steps


def main() -> None:
    agent_id = f"example-{time.time_ns():x}"
    steps = {
        "create": lambda: q.agent_create(agent_id, "example", "cats"),
        "steer with a dict": lambda: q.agent_interrupt(agent_id, "example", {"subject": "dogs"}),
        "steer with words": lambda: q.agent_interrupt(agent_id, "example", "tell some about tea"),
        "pause": lambda: q.agent_pause_action(agent_id, "example", "lunch"),
        "resume": lambda: q.agent_resume_action(agent_id, "example"),
        "destroy": lambda: q.agent_destroy_action(agent_id, "example", "that was it"),
    }
    shown = 0
    for name, ask in steps.items():
        receipt = q.wait_for_action(ask())
        print(f"-- {name}: {receipt['outcome']} at {receipt['applied_seq']}")
        if name not in ("pause", "destroy"):
            shown = _wait_for_a_joke(agent_id, receipt["applied_seq"])
    for row in list_steps(agent_id, after_seq=shown):
        print(f"{row['seq']:4} {row['kind']:8} {row['text']}")


def _wait_for_a_joke(agent_id: str, after_seq: int) -> int:
    """Print what is new up to the next joke; returns its place in the log."""
    while not any(row["kind"] == "tick" for row in list_steps(agent_id, after_seq=after_seq)):
        time.sleep(0.1)
    for row in list_steps(agent_id, after_seq=after_seq - 1):
        print(f"{row['seq']:4} {row['kind']:8} {row['text']}")
    return row["seq"]


if __name__ == "__main__":
    main()

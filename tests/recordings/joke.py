"""Records the life of joke.json anew, with the offline model: needed whenever a prompt changes.

python -m tests.recordings.joke
"""

import os
import tempfile
from pathlib import Path

import orjson

import queue_imp as q
from agents import Runtime
from reins.history import recording
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.agent_steps import list_steps
from tests.support.waiting import until

FILE = Path(__file__).with_suffix(".json")
ACTOR = "ann"


def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        os.environ["REINS_DATA"] = data
        with RuntimeThread(Runtime(load_settings(heartbeat_s=0.3))):
            live()
        made = recording.record("cats")
    FILE.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2))


def live() -> None:
    """Jokes, guidance of both kinds, a pause, an end."""
    q.wait_for_action(q.agent_create("cats", ACTOR, "cats"))
    until(lambda: ticks() >= 2)
    q.wait_for_action(q.agent_interrupt("cats", ACTOR, "now something with dogs in it perhaps"))
    until(lambda: ticks() >= 4)
    q.wait_for_action(q.agent_interrupt("cats", ACTOR, {"subject": "tea"}, mode="now"))
    until(lambda: ticks() >= 5)
    q.wait_for_action(q.agent_pause_action("cats", ACTOR, "x"))
    q.wait_for_action(q.agent_resume_action("cats", ACTOR))
    until(lambda: ticks() >= 7)
    q.wait_for_action(q.agent_destroy_action("cats", ACTOR, "enough"))


def ticks() -> int:
    return sum(row["kind"] == "tick" for row in list_steps("cats"))


if __name__ == "__main__":
    main()

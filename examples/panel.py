"""Five personas debate a question for twenty turns, and the transcript is printed as it grows.

python examples/panel.py "Should cats vote?"
python examples/panel.py "Should cats vote?" --data panel-data

It brings its own worker along. The model is the one that the settings name.
"""

import argparse
import json
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
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.messages import list_messages

TURNS = 20
PATIENCE_S = 120.0
PANEL = {
    "Mara": ("noir", "a detective who has worked too many nights"),
    "Finn": ("pirate", "a captain without a ship"),
    "Odile": ("poetic", "the keeper of a lighthouse"),
    "Dr Weiss": ("scholarly", "a professor of something very old"),
    "Juno": ("sceptical", "an auditor, and proud of it"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Let five personas debate a question.")
    parser.add_argument("question")
    parser.add_argument("--data", help="data folder to keep; without it, a temporary one")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="panel-") as temporary:
        os.environ["REINS_DATA"] = given.data or temporary
        with RuntimeThread(Runtime(load_settings())):
            return 0 if debate(given.question, f"panel-{time.time_ns():x}") == TURNS else 1


def debate(question: str, conversation_id: str) -> int:
    """Set the panel up, ask, and print what is said; returns how many turns there were."""
    done(q.conversation_create(conversation_id, "example", question))
    asked = []
    for number, (name, (tone, about)) in enumerate(PANEL.items(), 1):
        persona = {"name": name, "tone": tone, "about": about, "conversation_id": conversation_id}
        pace = {"cooldown_s": 0, "max_agent_turns": TURNS}
        agent_id = f"{conversation_id}-{number}"
        asked.append(
            q.agent_create(agent_id, "example", agent_type="persona", config=persona | pace)
        )
    done(*asked)
    done(q.post_message(conversation_id, "Chair", question))
    turns, shown, until = 0, 0, time.monotonic() + PATIENCE_S
    while turns < TURNS and time.monotonic() < until:
        for message in list_messages(conversation_id, after=shown):
            tone = json.loads(message["metadata"] or "{}").get("tone", "asks")
            print(f"{message['number']:3}  {message['author']} ({tone}): {message['text']}")
            shown = message["number"]
            turns += message["session_id"] is not None
            until = time.monotonic() + PATIENCE_S
        time.sleep(0.05)
    return turns


def done(*action_ids: str) -> None:
    """Wait for each: what one needs is there before the next is asked for."""
    for action_id in action_ids:
        if (receipt := q.wait_for_action(action_id))["outcome"] != "applied":
            raise SystemExit(f"{receipt['type']}: {receipt['error']}")


if __name__ == "__main__":
    sys.exit(main())

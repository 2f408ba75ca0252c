"""A research agent as a plan: three sources are searched side by side, then one answer is made.

python examples/research_agent_async.py
python examples/research_agent_async.py "where do otters sleep"
python examples/research_agent_async.py --session                  # the same plan, in a worker
python examples/research_agent_async.py --session --data otters    # killed, a second run goes on

It needs no network and no key: the sources are in this file. One is quick, one is slow, and one
fails at first. The same plan as a file is examples/plan.json.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import queue_imp as q
from agents import Runtime
from reins.plans import (
    Actions,
    Context,
    Ok,
    Task,
    compile_plan,
    parallel,
    retry,
    run_plan_async,
    sequence,
    timeout,
)
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.agent_state import list_agent_states
from store.agent_steps import list_steps

QUESTION = "what do otters eat"
SESSION = "research"
PATIENCE_S = 60.0
ENDED = ("completed", "failed", "stopped")
SMALL_WORDS = {"what", "where", "when", "do", "does", "the", "a"}


@dataclass(frozen=True)
class Source:
    """The sentences of one source, which takes its time."""

    sentences: tuple[str, ...]
    answers_after_s: float


SOURCES = {
    "library": Source(
        ("Otters eat fish such as eels.", "Beavers build dams.", "Otters sleep in a holt."), 0.2
    ),
    "notes": Source(
        ("Saw an otter eat a crab at dawn.", "Otters sleep on their backs at sea."), 0.4
    ),
    "forum": Source(("Sea otters eat urchins.", "My cat sleeps all day."), 0.1),
}

State = dict[str, Any]
actions = Actions()
actions.rate("requests", 20)


@actions.action(limit="requests")
async def search(state: State, ctx: Context) -> State:
    """The state with the sentences of one source that have every word of the question."""
    name = ctx.args["source"]
    source = SOURCES[name]
    await asyncio.sleep(source.answers_after_s)
    if name == "forum" and ctx.attempt == 1:
        raise ConnectionError("the forum did not answer")
    found = [each for each in source.sentences if answers(each, state["question"])]
    ctx.say(f"{name}: {len(found)} of {len(source.sentences)} sentences")
    return {**state, name: found}


def answers(sentence: str, question: str) -> bool:
    """True for a sentence with every word of the question that says something."""
    said = sentence.lower()
    words = set(question.lower().rstrip("?").split()) - SMALL_WORDS
    return all(word.rstrip("s") in said for word in words)


@actions.action
def synthesise(state: State, ctx: Context) -> State:
    """The state with an answer: each sentence with the number of its source."""
    named = [name for name in SOURCES if state.get(name)]
    lines = [f"{each} [{n}]" for n, name in enumerate(named, 1) for each in state[name]]
    sources = ", ".join(f"[{n}] {name}" for n, name in enumerate(named, 1))
    ctx.say(f"{len(lines)} sentences of {len(named)} sources")
    return {**state, "answer": [*lines, f"Sources: {sources or 'none'}"]}


PLAN = sequence(
    timeout(
        parallel(
            Task("search", {"source": "library"}),
            Task("search", {"source": "notes"}),
            retry(Task("search", {"source": "forum"}), attempts=3, delay_s=0.1),
        ),
        30.0,
    ),
    "synthesise",
)
actions.plan("research", PLAN)


async def as_a_script(question: str) -> int:
    """Run the plan in this process's loop, and print the answer."""
    done = await run_plan_async(compile_plan(actions, PLAN), {"question": question})
    for path, line in done.said:
        print(f"{path} {line}")
    for decision in done.decisions:
        print(f"{decision.path} {decision.words}")
    if not isinstance(done.result, Ok):
        print(f"failed at {done.result.error}")
        return 1
    print("\n".join(["", *done.state["answer"]]))
    return 0


def as_a_session(question: str, data: str | None) -> int:
    """Run the plan in a worker of its own, and print the rows of its session as they come."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with ExitStack() as stack:
        temporary = data or stack.enter_context(tempfile.TemporaryDirectory(prefix="research-"))
        os.environ["REINS_DATA"] = temporary
        os.environ["REINS_PLANS"] = json.dumps(["examples.research_agent_async"])
        stack.enter_context(RuntimeThread(Runtime(load_settings())))
        if SESSION not in status_by_session():
            config = {"name": "research", "state": {"question": question}}
            created = q.wait_for_action(
                q.agent_create(SESSION, "example", agent_type="plan", config=config)
            )
            if created["outcome"] != "applied":
                raise SystemExit(created["error"])
        for line in rows():
            print(line, flush=True)
        result = json.loads(list_steps(SESSION)[-1]["payload"])["result"]
    report = result["payload"]
    if report["status"] != "done":
        print(f"failed: {result['error']}")
        return 1
    print("\n".join(["", *report["state"]["answer"]]))
    return 0


def status_by_session() -> dict[str, str]:
    """The status of each session, by its id."""
    return {each["session_id"]: each["status"] for each in list_agent_states()}


def rows() -> Iterator[str]:
    """The rows of the session's log as they come, until it has ended."""
    seen, until = 0, time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        status = status_by_session()[SESSION]
        for row in list_steps(SESSION, seen):
            seen = row["seq"]
            yield f"{row['seq']:3} {row['kind']:6} {row['text']}"
        if status in ENDED:
            return
        time.sleep(0.02)
    raise SystemExit(f"not done after {PATIENCE_S:g} s")


def main() -> int:
    parser = argparse.ArgumentParser(description="Search three sources at once, and answer.")
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--session", action="store_true", help="run the plan as a session")
    parser.add_argument("--data", help="folder that outlives the run of --session")
    given = parser.parse_args()
    if given.session:
        return as_a_session(given.question, given.data)
    return asyncio.run(as_a_script(given.question))


if __name__ == "__main__":
    sys.exit(main())

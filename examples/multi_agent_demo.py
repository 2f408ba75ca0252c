"""A planner, three retrievers and a synthesiser, who know each other by topics and a board alone.

python examples/multi_agent_demo.py
python examples/multi_agent_demo.py "where do otters sleep"
python examples/multi_agent_demo.py --data otters    # killed, a second run goes on

The planner hears the question, and says on the board which sources are to be searched. Each
retriever hears of that, searches its source, and adds what it finds to what the others have found.
The synthesiser hears of each change, and answers once all are there. It needs no network and no
key: the sources are those of research_agent_async.py. Who wants a model has
`await self.services.get(Model).call(…)`.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import queue_imp as q
from agent_core.agent.results import StepResult
from agents import Runtime
from examples.research_agent_async import SOURCES, answers
from reins.blackboard.boards import Boards
from reins.blackboard.writing import WriteBoard
from reins.bus.publishing import Publish
from reins.bus.reactive import ReactiveAgentBase
from reins.bus.subscribing import Delivery, ReactiveConfig, ReactiveState
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.agent_state import list_agent_states
from store.topics import list_topic_messages, message_of

QUESTION = "what do otters eat"
BOARD = "research"
CHANGES = f"topic:board.{BOARD}"
PATIENCE_S = 60.0


class PlannerAgent(ReactiveAgentBase):
    """Puts a plan on the board for each question: which sources are to be searched."""

    agent_type = "planner"
    State = ReactiveState

    async def receive(self, message: Delivery) -> StepResult:
        plan = {"question": message.message, "sources": sorted(SOURCES)}
        key = f"plan {message.number}"
        return StepResult(f"planned {key}", effects=[WriteBoard(self, BOARD, key, plan)])


class RetrieverConfig(ReactiveConfig):
    source: str


class RetrieverAgent(ReactiveAgentBase):
    """Searches one source for each plan, and adds what it finds to what others have found.

    Several do so at the same moment: where another was first, `on_conflict` adds to that.
    """

    agent_type = "retriever"
    Config = RetrieverConfig
    State = ReactiveState

    async def receive(self, message: Delivery) -> StepResult | None:
        key, plan = message.message["key"], message.message.get("value")
        if not key.startswith("plan "):
            return None
        source = SOURCES[self.config.source]
        await asyncio.sleep(source.answers_after_s)
        found = [each for each in source.sentences if answers(each, plan["question"])]

        def added(there: dict[str, Any] | None) -> dict[str, Any]:
            return {**(there or {}), self.config.source: found}

        place = key.replace("plan", "found")
        before = await self.services.get(Boards).get(BOARD, place)
        value, version = (None, 0) if before is None else (before.value, before.version)
        return StepResult(
            f"{self.config.source}: {len(found)} of {len(source.sentences)} sentences",
            effects=[
                WriteBoard(self, BOARD, place, added(value), expect=version, on_conflict=added)
            ],
        )


class SynthesiserAgent(ReactiveAgentBase):
    """Answers once every source of a plan has been searched: once, whatever it hears after that."""

    agent_type = "synthesiser"
    State = ReactiveState

    async def receive(self, message: Delivery) -> StepResult | None:
        key, found = message.message["key"], message.message.get("value")
        if not key.startswith("found "):
            return None
        plan = await self.services.get(Boards).get(BOARD, key.replace("found", "plan"))
        if plan is None or set(found) != set(plan.value["sources"]):
            return None
        named = [name for name in sorted(found) if found[name]]
        lines = [f"{each} [{n}]" for n, name in enumerate(named, 1) for each in found[name]]
        sources = ", ".join(f"[{n}] {name}" for n, name in enumerate(named, 1))
        answer = "\n".join([*lines, f"Sources: {sources or 'none'}"])
        return StepResult(
            f"answered with {len(lines)} sentences",
            effects=[
                Publish(self, "answers", {"question": plan.value["question"], "answer": answer},
                        key=key)
            ],
        )  # fmt: skip


def team() -> list[tuple[str, str, dict[str, Any]]]:
    """The name, type and configuration of each."""
    retrievers = [
        (f"retriever-{name}", "retriever", {"on": [CHANGES], "since": "all", "source": name})
        for name in sorted(SOURCES)
    ]
    return [
        ("planner", "planner", {"on": ["topic:questions"], "since": "all"}),
        *retrievers,
        ("synthesiser", "synthesiser", {"on": [CHANGES], "since": "all"}),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Have a question answered by five agents.")
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--data", help="data folder; without it, one that is removed at the end")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with ExitStack() as stack:
        folder = given.data or stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-"))
        os.environ["REINS_DATA"] = str(folder)
        os.environ["REINS_AGENT_MODULES"] = '["agents_impl", "examples.multi_agent_demo"]'
        stack.enter_context(RuntimeThread(Runtime(load_settings())))
        print(answer_to(given.question))
    return 0


def answer_to(question: str) -> str:
    """Ask, and print the changes of the board until the answer is there."""
    there = {each["session_id"] for each in list_agent_states()}
    for name, agent_type, config in team():
        if name not in there:
            created = q.wait_for_action(
                q.agent_create(name, "example", agent_type=agent_type, config=config)
            )
            if created["outcome"] != "applied":
                raise SystemExit(created["error"])
    asked = q.wait_for_action(q.publish("questions", "example", question))
    seen = 0
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for row in list_topic_messages(f"board.{BOARD}", seen):
            seen, said = row["number"], message_of(row)
            print(f"{row['number']} {row['author']}: {said['key']} = {told(said['value'])}")
        for row in list_topic_messages("answers"):
            if row["number"] >= asked["applied_seq"]:
                return f"\n{message_of(row)['answer']}"
        time.sleep(0.05)
    raise SystemExit(f"no answer after {PATIENCE_S:g} s")


def told(value: dict[str, Any]) -> str:
    """The value of a key in a few words."""
    if "question" in value:
        return f"{value['question']}: {', '.join(value['sources'])}"
    return ", ".join(f"{name} {len(found)}" for name, found in sorted(value.items()))


if __name__ == "__main__":
    sys.exit(main())

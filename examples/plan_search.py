"""Three places are searched side by side, and the better of two answers is taken: a plan.

python examples/plan_search.py
python examples/plan_search.py "where do otters sleep"
python examples/plan_search.py --mermaid

It needs no worker and no key: the places are three lists in this file, one of which fails at first
and one of which has a mirror that is too slow.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reins.plans import (
    Actions,
    Context,
    Ok,
    Task,
    best_of,
    compile_plan,
    parallel,
    race,
    retry,
    run_plan,
    sequence,
    timeout,
    to_mermaid,
)

QUESTION = "what do otters eat"
PLACES = {
    "books": ["Otters eat fish and crabs.", "Beavers build dams.", "Otters sleep in a holt."],
    "notes": ["Saw an otter; it did eat a crab.", "Sea otters sleep on their backs."],
    "forum": ["My cat does eat otters' leftovers.", "What do otters eat? Sea urchins, too."],
}
SMALL_WORDS = {"what", "where", "do", "does", "the", "a"}

State = dict[str, Any]
actions = Actions()
actions.rate("requests", 50)


@actions.action(limit="requests")
async def search(state: State, ctx: Context) -> State:
    """The lines of one place that have most of the question's words."""
    place = ctx.args["place"]
    if place == "forum" and ctx.attempt == 1:
        raise ConnectionError("the forum did not answer")
    await asyncio.sleep(ctx.args.get("delay_s", 0.0))
    words = set(state["question"].split()) - SMALL_WORDS
    hits = [line for line in PLACES[place] if len(words & matching(line, words)) == len(words)]
    ctx.say(f"{place}: {len(hits)} lines")
    return {**state, place: hits}


def matching(line: str, words: set[str]) -> set[str]:
    """The words that a line has, in the singular too."""
    said = line.lower()
    return {word for word in words if word.rstrip("s") in said}


@actions.action
def briefly(state: State) -> State:
    """The first line of each place."""
    return {**state, "answer": [state[place][0] for place in PLACES if state[place]]}


@actions.action
def at_length(state: State) -> State:
    """All lines of all places."""
    return {**state, "answer": [line for place in PLACES for line in state[place]]}


def worth(state: State) -> float:
    """The number of lines, less one for each that is over three."""
    return 3 - abs(3 - len(state["answer"]))


actions.function("worth", worth)

PLAN = sequence(
    timeout(
        parallel(
            race(
                Task("search", {"place": "books", "delay_s": 30.0}),  # a mirror that is too slow
                Task("search", {"place": "books"}),
            ),
            Task("search", {"place": "notes"}),
            retry(Task("search", {"place": "forum"}), attempts=2, delay_s=0.01),
        ),
        10.0,
    ),
    best_of("briefly", "at_length", evaluator="worth"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Search three places, and answer.")
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--mermaid", action="store_true", help="print the plan, and run nothing")
    given = parser.parse_args()
    if given.mermaid:
        print(to_mermaid(PLAN))
        return 0
    done = run_plan(compile_plan(actions, PLAN), {"question": given.question})
    for path, line in sorted(done.said):
        print(f"{path} {line}")
    for decision in done.decisions:
        print(f"{decision.path} {decision.words}")
    if not isinstance(done.result, Ok):
        print(f"failed at {done.result.error}")
        return 1
    print("\n".join(["", *done.state["answer"]]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

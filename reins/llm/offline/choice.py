"""How the offline model chooses an action: by the words of the goal, and nothing twice."""

import re
from collections.abc import Sequence

WORD = re.compile(r"\w{3,}")
ENDS = re.compile(r"\b(answer|complete|done|end|finish|stop)", re.IGNORECASE)


def choose(goal: str, actions: Sequence[str], seen: Sequence[str]) -> tuple[str, str]:
    """An action and why: the one nearest to the goal of those that nothing seen speaks of.

    Where all were seen, the one that sounds like an end, or else the last.
    """
    if not actions:
        return "", "There is nothing to choose from."
    everything = "\n".join(seen).lower()
    fresh = [action for action in actions if action.lower() not in everything]
    ends = [action for action in actions if ENDS.search(name_of(action))]
    work = [action for action in fresh if action not in ends]
    if work:
        wanted = words(goal)
        chosen = max(work, key=lambda action: len(wanted & words(action)))
        return chosen, "It was not tried yet, and comes nearest to the goal."
    return (ends or list(actions))[-1], "Everything else was tried."


def name_of(action: str) -> str:
    return action.replace("_", " ")


def words(text: str) -> set[str]:
    return set(WORD.findall(name_of(text).lower()))

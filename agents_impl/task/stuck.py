"""Signs that a task makes no way: the same again and again."""

from collections.abc import Sequence

from agents_impl.task.models import Recent

KEPT = 6
TIMES = 3


def why_stuck(recent: Sequence[Recent]) -> str | None:
    """The sign that the newest acts give; None: there is none."""
    last = recent[-TIMES:]
    if len(last) == TIMES and last.count(last[0]) == TIMES:
        return f"the same call had the same result {TIMES} times"
    pair, pairs = recent[-2:], recent[-2 * TIMES :]
    if len(pairs) == 2 * TIMES and list(pairs) == [*pair] * TIMES:
        return f"two calls took turns {TIMES} times, with the same results"
    if len(last) == TIMES and not any(each.ok for each in last):
        errors = {each.result for each in last}
        if len(errors) == 1:
            return f"the same error came {TIMES} times"
    return None


def with_act(recent: Sequence[Recent], act: Recent) -> list[Recent]:
    """The newest acts, with one more."""
    return [*recent, act][-KEPT:]

"""Cost and quality of policies: each does the same tasks, whose best answers are known."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from bench import simulated
from bench.candidates import ATTEMPTS, CANDIDATES, PER_S, PER_USD, BestKnown, worth
from reins.plans import (
    N_BEST,
    Actions,
    Context,
    Node,
    Ok,
    Task,
    Utility,
    best_of,
    choose,
    compile_plan,
    loop_while,
    parallel,
    race,
    retry,
    run_plan_async,
    select_async,
    sequence,
)

_IN_TIME_S = 1.5
_GOOD = 0.7
"""The opinion from which on an answer is taken without asking further."""
_SIGMAS = 1.96
"""A mean is within so many standard errors with a probability of 95 %."""
_ANSWERS = [Task("answer", {"candidate": each}) for each in range(CANDIDATES)]
_JUDGED = [sequence(each, "judge") for each in _ANSWERS]

PLANS: dict[str, Node] = {
    "first": _ANSWERS[0],
    "cheapest": choose(*_ANSWERS, selector="cheapest"),
    "race": race(*_ANSWERS),
    "best_of": best_of(*_JUDGED, evaluator="opinion"),
    "best_in_time": best_of(*_JUDGED, evaluator="opinion", timeout_s=_IN_TIME_S),
    "three_best": sequence(
        parallel(*_JUDGED, policy=N_BEST, n=3, evaluator="opinion", combiner="collect"),
        "choose_carefully",
    ),
    "retry": retry(
        sequence(choose(*_ANSWERS, selector="cheapest"), "judge", "good_enough"), attempts=ATTEMPTS
    ),
    "dearer": loop_while("wants_more", sequence(retry("next_dearer"), "judge", "keep_better")),
}
"""Policies that are one plan; `select` compares several."""
POLICIES = (*PLANS, "select")


async def run(_data: Path, *, tasks: int, seed: int) -> dict[str, Any]:
    """Means over `tasks` tasks, the same for all policies, with the intervals of 95 %."""
    # The loop that runs here has a clock of its own.
    found = await asyncio.to_thread(lambda: simulated.run(_measured(tasks, seed)))
    return {"tasks": tasks, "seed": seed, **found}


async def _measured(tasks: int, seed: int) -> dict[str, Any]:
    return {
        name: _summed([await _done(name, seed * 1_000_000 + task) for task in range(tasks)])
        for name in POLICIES
    }


async def _done(policy: str, seed: int) -> dict[str, float]:
    """One task by one policy: how much worse than the best it is, and what it took."""
    task = BestKnown(seed)
    actions = _actions(task)
    now = asyncio.get_running_loop().time
    began = now()
    state = await (_selected(actions) if policy == "select" else _run(actions, PLANS[policy]))
    took_s = now() - began
    quality = 0.0 if state is None else task.quality(state["candidate"], state["attempt"])
    return {
        "regret": task.best - quality,
        "worth_lost": task.best_worth - worth(quality, task.spent_usd, took_s),
        "usd_of_1000": 1_000 * task.spent_usd,
        "latency_s": took_s,
    }


async def _run(actions: Actions, plan: Node) -> Any:
    run = await run_plan_async(compile_plan(actions, plan), {})
    return run.result.value if isinstance(run.result, Ok) else None


async def _selected(actions: Actions) -> Any:
    """By utility, as it can be known: an opinion less money and the simulated time."""
    utility = Utility(lambda state: _opinion(state) - PER_S * state["latency_s"], per_usd=PER_USD)
    candidates = {
        str(index): compile_plan(actions, plan) for index, plan in enumerate(_JUDGED)
    }  # fmt: skip
    chosen = (await select_async(candidates, {}, utility)).chosen
    return None if chosen is None else chosen.state


def _summed(found: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: _interval([each[name] for each in found]) for name in found[0]}


def _interval(values: Sequence[float]) -> dict[str, float]:
    mean = fmean(values)
    error = _SIGMAS * stdev(values) / math.sqrt(len(values))
    return {"mean": round(mean, 4), "low": round(mean - error, 4), "high": round(mean + error, 4)}


def _actions(task: BestKnown) -> Actions:
    """The actions and functions that the plans name, on one task."""
    made = Actions(_asking(task) | _judging(task))
    made.functions |= {
        "cheapest": lambda _state: _by_price(task)[0],
        "opinion": _opinion,
        "wants_more": _wants_more,
    }
    return made


Action = Callable[..., Awaitable[Any]]


def _asking(task: BestKnown) -> dict[str, Action]:
    async def asked(candidate: int, ctx: Context) -> dict[str, Any]:
        latency_s = await task.ask(candidate, ctx.attempt)
        ctx.spend(cost_usd=task.prices_usd[candidate])
        return {"candidate": candidate, "attempt": ctx.attempt, "latency_s": latency_s}

    async def answer(_state: Any, ctx: Context) -> Any:
        return await asked(ctx.args["candidate"], ctx)

    async def next_dearer(state: Any, ctx: Context) -> Any:
        number = state.get("asked", 0)
        found = await asked(_by_price(task)[number], ctx)
        return {**found, "asked": number + 1, "before": state}

    return {"answer": answer, "next_dearer": next_dearer}


def _judging(task: BestKnown) -> dict[str, Action]:
    async def judge(state: Any) -> Any:
        return {**state, "opinion": await task.judge(state["candidate"], state["attempt"])}

    async def choose_carefully(states: Any) -> Any:
        opinions = await asyncio.gather(
            *(task.judge_carefully(each["candidate"], each["attempt"]) for each in states)
        )
        return states[opinions.index(max(opinions))]

    async def good_enough(state: Any, ctx: Context) -> Any:
        if state["opinion"] < _GOOD and ctx.attempt < ATTEMPTS:
            raise ValueError("the answer is not good enough")
        return state

    async def keep_better(state: Any) -> Any:
        before = state.pop("before")
        better = max(state, before or state, key=_opinion)
        return {**better, "asked": state["asked"]}

    return {
        "judge": judge, "choose_carefully": choose_carefully, "good_enough": good_enough,
        "keep_better": keep_better,
    }  # fmt: skip


def _opinion(state: Any) -> float:
    found: float = state["opinion"]
    return found


def _wants_more(state: Any) -> bool:
    return state.get("asked", 0) < CANDIDATES and state.get("opinion", 0.0) < _GOOD


def _by_price(task: BestKnown) -> list[int]:
    return sorted(range(CANDIDATES), key=lambda each: task.prices_usd[each])

"""The benchmark of policies: its tasks have a best answer, and its figures come by seed alone."""

import asyncio

import pytest

from bench import candidates, policies, simulated
from bench.candidates import BestKnown
from bench.workloads import WORKLOADS
from tests.unit.test_architecture import ROOT

SEEDS = range(30)


def first_qualities(seed):
    task = BestKnown(seed)
    return [task.quality(each, 1) for each in range(candidates.CANDIDATES)]


def test_the_same_seed_gives_the_same_figures():
    """To the last digit, with the clock of the machine left out; another seed gives others."""
    one, again, other = (asyncio.run(policies.run(ROOT, tasks=5, seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one["race"] != other["race"]


@pytest.mark.parametrize("policy", policies.POLICIES)
def test_nobody_beats_the_best_that_is_known(policy):
    """Neither in quality nor in worth, whatever is drawn; and every policy takes its time."""
    for seed in SEEDS:
        done = simulated.run(policies._done(policy, seed))
        assert done["regret"] >= 0
        assert done["worth_lost"] >= 0
        assert done["usd_of_1000"] > 0
        assert done["latency_s"] > 0


@pytest.mark.parametrize("policy", ["best_of", "three_best"])
def test_with_a_judge_who_is_never_wrong_the_best_is_taken(monkeypatch, policy):
    """Of the answers that were there; so what is left is the judge's error."""
    monkeypatch.setattr(candidates, "_OPINION", 0.0)
    monkeypatch.setattr(candidates, "_SECOND_OPINION", 0.0)
    for seed in SEEDS:
        regret = simulated.run(policies._done(policy, seed))["regret"]
        assert regret == pytest.approx(BestKnown(seed).best - max(first_qualities(seed)))


def test_who_is_cancelled_is_paid_up_to_then():
    """A race costs more than its winner, and less than all."""
    for seed in SEEDS:
        prices = BestKnown(seed).prices_usd
        spent = simulated.run(policies._done("race", seed))["usd_of_1000"] / 1_000
        assert min(prices) < spent < sum(prices)


def test_a_simulated_hour_is_over_at_once():
    """Timers end in their order, each at its own time."""

    async def waits():
        ended = []

        async def wait(seconds):
            await asyncio.sleep(seconds)
            ended.append(asyncio.get_running_loop().time())

        await asyncio.gather(wait(3_600), wait(0.5), wait(60))
        return ended

    assert simulated.run(waits()) == pytest.approx([0.5, 60, 3_600])


def test_the_table_has_each_policy():
    """With its regret, what it is worth, its money and its time."""
    paths = [figure.path for figure in WORKLOADS["policies"].figures]
    figures = ("regret", "worth_lost", "usd_of_1000", "latency_s")
    assert paths == [f"{name}.{figure}" for name in policies.POLICIES for figure in figures]

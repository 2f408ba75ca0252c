"""A task whose best answer is known: candidates that differ in quality, money and time, by a seed.

Nothing here knows of a policy. A plan sees an answer's place and a judge's opinion of it; how good
the answer is stays with the task.
"""

import asyncio
import random
from dataclasses import dataclass

CANDIDATES, ATTEMPTS = 6, 3
_FAILS = 0.05
"""The share of the attempts that fail."""
_OPINION, _SECOND_OPINION = 0.12, 0.03
"""The standard deviations of a judge's opinion from the quality, and of a careful judge's."""
JUDGE_USD, JUDGE_S = 0.0005, 0.3
CAREFUL_USD, CAREFUL_S = 0.004, 1.0
PER_USD, PER_S = 1.0, 0.01
"""How much quality a US dollar and a second are worth."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One that a candidate would give: its quality from 0 to 1, and the opinions of it.

    A quality of None: the attempt fails.
    """

    quality: float | None
    opinion: float
    second_opinion: float
    latency_s: float


class BestKnown:
    """A task of a seed, with an account of the money that is spent on it."""

    def __init__(self, seed: int) -> None:
        drawn = random.Random(seed)
        skills = [drawn.uniform(0.3, 0.9) for _ in range(CANDIDATES)]
        self.prices_usd = [0.03 * skill**2 * drawn.lognormvariate(0, 0.3) for skill in skills]
        self._answers = [
            [_answer(drawn, skill, price) for _ in range(ATTEMPTS)]
            for skill, price in zip(skills, self.prices_usd, strict=True)
        ]
        self.spent_usd = 0.0

    @property
    def best(self) -> float:
        """The quality of the best answer that there is."""
        return max(each.quality or 0.0 for answers in self._answers for each in answers)

    @property
    def best_worth(self) -> float:
        """The worth of whoever knew which candidate to ask, and asked no other and no judge."""
        return max(
            worth(each.quality or 0.0, price, each.latency_s)
            for price, answers in zip(self.prices_usd, self._answers, strict=True)
            for each in answers
        )

    def quality(self, candidate: int, attempt: int) -> float:
        """The quality of an answer; 0 of one that failed."""
        return self._answers[candidate][attempt - 1].quality or 0.0

    async def ask(self, candidate: int, attempt: int) -> float:
        """Wait for an answer; returns the seconds. Raises: RuntimeError for one that fails."""
        answer = self._answers[candidate][attempt - 1]
        await self._pay(self.prices_usd[candidate], answer.latency_s)
        if answer.quality is None:
            raise RuntimeError(f"candidate {candidate} failed")
        return answer.latency_s

    async def judge(self, candidate: int, attempt: int) -> float:
        """The opinion of a judge who is quick and often wrong."""
        await self._pay(JUDGE_USD, JUDGE_S)
        return self._answers[candidate][attempt - 1].opinion

    async def judge_carefully(self, candidate: int, attempt: int) -> float:
        """The opinion of a judge who takes more money and time."""
        await self._pay(CAREFUL_USD, CAREFUL_S)
        return self._answers[candidate][attempt - 1].second_opinion

    async def _pay(self, price_usd: float, latency_s: float) -> None:
        """Money is spent as time goes by: a call that is cancelled has cost its share."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await asyncio.sleep(latency_s)
        finally:
            self.spent_usd += price_usd * min(1.0, (loop.time() - began) / latency_s)


def worth(quality: float, cost_usd: float, latency_s: float) -> float:
    """The quality of an answer, less the money and the time that it took."""
    return quality - PER_USD * cost_usd - PER_S * latency_s


def _answer(drawn: random.Random, skill: float, price_usd: float) -> Answer:
    quality = min(1.0, max(0.0, drawn.gauss(skill, 0.08)))
    fails = drawn.random() < _FAILS
    return Answer(
        None if fails else quality,
        drawn.gauss(quality, _OPINION),
        drawn.gauss(quality, _SECOND_OPINION),
        (0.5 + 50 * price_usd) * drawn.lognormvariate(0, 0.4),
    )

"""The budget of tools: so many calls, seconds, bytes and so much money, for whoever shares it."""

from dataclasses import dataclass, field

_LIMITS = ("calls", "seconds", "size_bytes", "money_usd")


class BudgetSpentError(Exception):
    """No call is made: the budget has reached a limit."""


@dataclass(slots=True)
class Spent:
    """The sums so far."""

    calls: int = 0
    seconds: float = 0.0
    size_bytes: int = 0
    money_usd: float = 0.0


@dataclass(slots=True)
class Budget:
    """Limits, each of them optional, and what is spent; for one loop."""

    calls: int | None = None
    seconds: float | None = None
    size_bytes: int | None = None
    money_usd: float | None = None
    spent: Spent = field(default_factory=Spent)

    def take(self, money_usd: float = 0.0) -> None:
        """Count a call before it is made. Raises: BudgetSpentError."""
        for name in _LIMITS:
            limit, so_far = getattr(self, name), getattr(self.spent, name)
            if limit is None:
                continue
            if so_far + money_usd > limit if name == "money_usd" else so_far >= limit:
                raise BudgetSpentError(
                    f"the budget of tools is spent: {name} {so_far:g} of {limit:g}. Raise the "
                    "limit, or go on without tools"
                )
        self.spent.calls += 1
        self.spent.money_usd += money_usd

    def give_back(self, money_usd: float = 0.0) -> None:
        """The call was not made after all."""
        self.spent.calls -= 1
        self.spent.money_usd -= money_usd

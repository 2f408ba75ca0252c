"""Budgets on the wire name what budgets count."""

from agent_core.budgets.limits import WHATS, Limits
from agent_core.budgets.usage import NOTHING
from reins.web.api.routes import SpentToday
from reins.web.views.budgets import Amounts


def test_every_shape_of_a_budget_names_the_same_amounts() -> None:
    """Their types differ: a limit may be absent, an amount unknown, a sum is always there."""
    assert tuple(Limits.model_fields) == tuple(Amounts.model_fields) == WHATS == tuple(NOTHING)
    assert tuple(SpentToday.model_fields) == ("date", *WHATS)

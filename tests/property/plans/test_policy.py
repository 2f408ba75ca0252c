"""The choice among candidates: the greatest utility, then their order, whatever ends first."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from reins.plans import Actions, Err, Utility, best, compile_plan, select, sequence
from tests.property.plans.test_plans import law

CANDIDATES = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),  # its score; it fails
        st.integers(0, 2),  # dollars
        st.integers(0, 4),  # turns of the loop that it takes
    ),
    min_size=1,
    max_size=6,
)
ACTIONS = Actions()


@ACTIONS.action
async def play(state, ctx):
    score, cost_usd, turns = state["plays"][state["own"]]
    for _ in range(turns):
        await asyncio.sleep(0)
    state["ended"] = True
    ctx.spend(cost_usd=float(cost_usd))
    return Err("no") if score is None else {"score": score}


for own in range(6):
    ACTIONS.register(f"be_{own}", lambda state, own=own: {**state, "own": own})


def contest(plays):
    return {
        f"c{index}": compile_plan(ACTIONS, sequence(f"be_{index}", "play"))
        for index in range(len(plays))
    }


@law
@given(CANDIDATES, st.integers(0, 2), st.randoms(use_true_random=False))
def test_the_greatest_utility_wins_in_any_order_of_ends(plays, per_usd, chance):
    """Ties go to the first; other times of ending choose the same; the state is left alone."""
    utility = Utility("score", per_usd=per_usd)
    state = {"plays": [list(play) for play in plays]}
    found = select(contest(plays), state, utility)
    worth = [None if score is None else score - per_usd * cost for score, cost, _ in plays]
    assert [each.utility for each in found.scored] == worth
    assert [each.candidate for each in found.scored] == [f"c{n}" for n in range(len(plays))]
    known = [each for each in worth if each is not None]
    if known:
        assert found.chosen is found.scored[worth.index(max(known))]
    else:
        assert found.chosen is None
    assert state == {"plays": [list(play) for play in plays]}
    assert best(found.scored) is found.chosen

    shuffled = [(score, cost, chance.randint(0, 4)) for score, cost, _ in plays]
    again = select(contest(plays), {"plays": [list(play) for play in shuffled]}, utility)
    assert (again.chosen is None) == (found.chosen is None)
    assert again.chosen is None or again.chosen.candidate == found.chosen.candidate
    assert [each.utility for each in again.scored] == worth

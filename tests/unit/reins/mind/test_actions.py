"""Actions of a mind by example: the words with which they fail, and the ids of their rows."""

import pytest

from reins.mind import AgentState, mind_actions
from reins.plans import Err, Task, compile_plan, parallel, run_plan, sequence


def ended(plan, state=None, **options):
    program = compile_plan(mind_actions(now=lambda: 1_000), plan)
    return run_plan(program, AgentState().as_json() if state is None else state, **options).result


HARDLY = {"claim": "c", "p_if_true": 0.2, "p_if_false": 0.8}
LIKELY = {"claim": "c", "p_if_true": 0.8, "p_if_false": 0.2}


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("remember", {"key": "k"}, "give either value or from"),
        ("remember", {"key": "k", "value": 1, "sope": "agent"}, "sope: Extra inputs"),
        ("remember", {"key": "k", "value": 1, "expect": 2}, "is at version 0, expected 2"),
        ("recall", {"key": "k", "to": "scratch.x"}, "there is no memory 'k'"),
        ("recall", {"prefix": "k", "to": "beliefs.x"}, "expected a place such as 'scratch.found'"),
        ("recall", {"prefix": "k", "to": "x"}, "expected a place such as 'scratch.found'"),
        ("recall", {"to": "scratch.x"}, "give either key, prefix or about"),
        ("forget", {"key": "k"}, "there is no memory 'k'"),
        ("restore", {"key": "k"}, "there is no memory 'k'"),
        ("believe", HARDLY, "speaks against 'c'; use doubt"),
        ("doubt", LIKELY, "speaks for 'c'; use believe"),
        ("believe", {"claim": "c", "p_if_true": 0.2}, "both p_if_true and p_if_false"),
        ("believe", {"claim": "c", "strength": 7}, "less than or equal to 6"),
    ],
)  # fmt: skip
def test_an_action_that_cannot_be_done_fails_in_words(name, args, words):
    """At its node, as any action that fails."""
    found = ended(Task(name, args))
    assert isinstance(found, Err)
    assert words in str(found.error)


def test_a_row_that_is_made_again_after_a_restart_has_the_same_id():
    """In a run with a key. In one without, two runs are two."""
    plan = sequence(Task("believe", {"claim": "c"}), Task("remember", {"key": "k", "value": 1}))

    def ids(**options):
        state = AgentState.from_json(ended(plan, **options).value)
        return [row.id for row in (*state.beliefs.fresh, *state.memory.fresh)]

    assert ids(key="a1:7") == ids(key="a1:7")
    assert len({*ids(key="a1:7"), *ids(key="a1:8"), *ids(), *ids()}) == 8


def test_two_branches_that_write_one_memory_are_a_conflict():
    """Neither is lost without a word."""
    write = [Task("remember", {"key": "k", "value": value}) for value in (1, 2)]
    found = ended(parallel(*write, combiner="minds"))
    assert isinstance(found, Err)
    assert "memory 'k' (session) is at version 1" in str(found.error)


def test_branches_begin_with_what_was_there():
    """What was believed before them counts once, and so does what each adds."""
    believe = [Task("believe", {"claim": "c", "source": name}) for name in ("ann", "bob")]
    plan = sequence(
        Task("believe", {"claim": "c"}),
        Task("remember", {"key": "k", "value": 1}),
        parallel(*believe, combiner="minds"),
    )
    state = AgentState.from_json(ended(plan).value)
    assert state.beliefs.belief("c", 1_000).log_odds == pytest.approx(3.0)
    assert (len(state.beliefs.fresh), len(state.memory.fresh)) == (3, 1)


def test_evidence_says_whose_word_it_is_and_where_it_stands():
    """By its source, its document, and its text."""
    args = {"claim": "c", "source": "ann", "document": "almanac", "text": "mice have no lobby"}
    state = AgentState.from_json(ended(Task("doubt", args)).value)
    (row,) = state.beliefs.fresh
    assert (row.source, row.lineage.document, row.text) == ("ann", "almanac", "mice have no lobby")
    assert row.opposes
    assert row.at == 1_000

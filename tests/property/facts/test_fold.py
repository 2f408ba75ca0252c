"""Laws of the fold of facts: order and repeats change nothing, and what is taken back never was."""

import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from reins.facts.asking import of_source
from reins.facts.fact import Moment, Op, asserted
from reins.facts.graph import Graph
from reins.facts.naming import ALIAS, FUNCTIONAL, IS_A, normal
from reins.facts.paths import path
from reins.facts.view import View

EXAMPLES = int(os.environ.get("FACT_EXAMPLES", "60"))
"""Set the variable for a campaign: 2000."""
law = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)

NAMES, SOURCES = "abcd", ("S", "T")
TIMES = st.integers(1, 9)
DECLARED = asserted("f", 0, "r", IS_A, FUNCTIONAL, source="s")


@st.composite
def rows(draw, most=14):
    """Rows of one owner as they may come: facts, their ends, and what takes these back."""
    found, ids = [DECLARED], []
    for number in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(("assert", "assert", "end", "retract", "restore", "source")))
        op_id, at = f"o{number}", draw(TIMES)
        if kind == "assert" or (kind != "source" and not ids):
            ids.append(op_id)
            found.append(
                asserted(
                    op_id, at, draw(st.sampled_from("ab")), draw(st.sampled_from("rq")),
                    draw(st.sampled_from("cd")), source=draw(st.sampled_from(SOURCES)),
                    valid_from=draw(st.sampled_from([None, 1, 3, 5])),
                )
            )  # fmt: skip
        elif kind == "source":
            op = draw(st.sampled_from(["retract", "restore"]))
            found.append(Op(id=op_id, op=op, at=at, source=draw(st.sampled_from(SOURCES))))
        else:
            valid_to = draw(TIMES) if kind == "end" else None
            fact_id = draw(st.sampled_from(ids))
            found.append(Op(id=op_id, op=kind, at=at, fact_id=fact_id, valid_to=valid_to))
    return found


def seen(ops, at=None):
    at = Moment() if at is None else at
    view = View([("session", Graph(ops))]).at(at)
    return [
        sorted(
            repr((held.fact.fact_id, held.valid_from, held.valid_to, held.ended_by, held.retracted))
            for held in view.history(name)
        )
        for name in NAMES
    ]


@law
@given(rows(), st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing(ops, chance):
    """Rows that come twice and in any order are the same facts."""
    mixed = [*ops, *ops]
    chance.shuffle(mixed)
    assert seen(mixed) == seen(ops)


@law
@given(rows())
def test_what_is_retracted_and_restored_is_as_before(ops):
    """Of a whole source, and of each fact."""
    source = [
        *ops, Op(id="x", op="retract", at=20, source="S"),
        Op(id="y", op="restore", at=21, source="S"),
    ]  # fmt: skip
    assert seen(source) == seen(ops)
    for each in ops:
        if each.op == "assert":
            back = [
                *ops, Op(id="x", op="retract", at=20, fact_id=each.fact_id),
                Op(id="y", op="restore", at=21, fact_id=each.fact_id),
            ]  # fmt: skip
            assert seen(back) == seen(ops)


@law
@given(rows(), TIMES)
def test_what_was_known_then_is_what_the_rows_of_then_say(ops, then):
    """Rows that came later change nothing of what was known at a moment."""
    past = [op for op in ops if op.at <= then]
    assert seen(ops, Moment(None, then)) == seen(past)


@law
@given(rows(), st.integers(0, 12))
def test_a_functional_relation_has_one_object_at_a_time(ops, at):
    """Whatever was asserted, ended and retracted, in whatever order."""
    view = View([("session", Graph(ops))]).at(Moment(at))
    for subject in "ab":
        found = {
            held.fact.object for held in view.about(subject, "r") if held.fact.subject == subject
        }
        assert len(found) <= 1


@law
@given(rows())
def test_another_relation_lets_all_stand(ops):
    """Without a declaration nothing ends anything."""
    view = View([("session", Graph(ops))]).at()
    for name in NAMES:
        assert all(
            held.ended_by is None for held in view.history(name) if held.fact.relation == "q"
        )


@law
@given(rows())
def test_a_source_takes_along_what_rests_on_it_alone(ops):
    """Each fact of its word goes, each of another's stays as it was by its own rows."""
    gone = [*ops, Op(id="x", op="retract", at=20, source="S")]
    before, after = Graph(ops), Graph(gone)
    for number in range(len(before)):
        rests = before.fact(number).source == "S"
        assert after.span(number) == (None if rests else before.span(number))
    if before.of_source("S") and not before.is_retracted_source("S"):
        view = View([("session", before)])
        assert of_source(view, "retract", "S") == {"session": len(before.of_source("S"))}


@law
@given(st.integers(0, 10_000))
def test_a_path_is_a_shortest_one(seed):
    """As a search from one side finds it, over facts that stand alone."""
    chance = random.Random(seed)
    ops = [
        asserted(f"o{n}", n, f"e{chance.randrange(9)}", "q", f"e{chance.randrange(9)}", source="S")
        for n in range(chance.randrange(2, 14))
    ]
    ops += [Op(id="x", op="retract", at=99, fact_id=f"o{chance.randrange(len(ops))}")]
    view = View([("shared", Graph(ops))]).at()
    found, far, edge = {normal("e0"): 0}, 0, ["e0"]
    while edge:
        far += 1
        edge = [
            other for key in edge for other, _ in view.adjacent(key)
            if found.setdefault(other, far) == far
        ]  # fmt: skip
        edge = list(dict.fromkeys(edge)) if far < 10 else []
    for goal in (f"e{n}" for n in range(9)):
        got = path(view, "e0", goal)
        want = found.get(goal)
        assert (None if got is None else len(got.facts)) == (want if (want or 0) <= 6 else None)
        if got is not None:
            for one, other, held in zip(got.names, got.names[1:], got.facts, strict=False):
                assert {one, other} == {held.fact.subject, held.fact.object}


@law
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=6))
def test_aliases_are_one_entity_whichever_is_asked(pairs):
    """The names of an entity are those of each of its names, and what is retracted parts them."""
    ops = [asserted(f"o{n}", n, a, ALIAS, b, source="ann") for n, (a, b) in enumerate(pairs)]
    view = View([("shared", Graph(ops))]).at()
    for name in "abcdef":
        assert all(view.names(other) == view.names(name) for other in view.names(name))
    gone = [Op(id=f"x{n}", op="retract", at=20, fact_id=op.fact_id) for n, op in enumerate(ops)]
    parted = View([("shared", Graph([*ops, *gone]))]).at()
    assert all(parted.names(name) == {name} for name in "abcdef")

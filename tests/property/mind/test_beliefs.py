"""Laws of beliefs: looking changes nothing, what is undone was never said, and all is bounded."""

import json
import math
import os
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reins.mind import (
    Beliefs,
    Claim,
    Evidence,
    Undo,
    contradictions,
    fold,
    history,
    in_force,
    likelihoods,
    undone,
    what_if,
)
from reins.mind.evidence import MAX_WEIGHT, order
from reins.mind.folding import MAX_SOURCES, fading

EXAMPLES = int(os.environ.get("MIND_EXAMPLES", "50"))
"""Set the variable for a campaign: 2000."""
law = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)

SECOND = 1_000_000
TIMES = st.integers(1, 200).map(lambda tenths: tenths * SECOND // 10)
STRENGTHS = st.floats(-MAX_WEIGHT, MAX_WEIGHT)
NAMES = ("c", "d")
LATER = 300 * SECOND


@st.composite
def pieces(draw, claims=NAMES, sources="abc", strengths=STRENGTHS, most=25):
    """Evidence with ids that are its own, in no order."""
    found = draw(
        st.lists(
            st.tuples(
                TIMES, st.sampled_from(claims), st.sampled_from(sources), strengths,
                st.floats(0, 1),
            ),
            max_size=most,
        )
    )  # fmt: skip
    return [
        Evidence(
            id=f"e{number}",
            claim=claim,
            at=at,
            p_if_true=likelihoods(strength)[0],
            p_if_false=likelihoods(strength)[1],
            source=source,
            reliability=reliability,
        )
        for number, (at, claim, source, strength, reliability) in enumerate(found)
    ]


@st.composite
def claims(draw, names=NAMES):
    """A claim of each name, with a prior and a half-life."""
    return [
        Claim(
            name,
            prior=draw(st.floats(0.001, 0.999)),
            half_life_s=draw(st.sampled_from([None, 0.5, 10.0, 1e6])),
        )
        for name in names
    ]


@law
@given(pieces(), claims(), TIMES, TIMES)
def test_looking_in_between_changes_nothing(rows, known, one, other):
    """A belief read later is the one read sooner, faded since; the fold stays as it is."""
    beliefs = fold(rows, known)
    before = beliefs.as_json()
    for claim in known:
        first = beliefs.belief(claim.id, LATER + one)
        second = beliefs.belief(claim.id, LATER + one + other)
        left = fading(other, claim.half_life_us)
        prior = claim.prior_log_odds
        assert second.log_odds - prior == pytest.approx((first.log_odds - prior) * left, abs=1e-9)
        assert second.support == pytest.approx(first.support * left, abs=1e-9)
        assert second.opposition == pytest.approx(first.opposition * left, abs=1e-9)
    assert beliefs.as_json() == before


@law
@given(pieces(), claims(), st.lists(TIMES, max_size=5))
def test_a_look_on_record_changes_nothing(rows, known, looks):
    """Evidence without any weight, at any moment, is as if it were not there."""
    weightless = [
        Evidence(id=f"look{n}{claim.id}", claim=claim.id, at=at, p_if_true=0.9, p_if_false=0.1,
                 reliability=0.0, source="reader")
        for n, at in enumerate(looks) for claim in known
    ]  # fmt: skip
    one, other = fold(rows, known), fold([*rows, *weightless], known)
    for claim in known:
        mine, its = one.belief(claim.id, LATER), other.belief(claim.id, LATER)
        assert its.log_odds == pytest.approx(mine.log_odds, abs=1e-9)
        assert its.support == pytest.approx(mine.support, abs=1e-9)


@law
@given(pieces(), claims(), st.randoms(use_true_random=False))
def test_the_order_in_which_rows_are_given_plays_no_part(rows, known, chance):
    """Nor does a row that is there twice."""
    given_twice = [*rows, *rows[:3]]
    chance.shuffle(given_twice)
    assert fold(given_twice, known) == fold(rows, known)


@law
@given(pieces(sources="abcdefghij", most=12), claims())
def test_without_saturation_the_order_of_events_plays_no_part(rows, known):
    """Of sources that speak once, the shift is the sum of what is left of each piece."""
    alone = list({(row.source, row.claim): row for row in rows}.values())
    assume(sum(abs(row.weight) for row in alone) <= MAX_WEIGHT)
    beliefs = fold(alone, known)
    for claim in known:
        left = sum(
            row.weight * fading(LATER - row.at, claim.half_life_us)
            for row in alone
            if row.claim == claim.id
        )
        found = beliefs.belief(claim.id, LATER)
        assert found.log_odds == pytest.approx(claim.prior_log_odds + left, abs=1e-9)
        assert found.support - found.opposition == pytest.approx(left, abs=1e-9)


@law
@given(pieces(), claims(), TIMES)
def test_beliefs_are_bounded_and_forget(rows, known, at):
    """No evidence moves one by more than 6 nats, and each goes back to its prior."""
    beliefs = fold(rows, known)
    for claim in known:
        shift = beliefs.belief(claim.id, at).log_odds - claim.prior_log_odds
        assert abs(shift) <= MAX_WEIGHT + 1e-9
        assert 0 < beliefs.belief(claim.id, at).probability < 1
        if claim.half_life_s is not None:
            end = LATER + round(60 * claim.half_life_us)
            assert beliefs.belief(claim.id, end).probability == pytest.approx(claim.prior)
            assert beliefs.belief(claim.id, end).uncertain


@law
@given(pieces(), claims(), st.data())
def test_undone_is_never_said(rows, known, data):
    """Also where saturation had cut it off. The undo undone, it was said after all."""
    some = data.draw(st.lists(st.sampled_from(rows), min_size=1, unique=True)) if rows else []
    assume(some)
    ids = {row.id for row in some}
    undo = Undo(id="u1", at=data.draw(TIMES), undoes=tuple(sorted(ids)))
    again = Undo(id="u2", at=LATER, undoes=("u1",))
    assert fold([*rows, undo], known) == fold([r for r in rows if r.id not in ids], known)
    assert fold([*rows, undo, again], known) == fold(rows, known)


@law
@given(pieces(most=6), st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3), max_size=6))
def test_undos_of_undos_are_as_if_read_backwards(rows, named):
    """A row is in force unless one that is in force takes it back; undos only reach before them."""
    undos = [
        Undo(
            id=f"u{n}",
            at=n,
            undoes=tuple(f"e{each}" if each < 5 else f"u{each - 5}" for each in some),
        )
        for n, some in enumerate(named)
    ]

    def holds(row):
        return not any(
            row.id in each.undoes and holds(each)
            for each in undos
            if isinstance(row, Evidence) or each.at > row.at
        )

    every = [*rows, *undos]
    assert in_force(every) == sorted(filter(holds, rows), key=order)
    assert {row.id for row in every if row.id in undone(every)} == {
        row.id for row in every if not holds(row)
    }


@law
@given(pieces(), claims(), TIMES)
def test_support_of_a_claim_is_opposition_to_its_opposite(rows, known, at):
    """All that is said of it turned round, it stands as far on the other side."""
    turned = [replace(r, p_if_true=r.p_if_false, p_if_false=r.p_if_true) for r in rows]
    opposites = [replace(claim, prior=1 - claim.prior) for claim in known]
    one, other = fold(rows, known), fold(turned, opposites)
    for claim in known:
        mine, its = one.belief(claim.id, at), other.belief(claim.id, at)
        assert its.log_odds == pytest.approx(-mine.log_odds, abs=1e-9)
        assert its.probability == pytest.approx(1 - mine.probability)
        assert (its.support, its.opposition) == (mine.opposition, mine.support)
        assert its.contested == mine.contested


@law
@given(pieces(), claims(), st.lists(st.integers(0, 25), max_size=3))
def test_one_by_one_comes_to_the_same_as_all_at_once(rows, known, cuts):
    """To the last bit, with a snapshot written and read at any moment in between."""
    ordered = sorted(rows, key=order)
    beliefs = Beliefs({claim.id: claim for claim in known})
    for number, row in enumerate(ordered):
        if number in cuts:
            beliefs = Beliefs.from_json(json.loads(json.dumps(beliefs.as_json())))
        beliefs = beliefs.followed_by(row)
    assert beliefs == fold(rows, known)


@law
@given(pieces(claims=("c", "d", "é ")), claims(), st.booleans())
def test_json_gives_back_the_same(rows, known, fresh):
    """Of beliefs with all that they hold, rows included."""
    ordered = sorted(rows, key=order)
    beliefs = Beliefs({claim.id: claim for claim in known}).followed_by(*ordered, fresh=fresh)
    text = json.dumps(beliefs.as_json())
    assert Beliefs.from_json(json.loads(text)) == beliefs
    assert json.dumps(Beliefs.from_json(json.loads(text)).as_json()) == text


@law
@given(pieces(claims=("c",), sources="a", strengths=st.floats(-2, 2)))
def test_a_source_is_bounded_however_often_it_speaks(rows):
    """By twice its weightiest word on either side, and so is what it moves."""
    beliefs = fold(rows, [Claim("c", half_life_s=None)])
    most = max((abs(row.weight) for row in rows), default=0)
    found = beliefs.belief("c", LATER)
    assert 0 <= found.support <= 2 * most + 1e-9
    assert 0 <= found.opposition <= 2 * most + 1e-9
    assert abs(found.log_odds) <= 2 * most + 1e-9


@law
@given(st.integers(1, 12), st.floats(0.01, 2))
def test_the_same_word_again_counts_half_each_time(times, strength):
    """One, one and a half, one and three quarters of it."""
    p, q = likelihoods(strength)
    rows = [
        Evidence(id=f"e{n:02}", claim="c", at=7, p_if_true=p, p_if_false=q, source="a")
        for n in range(times)
    ]
    found = fold(rows).belief("c", 7)
    assert found.support == pytest.approx(strength * (2 - 2 ** (1 - times)))


@law
@given(pieces(claims=("c",)), claims(("c",)), st.floats(0, MAX_WEIGHT), st.sampled_from("abz"))
def test_support_never_makes_a_claim_less_likely(rows, known, strength, source):
    """Whoever gives it, and however weak it is beside what was said before."""
    p, q = likelihoods(strength)
    more = Evidence(id="more", claim="c", at=LATER, p_if_true=p, p_if_false=q, source=source)
    before, after = (
        fold(each, known).belief("c", LATER).log_odds for each in (rows, [*rows, more])
    )
    assert after >= before - 1e-9


@law
@given(st.integers(0, 3 * MAX_SOURCES), st.floats(-0.05, 0.05))
def test_any_number_of_sources_is_summed_in_bounded_room(count, strength):
    """Those that are no longer told apart still count."""
    p, q = likelihoods(strength)
    rows = [
        Evidence(id=f"e{n}", claim="c", at=n, p_if_true=p, p_if_false=q, source=f"s{n}")
        for n in range(count)
    ]
    beliefs = fold(rows, [Claim("c", half_life_s=None)])
    assert beliefs.belief("c", LATER).log_odds == pytest.approx(count * strength, abs=1e-9)
    found = beliefs.belief("c", LATER)
    assert found.support - found.opposition == pytest.approx(count * strength, abs=1e-9)
    assert not count or len(beliefs.folds["c"].heard) == min(count, MAX_SOURCES)
    assert fold(rows[:-1]).followed_by(*rows[-1:]) == fold(rows)


@law
@given(pieces(), claims(), TIMES)
def test_contested_is_not_uncertain(rows, known, at):
    """Much on both sides and little on either are never told of one belief."""
    for found in fold(rows, known).all(at):
        assert not (found.contested and found.uncertain)
        assert found.contested == (found.support > 1 and found.opposition > 1)
    assert all(found.uncertain for found in fold([], known).all(at))


@law
@given(pieces(), claims(), st.sampled_from([None, "likelier", "newer"]), st.booleans())
def test_contradictions_are_told_and_change_nothing(rows, known, rule, grouped):
    """Exactly where both are likelier than not; without a rule none stands."""
    one, other = known
    one = replace(one, excludes=() if grouped else ("d",), one_of="g" if grouped else None)
    other = replace(other, one_of="g" if grouped else None, rule=rule)
    beliefs = fold(rows, [one, other])
    found = contradictions(beliefs, LATER)
    both = [beliefs.belief(name, LATER) for name in NAMES]
    assert bool(found) == all(each.probability > 0.5 for each in both)
    for each in found:
        assert (each.one, each.other) == tuple(both)
        assert each.rule == rule
        assert each.stands in ({None} if rule is None else {None, "c", "d"})
    assert beliefs == fold(rows, [one, other])


@law
@given(pieces(), pieces(), claims())
def test_what_if_is_the_fold_with_more_and_keeps_nothing(rows, more, known):
    """The change of each claim that is touched, whenever the rows are of."""
    more = [replace(row, id=f"more {row.id}") for row in more]
    taken = Undo(id="u", at=LATER, undoes=("e0",))
    found = what_if(rows, [*more, taken], LATER, known)
    before, after = fold(rows, known), fold([*rows, *more, taken], known)
    for name in NAMES:
        if name in found:
            assert found[name].before == before.belief(name, LATER)
            assert found[name].after == after.belief(name, LATER)
        else:
            assert before.belief(name, LATER) == after.belief(name, LATER)
    assert fold(rows, known) == before


@law
@given(pieces(claims=("c",)), claims(("c",)), st.integers(2, 60))
def test_a_curve_ends_where_the_belief_stands(rows, known, most):
    """Its points are in order, as many as asked for at the most, each what was believed then."""
    points = history(known[0], rows, LATER, most=most)
    assert 1 <= len(points) <= most
    assert [each.at for each in points] == sorted(each.at for each in points)
    assert points[-1].at == LATER
    assert points[-1].probability == pytest.approx(fold(rows, known).belief("c", LATER).probability)
    for point in points:
        then = [[r for r in rows if r.at <= point.at], [r for r in rows if r.at < point.at]]
        assert any(
            math.isclose(fold(r, known).belief("c", point.at).probability, point.probability)
            for r in then
        )

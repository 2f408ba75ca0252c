"""Beliefs by example: the figures that a person would check, and the words of each refusal."""

import math

import pytest

from reins.mind import (
    Beliefs,
    Claim,
    Evidence,
    LateEvidenceError,
    Lineage,
    MindError,
    TooLargeError,
    Undo,
    contradictions,
    fold,
    history,
    in_force,
    likelihoods,
    resting_on,
    what_if,
)
from reins.mind import folding as arithmetic

DAY = 24 * 3_600 * 1_000_000
WEEK = 7 * DAY


def piece(number, strength=1.0, *, claim="rain", at=None, source=None, **more):
    p, q = likelihoods(strength)
    return Evidence(
        id=f"e{number:04}", claim=claim, at=number if at is None else at, p_if_true=p,
        p_if_false=q, source=source or f"s{number}", **more,
    )  # fmt: skip


def test_evidence_moves_log_odds_by_its_reliability_and_likelihoods():
    """Half of ln(0.8 / 0.2), from even odds."""
    one = Evidence(
        id="e1", claim="rain", at=0, p_if_true=0.8, p_if_false=0.2, source="a", reliability=0.5
    )
    assert fold([one]).belief("rain", 0).log_odds == pytest.approx(math.log(4) / 2)
    assert one.supports
    assert not one.opposes


def test_after_a_half_life_half_of_it_is_left():
    """A week, unless the claim says another time."""
    beliefs = fold([piece(0, 2.0)])
    assert beliefs.belief("rain", WEEK).log_odds == pytest.approx(1.0)
    assert beliefs.belief("rain", 3 * WEEK).log_odds == pytest.approx(0.25)
    assert beliefs.belief("rain", 3 * WEEK).uncertain


def test_undo_gives_back_what_saturation_had_cut_off():
    """Two of 6 and one of -3: without the last it is 6, where subtracting would say 3."""
    rows = [piece(1, 6.0), piece(2, -3.0), piece(3, 6.0)]
    known = [Claim("rain", half_life_s=None)]
    assert fold(rows, known).belief("rain", 9).log_odds == pytest.approx(6.0)
    taken = Undo(id="u", at=5, undoes=("e0002",))
    assert fold([*rows, taken], known).belief("rain", 9).log_odds == pytest.approx(6.0)
    first = Undo(id="u", at=5, undoes=("e0001",))
    assert fold([*rows, first], known).belief("rain", 9).log_odds == pytest.approx(3.0)


def test_contested_is_told_apart_from_uncertain_at_the_same_probability():
    """Even odds of two witnesses that disagree, and of none."""
    contested = fold([piece(1, 3.0), piece(2, -3.0)]).belief("rain", 2)
    unknown = Beliefs().belief("rain", 2)
    assert contested.probability == pytest.approx(0.5)
    assert unknown.probability == 0.5
    assert (contested.contested, contested.uncertain) == (True, False)
    assert (unknown.contested, unknown.uncertain) == (False, True)
    assert unknown.last_at is None


def test_a_sensor_that_goes_on_reporting_is_believed_on():
    """What it said fades, and what it says now counts whole."""
    rows = [piece(day, 2.0, at=day * DAY, source="sensor") for day in range(365)]
    assert fold(rows).belief("rain", 364 * DAY).log_odds > 3


def test_a_sensor_that_reports_a_change_is_believed_at_its_second_word():
    """Though it has said the opposite for a year: it takes back half of what it adds."""
    rows = [piece(day, 2.0, at=day * DAY, source="sensor") for day in range(365)]
    changed = [piece(365 + n, -2.0, at=365 * DAY + n, source="sensor") for n in range(2)]
    assert fold([*rows, *changed]).belief("rain", 365 * DAY + 1).probability < 0.5


def test_all_that_rests_on_a_place_is_found_and_undone_in_one_row():
    """A tick, a message, a source; undone again it is back."""
    tick = Lineage(session_id="a1", seq=1290)
    rows = [
        piece(1, lineage=Lineage(session_id="a1", seq=1290, call_id="k1")),
        piece(2, lineage=tick, claim="snow"),
        piece(3, lineage=Lineage(session_id="a2", seq=1290)),
        piece(4, lineage=Lineage(message_id="m7", document="almanac"), source="ann"),
    ]
    assert [each.id for each in resting_on(rows, tick)] == ["e0001", "e0002"]
    assert [each.id for each in resting_on(rows, Lineage(message_id="m7"))] == ["e0004"]
    assert [each.id for each in resting_on(rows, Lineage(document="almanac"))] == ["e0004"]
    assert [each.id for each in resting_on(rows, source="ann")] == ["e0004"]
    assert resting_on(rows, tick, source="ann") == []
    undo = Undo(id="u", at=9, undoes=tuple(each.id for each in resting_on(rows, tick)))
    assert [each.id for each in in_force([*rows, undo])] == ["e0003", "e0004"]
    assert resting_on([*rows, undo], tick) == []
    with pytest.raises(MindError, match="name a source, or a place"):
        resting_on(rows)


def test_contradictions_are_flagged_and_settled_by_a_declared_rule_alone():
    """Of one_of too; a rule that is not there is named with those that are."""
    known = [Claim("a", one_of="capital"), Claim("b", one_of="capital"), Claim("c")]
    rows = [piece(1, 3.0, claim="a"), piece(2, 1.0, claim="b"), piece(3, 1.0, claim="c")]
    (found,) = contradictions(fold(rows, known), 3)
    assert (found.one.claim, found.other.claim, found.stands) == ("a", "b", None)
    by_rule = {}
    for rule in ("likelier", "newer"):
        (told,) = contradictions(
            fold(rows, [Claim("a", one_of="x", rule=rule), Claim("b", one_of="x")]), 3
        )
        by_rule[rule] = told.stands
    assert by_rule == {"likelier": "a", "newer": "b"}
    with pytest.raises(MindError, match=r"there is no rule 'latest'.*declared"):
        contradictions(fold(rows, [Claim("a", excludes=("b",), rule="latest")]), 3)


def test_two_that_are_a_little_likelier_than_not_contradict_each_other():
    """Their probabilities come to more than one."""
    known = [Claim("a", prior=0.51, excludes=("b",)), Claim("b", prior=0.51), Claim("c", prior=0.9)]
    assert len(contradictions(fold([], known), 0)) == 1
    assert contradictions(fold([], [*known, Claim("b", prior=0.5)]), 0) == []


def test_the_sources_that_spoke_last_are_told_apart():
    """One that speaks again is not the one that has been silent longest."""
    rows = [piece(number) for number in range(arithmetic.MAX_SOURCES)]
    again = piece(100, source="s0")
    heard = fold([*rows, again, piece(101)]).folds["rain"].heard
    names = [each.source for each in heard]
    assert "s0" in names
    assert "s1" not in names


def test_two_that_declare_different_rules_are_left_to_a_person():
    """As are two of which a rule cannot tell."""
    rows = [piece(1, 2.0, claim="a"), piece(2, 2.0, claim="b", at=1)]
    one, other = Claim("a", one_of="x", rule="likelier"), Claim("b", one_of="x", rule="newer")
    assert contradictions(fold(rows, [one, other]), 3)[0].stands is None
    same = Claim("b", one_of="x", rule="likelier")
    assert contradictions(fold(rows, [one, same]), 1)[0].stands is None


def test_what_if_says_before_and_after():
    """Of the claims that it moves."""
    rows = [piece(1, 1.0), piece(2, 1.0, claim="snow")]
    found = what_if(rows, [piece(3, 2.0)], 3)
    assert list(found) == ["rain"]
    assert found["rain"].before.probability < found["rain"].after.probability


def test_a_curve_jumps_at_evidence_and_fades_between():
    """Two points of one time at the jump."""
    points = history(Claim("rain", half_life_s=1.0), [piece(0, 2.0)], 1_000_000, most=5)
    assert [at for at, _ in points] == [0, 0, 250_000, 500_000, 1_000_000]
    assert points[0].probability == 0.5
    assert points[-1].probability == pytest.approx(1 / (1 + math.exp(-1)))
    assert [each.at for each in history(Claim("rain"), [], 7)] == [7]
    with pytest.raises(MindError, match="most is 1; a curve needs at least 2 points"):
        history(Claim("rain"), [], 7, most=1)


def test_rows_that_come_late_ask_for_a_whole_fold():
    """An undo, too: what it takes back may be in the sum."""
    beliefs = fold([piece(5)])
    with pytest.raises(LateEvidenceError, match=r"'e0004' of 'rain' is of 4, not after 'e0005'"):
        beliefs.followed_by(piece(4))
    with pytest.raises(LateEvidenceError, match="an undo takes back"):
        beliefs.followed_by(Undo(id="u", at=9, undoes=("e0005",)))
    assert beliefs.next_at("rain", 3) == 6
    assert beliefs.next_at("snow", 3) == 3


def test_declared_anew_a_claim_keeps_its_evidence_unless_it_fades_otherwise():
    """Another prior moves it by as much; another half-life needs its rows."""
    beliefs = fold([piece(1, 1.0)])
    moved = beliefs.declared(Claim("rain", prior=0.9))
    assert moved.belief("rain", 1).log_odds == pytest.approx(1 + math.log(9))
    with pytest.raises(MindError, match="fold all rows again with the new claim"):
        beliefs.declared(Claim("rain", half_life_s=1.0))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: piece(1, source="x" * 401), r"the source .* has 401 characters of at most 400"),
        (lambda: piece(1, claim=""), "the claim of the evidence is ''; expected a text"),
        (lambda: piece(1, reliability=1.5), r"reliability of .*is 1.5; expected 0 to 1"),
        (lambda: piece(1, reliability=math.nan), "reliability of evidence"),
        (lambda: piece(1, at=1.5), "the time of evidence 'e0001' is 1.5; expected whole micro"),
        (lambda: piece(-1), "the time of evidence 'e-001' is -1; expected whole micro"),
        (lambda: likelihoods(7), r"the strength is 7; expected -6 to 6"),
        (
            lambda: Evidence(id="e", claim="c", at=0, p_if_true=1, p_if_false=0, source="a"),
            r"p_if_false of evidence 'e' is 0; expected more than 0 and at most 1",
        ),
        (lambda: Undo(id="u", at=0, undoes=()), "undo 'u' undoes nothing"),
        (
            lambda: Undo(id="u", at=0, undoes=tuple(map(str, range(1_001)))),
            "takes back 1,001 rows of at most 1,000",
        ),
        (lambda: Claim("c", prior=1.0), r"the prior of claim 'c' is 1.0; expected 0.001 to 0.999"),
        (lambda: Claim("c", half_life_s=0), r"the half-life of claim 'c' is 0 s; expected more"),
        (lambda: Claim("c", excludes=("c",)), "claim 'c' excludes itself"),
        (lambda: fold([piece(1), piece(1, 2.0)]), "two different rows have the id 'e0001'"),
        (lambda: Beliefs.from_json({"fold": {}}), "beliefs cannot be read: fold: Unexpected"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(make, words):
    """With what was given, what is expected, and what to do."""
    with pytest.raises(MindError, match=words):
        make()


def test_rows_that_nobody_writes_are_bounded():
    """256, then they are to be committed."""
    rows = [piece(number) for number in range(256)]
    beliefs = Beliefs().followed_by(*rows, fresh=True)
    with pytest.raises(TooLargeError, match="257 rows are not written yet, of at most 256"):
        beliefs.followed_by(piece(300), fresh=True)
    assert len(beliefs.committed().followed_by(piece(300), fresh=True).fresh) == 1


def test_a_fold_looks_at_each_piece_a_bounded_number_of_times(monkeypatch):
    """Four fadings a piece at the most, however many pieces and sources there are."""
    counted = []
    fading = arithmetic.fading
    monkeypatch.setattr(arithmetic, "fading", lambda *given: counted.append(1) or fading(*given))
    for count in (100, 1_000):
        counted.clear()
        fold([piece(number, source=f"s{number % 50}") for number in range(count)])
        assert len(counted) <= 4 * count

"""Memories in the order in which they are to the point, and those that have room."""

from hypothesis import given
from hypothesis import strategies as st

from reins.mind.relevance import Cue, ranked, within, word_scores

TEXTS = ["wifi: the password is hunter2", "dog: Rex is a beagle", "boss: Ann pays the invoices"]


def order(fits):
    return [fit.place for fit in fits]


def test_words_are_found_in_any_form_and_rare_ones_count_more():
    """Case, accents and plain plurals make no difference; a word that all have says little."""
    assert order(ranked([Cue("goal", "an INVOICE of Ánn")], TEXTS, None))[0] == 2
    common, rare = word_scores("the beagle", ["the the the", "the beagle", "the end"])[:2]
    assert rare > common
    assert word_scores("nothing of it", ["else"]) == [0]
    assert word_scores("x", []) == []


def test_words_and_meaning_make_one_order():
    """Found by both goes before found by one, and each says how, and by which part of the work."""
    likeness = [[0.9, 0.1, 0.8], [0.1, 0.9, 0.0]]
    cues = [Cue("goal", "pay invoices"), Cue("step", "name of some pet")]
    fits = ranked(cues, TEXTS, likeness)
    assert {fit.place: (fit.by, fit.cue) for fit in fits} == {
        0: (("meaning",), "goal"),
        1: (("meaning",), "step"),
        2: (("words", "meaning"), "goal"),
    }
    assert order(fits)[0] == 2
    by_words = ranked(cues[:1], TEXTS, None)
    assert (by_words[0].place, by_words[0].by) == (2, ("words",))
    assert (by_words[2].score, by_words[2].by, by_words[2].cue) == (0, (), "")


def test_a_word_that_all_have_outweighs_no_meaning():
    """Where places in two orders would make it the first of one."""
    texts = ["Rex barks at nobody", *["it is in the house"] * 30]
    likeness = [[0.6, *[0.1] * 30]]
    assert order(ranked([Cue("goal", "who is in the kennel")], texts, likeness))[0] == 0


@given(
    st.lists(st.text(max_size=40), max_size=8),
    st.lists(st.text(max_size=40), min_size=1, max_size=3),
    st.data(),
)
def test_scores_are_from_0_to_1(texts, asked, data):
    """Of any texts, each is there once, the best first."""
    of_each = st.lists(st.floats(-1, 1), min_size=len(texts), max_size=len(texts))
    likeness = data.draw(st.none() | st.lists(of_each, min_size=len(asked), max_size=len(asked)))
    fits = ranked([Cue("goal", each) for each in asked], texts, likeness)
    assert sorted(order(fits)) == [*range(len(texts))]
    scores = [fit.score for fit in fits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1.000001 for score in scores)


def test_what_nothing_finds_stays_in_its_order():
    """So that the newest come first where no cue says more."""
    assert order(ranked([Cue("goal", "zzz")], TEXTS, None)) == [0, 1, 2]
    assert order(ranked([], TEXTS, None)) == [0, 1, 2]


def test_each_scope_has_its_share_and_the_rest_goes_to_the_best():
    """Many memories that all share do not crowd out the session's own."""
    found = [*[("shared", 10)] * 10, ("session", 20), ("agent", 10)]
    assert within(found, 40) == [0, 10, 11]
    assert within(found[:10], 40) == [0, 1, 2, 3]
    assert within(found, 1_000) == [*range(12)]
    assert within(found, 5) == []

"""Memories in the order in which they are to the point, and those that have room."""

import pytest

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
    cues = [Cue("goal", "pay the invoices"), Cue("step", "what is a pet called")]
    fits = ranked(cues, TEXTS, likeness)
    assert {fit.place: (fit.by, fit.cue) for fit in fits} == {
        0: (("words", "meaning"), "goal"),
        1: (("words", "meaning"), "step"),
        2: (("words", "meaning"), "goal"),
    }
    by_words = ranked(cues[:1], TEXTS, None)
    assert by_words[0].place == 2
    assert by_words[0].score == pytest.approx(1)
    assert (by_words[2].score, by_words[2].by, by_words[2].cue) == (0, (), "")


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

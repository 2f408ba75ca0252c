"""Answers are found: a tenth of the questions of `bench quality`, drawn by a fixed seed."""

from bench import quality, questions


async def test_both_ways_together_find_at_least_what_the_better_finds(tmp_path):
    """Of questions that do not stand in their answers, by rule and by people."""
    found = await quality.run(tmp_path / "data", made=24, of_people=5, documents_at_most=130)
    assert (found["questions"], found["documents"]) == (29, 130)
    recall = found["recall_at_5"]
    better = max(recall[way]["mean"] for way in ("words", "meaning"))
    assert recall["hybrid"]["mean"] >= better > 0.5


def test_the_set_is_large_enough_and_no_question_stands_in_its_answer():
    """Made by the rule, and of what packages ship: another version has another text."""
    docs, asked = questions.documents(), questions.questions()
    assert len(docs) >= 1_000
    assert len(asked) >= 280
    assert len({each.text for each in asked}) == len(asked)
    for each in asked:
        assert each.text.lower() not in questions._plain(docs[each.answer]).lower()

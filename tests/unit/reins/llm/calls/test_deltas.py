"""From "the text so far" to deltas that add up to it."""

from hypothesis import given
from hypothesis import strategies as st

from reins.llm.caller import Nobody
from reins.llm.calls.deltas import DeltaEmitter
from reins.llm.text import clean


class Listener(Nobody):
    def __init__(self):
        self.deltas = []

    def streamed(self, delta):
        self.deltas.append(delta)

    def text(self, attempt):
        whole = ""
        for delta in self.deltas:
            if delta.attempt == attempt:
                assert delta.text
                assert delta.offset <= len(whole)
                whole = whole[: delta.offset] + delta.text
        return whole


@given(st.lists(st.text(max_size=5), max_size=20))
def test_deltas_add_up_to_the_answer(pieces: list[str]) -> None:
    """Put together they are the answer as it will be stored, but for space at its end."""
    listener = Listener()
    told = DeltaEmitter(listener).attempt(1)
    for end in range(len(pieces) + 1):
        told("".join(pieces[:end]))
    assert clean(listener.text(1)) == clean("".join(pieces))
    assert "\0" not in listener.text(1)


def test_a_new_attempt_begins_anew() -> None:
    """What an earlier attempt gave is void, and its text is not counted on."""
    listener = Listener()
    emitter = DeltaEmitter(listener)
    emitter.call_id = "c"
    emitter.attempt(1)("Once upon")
    told = emitter.attempt(2)
    told("Some")
    told("Something else")
    assert (listener.text(1), listener.text(2)) == ("Once upon", "Something else")
    assert {delta.call_id for delta in listener.deltas} == {"c"}


def test_a_text_that_changes_its_mind() -> None:
    """Where the text so far is not the beginning of the next, all of it is told again."""
    listener = Listener()
    told = DeltaEmitter(listener).attempt(1)
    for text in ("abc", "abd", "abde"):
        told(text)
    assert listener.text(1) == "abde"

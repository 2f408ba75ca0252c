"""A voice of the offline model's personas, and the one for a tone that no other has.

`{t}` is the topic, one or many of anything; `{who}` spoke last, `{other}` is asked next, `{tone}`
is the tone in the operator's own words. A *word* in stars may become the next topic.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voice:
    """`stems` begin the words by which a tone is recognised; the rest is said.

    `verdicts` are yes, no and undecided.
    """

    stems: tuple[str, ...]
    begin: str
    verdicts: tuple[str, str, str]
    answers: tuple[str, ...]
    addresses: tuple[str, ...]
    hand_over: str
    lines: tuple[str, ...]


GENERIC = Voice(
    stems=(),
    begin="Somebody has to begin, and I do it {tone}.",
    verdicts=("Yes.", "No.", "That depends."),
    answers=(
        "My view of {t}, in a word: {tone}.",
        "Ask me about {t}, and you get it {tone}, as ordered.",
        "There is more to {t} than one reply, even one that is {tone}.",
        "I have an answer about {t}, and the tone of it is {tone}.",
    ),
    addresses=("I heard you, {who}.", "So you say, {who}.", "Good, {who}.", "A moment, {who}."),
    hand_over="And you, {other}?",
    lines=(
        "Let me say it {tone}: there is more to {t} than we have said.",
        "My tone is {tone}, and my *point* is simple: {t} can wait for a second look.",
        "About {t} I have one thought and a *manner*, {tone}, to say it in.",
        "Picture this in a voice that is {tone}: what if {t} is only the *beginning*?",
        "They wanted me {tone}. So, {tone} or not, I would not leave {t} to *chance*.",
        "Nobody has put in a word for {t} yet. Here is one, {tone}, free of *charge*.",
        "I turn {t} over and find a *label* on the back. It reads: {tone}.",
        "If you hear something {tone} in the next *room*, that is me, thinking about {t}.",
        "On {t} I stand where I stood, a little more {tone}, and nearer to the *door*.",
        "One could be calm about {t}. I prefer {tone}, with an *example* to follow.",
        "Here is the other side of {t}, told {tone}: it has fewer *friends* and better reasons.",
        "I add a single *pebble* to the heap about {t}, and add it in my own way: {tone}.",
    ),
)

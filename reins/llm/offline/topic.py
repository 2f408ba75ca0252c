"""How the offline model finds a word or two of a message to talk about: position, no grammar."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST_READ = 400
LONGEST_WORD = 24
SHORTEST_WORD = 3  # in ASCII: "oh" is lost, and so is "ai"

WORD = re.compile(r"[^\W\d_][\w\u2019'-]*")  # the apostrophe that people type, and ASCII's


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# After these stands a thing, more often than not.
BEFORE_A_THING = _set(
    """
    a an the my your our their his her its this these those some any every about of for with
    without on in at from than between and or
    """
)
DETERMINERS = _set("a an the my your our their his her its this")
# And after these, where they begin a question, who does it: "should cats vote".
BEFORE_A_DOER = _set("should can could would will do does did is are was were")
# Words that are no topic.
EMPTY = _set(
    """
    a about above actually after again against agree all allow allowed almost also always am an
    and another answer any anybody anyone anything anyway are around as ask asked at away back
    be because become been before being believe best better between both but by call came can
    cannot come comes could day did different discuss do does doing done down each either
    else enough even ever every everybody everyone everything everywhere far feel few find first
    for from get gets give go goes going good got great had has have having he hello help her
    here hers him his how however i if ignore in instead into is it its itself just keep kind
    know last least less let lets like likely little long look lot made make makes many may
    maybe me mean might mine more most much must my myself need needs never next no nobody none
    nor not nothing now of off often ok okay old on once one only opinion or other
    others ought our out over own pass perhaps please put question quite rather really reply
    right said same say says see seem seems shall she should show since so some somebody someone
    something sometimes still such sure take talk tell than thank thanks that the their them
    then there these they thing things think this those though thought three through till time
    to today together told too true try turn two under until up upon us use used very want wants
    was way we well went were what whatever when where whether which while who whole whom whose
    why will with without word words would write yes yet you your yours yourself
    """
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word and what stands around it."""

    text: str
    before: str
    after: str
    begins: bool
    second: bool

    @property
    def rank(self) -> int:
        """How likely it is a thing: after "about", or a name."""
        cue = self.before in BEFORE_A_THING or (self.second and self.before in BEFORE_A_DOER)
        return 2 * cue + (self.text[0].isupper() and not self.begins)


def topic_of(text: str, names: Iterable[str], choice: int) -> str:
    """One or two neighbouring words, or nothing; `choice` picks among those that do as well."""
    taken = {word.lower() for name in names for word in WORD.findall(name)}
    words = [word for word in _words(text[:LONGEST_READ]) if _speaks(word.text, taken)]
    best = max((word.rank for word in words), default=0)
    topics = list(dict.fromkeys(_phrase(word, taken) for word in words if word.rank == best))
    return topics[choice % len(topics)] if topics else ""


def _words(text: str) -> Iterator[Word]:
    found = list(WORD.finditer(text))
    begun = True
    for at, word in enumerate(found):
        between = text[found[at - 1].end() : word.start()] if at else ""
        after = found[at + 1] if at + 1 < len(found) else None
        begins = at == 0 or any(mark in between for mark in ".!?:\n")
        yield Word(
            word[0],
            found[at - 1][0].lower() if between == " " else "",
            after[0] if after and text[word.end() : after.start()] == " " else "",
            begins,
            second=begun and not begins,
        )
        begun = begins


def _speaks(word: str, taken: set[str]) -> bool:
    bare = re.split(r"[\u2019']", word.lower())[0]
    if len(word) > LONGEST_WORD or bare in EMPTY or bare in taken:
        return False
    return len(bare) >= SHORTEST_WORD or not bare.isascii()


def _phrase(word: Word, taken: set[str]) -> str:
    """Two words where the first belongs to the second: "remote work", and not "cats vote"."""
    cue = word.before in BEFORE_A_THING or (word.second and word.before == "is")
    joins = cue and word.text[0].islower() and _speaks(word.after, taken)
    text = word.text.lower() if word.begins and word.text.istitle() else word.text
    article = "the " if word.before in DETERMINERS else ""
    return f"{article}{text} {word.after}" if joins else f"{article}{text}"

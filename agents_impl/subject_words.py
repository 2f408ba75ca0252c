"""The subject that a person asks for in plain words; what says none is asked back, not guessed."""

import re

from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.agent.words import LONGEST_READ, Fields

LONGEST_SUBJECT = 80
_BARE_WORDS = 4

_NEGATION = (
    r"(?:anything|everything|all|nothing) (?:but|except)|instead of|rather than|but not"
    r"|no more|enough|stop|quit|cease|never|don['\u2019]?t|do not|not|no|without|except|avoid|drop"
    r"|forget(?: about)?|leave out|less|skip|nicht|keine?|pas|plus de|sin|sans|ohne|basta"
)
_NEGATED = re.compile(
    rf"(?:please |and |so |but |just |ok(?:ay)? )*(?:{_NEGATION})\b", re.IGNORECASE
)
_PARTS = re.compile(
    r"\s*[.,;:!?\n]+\s*"
    r"|\s+(?=(?:instead of|rather than|but not|not|except)\b)"
    r"|(?<!anything)(?<!everything)(?<!nothing)(?<!all)\s+but\s+(?!not\b)"
    r"|\s+(?:and|then)\s+(?=(?:then|now|tell|talk|switch|change|go|do|about|rather|instead)\b)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r".*?\b(?:about|regarding|concerning|(?:jokes?|ones?|something|some|more|talk) on"
    r"|(?:switch|change|move)(?: it)?(?: over)? to(?: jokes?)?(?: (?:on|about))?|(?:go|swap) for)"
    r"\s+(?P<subject>.+)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:(?:please )?(?:change|switch|set) )?(?:the )?(?:new )?"
    r"(?:subject|topic)\s*(?:is\b|:|=|to\b)\s*(?P<subject>.+)",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"(?P<list>[^.;:!?]+?,[^.;:!?]*?\b(?:and|or)\s+[\w'\u2019-]+)[.!]*", re.IGNORECASE
)
_BEFORE = re.compile(
    r"^(?:(?:please|now|and|ok|okay|so|then|next|just|tell|give|some|something|more|another|jokes?"
    r"|ones?|me|us|a|few|of|on|about|the subject|the topic|i(?:'d| would) like|i want|how|what"
    r"|let's|do)\s+(?=\S))+",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:\s+(?:please|pls|now|instead|then|again|today|thanks|for a change|from now on|jokes?"
    r"|this time|next|rather))+$",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"(?:why|who|when|where|how(?! about)|what(?! about)|are|is|did|does)\b", re.IGNORECASE
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SAYS_NO_SUBJECT = _set(
    """
    again bad be better bye change cool continue do dunno else fast faster fine fun funnier funny
    go good great hello help hey hi hm hmm how i it jokes joke less long longer louder make maybe
    me more new next nice no nothing now off ok okay on one other pause please quiet quit resume
    run say short shorter slow slower softer some something speak start stop subject switch talk
    tell thanks that the there this topic try up wait well what whatever why yes yo you your
    """
)
_ASKS = (
    "What should the jokes be about? {why}. Say it in words such as “about dogs”, or give "
    'it as {{"subject": "dogs"}}.'
)


def read(text: str) -> Fields | None:
    """The subject as a field; None: it is in other words, and a model may find it.

    Raises: GuidanceRejectedError with a question, where none is said.
    """
    plain = " ".join(text[: LONGEST_READ + 1].split())
    if len(plain) > LONGEST_READ:
        return None
    if found := _NAMED.fullmatch(plain):
        return _field(found["subject"])
    parts = [part for part in _PARTS.split(plain) if part]
    said = [part for part in parts if not _NEGATED.match(part)]
    listed = len(said) == len(parts) and _LIST.fullmatch(plain)
    if listed and len(listed["list"].split()) <= 2 * _BARE_WORDS:
        said = [listed["list"]]
    for part in reversed(said):
        if _QUESTION.match(part):
            raise asking("That is a question, and the jokes cannot answer it")
        if found := _ABOUT.fullmatch(part):
            return _field(found["subject"])
    bare = [part for part in said if not _is_empty(part)]
    if not bare:
        if len(said) < len(parts):
            raise asking(f"“{plain[:80]}” says what to leave, and not what to take up")
        raise asking(f"“{plain[:80]}” names no subject")
    if len(bare) == 1 and (subject := _bare(bare[0])):
        return _field(subject)
    return None


def asking(why: str) -> GuidanceRejectedError:
    """The question that goes back to who said too little."""
    return GuidanceRejectedError(_ASKS.format(why=why))


def is_said_in(subject: str, text: str) -> bool:
    """True if a model's subject has a word that the text has, at least by its beginning."""
    there = text.casefold()
    words = re.findall(r"\w+", subject.casefold())
    return any(word[: max(3, len(word) - 2)] in there for word in words if len(word) > 1)


def _field(subject: str) -> Fields:
    words = _AFTER.sub("", subject.strip(" \t.,;:!?"))
    words = words.strip("\"'“”\u2018\u2019«» ")
    if not words or _is_empty(words) or len(words) > LONGEST_SUBJECT:
        raise asking(f"“{subject.strip()[:80]}” is no subject")
    return {"subject": words}


def _is_empty(part: str) -> bool:
    words = re.findall(r"[^\W_]+(?:['\u2019][^\W_]+)*", part.casefold())
    return all(word in _SAYS_NO_SUBJECT for word in words)


def _bare(part: str) -> str:
    """A few words that are a thing by themselves: “dogs”, “the stock market please”."""
    words = _AFTER.sub("", _BEFORE.sub("", part))
    many = words.split()
    known = [word for word in many if word.casefold() in _SAYS_NO_SUBJECT - {"the", "on"}]
    # In other scripts several words may say anything; one is a thing.
    longest = _BARE_WORDS if words.isascii() else 1
    return "" if known or (len(many) > longest and "," not in words) else words

"""How the offline model finds the subject in a sentence: markers and filler words, no more."""

import re

MAX_WORDS = 5

# The last marker wins: "forget about cats, now about dogs".
MARKER = re.compile(
    r"\b(?:about|regarding|concerning|(?:switch|change|move)(?: it)?(?: over)? to|go for)\s+",
    re.IGNORECASE,
)
END = re.compile(
    r"[.,;:!?()\n]|\s(?:but|please|pls|instead|rather|from now|for a|and make|and keep|because"
    r"|who|which|that|this time|now|then|next|thanks?|only)\b",
    re.IGNORECASE,
)
LEADING = re.compile(
    r"^(?:(?:please|now|ok|okay|well|hey|hi|so|and|then|next|just|only|try|do|go|make|tell|give"
    r"|say|have|i|i'd|we|you|want|like|would|could|can|let's|lets|me|us|some|something|a few|few"
    r"|more|another|one|jokes?|ones|of|on|with|to|how|what|no|not|need|talk|the (?:subject|topic)"
    r"|be|is|it|funny|good|hear)\b[\s,:]*)+",
    re.IGNORECASE,
)
TRAILING = re.compile(r"\s+(?:jokes?|puns?|ones|stuff)$", re.IGNORECASE)
QUOTES = "\"'“”\u2018\u2019«»` "


NONE = "NONE"
"""The word that the prompt asks for, where no subject is named."""


def subject_or_none(guidance: str) -> str:
    """The subject after a marker, or a few words that are one; it guesses nothing of others."""
    words = guidance.split()
    few = len(words) <= (MAX_WORDS if guidance.isascii() else 1)
    return extract_subject(guidance) if few or MARKER.search(guidance) else NONE


def extract_subject(guidance: str) -> str:
    """One to a few words; the guidance itself, shortened, where no sentence is recognised."""
    text = re.sub(r"[^\S\n]+", " ", guidance).strip()
    marked = [found.end() for found in MARKER.finditer(text)]
    about = text[marked[-1] :] if marked else LEADING.sub("", text)
    quoted = re.match(r'["“«]([^"”»]+)["”»]', about)
    if quoted:
        return _short(quoted[1])
    about = LEADING.sub("", about) or about
    cut = END.search(about)
    subject = about[: cut.start()] if cut and cut.start() else about
    return _short(TRAILING.sub("", subject)) or _short(text) or "anything"


def _short(text: str) -> str:
    return " ".join(text.strip(QUOTES).split()[:MAX_WORDS])[:60].strip(QUOTES)

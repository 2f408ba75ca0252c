"""Names of entities and relations: which are one and the same, and how they are bounded."""

import unicodedata

MAX_NAME_CHARS = 200
ALIAS = "alias of"
"""The relation between two names of one entity. People alone say so."""
PROPOSED, DIFFERENT = "may be alias of", "not alias of"
"""The relations of a proposal that a person has not decided about, and of one that was refused."""
IS_A, FUNCTIONAL = "is a", "functional relation"
"""A fact of this relation and object declares that its subject, a relation, has one object at a
time."""


class FactError(ValueError):
    """A fact, or a change of one, that cannot be; the message says what was expected."""


def normal(name: str) -> str:
    """The form by which a name is found: NFKC, without case, single spaces."""
    if name.isascii():
        return " ".join(name.lower().split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


def checked_name(value: object, part: str) -> str:
    """A name as it was written, trimmed. Raises: FactError."""
    if not isinstance(value, str):
        raise FactError(f"the {part} is {value!r:.80}; expected a text")
    found = " ".join(value.split())
    if not normal(found) or len(found) > MAX_NAME_CHARS:
        raise FactError(
            f"the {part} is {found!r:.80} of {len(found)} characters; expected 1 to "
            f"{MAX_NAME_CHARS}. What is longer belongs into a memory or a document"
        )
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in found):
        raise FactError(f"the {part} is {found!r:.80}; expected a text without control characters")
    return found


def skeleton(name: str) -> str:
    """The letters and digits of a normal name without accents, its words in their order."""
    plain = unicodedata.normalize("NFD", name)
    kept = "".join(
        each if each.isalnum() else " " for each in plain if not unicodedata.combining(each)
    )
    return " ".join(kept.split())

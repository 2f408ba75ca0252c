"""Positions of the offline model's personas: each keeps its own on a person's question."""

from dataclasses import dataclass

SIDES = ("yes", "no", "it depends")
CHOICES = ("the simple answer", "the one that nobody likes", "more than one answer")


@dataclass(frozen=True, slots=True)
class Stances:
    """The position that each holds, in a room that was asked something.

    Neighbours by name differ, so that two already disagree. The same for all who are asked, and
    for as long as they talk of it.
    """

    names: tuple[str, ...]
    first: int
    is_closed: bool

    def of(self, name: str) -> int:
        """0 for, 1 against, 2 undecided."""
        rank = self.names.index(name) if name in self.names else len(self.names)
        return (self.first + rank) % len(SIDES)

    def word(self, name: str) -> str:
        return (SIDES if self.is_closed else CHOICES)[self.of(name)]


# `{mine}` and `{theirs}` are positions, `{who}` is whoever spoke last.
DIFFER = (
    "I say {mine}, {who}, where you say {theirs}.",
    "No, {who}: for me it stays “{mine}”.",
    "{who} makes it sound easy; I still hold with “{mine}”.",
    "You have not moved me, {who}: {mine}.",
    "That is one side, {who}. Mine is “{mine}”.",
    "I hear “{theirs}” from {who}, and I do not buy it: {mine}.",
    "We differ there, {who}. My answer is “{mine}”.",
)
AGREE = (
    "{who} and I are of one mind: {mine}.",
    "I am with {who} on that: {mine}.",
    "Well put, {who}; I say {mine} as well.",
    "That makes two of us for “{mine}”, {who}.",
)
HOLD = (
    "I keep to it: {mine}.",
    "Nothing said so far has changed my mind: {mine}.",
    "My answer stands: {mine}.",
    "Count me still for “{mine}”.",
)
EVERY_TURNS = 6
"""So many replies after a person's word, and again after as many more, somebody sums up."""


def summed_up(stances: Stances, me: str, others: list[str]) -> str:
    """The positions of all who take part, the speaker's last."""
    told = [f"{name} says {stances.word(name)}" for name in others[:4]]
    return f"So far: {', '.join([*told, f'and I say {stances.word(me)}'])}."

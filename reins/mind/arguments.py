"""The arguments of each action of a mind, as models, so that tools and guidance can share them."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reins.mind.errors import MindError
from reins.mind.evidence import MAX_WEIGHT, likelihoods
from reins.mind.memories import Scope

SELF = "self"
"""The source of what an agent says on its own: it is one, however often it says it."""


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[str, Field(min_length=1)] = SELF
    """Whose word it is; a person's name, a tool, a document, a sensor."""
    document: str | None = None


class _Writing(_Arguments):
    key: Annotated[str, Field(min_length=1)]
    scope: Scope = "session"
    expect: Annotated[int, Field(ge=0)] | None = None
    """The version that must be the newest; 0: none."""


class _Keeping(_Writing):
    expires_in_s: Annotated[float, Field(gt=0, le=1e10)] | None = None

    def expires_at(self, now: int) -> int | None:
        """The moment from which it is not recalled, in microseconds since 1970."""
        return None if self.expires_in_s is None else now + round(self.expires_in_s * 1e6)


class Remember(_Keeping):
    """A `value`, or the path of a part of the state (`from`), and the key to keep it under."""

    value: Any = None
    path: Annotated[str | None, Field(alias="from")] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if ("value" in self.model_fields_set) == (self.path is not None):
            raise ValueError("give either value or from")
        return self


class Forget(_Writing):
    """The key of a memory."""


class Restore(_Keeping):
    """The key of a memory, and the version of it; None is the newest before this."""

    version: Annotated[int, Field(ge=1)] | None = None


class Recall(_Arguments):
    """The key of a memory, what keys begin with, or what is looked for by words, and the place for
    what is found. `limit` is of those that are looked for.
    """

    to: str
    key: str | None = None
    prefix: str | None = None
    about: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 5
    scope: Scope | None = None
    default: Any = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if [self.key, self.prefix, self.about].count(None) != len(("key", "prefix", "about")) - 1:
            raise ValueError("give either key, prefix or about")
        return self


class Believe(_Arguments):
    """A claim, and what speaks for it or against it: a strength, or likelihoods."""

    claim: Annotated[str, Field(min_length=1)]
    strength: Annotated[float, Field(gt=0, le=MAX_WEIGHT)] | None = None
    """Nats, 1 where nothing is given: what a witness weighs who is right three times of four."""
    p_if_true: float | None = None
    p_if_false: float | None = None
    reliability: Annotated[float, Field(ge=0, le=1)] = 1.0
    text: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = self.p_if_true is not None, self.p_if_false is not None
        if given[0] != given[1] or (given[0] and self.strength is not None):
            raise ValueError("give either strength, or both p_if_true and p_if_false")
        return self

    def likelihoods(self, *, doubts: bool) -> tuple[float, float]:
        """Those of the evidence, if the claim is true and if not. Raises: MindError where the two
        that are given speak for the other side.
        """
        if self.p_if_true is None or self.p_if_false is None:
            strength = 1.0 if self.strength is None else self.strength
            return likelihoods(-strength if doubts else strength)
        if self.p_if_true != self.p_if_false and (self.p_if_true < self.p_if_false) != doubts:
            raise MindError(
                f"with p_if_true {self.p_if_true} and p_if_false {self.p_if_false} it speaks "
                f"{'for' if doubts else 'against'} {self.claim!r}; "
                f"use {'believe' if doubts else 'doubt'}, or swap them"
            )
        return self.p_if_true, self.p_if_false

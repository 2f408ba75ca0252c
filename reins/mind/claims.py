"""Claims: what a belief is about, how likely it is without evidence, and what it excludes."""

import math
from dataclasses import dataclass

from pydantic import ConfigDict

from reins.mind.errors import MindError
from reins.mind.evidence import MAX_ID_CHARS, MAX_TEXT_CHARS
from reins.mind.reading import check_text

HALF_LIFE_S = 7 * 24 * 3_600.0
LEAST_PRIOR = 0.001
MAX_EXCLUDED = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim by its id. At most one of those with the same `one_of` can be true.

    `excludes`: ids of claims that cannot be true beside it. `rule`: the name of the rule that says
    which of two stands. **Units**: `prior` is a probability from 0.001 to 0.999; in `half_life_s`
    seconds evidence counts half, with None it never fades. Raises: MindError.
    """

    id: str
    text: str = ""
    prior: float = 0.5
    half_life_s: float | None = HALF_LIFE_S
    excludes: tuple[str, ...] = ()
    one_of: str | None = None
    rule: str | None = None

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        check_text(self.id, "the id of the claim", MAX_ID_CHARS)
        check_text(self.text, f"the text of claim {self.id!r}", MAX_TEXT_CHARS, empty=True)
        if not LEAST_PRIOR <= self.prior <= 1 - LEAST_PRIOR:
            raise MindError(
                f"the prior of claim {self.id!r} is {self.prior!r}; expected {LEAST_PRIOR} to "
                f"{1 - LEAST_PRIOR}: what is certain beforehand no evidence can move"
            )
        if self.half_life_s is not None and not 0 < self.half_life_s < math.inf:
            raise MindError(
                f"the half-life of claim {self.id!r} is {self.half_life_s!r} s; expected more than "
                f"0, or None for evidence that never fades"
            )
        if self.id in self.excludes or len(self.excludes) > MAX_EXCLUDED:
            raise MindError(
                f"claim {self.id!r} excludes itself or more than {MAX_EXCLUDED} others; "
                f"for one of many give each the same one_of"
            )

    @property
    def prior_log_odds(self) -> float:
        """The log-odds without evidence."""
        return math.log(self.prior) - math.log(1 - self.prior)

    @property
    def half_life_us(self) -> float:
        """The half-life in microseconds; infinite where evidence never fades."""
        return math.inf if self.half_life_s is None else self.half_life_s * 1e6

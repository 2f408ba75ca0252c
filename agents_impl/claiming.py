"""The claims that an agent's configuration declares, and what it is when two of them contradict."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from reins.mind import Claim

_Id = Annotated[str, Field(min_length=1, max_length=400)]
WEEK_S = 7 * 24 * 3_600.0


class ClaimConfig(BaseModel):
    """A claim: how likely it is without evidence, how fast evidence fades, what it excludes.

    **Units**: `prior` is a probability; in `half_life_s` seconds evidence counts half, with null it
    never fades. `reliability` is that of evidence which says none.
    """

    model_config = ConfigDict(extra="forbid")

    id: _Id
    text: Annotated[str, Field(max_length=1_000)] = ""
    prior: Annotated[float, Field(ge=0.001, le=0.999)] = 0.5
    half_life_s: Annotated[float, Field(gt=0, le=1e12)] | None = WEEK_S
    reliability: Annotated[float, Field(ge=0, le=1)] = 1.0
    excludes: Annotated[list[_Id], Field(max_length=20)] = []
    one_of: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    rule: Literal["likelier", "newer"] | None = None

    def claim(self) -> "Claim":
        """The same as a mind has it."""
        from reins.mind import Claim  # noqa: PLC0415 - takes 50 ms

        parts = self.model_dump(exclude={"reliability", "excludes"})
        return Claim(**parts, excludes=tuple(self.excludes))


def _are_apart(claims: list[ClaimConfig]) -> list[ClaimConfig]:
    known = {each.id for each in claims}
    if len(known) < len(claims):
        raise ValueError("a claim is declared twice; declare each once")
    for each in claims:
        for other in each.excludes:
            if other == each.id or other not in known:
                raise ValueError(
                    f"claim {each.id!r:.80} excludes {other!r:.80}; expected another claim that is "
                    "declared here"
                )
    return claims


Claims = Annotated[list[ClaimConfig], Field(max_length=50), AfterValidator(_are_apart)]


def concern_of(mind: dict[str, Any]) -> dict[str, Any] | None:
    """The contradictions of a mind that a person is to decide; None where there are none."""
    found: Sequence[dict[str, Any]] = [
        each for each in mind.get("contradictions", ()) if each["stands"] is None
    ]
    if not found:
        return None
    first = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return {
        "key": f"contradiction:{first['one']}:{first['other']}",
        "text": f"it believes {first['one']!r} and {first['other']!r}, of which one can be{more}",
        "since": first["since"],
    }

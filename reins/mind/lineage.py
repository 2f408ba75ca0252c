"""Where evidence and memories come from, so that all that rests on a place can be found again."""

from dataclasses import dataclass

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class Lineage:
    """The tick, call, message or document that something rests on, and on whose behalf.

    `seq` numbers a row of the log of `session_id`. None: there is no such place.
    """

    session_id: str | None = None
    seq: int | None = None
    call_id: str | None = None
    message_id: str | None = None
    document: str | None = None
    actor: str | None = None

    __pydantic_config__ = ConfigDict(extra="forbid")

    def rests_on(self, place: "Lineage") -> bool:
        """True where each part that the place names is the same here; it must name one."""
        named = [
            (value, mine)
            for value, mine in zip(_values(place), _values(self), strict=True)
            if value is not None
        ]
        return bool(named) and all(value == mine for value, mine in named)


NOWHERE = Lineage()
"""It rests on no place that is known."""


def _values(lineage: Lineage) -> tuple[str | int | None, ...]:
    return (
        lineage.session_id,
        lineage.seq,
        lineage.call_id,
        lineage.message_id,
        lineage.document,
        lineage.actor,
    )

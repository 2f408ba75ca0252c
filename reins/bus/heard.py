"""The messages that one tick has used, as one result."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from agent_core.agent.effects import Effect
from agent_core.agent.results import StepResult
from reins.bus.delivery import Place


class Gap(NamedTuple):
    """Messages of a topic that were dropped before this subscriber has read them."""

    topic: str
    first: int
    last: int


@dataclass(slots=True)
class Heard:
    """Adds up what the messages of a tick have led to."""

    finished: list[Place] = field(default_factory=list)
    """Messages that are done with, used or given up."""
    places: list[Place] = field(default_factory=list)
    steps: list[StepResult] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    next_in_s: float | None = None

    def add(self, place: Place, step: StepResult | None) -> None:
        """A message was used."""
        self.places.append(place)
        if step is not None:
            self.steps.append(step)
            self.effects += step.effects

    def take_back(self, place: Place) -> None:
        """It was used, and the state with it does not fit a snapshot."""
        if self.finished and self.finished[-1] == place:
            self.finished.pop()

    def missed(self, gap: Gap, step: StepResult | None) -> None:
        """Messages were dropped; `step` is what the agent makes of that."""
        self.gaps.append(gap)
        self.notes.append(
            f"messages {gap.first} to {gap.last} of {gap.topic} were dropped unread: "
            "it was too far behind"
        )
        if step is not None:
            self.steps.append(step)
            self.effects += step.effects

    @property
    def ends(self) -> bool:
        """True if no further message is to be used in this tick, or at all."""
        last = self.steps[-1] if self.steps else None
        return last is not None and (last.done or last.failed is not None or last.waits is not None)

    def result(self) -> StepResult:
        """One row of the log for all."""
        steps = self.steps
        last = steps[-1] if steps else StepResult("")
        said = [*(step.text for step in steps if step.text), *self.notes]
        waits = [step.next_in_s for step in steps if step.next_in_s is not None]
        return StepResult(
            text="\n".join(said) or f"{len(self.places)} messages",
            payload=self._payload(),
            tokens_in=sum(step.tokens_in for step in steps),
            tokens_out=sum(step.tokens_out for step in steps),
            cost_usd=sum(step.cost_usd for step in steps),
            next_in_s=min(waits, default=None) if self.next_in_s is None else self.next_in_s,
            done=last.done,
            failed=last.failed,
            effects=self.effects,
            waits=last.waits,
        )

    def _payload(self) -> dict[str, Any]:
        used: dict[str, list[int]] = {}
        for place in self.places:
            used.setdefault(place.topic, []).append(place.number)
        payloads = [step.payload for step in self.steps if step.payload is not None]
        own = payloads[0] if len(payloads) == 1 else {"steps": payloads} if payloads else {}
        gaps = {"gaps": [gap._asdict() for gap in self.gaps]} if self.gaps else {}
        return {**own, **gaps, "used": used}

"""The models of a plan's session: its configuration, its state, and the guidance that it takes."""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from agent_core.agent.base import AgentConfig
from agent_core.agent.words import Words
from agents_impl.claiming import Claims

ALARM = "alarm "
"""Before the path of a node that waits: the name of its piece of work."""
_NO_PLAN = "expected an object with a kind, or the name of an action, given {!r:.80}"
Path = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^/")]


class PlanConfig(AgentConfig):
    """A plan in JSON, or the name of one of your own, and the state that it begins with."""

    model_config = ConfigDict(extra="forbid")

    plan: dict[str, JsonValue] | str | None = Field(
        None, description="a plan in JSON: see the reference"
    )
    name: str | None = Field(
        None, min_length=1, max_length=200, description="of a plan in your modules (REINS_PLANS)"
    )
    state: JsonValue = Field(default_factory=dict, description="the state that it begins with")
    tools: Annotated[list[str], Field(max_length=100)] = Field(
        [], description="names, sets, patterns of the tools that its tasks may call"
    )
    approvals: Literal["deny", "allow_medium"] = Field(
        "deny", description="calls above low risk: denied, or those of medium risk allowed"
    )
    workspace: str | None = Field(
        None,
        min_length=1,
        max_length=1_000,
        description="folder its tools work in; default: its own",
        json_schema_extra={"format": "path"},
    )

    claims: Claims = Field([], description="claims that it believes or doubts: see the reference")

    @field_validator("plan", mode="before")
    @classmethod
    def _is_plan(cls, plan: object) -> object:
        if not isinstance(plan, dict | str | None):
            raise ValueError(_NO_PLAN.format(plan))  # noqa: TRY004 - Pydantic tells of it
        return plan

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.plan is None) == (self.name is None):
            given = "neither was" if self.plan is None else "both were"
            raise ValueError(f"expected plan or name, one of them; {given} given")
        return self


class PlanState(BaseModel):
    """Where the plan stands; None before it has begun.

    `source` is the plan's JSON, where its name was given: it keeps its shape for life. `before` is
    how it stood before it failed: a resume goes on from there. `again` is then the end of a task
    (`path`, `state`) that is on record, and is taken in once more. `mind` is all that it remembers
    and believes, without the rows that this was folded of.
    """

    tree: dict[str, Any] | None = None
    source: str | None = None
    guidance: list[str] = []
    mind: Annotated[dict[str, Any], Field(exclude_if=lambda kept: not kept)] = {}
    before: dict[str, Any] | None = None
    again: dict[str, Any] | None = None


class _OfTask(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: Path = Field(description="of a task that runs, such as /0/1")


class Skip(_OfTask):
    """The task ends with the state that it was given."""

    type: Literal["skip"]


class Retry(_OfTask):
    """The task is given up, and begun again."""

    type: Literal["retry"]


class Cancel(_OfTask):
    """The task is given up, and has failed."""

    type: Literal["cancel"]


class Set(_OfTask):
    """The task is given up, and ends with this state."""

    type: Literal["set"]
    state: JsonValue


class Choose(BaseModel):
    """Another item of a choose is to run, with the state that the choose was given."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["choose"]
    path: Path = Field(description="of a choose that stands, such as /0")
    item: Annotated[int, Field(ge=0, strict=True)] | Annotated[str, Field(max_length=200)] = Field(
        description="its place from 0, or the name of its task"
    )


Order: TypeAlias = Skip | Retry | Cancel | Set | Choose
PlanGuidance = Annotated[Order, Field(discriminator="type")]
PLAN_WORDS = Words(
    "Say what tasks that begin from now on should heed",
    examples=("prefer primary sources", '{"type": "skip", "path": "/0/1"}'),
)

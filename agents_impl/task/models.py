"""The models of a task agent: its configuration, its state, and the guidance that it takes."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent_core.agent.base import AgentConfig
from agent_core.agent.words import Words, phrase, reading
from agents_impl.claiming import Claims
from agents_impl.task.window import Condensed
from agents_impl.workers import Worker, WorkerName

Approvals = Literal["ask", "ask_all", "allow_medium", "deny"]
Risk = Literal["low", "medium", "high"]
Goal = Annotated[str, Field(min_length=1, max_length=4_000)]
Tools = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=64)
]


class ToolBudget(BaseModel):
    """Limits of the calls that a session makes in its life. A call that has begun is ended by none.

    **Units**: seconds, bytes, US dollars.
    """

    model_config = ConfigDict(extra="forbid")

    calls: int | None = Field(None, ge=0, description="calls, made or failed")
    seconds: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="that calls took together"
    )
    size_bytes: int | None = Field(None, ge=0, description="of results together")
    money_usd: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="by what the policies of tools say"
    )


class ToolsSpent(BaseModel):
    """The calls made so far, and what they took."""

    calls: int = 0
    seconds: float = 0.0
    size_bytes: int = 0
    money_usd: float = 0.0


class TaskConfig(AgentConfig):
    """A goal, and the means to reach it.

    `tools` are names, sets (files, commands, web, memory, data) and patterns such as `read_*`.
    **Units**: tokens, seconds.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    goal: Goal | None = Field(None, description="what is to be done")
    tools: Tools = Field(["files", "commands", "memory"], description="names, sets, patterns")
    facts: list[Annotated[str, Field(max_length=1_000)]] = Field(
        [], max_length=40, description="what it knows from the beginning"
    )
    workspace: str | None = Field(
        None,
        min_length=1,
        max_length=1_000,
        description="folder it works in; default: its own",
        json_schema_extra={"format": "path"},
    )
    max_iterations: int = Field(50, ge=1, le=1_000, description="thoughts for one goal")
    approvals: Approvals = Field("ask", description="which calls a person is asked about")
    when_finished: Literal["complete", "idle"] = Field(
        "complete", description="idle: it takes the next goal"
    )
    when_busy: Literal["queue", "replace", "reject"] = Field(
        "queue", description="a goal that comes while it has one"
    )
    context_tokens: int = Field(16_000, ge=1_000, le=1_000_000, description="sent to the model")
    memory_tokens: int = Field(
        700, ge=0, le=20_000, description="of them, for what it remembers; 0: none"
    )
    decide_within_s: float | None = Field(
        None, gt=0, le=31_536_000, allow_inf_nan=False, description="then what it asked expires"
    )
    workers: dict[WorkerName, Worker] = Field(
        {}, max_length=12, description="name → type, tools, brief: whom it may delegate to"
    )
    max_children: int = Field(4, ge=1, le=16, description="that work at the same time")
    max_depth: int = Field(2, ge=1, le=4, description="generations below the root")
    max_goals: int = Field(20, ge=1, le=100, description="goals that may wait")
    tool_budget: ToolBudget | None = Field(None, description="limits of all calls of its life")
    claims: Claims = Field([], description="claims that it believes or doubts: see the reference")

    @model_validator(mode="after")
    def _has_work(self) -> Self:
        if self.goal is None and self.when_finished == "complete":
            raise ValueError("there is no goal; give one, or set when_finished to idle")
        return self


class Said(BaseModel):
    """Guidance that holds for the goal; `seq`: it came after that row of the log."""

    text: str
    seq: int


class Rejection(BaseModel):
    """A call that a person rejected: code refuses it from then on."""

    call_hash: str
    line: str
    reason: str

    @property
    def text(self) -> str:
        return f"{self.line}: {self.reason}" if self.reason else self.line


class Result(BaseModel):
    """The result of a goal, as `finish` reports it."""

    status: Literal["done", "failed", "blocked", "replaced"]
    goal: str
    summary: str
    files: list[str] = []
    facts: list[str] = []


class Call(BaseModel):
    """A call as the log has it. `arguments` are None where they are only in the row `seq`."""

    tool: str
    arguments: dict[str, Any] | None
    key: str
    risk: Risk = "low"
    reasons: list[str] = []


class Verdict(BaseModel):
    """A person's decision, until it is acted on."""

    decision: Literal["approve", "edit", "reject", "answer", "expire"]
    actor: str
    text: str | None = None
    reason: str | None = None


class Pending(BaseModel):
    """A call that is decided and has no result yet.

    `begun`: it may have been begun, so that only an idempotent one may be made. `asked`: the item
    of the inbox; `touches`: the digest of what it would change, when it was asked about.
    `leads_to`: where its path leads over a link. `repeated`: it may have been made before, by a
    worker that ended. `dropped`: it is not to be made, for this reason. `goes_on`: the tool has
    asked a person, so many `rounds` by now, and needs this to go on. `child`: the session whose
    result it waits for, since `began_at`, in microseconds since 1970.
    """

    thought: str
    call: Call
    call_hash: str
    seq: int
    begun: bool = False
    repeated: bool = False
    asked: str | None = None
    touches: str = ""
    leads_to: list[str] = Field(default_factory=list)
    verdict: Verdict | None = None
    dropped: str | None = None
    goes_on: dict[str, Any] | None = None
    rounds: int = 0
    child: str | None = None
    began_at: int | None = None

    @property
    def waits(self) -> bool:
        """A person has to decide first."""
        return self.asked is not None and self.verdict is None and self.dropped is None


class Recent(BaseModel):
    """One act, as far as it tells whether the session is stuck."""

    call: str
    result: str
    ok: bool


class TaskState(BaseModel):
    """The state of a task agent; the steps that it has seen are in the rows of its log.

    Without a `goal` it is idle; `goals` wait for it to be finished. `thoughts` counts those for the
    goal, up to `allowed`.
    `outside`: material from outside has come in. `noted` is a word of the program for the next
    thought. `warned`: the model had its word before it is held. `fits_tokens` and `bytes_per_token`
    are what its model has shown to take. `spent` counts for its `tool_budget`. `mind` is all
    that it remembers and believes, without the rows that this was folded of.
    """

    goal: str = ""
    goals: list[str] = []
    goals_done: list[Result] = []
    finished: int = 0
    facts: list[str] = []
    guidance: list[Said] = []
    rejections: list[Rejection] = []
    files_changed: list[str] = []
    tools: list[str] | None = None
    thoughts: int = 0
    allowed: int = 0
    pending: Pending | None = None
    unreadable: int = 0
    recent: list[Recent] = []
    warned: bool = False
    noted: str | None = None
    outside: bool = False
    summary: Condensed = Condensed()
    fits_tokens: int | None = None
    bytes_per_token: dict[str, float] = {}
    memory: dict[str, Any] = {}
    mind: Annotated[dict[str, Any], Field(exclude_if=lambda kept: not kept)] = {}
    spent: ToolsSpent = ToolsSpent()


class SetGoal(BaseModel):
    """Work towards another goal; `when_busy` is the configuration's where it is not given."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    type: Literal["set_goal"]
    goal: Goal
    when_busy: Literal["queue", "replace", "reject"] | None = None


class SetTools(BaseModel):
    """Use these tools from the next thought on."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    type: Literal["set_tools"]
    tools: Tools


class DropGuidance(BaseModel):
    """Follow this guidance no longer: words that came in after the row `seq`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["drop_guidance"]
    seq: int


TaskGuidance = Annotated[SetGoal | SetTools | DropGuidance, Field(discriminator="type")]
TASK_WORDS = Words(
    "Say what to mind in its work: leave the tests alone · goal: …",
    examples=("leave the tests alone", "goal: write the notes", "tools: files, commands"),
    read=reading(
        phrase(
            r"(?:new |next )?goal *[:=] *(?P<goal>.+)",
            lambda found: {"type": "set_goal", "goal": found["goal"]},
        ),
        phrase(
            r"tools *[:=] *(?P<tools>[\w*-]+(?:[, ]+[\w*-]+)*)",
            lambda found: {"type": "set_tools", "tools": re.split("[, ]+", found["tools"])},
        ),
    ),
)
"""Other words are guidance for its thoughts, kept as they were given."""

"""The models of an orchestrator: its configuration, its state, and the guidance that it takes."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agent_core.agent.base import AgentConfig
from agent_core.agent.words import Words
from agent_core.session.lineage import Settle
from agents_impl.workers import Worker, WorkerName

MAX_TASKS = 20
Goal = Annotated[str, Field(min_length=1, max_length=4_000)]
TaskId = Annotated[str, Field(min_length=1, max_length=24, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Brief = Annotated[str, Field(min_length=1, max_length=1_200)]
Acceptance = Annotated[str, Field(max_length=300)]
Needs = Annotated[list[TaskId], AfterValidator(lambda ids: [*dict.fromkeys(ids)])]


class OrchestratorConfig(AgentConfig):
    """A goal, the workers that there are, and bounds of the tree."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    goal: Goal = Field(description="what is to be done")
    workers: dict[WorkerName, Worker] = Field(
        default_factory=lambda: {"worker": Worker(brief="does whatever a task says")},
        min_length=1,
        max_length=12,
        description="name → type, tools, brief",
    )
    workspace: str | None = Field(
        None,
        min_length=1,
        max_length=1_000,
        description="folder they work in; default: its own",
        json_schema_extra={"format": "path"},
    )
    share: bool = Field(default=True, description="one folder for all of them; else one each")
    max_tasks: int = Field(MAX_TASKS, ge=1, le=MAX_TASKS, description="in the whole plan")
    max_children: int = Field(4, ge=1, le=16, description="that work at the same time")
    max_depth: int = Field(2, ge=1, le=4, description="generations below the root")
    settle: Settle = Field("stop", description="what its end or pause means to its children")
    facts: list[Annotated[str, Field(max_length=1_000)]] = Field(
        [], max_length=20, description="what it knows from the beginning"
    )


class PlannedTask(BaseModel):
    """A task as it is planned: for which worker, after which others, and accepted when."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: TaskId
    worker: WorkerName
    brief: Brief = Field(description="what is to be done")
    acceptance: Acceptance = Field(default="", description="what makes its result good enough")
    needs: Needs = Field(default=[], max_length=MAX_TASKS, description="ids of tasks before it")


class TaskResult(BaseModel):
    """The result of one attempt, as its session reports it."""

    status: str
    summary: str
    files: list[str] = []
    facts: list[str] = []


class Task(PlannedTask):
    """A task of the plan.

    `open`: not begun. `returned`: an attempt has ended, and is to be judged. `failed`: given up.
    `session` is that of the newest attempt, `attempt` its number, `tries` how many there were: an
    id that is taken is passed over. `problem` is what was wrong with the attempt before. `given`: a
    person put it into the plan. `begun_at` is in microseconds since 1970, UTC.
    """

    state: Literal["open", "running", "returned", "done", "failed", "dropped"] = "open"
    attempt: int = 0
    tries: int = 0
    given: bool = False
    session: str | None = None
    begun_at: int | None = None
    result: TaskResult | None = None
    problem: str | None = None

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "dropped")


class Contribution(BaseModel):
    """The part of one task in the result of all."""

    task: str
    worker: str
    session_id: str | None
    attempts: int
    status: str
    summary: str


class Report(BaseModel):
    """The result of the goal."""

    status: Literal["done", "failed", "blocked"]
    goal: str
    summary: str
    files: list[str] = []
    facts: list[str] = []
    tasks: list[Contribution] = []


class OrchestratorState(BaseModel):
    """The plan, and where it stands. What children did is in their own logs.

    `rethink` is the reason for which the plan is to be made anew from where it stands. `replans`
    counts those since a person last had a word. `unusable` counts plans in a row that could not
    be used, `noted` is what was wrong with the newest.
    """

    tasks: list[Task] = []
    planned: bool = False
    guidance: list[str] = []
    rethink: str | None = None
    replans: int = 0
    unusable: int = 0
    noted: str | None = None
    report: Report | None = None


class EditPlan(BaseModel):
    """Change tasks that have not begun: `put` adds them or takes their place, `drop` removes."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["plan"]
    put: list[PlannedTask] = Field([], max_length=MAX_TASKS)
    drop: list[TaskId] = Field([], max_length=MAX_TASKS)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.put and not self.drop:
            raise ValueError("nothing is changed; give put, drop, or both")
        if both := {each.id for each in self.put} & {*self.drop}:
            raise ValueError(f"{min(both)} is in put and in drop; give it in one of them")
        return self


ORCHESTRATOR_WORDS = Words(
    "Say what to mind in the plan: leave the tests out · test on Windows, too",
    examples=("leave the documentation out", '{"type": "plan", "drop": ["t3"]}'),
)

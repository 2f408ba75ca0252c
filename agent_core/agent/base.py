"""What an agent is: an identity, a configuration, a state, and what it does in a tick."""

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agent_core.agent.results import Quiet, StepResult
from agent_core.agent.services import Services
from agent_core.budgets.limits import Budget, SetBudget
from agent_core.session.controls import Control
from agent_core.session.session import Session
from store.journal.file import Record

MAX_SNAPSHOT_BYTES = 64 * 1024


class SnapshotTooLarge(ValueError):  # noqa: N818
    """The agent's state is too large for a snapshot."""


class GuidanceRejected(ValueError):  # noqa: N818
    """The guidance does not mean anything to this agent; the message says what would."""


class AgentRejected(ValueError):  # noqa: N818
    """An agent cannot be made as it is configured; the message says why."""


class AgentConfig(BaseModel):
    """What every type's configuration has."""

    model_config = ConfigDict(extra="forbid")

    heartbeat_s: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)
    route: str | None = Field(None, min_length=1, max_length=64)
    budget: Budget | None = None


class AgentBase:
    """One agent of a session.

    A type names itself (`agent_type`), its models (`Config`, `State`, `Guidance`), and defines
    `tick` and `guide`. Mixins add to `noticed`, `apply` and `may_tick` through `super()`.
    """

    agent_type: ClassVar[str] = ""
    Config: ClassVar[type[AgentConfig]] = AgentConfig
    State: ClassVar[type[BaseModel]]
    Guidance: ClassVar[Any] = None
    accepts_text: ClassVar[bool] = True
    _own_services: Services | None = None

    def __init__(self, *, session: Session, config: AgentConfig, services: Services) -> None:
        super().__init__()
        self.session = session
        self.config: Any = config
        self.shared_services = services
        self.state: Any = self.first_state()

    @property
    def services(self) -> Services:
        """What was handed down, as this session has it: models take from its account."""
        if self._own_services is None:  # made at first use: an idle session needs none
            self._own_services = self.shared_services.of(self.session)
        return self._own_services

    # -- what a type defines

    def first_state(self) -> BaseModel:
        """The state that a new session begins with."""
        return self.State()

    async def tick(self) -> StepResult | Quiet:
        """One unit of work."""
        raise NotImplementedError(f"{type(self).__name__} must define tick()")

    async def guide(self, guidance: Any) -> str:  # noqa: ARG002 - for those who define it
        """Take new guidance into the state; returns in a line what it changes.

        `guidance` is an instance of `Guidance`, or a text. Raises: GuidanceRejected.
        """
        raise GuidanceRejected(f"agents of type {self.agent_type} take no guidance")

    async def admit(self) -> Sequence[Record]:
        """What must hold before a new session begins; gives what is written with its first row.

        Raises: AgentRejected.
        """
        return ()

    def parting(self) -> Sequence[Record]:
        """What is written with the last row of a session that does not come back."""
        return ()

    # -- what mixins add to

    def noticed(self, control: Control) -> None:
        """A request has come in, perhaps in the middle of a tick."""

    async def apply(self, control: Control) -> None:
        """Do what is asked, at a safe point, and put it on record."""
        raise TypeError(f"{type(self).__name__} does not know {type(control).__name__}")

    def may_tick(self) -> bool:
        return True

    # -- what the chassis uses

    @classmethod
    def parse_guidance(cls, raw: object) -> Any:
        """Guidance as the type knows it, or a SetBudget. Raises: GuidanceRejected."""
        given = _object_in(raw) if isinstance(raw, str) else raw
        if isinstance(given, dict) and given.get("type") == "set_budget":
            return _set_budget(given)
        if isinstance(raw, str):
            if cls.accepts_text and raw.strip():
                return raw.strip()
            raise GuidanceRejected(f"guidance is {raw[:80]!r}; expected {cls._expected()}")
        if cls.Guidance is None:
            raise GuidanceRejected(f"guidance is a {type(raw).__name__}; {cls._expected()}")
        try:
            return TypeAdapter(cls.Guidance).validate_python(raw)
        except ValidationError as error:
            raise GuidanceRejected(
                f"guidance does not fit agents of type {cls.agent_type}: {problems(error)}; "
                f"expected {cls._expected()}"
            ) from error

    @classmethod
    def _expected(cls) -> str:
        shape = "" if cls.Guidance is None else _shape_of(cls.Guidance)
        text = "a text" if cls.accepts_text else ""
        return " or ".join(part for part in (shape, text) if part) or "none"

    def dump(self) -> str:
        """The state as JSON. Raises: SnapshotTooLarge."""
        text: str = self.state.model_dump_json()
        if len(text) > MAX_SNAPSHOT_BYTES or len(text.encode()) > MAX_SNAPSHOT_BYTES:
            raise SnapshotTooLarge(
                f"the state has {len(text.encode())} bytes; a snapshot holds "
                f"{MAX_SNAPSHOT_BYTES}. Keep less in the state; the log keeps the history."
            )
        return text

    def load(self) -> None:
        """Go back to the state of the newest row of the log. Raises: pydantic.ValidationError."""
        self.state = self.State.model_validate_json(self.session.log.state)


def _object_in(text: str) -> object:
    """What a text that looks like a JSON object says; None where it is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _set_budget(raw: object) -> SetBudget:
    try:
        return SetBudget.model_validate(raw)
    except ValidationError as error:
        raise GuidanceRejected(
            f"guidance of type set_budget does not fit: {problems(error)}; expected a scope of "
            "session, agent or day, and ticks, tokens, cost_usd or wall_s: a number, or null for "
            "no limit"
        ) from error


def problems(error: ValidationError) -> str:
    """What Pydantic found, on one line, without what was given in full."""
    return "; ".join(
        f"{'.'.join(str(part) for part in p['loc']) or 'value'}: {p['msg']}"
        for p in error.errors(include_url=False)[:5]
    )


def _shape_of(guidance: Any) -> str:
    schema = TypeAdapter(guidance).json_schema()
    if kinds := schema.get("discriminator"):
        names = ", ".join(kinds["mapping"])
        return f"an object whose {kinds['propertyName']} is one of {names}"
    fields = schema.get("properties")
    return f"the fields of {{{', '.join(fields)}}}" if fields else "its guidance schema"

"""An agent: an identity, a configuration, a state, and one unit of work, the tick."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent_core.actions.sources import Wakes
from agent_core.agent.guidance import (
    GuidanceRejectedError,
    Understood,
    adapter_of,
    for_chassis,
    is_for_chassis,
    object_in,
    problems,
    shape_of,
)
from agent_core.agent.results import Quiet, StepResult
from agent_core.agent.services import Services
from agent_core.agent.words import Words
from agent_core.budgets.limits import Budget
from agent_core.session.controls import Control
from agent_core.session.decisions import Decision, DecisionRejectedError, Reviewed
from agent_core.session.session import Session
from store.journal.file import Record

MAX_SNAPSHOT_BYTES = 64 * 1024


class SnapshotTooLargeError(ValueError):
    """The agent's state is too large for a snapshot."""


class AgentRejectedError(ValueError):
    """An agent cannot be made as it is configured; the message says why."""


class AgentConfig(BaseModel):
    """The configuration that every type has."""

    model_config = ConfigDict(extra="forbid")

    heartbeat_s: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)
    route: str | None = Field(None, min_length=1, max_length=64)
    budget: Budget | None = None
    on: Annotated[list[Wakes], Field(max_length=32)] = []
    since: Literal["new", "all"] = "new"


class AgentBase:
    """One agent of a session.

    A type names itself (`agent_type`), its models (`Config`, `State`, `Guidance`), and defines
    `tick` and `guide`. Mixins add to `on_control`, `apply` and `may_tick` through `super()`.
    """

    agent_type: ClassVar[str] = ""
    Config: ClassVar[type[AgentConfig]] = AgentConfig
    State: ClassVar[type[BaseModel]]
    Guidance: ClassVar[Any] = None
    accepts_text: ClassVar[bool] = True
    receives: ClassVar[bool] = False
    """True of a type that takes messages of topics itself; for others they are guidance."""
    words: ClassVar[Words] = Words()
    is_first: bool = False
    """True for one that was rebuilt, until its first tick has a wait behind it."""
    _own_services: Services | None = None

    def __init__(self, *, session: Session, config: AgentConfig, services: Services) -> None:
        super().__init__()
        self.session = session
        self.config: Any = config
        self.shared_services = services
        self.state: Any = self.first_state()

    @property
    def services(self) -> Services:
        """The services handed down, as this session has them: models take from its account."""
        if self._own_services is None:  # made at first use: an idle session needs none
            self._own_services = self.shared_services.of(self.session)
        return self._own_services

    # -- for types to define

    def first_state(self) -> BaseModel:
        """The state that a new session begins with."""
        return self.State()

    async def tick(self) -> StepResult | Quiet:
        """One unit of work."""
        raise NotImplementedError(f"{type(self).__name__} must define tick()")

    async def guide(self, guidance: Any) -> str | Understood:
        """Take new guidance into the state; returns in a line what it changes.

        `guidance` is an instance of `Guidance`, or a text that `words` do not read. What changes a
        value says both: `subject: tea → the moon`. Raises: GuidanceRejectedError.
        """
        raise GuidanceRejectedError(
            f"agents of type {self.agent_type} take no guidance; {guidance!r:.80} was given"
        )

    async def decided(self, decision: Decision) -> str:
        """Take a decision about what the agent has asked into the state; returns in a line what
        follows. A tick follows at once.

        Raises: DecisionRejectedError; the item is then as it was.
        """
        raise DecisionRejectedError(
            f"agents of type {self.agent_type} ask for nothing; {decision.item_id} is of another"
        )

    async def review(self, tool: str, args: Mapping[str, Any]) -> Reviewed:
        """Check the edited arguments of a call by the tool's schema, and classify it again.

        Raises: DecisionRejectedError saying what does not fit.
        """
        raise DecisionRejectedError(
            f"agents of type {self.agent_type} take no edited arguments for {tool} ({len(args)} "
            "were given); approve or reject the call"
        )

    async def admit(self) -> Sequence[Record]:
        """Check what must hold before a new session begins; gives rows for its first commit.

        Raises: AgentRejectedError.
        """
        return ()

    def closing_records(self) -> Sequence[Record]:
        """The rows that are written with the last one of a session that does not come back."""
        return ()

    @property
    def idle(self) -> bool:
        """True while it has nothing to do until somebody gives it something."""
        return False

    @property
    def waits_for(self) -> dict[str, Any] | None:
        """The children that it waits for, in the form of a stored wait; its state says so."""
        return None

    @property
    def concern(self) -> dict[str, Any] | None:
        """The matter that a person should decide although the session goes on: `key`, `text`,
        `since` in microseconds; its state says so.
        """
        return None

    def report(self) -> dict[str, Any] | None:
        """The part of a session's result that its type adds to the last row."""
        return None

    # -- for mixins to add to

    def let_go(self, names: Collection[str] | None = None) -> None:
        """Give up what runs between ticks, all or these pieces; they are begun again later."""

    def on_control(self, control: Control) -> None:
        """A request has come in, perhaps in the middle of a tick."""

    async def apply(self, control: Control) -> None:
        """Do what is asked, at a safe point, and put it on record."""
        raise TypeError(f"{type(self).__name__} does not know {type(control).__name__}")

    def may_tick(self) -> bool:
        return True

    # -- for the chassis

    @classmethod
    def parse_guidance(cls, raw: object) -> Any:
        """Guidance as the type knows it, or a ForChassis. Raises: GuidanceRejectedError."""
        given = cls._read(raw) if isinstance(raw, str) else raw
        if (chassis := for_chassis(given)) is not None:
            return chassis
        if isinstance(given, str):
            if cls.accepts_text and given:
                return given
            raise GuidanceRejectedError(f"guidance is {given[:80]!r}; expected {cls._expected()}")
        if cls.Guidance is None:
            kind = type(given).__name__
            raise GuidanceRejectedError(f"guidance is a {kind}; expected {cls._expected()}")
        try:
            return adapter_of(cls.Guidance).validate_python(given)
        except ValidationError as error:
            raise GuidanceRejectedError(
                f"guidance does not fit agents of type {cls.agent_type}: {problems(error)}; "
                f"expected {cls._expected()}"
            ) from error

    @classmethod
    def _read(cls, text: str) -> dict[str, Any] | str:
        """The fields that a text is, or means; or else the text. Raises: GuidanceRejectedError."""
        text = text.strip()
        if cls.Guidance is not None or not cls.accepts_text:
            given = object_in(text)
        else:  # it knows words alone, and may know what to do with these
            given = _for_chassis_in(text)
        if given is not None:
            return given
        fields = cls.words.read(text) if cls.accepts_text else None
        return text if fields is None else dict(fields)

    @classmethod
    def _expected(cls) -> str:
        shape = "" if cls.Guidance is None else shape_of(cls.Guidance)
        text = "a text" if cls.accepts_text else ""
        return " or ".join(part for part in (shape, text) if part) or "none"

    def save_state(self) -> str:
        """The state as JSON. Raises: SnapshotTooLargeError."""
        text: str = self.state.model_dump_json()
        if len(text) > MAX_SNAPSHOT_BYTES or len(text.encode()) > MAX_SNAPSHOT_BYTES:
            raise SnapshotTooLargeError(
                f"the state has {len(text.encode())} bytes; a snapshot holds "
                f"{MAX_SNAPSHOT_BYTES}. Keep less in the state; the log keeps the history."
            )
        return text

    def load_state(self) -> None:
        """Go back to the state of the newest row of the log. Raises: pydantic.ValidationError."""
        self.state = self.State.model_validate_json(self.session.log.state)


def _for_chassis_in(text: str) -> dict[str, Any] | None:
    with contextlib.suppress(GuidanceRejectedError):
        given = object_in(text)
        return given if is_for_chassis(given) else None
    return None

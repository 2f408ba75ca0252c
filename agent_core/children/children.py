"""The children of sessions: made with a parent's tick, telling it of their end, settled with it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from agent_core.actions.ids import MAX_ID_CHARS
from agent_core.agent.creation import CreateError, Creation, kind_named
from agent_core.agent.effects import Prepared
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.registry import AgentTypes
from agent_core.budgets.ledger import Ledger
from agent_core.session.controls import Control, Pause, Resume, Stop, unanswered
from agent_core.session.lineage import MAX_DEPTH, Lineage, Settle
from agent_core.session.session import Session
from agent_core.session.status import Status
from store.journal.file import Record

_logger = structlog.get_logger(__name__)
_PAUSED_REASON = "its parent was paused"


class Home(Protocol):
    """All sessions, as far as a parent and its children need them."""

    live: dict[str, Session]
    ledger: Ledger
    types: AgentTypes
    knows_route: Callable[[str], bool]

    async def find_usable(self, session_id: str) -> Session | None: ...

    def is_known(self, session_id: str) -> bool: ...

    def build(
        self, kind: type[LoopingAgentBase], config: Any, *, agent_id: str, session_id: str
    ) -> Session: ...

    def creating(
        self,
        kind: type[LoopingAgentBase],
        config: Any,
        *,
        session_id: str,
        lineage: Lineage,
        created: dict[str, Any],
    ) -> AbstractAsyncContextManager[Sequence[Record]]: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """A child that an agent wishes for: its id, its type and configuration, the parent's task."""

    session_id: str
    agent_type: str
    config: Mapping[str, Any]
    task: str
    settle: Settle = "stop"


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """The end of a child: its status, what its type reports, its last output, and its error."""

    status: Status
    report: Mapping[str, Any] | None
    output: str | None
    error: str | None


class Children:
    """Makes children, tells their parents of their ends, and lets them follow their parent.

    Everything here runs on the worker's loop. `open` is called once, by the fleet.
    """

    def __init__(self) -> None:
        self._home: Home | None = None
        self._of: dict[str, set[str]] = {}

    def open(self, home: Home) -> None:
        self._home = home

    @property
    def home(self) -> Home:
        """All sessions. Raises: RuntimeError before `open`."""
        if self._home is None:
            raise RuntimeError("there is no fleet yet; build Fleet with these Children first")
        return self._home

    # -- for agents

    def free_id(self, wanted: str) -> bool:
        """True if no session ever had this id."""
        return not self.home.is_known(wanted)

    def kind(self, name: str) -> type[LoopingAgentBase]:
        """The type of agents of this name. Raises: CreateError."""
        return kind_named(name, self.home.types.by_name)

    def check(self, parent: Session, wish: Wish) -> tuple[type[LoopingAgentBase], Any]:
        """The class and the whole configuration of a child. Raises: CreateError."""
        if parent.lineage is not None and parent.lineage.depth + 1 > MAX_DEPTH:
            raise CreateError(
                f"session {parent.session_id} is {parent.lineage.depth} generations below "
                f"{parent.root}; expected {MAX_DEPTH - 1} at the most for one that has children"
            )
        if len(wish.session_id) > MAX_ID_CHARS:
            raise CreateError(
                f"the id {wish.session_id[:40]}… of a child has {len(wish.session_id)} characters; "
                f"expected {MAX_ID_CHARS} at the most. Give the root a shorter id"
            )
        asked = Creation(wish.session_id, wish.session_id, wish.agent_type, wish.config)
        fleet = self.home
        kind, config = asked.check_config(
            types=fleet.types.by_name, own=None, knows_route=fleet.knows_route
        )
        if config.budget is not None and config.budget.tree is not None:
            raise CreateError(
                "a child's budget has a limit of scope tree; the limit of a tree is its root's: "
                "give it to the root, and the child one of scope session"
            )
        return kind, config

    async def rehearse(self, parent: Session, wish: Wish) -> None:
        """Check that a child could begin, without making it.

        Raises: CreateError, AgentRejectedError.
        """
        kind, config = self.check(parent, wish)
        child = self.home.build(kind, config, agent_id=wish.session_id, session_id=wish.session_id)
        child.lineage = _place_of(parent).child(parent.session_id, wish.task, wish.settle)
        await child.agent.begin()

    def creating(self, parent: Session, wish: Wish) -> "CreateChild":
        """The effect that makes a child with the parent's tick: both are on disk, or neither."""
        return CreateChild(self, parent, wish)

    async def end_of(self, session_id: str) -> ChildEnd | None:
        """The end of a session; None while it has none, or cannot be read back."""
        session = await self.home.find_usable(session_id)
        if session is None or not session.status.ended:
            return None
        return ChildEnd(
            status=session.status,
            report=session.agent.report(),
            output=session.result,
            error=session.error,
        )

    def is_living(self, session_id: str) -> bool:
        """True while it has not ended."""
        return session_id in self.home.live

    async def is_below(self, session_id: str, ancestor: str) -> bool:
        """True if a session is a child of another, or a child's child."""
        for _ in range(MAX_DEPTH):
            session = await self.home.find_usable(session_id)
            if session is None or session.lineage is None or session.lineage.parent is None:
                return False
            if session.lineage.parent == ancestor:
                return True
            session_id = session.lineage.parent
        return False

    async def over_parent(self, session: Session) -> Session | None:
        """The parent that is over, so that this session would be stopped as soon as it lives."""
        lineage = session.lineage
        if lineage is None or lineage.parent is None or lineage.settle != "stop":
            return None
        parent = await self.home.find_usable(lineage.parent)
        return parent if parent is not None and parent.status.over else None

    def stop(self, session_id: str, parent: Session, reason: str) -> None:
        """End a child whose work nobody waits for any more."""
        child = self.home.live.get(session_id)
        if child is not None:
            _deliver(child, Stop("", parent.session_id, unanswered(), reason))

    def living(self, session_id: str) -> list[Session]:
        """The children of a session that have not ended."""
        live = self.home.live
        return [live[each] for each in sorted(self._of.get(session_id, ())) if each in live]

    # -- what becomes of sessions

    def joined(self, session: Session) -> None:
        """It lives from now on."""
        if session.lineage is not None and session.lineage.parent is not None:
            self._of.setdefault(session.lineage.parent, set()).add(session.session_id)

    def ended(self, session: Session) -> None:
        """It has ended: its parent is told, and its children follow it, but for a failure."""
        if not session.status.ended:
            return
        lineage = session.lineage
        if lineage is not None and lineage.parent is not None:
            siblings = self._of.get(lineage.parent, set())
            siblings.discard(session.session_id)
            if not siblings:
                self._of.pop(lineage.parent, None)
            self._tell(lineage.parent)
        if session.status.over:
            for child in self.living(session.session_id):
                self._stop(child, session)

    def changed(self, session: Session) -> None:
        for child in self.living(session.session_id):
            self._follow(child, session)
        lineage = session.lineage
        if lineage is not None and lineage.parent is not None:
            self._tell(lineage.parent)

    async def reconcile(self, sessions: Sequence[Session]) -> None:
        """Tell sessions that live again, and their kin, what they were to be told meanwhile."""
        related = [session for session in sessions if session.lineage is not None]
        parents = {session.session_id for session in related if session.session_id in self._of}
        parents |= {each.lineage.parent for each in related if each.lineage and each.lineage.parent}
        for parent_id in parents:
            parent = await self.home.find_usable(parent_id)
            if parent is None:
                continue
            for child in self.living(parent.session_id):
                if parent.status.over:
                    self._stop(child, parent)
                elif parent.held is None:
                    self._follow(child, parent)
        for session in related:
            session.agent.news()
            if session.lineage is not None and session.lineage.parent is not None:
                self._tell(session.lineage.parent)

    def _tell(self, parent_id: str) -> None:
        parent = self.home.live.get(parent_id)
        if parent is not None:
            parent.agent.news()

    def _follow(self, child: Session, parent: Session) -> None:
        """Pause or resume a child as its parent is, unless a person has set it apart."""
        lineage = child.lineage
        if lineage is None or lineage.settle == "orphan":
            return
        if parent.status is Status.PAUSED:
            if child.status is Status.RUNNING and lineage.standing != "apart":
                _deliver(child, Pause("", parent.session_id, unanswered(), _PAUSED_REASON))
        elif parent.status is Status.RUNNING and lineage.standing == "paused":
            _deliver(child, Resume("", parent.session_id, unanswered()))

    def _stop(self, child: Session, parent: Session) -> None:
        if child.lineage is not None and child.lineage.settle == "stop":
            reason = f"its parent {parent.session_id} is {parent.status}"
            _deliver(child, Stop("", parent.session_id, unanswered(), reason))


@dataclass(frozen=True, slots=True)
class CreateChild:
    """The effect of a tick that makes a child."""

    children: Children
    parent: Session
    wish: Wish

    @property
    def key(self) -> str:
        return f"child {self.wish.session_id}"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared]:
        """Raises: CreateError, AgentRejectedError; the tick has failed then."""
        fleet, parent, wish = self.children.home, self.parent, self.wish
        if not self.children.free_id(wish.session_id):
            raise CreateError(f"session {wish.session_id} exists; the task needs another attempt")
        kind, config = self.children.check(parent, wish)
        parent.lineage = _place_of(parent)
        fleet.ledger.begin_tree(parent)
        lineage = parent.lineage.child(parent.session_id, wish.task, wish.settle)
        created = {"created_by": parent.session_id, "description": None, "metadata": None}
        async with fleet.creating(
            kind, config, session_id=wish.session_id, lineage=lineage, created=created
        ) as records:
            yield Prepared(records)


def _place_of(parent: Session) -> Lineage:
    """A session that gets its first child is the root of a tree from then on."""
    return parent.lineage or Lineage(None, parent.session_id)


def _deliver(child: Session, control: Control) -> None:
    child.deliver(control)
    _logger.info("a child follows its parent", what=type(control).__name__, **child.names)

"""The one place where an agent and its session are built, each with the other."""

from collections.abc import Sequence
from typing import Any

from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.session.decisions import SessionItems
from agent_core.session.lineage import Kin
from agent_core.session.outages import Outages
from agent_core.session.schedule import Schedule
from agent_core.session.session import Listener, Session
from store.journal.journal import Journal


def build_session(
    kind: type[LoopingAgentBase],
    config: Any,
    *,
    agent_id: str,
    session_id: str,
    services: Services,
    journal: Journal,
    schedule: Schedule,
    ledger: Ledger | None = None,
    outages: Outages | None = None,
    audience: Sequence[Listener] = (),
    inbox: SessionItems | None = None,
    kin: Kin | None = None,
) -> Session:
    """A session whose agent is of this type and configuration; nothing of it runs yet."""

    def make_agent(session: Session) -> LoopingAgentBase:
        return kind(session=session, config=config, services=services)

    return Session(
        agent_id=agent_id,
        session_id=session_id,
        agent_type=kind.agent_type,
        journal=journal,
        schedule=schedule,
        make_agent=make_agent,
        ledger=ledger,
        outages=outages,
        audience=audience,
        inbox=inbox,
        kin=kin,
    )

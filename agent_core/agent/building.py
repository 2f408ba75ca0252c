"""The one place where an agent and its session are built, each with the other."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.session.decisions import SessionItems
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
) -> Session:
    """A session whose agent is of this type and configuration; nothing of it runs yet."""

    config = _shared(config)

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
    )


def _shared(config: AgentConfig) -> AgentConfig:
    """One object for all sessions that are configured the same: it takes half a KiB."""
    try:
        one = _first(config)
    except TypeError:  # it holds what can be changed, a list say
        return config
    # Equal may still be told apart, as 1 and True are.
    same = one is config or one.model_dump_json(exclude_unset=True) == config.model_dump_json(
        exclude_unset=True
    )
    return one if same else config


@lru_cache(maxsize=1_024)
def _first(config: AgentConfig) -> AgentConfig:
    return config

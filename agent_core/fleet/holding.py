"""Sessions that a budget holds: let go once it has room again."""

from collections.abc import Iterable

from agent_core.budgets.ledger import Ledger
from agent_core.budgets.limits import same_limit
from agent_core.session.session import Session


def release_held(sessions: Iterable[Session], ledger: Ledger, *, limits_changed: bool) -> None:
    """Let go on whose budget has room again; `limits_changed`: who is held by another now."""
    for session in list(sessions):
        if session.held is None:
            continue
        now = ledger.still_held(session)
        if now is None or (limits_changed and not same_limit(now, session.held)):
            session.release()

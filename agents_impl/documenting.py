"""Documents as the calls of a session have them."""

from agent_core.agent.services import Services
from agent_core.session.session import Session
from reins.documents.calling import CallDocuments
from reins.documents.documents import Documents
from reins.llm import Model
from store.reading import Reader


def documents_of(services: Services, session: Session, key: str) -> CallDocuments:
    """For one call; its parts are asked for at their first use."""
    return CallDocuments(
        lambda: services.get(Reader),
        lambda: services.get(Model),
        lambda: services.get(Documents),
        session_id=session.session_id,
        agent_id=session.agent_id,
        key=key,
    )

"""The handlers of actions about documents."""

from typing import Protocol

from agent_core.actions.handling import Action, handles
from agent_core.actions.payloads import DocumentAdd, DocumentRemove
from agent_core.agent.services import Services
from agent_core.session.controls import Applied, Outcome, Rejected
from reins.documents.documents import DocumentError, Documents, Draft


class Sessions(Protocol):
    """All sessions, as far as documents need them."""

    services: Services


class Worker(Protocol):
    """The worker, as handlers of documents know it."""

    @property
    def fleet(self) -> Sessions: ...


@handles(DocumentAdd)
async def document_add(worker: Worker, action: Action) -> Outcome:
    """Its outcome names the version: the newest one, where that has the same bytes."""
    asked: DocumentAdd = action.payload(DocumentAdd)
    draft = Draft(
        source=asked.source,
        actor=action.actor,
        action_id=action.action_id,
        data=None if asked.text is None else asked.text.encode(),
        blob=asked.blob,
        media_type=asked.media_type or ("" if asked.text is None else "text/markdown"),
        charset=None if asked.text is None else "utf-8",
        title=asked.title,
    )
    try:
        return Applied((await worker.fleet.services.get(Documents).add(draft)).version)
    except DocumentError as error:
        return Rejected(str(error))


@handles(DocumentRemove)
async def document_remove(worker: Worker, action: Action) -> Outcome:
    """Its outcome names the last version."""
    asked: DocumentRemove = action.payload(DocumentRemove)
    try:
        return Applied(
            await worker.fleet.services.get(Documents).remove(
                asked.document_id, actor=action.actor, action_id=action.action_id
            )
        )
    except DocumentError as error:
        return Rejected(str(error))

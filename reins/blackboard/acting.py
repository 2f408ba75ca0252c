"""The handlers of actions about boards."""

from typing import Any, Protocol

from agent_core.actions.handling import Action, handles
from agent_core.actions.payloads import BoardDelete, BoardPut, ToBoard
from agent_core.agent.services import Services
from agent_core.session.controls import Applied, Outcome, Rejected
from reins.blackboard.board import BoardError, Change
from reins.blackboard.boards import Boards


class Sessions(Protocol):
    """All sessions, as far as boards need them."""

    services: Services


class Worker(Protocol):
    """The worker, as handlers of boards know it."""

    @property
    def fleet(self) -> Sessions: ...


@handles(BoardPut)
async def board_put(worker: Worker, action: Action) -> Outcome:
    """Its outcome names the version."""
    payload: BoardPut = action.payload(BoardPut)
    return await _changed(worker, action, payload, payload.value)


@handles(BoardDelete)
async def board_delete(worker: Worker, action: Action) -> Outcome:
    """Its outcome names the version of what is not there any more."""
    return await _changed(worker, action, action.payload(BoardDelete), None)


async def _changed(worker: Worker, action: Action, asked: ToBoard, value: Any) -> Outcome:
    change = Change(
        key=asked.key,
        value=value,
        author=action.actor,
        expect=asked.expect,
        message_id=action.action_id,
        again=True,  # a crash, or an error of the store, lets it be done again
    )
    try:
        board = await worker.fleet.services.get(Boards).board(asked.board)
        return Applied(await board.commit(change))
    except BoardError as error:
        return Rejected(str(error))

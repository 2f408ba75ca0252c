"""The helpers of boards: values by key that agents and people share."""

from typing import Any

from agent_core.actions.boards import checked_board, checked_value
from agent_core.actions.ids import ActionError, checked_id
from reins.sending import ask
from store import kv


def board_put(
    board: str,
    key: str,
    actor: str,
    value: Any,
    *,
    expect: int | None = None,
    action_id: str | None = None,
) -> str:
    """Ask that a key of a board gets a value; the receipt has its version as `applied_seq`.

    `expect`: the version that must be there, 0 for none; where it is another, the action is
    rejected. Raises: ActionError.
    """
    return ask(
        "board_put",
        actor,
        action_id=action_id,
        board=checked_board(board),
        key=checked_id(key, "key"),
        value=checked_value(value),
        expect=_checked(expect),
    )


def board_delete(
    board: str, key: str, actor: str, *, expect: int | None = None, action_id: str | None = None
) -> str:
    """Ask that a key of a board is taken away. `expect` is as for `board_put`."""
    return ask(
        "board_delete",
        actor,
        action_id=action_id,
        board=checked_board(board),
        key=checked_id(key, "key"),
        expect=_checked(expect),
    )


def board_get(board: str, key: str) -> dict[str, Any] | None:
    """The value of a key with its version, and who has written it; None where there is none."""
    return kv.get_value(board, key)


def _checked(expect: object) -> int | None:
    if expect is None or (isinstance(expect, int) and not isinstance(expect, bool) and expect >= 0):
        return expect
    raise ActionError(f"expect is {expect!r:.80}; expected a version, or 0 where there is none")

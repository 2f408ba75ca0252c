"""The modules of actions and plans that the settings name; what runs them is imported late."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reins.plans import Actions, Library


class PlanModuleError(ValueError):
    """A module of actions cannot be used; the actions that there were stay."""


class PlanModules:
    """The library of a worker's plans: made at its first use, or at the start where modules are
    named. Importing plans takes 40 ms, which most workers do without.
    """

    def __init__(self) -> None:
        self._library: Library | None = None
        self.ended: Counter[str] = Counter()
        """Tasks that have ended in this process, on record, by their outcome."""

    @property
    def library(self) -> "Library":
        if self._library is None:
            from reins.plans import Library, library  # noqa: PLC0415

            self._library = Library(library.read(beneath=_of_sessions()))
        return self._library

    @property
    def left_behind(self) -> int:
        """Threads that do what nobody waits for any more; Python's exit would wait for them."""
        return 0 if self._library is None else self._library.pool.abandoned

    def read(self, modules: Sequence[str], *, anew: bool = False) -> "Actions | None":
        """The actions of these modules, for `take`; None where nothing is named or in use.

        Raises: PlanModuleError.
        """
        if not modules and self._library is None:
            return None
        from reins.plans import library  # noqa: PLC0415

        try:
            return library.read(modules, anew=anew, beneath=_of_sessions())
        except (Exception, SystemExit) as error:
            raise PlanModuleError(
                f"actions in {', '.join(modules)} cannot be read: {type(error).__name__}: {error}. "
                "Mend the module, or take it out of REINS_PLANS"
            ) from error

    def take(self, actions: "Actions | None") -> None:
        """Use these from now on."""
        if actions is not None:
            self.library.take(actions)


def _of_sessions() -> "Actions":
    """The built-in actions that need a session: on its mind, and on boards."""
    from reins.blackboard.tasks import board_actions  # noqa: PLC0415
    from reins.mind.tasks import session_actions  # noqa: PLC0415

    actions = session_actions()
    actions.take(board_actions())
    return actions

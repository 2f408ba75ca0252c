"""The actions and named plans of a process: the built-in ones, and those of the user's modules."""

from collections.abc import Iterable
from types import ModuleType

from reins import fresh_modules
from reins.plans.actions import Actions
from reins.plans.builtin import built_in
from reins.plans.errors import PlanError
from reins.plans.limiters import Limiters
from reins.plans.performing import Performer
from reins.plans.pool import Pool


def read(
    modules: Iterable[str] = (), *, anew: bool = False, beneath: Actions | None = None
) -> Actions:
    """The built-in actions, and those of every `Actions` at the top of these modules and packages.

    `anew`: the source of the modules is run again. `beneath`: its actions are there too, but for
    those whose name a module has taken. Raises: PlanError, and what they raise.
    """
    actions = Actions()
    actions.take(built_in)
    with fresh_modules.imported(modules, anew=anew) as found:
        for module in found:
            _take_all(actions, module)
    if beneath is not None:
        for name in beneath.actions.keys() - actions.actions.keys():
            actions.actions[name] = beneath.actions[name]
    return actions


def _take_all(actions: Actions, module: ModuleType) -> None:
    for name, value in vars(module).items():
        if isinstance(value, Actions) and value is not built_in:
            try:
                actions.take(value)
            except PlanError as error:
                raise PlanError(f"{module.__name__}.{name}: {error}") from None


class Library:
    """The actions as they are now, threads and rates for all: sessions run their plans with it.

    `version` grows with each reload.
    """

    def __init__(self, actions: Actions | None = None) -> None:
        self.pool = Pool()
        self.version = 0
        self.take(read() if actions is None else actions)

    def take(self, actions: Actions) -> None:
        """Use these from now on; tasks that run go on with the old ones."""
        self.actions = actions
        self.performer = Performer(actions, self.pool, Limiters(actions.rates))
        self.version += 1

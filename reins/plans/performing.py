"""Tasks of plans, done: async actions on the loop, others in the pool's threads, at their rates."""

import asyncio
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from reins.plans.actions import Action, Actions
from reins.plans.context import Context, node_path
from reins.plans.json_value import as_json
from reins.plans.limiters import Limiters
from reins.plans.outcome import End, Failure, failed, outcome_of
from reins.plans.pool import Pool
from reins.plans.tree import Leaf


class Performer:
    """Does tasks by the names of their actions. Runs that are given the same one share its rates
    and its threads.
    """

    def __init__(self, actions: Actions, pool: Pool, limiters: Limiters) -> None:
        self._actions = actions
        self._pool = pool
        self._limiters = limiters

    async def perform(self, leaf: Leaf, context: Context, owner: str = "") -> End:
        """The end of a task, whatever its action does; owners have threads in turn.

        Raises: asyncio.CancelledError, and KeyboardInterrupt, which is a person's.
        """
        node_path.set(leaf.path)
        try:
            action = self._actions.get(leaf.name)
            if action.limit is not None:
                context.is_waiting = True
                await self._limiters.wait(action.limit)
                context.is_waiting = False
            returned = await self._called(action, as_json(leaf.state), context, owner)
            return outcome_of(returned, leaf.state, tuple(context.said), context.spent)
        except (asyncio.CancelledError, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - a task's fault is an event
            return Failure(failed(error), tuple(context.said), context.spent)

    async def _called(self, action: Action, state: Any, context: Context, owner: str) -> Any:
        given = (state, context) if action.takes_context else (state,)
        if action.is_async:
            return await action.function(*given)
        context.is_waiting = True
        future = self._pool.submit(partial(_in_thread, action.function, given, context), owner)
        try:
            returned = await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            context.stop.set()
            context.runs_on = not self._pool.give_up(future) and not future.done()
            raise
        return await returned if inspect.isawaitable(returned) else returned


def _in_thread(function: Callable[..., Any], given: tuple[Any, ...], context: Context) -> Any:
    context.is_waiting = False
    try:
        return function(*given)
    except StopIteration as error:
        # No future of asyncio takes it: who waits for it would wait for ever.
        raise RuntimeError("the action raised StopIteration") from error

"""`run_plan` and `run_plan_async`: a plan from a state to its end, without a worker."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from reins.plans.errors import PlanError
from reins.plans.limiters import Limiters
from reins.plans.pool import Pool
from reins.plans.program import Program
from reins.plans.running import GRACE_S, PlanRun, Runner
from reins.plans.tree import Tree, misfits

_T = TypeVar("_T")


def run_plan(
    program: Program,
    state: Any = None,
    *,
    tree: Tree | None = None,
    pool: Pool | None = None,
    key: str = "",
    guidance: Any = None,
    grace_s: float = GRACE_S,
    on_step: Callable[[Tree], Any] | None = None,
) -> PlanRun:
    """Run a plan to its end, in an event loop of its own; see `run_plan_async`.

    Raises: PlanError inside of an event loop, which it would block.
    """
    return blocking(
        "run_plan",
        run_plan_async(
            program, state, tree=tree, pool=pool, key=key, guidance=guidance, grace_s=grace_s,
            on_step=on_step,
        ),
        grace_s,
    )  # fmt: skip


async def run_plan_async(
    program: Program,
    state: Any = None,
    *,
    tree: Tree | None = None,
    pool: Pool | None = None,
    limiters: Limiters | None = None,
    key: str = "",
    guidance: Any = None,
    grace_s: float = GRACE_S,
    on_step: Callable[[Tree], Any] | None = None,
) -> PlanRun:
    """Run a plan to its end. A plan that fails is a result, not an exception.

    With `tree` it goes on from there, and `state` is not looked at. `on_step`, async or not, gets
    each tree before the tasks that it begins: what it keeps survives a kill. `pool` and `limiters`
    may be shared by several runs. `grace_s`: seconds that a cancelled task has to end. Raises:
    PlanError for a state that is not JSON, and for a tree of another plan.
    """
    if tree is not None and (wrong := misfits(program.plan, tree)):
        raise PlanError(f"the tree does not fit the plan: {'; '.join(wrong)}")
    own_pool = Pool() if pool is None else None
    runner = Runner(
        program,
        pool=pool or own_pool or Pool(),
        limiters=limiters or Limiters(program.actions.rates),
        key=key,
        guidance=guidance,
        grace_s=grace_s,
        on_step=on_step,
    )
    try:
        return await (runner.run(state) if tree is None else runner.resume(tree))
    finally:
        if own_pool is not None:
            own_pool.close()


def blocking(name: str, work: Coroutine[Any, Any, _T], grace_s: float) -> _T:
    """The result of the work, in a loop of its own; `name` is the function that was called.

    `asyncio.run` would wait for what swallows its cancellation. Raises: PlanError in a loop.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        work.close()
        raise PlanError(f"{name} would block the event loop; await {name}_async(…)")
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        _close(loop, grace_s)


def _close(loop: asyncio.AbstractEventLoop, grace_s: float) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=grace_s))
    loop.run_until_complete(loop.shutdown_asyncgens())
    # What is left is on record as abandoned; asyncio would log it once more.
    loop.set_exception_handler(lambda _loop, _context: None)
    loop.close()

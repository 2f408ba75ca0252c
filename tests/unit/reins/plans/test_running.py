"""A plan on a loop: side by side in truth, cancelled in truth, and what cannot be is on record."""

import asyncio
import json
import threading
import time
from contextvars import ContextVar

import pytest

from reins.plans import (
    Actions,
    Err,
    Limiters,
    Ok,
    Outcome,
    PlanError,
    PlanFailedError,
    Pool,
    Spent,
    Writer,
    best_of,
    compile_plan,
    loop_while,
    node_path,
    parallel,
    race,
    retry,
    run_plan,
    run_plan_async,
    sequence,
    timeout,
)

LONG_S = 60.0
"""Longer than any test takes: who waits for it fails."""
caller: ContextVar[str] = ContextVar("caller", default="nobody")


@pytest.fixture
def actions():
    made = Actions()

    @made.action
    def inc(state):
        return {**state, "n": state["n"] + 1}

    @made.action
    async def sleeper(state, ctx):
        ctx.say("asleep")
        await asyncio.sleep(LONG_S)
        return state

    @made.action
    def fails(_state):
        raise ValueError("no luck")

    return made


class Quick:
    async def __call__(self, state):
        return state


def ran(actions, plan, state=None, **more):
    return run_plan(compile_plan(actions, plan), {"n": 0} if state is None else state, **more)


def test_sync_and_async_actions_run_in_one_plan(actions):
    """With and without a context, from a function and from a coroutine."""

    @actions.action
    async def twice(state, ctx):
        ctx.say(f"twice of {state['n']}")
        ctx.spend(tokens=3, cost_usd=0.5)
        return {**state, "n": state["n"] * 2}

    done = ran(actions, sequence("inc", "twice", "inc"))
    assert done.state == {"n": 3}
    assert done.said == (("/1", "twice of 1"),)
    assert done.spent == Spent(3, 0.5, 3)


async def test_inside_of_a_loop_it_is_awaited(actions):
    """The blocking form says so there, instead of hanging."""
    program = compile_plan(actions, "inc")
    assert (await run_plan_async(program, {"n": 1})).state == {"n": 2}
    with pytest.raises(PlanError, match=r"await run_plan_async"):
        run_plan(program, {"n": 1})


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_branches_truly_run_side_by_side(actions, kind):
    """Each waits until all have begun: in turn they would wait for ever."""
    begun = threading.Barrier(4)
    waiting, all_wait = [], asyncio.Event()

    async def meets(state):
        waiting.append(1)
        if len(waiting) == 4:
            all_wait.set()
        await all_wait.wait()
        return state

    def meets_in_a_thread(state):
        begun.wait(LONG_S)
        return state

    actions.register("meets", meets if kind == "async" else meets_in_a_thread)
    assert ran(actions, timeout(parallel(*["meets"] * 4), LONG_S)).state == {"n": 0}


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_each_task_is_done_once(actions, kind):
    """Also where many ends wait to be folded in: none of them begins anew meanwhile."""
    done = []

    async def on_the_loop(state, ctx):
        done.append(ctx.path)
        return state

    def in_a_thread(state, ctx):
        done.append(ctx.path)
        return state

    actions.register("notes", on_the_loop if kind == "async" else in_a_thread)
    branches = [sequence("notes", "notes") for _ in range(20)]
    assert ran(actions, parallel(*branches)).spent.tasks == 40
    assert len(done) == len(set(done)) == 40


def test_an_end_that_comes_with_the_winners_is_dropped(actions):
    """Two branches end in one round of the loop: the first wins, nothing is cancelled."""
    actions.register("at once", Quick())
    done = ran(actions, sequence(race("at once", "at once"), "inc"))
    assert (done.state, done.cancelled, done.spent.tasks) == ({"n": 1}, (), 3)


def test_an_action_cannot_change_what_others_see(actions):
    """Each gets a copy."""

    @actions.action
    def spoils(state):
        state["n"] = 99
        return {"spoilt": True}

    plan = parallel(spoils.__name__, "inc", combiner="collect")
    assert ran(actions, plan).state == [{"spoilt": True}, {"n": 1}]


def test_a_plan_that_fails_is_a_result(actions):
    """The fault says what was raised, and where; the state is not to be had."""
    done = ran(actions, sequence("inc", "fails"))
    match done.result:
        case Err(fault):
            assert str(fault) == "/1: ValueError: no luck"
        case Ok():
            pytest.fail("it succeeded")
    with pytest.raises(PlanFailedError, match="/1: ValueError: no luck"):
        _ = done.state


def test_what_would_end_the_process_fails_a_task(actions):
    """SystemExit, in a thread and on the loop, and a cancellation of its own making."""

    @actions.action
    def leaves(_state):
        raise SystemExit(3)

    @actions.action
    async def cancels(_state):
        raise asyncio.CancelledError

    assert ran(actions, "leaves").result.error.message == "SystemExit: 3"
    assert ran(actions, "cancels").result.error.message == "it was cancelled from within"


class Odd(BaseException):
    """No `except Exception` catches it."""


class WordlessError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def raising(error):
    def act(_state):
        raise error

    async def act_on_the_loop(_state):
        raise error

    return act, act_on_the_loop


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Odd("odd"), "Odd: odd"),
        (GeneratorExit(), "GeneratorExit"),
        (StopIteration(), "raised StopIteration"),
        (StopAsyncIteration("over"), "StopAsyncIteration: over"),
        (WordlessError(), "WordlessError: (its text cannot be had: RuntimeError)"),
        (ValueError("half \ud800"), "ValueError: half ?"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_whatever_an_action_raises_is_its_end(actions, error, words):
    """In a thread and on the loop: the task has failed, in words that can be written."""
    for act in raising(error):
        actions.actions.pop("raises", None)
        actions.register("raises", act)
        assert words in ran(actions, "raises").result.error.message


@pytest.mark.parametrize(
    ("returns", "words"),
    [
        (lambda ctx: ctx.spend(tokens=1.5), "it spent 1.5 tokens; expected a whole number from 0"),
        (lambda ctx: ctx.spend(tokens=-1), "it spent -1 tokens"),
        (
            lambda ctx: ctx.spend(cost_usd=float("nan")),
            "it spent nan US dollars; expected a finite",
        ),
        (lambda _: Outcome({}, spent=Spent("all")), "it spent 'all' tokens"),
        (lambda _: Outcome({}, spent=Spent(0, "all")), "it spent 'all' US dollars"),
    ],
)
def test_what_cannot_be_counted_fails_its_task(actions, returns, words):
    actions.register("spends", lambda _state, ctx: returns(ctx))
    assert words in ran(actions, "spends").result.error.message


def test_what_is_said_is_text(actions):
    """Whatever an action says: a row can hold it."""

    @actions.action
    def speaks(state, ctx):
        ctx.say(5)
        ctx.say("half \ud800")
        return Outcome(state, (6, WordlessError()))

    said = [line for _, line in ran(actions, "speaks").said]
    assert said == ["5", "half ?", "6", "(its text cannot be had: RuntimeError)"]


def test_losers_are_cancelled_before_the_plan_goes_on(actions):
    """Their clean-up is over when the next task begins; `ctx.stop` says why it is asked for."""
    order = []

    @actions.action
    async def tidy(state, ctx):
        try:
            await asyncio.sleep(LONG_S)
        finally:
            await asyncio.sleep(0)
            order.append("tidied" if ctx.stop.is_set() else "why?")
        return state

    @actions.action
    def after(state):
        order.append("went on")
        return state

    done = ran(actions, sequence(race("tidy", "inc", "sleeper"), "after"))
    assert (done.state, order) == ({"n": 1}, ["tidied", "went on"])
    assert (done.cancelled, done.abandoned) == (("/0/0", "/0/2"), ())


def test_a_loser_that_swallows_its_cancellation_is_abandoned(actions):
    """It is on record, the plan goes on, and its late end changes nothing."""
    woken = threading.Event()

    @actions.action
    async def stubborn(state):
        while not woken.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return {**state, "n": 99}

    done = ran(actions, sequence(race("stubborn", "inc"), "inc"), grace_s=0.05)
    assert (done.state, done.cancelled, done.abandoned) == ({"n": 2}, ("/0/0",), ("/0/0",))
    woken.set()


def test_a_thread_that_runs_is_told_to_stop_and_abandoned(actions):
    """Its thread stays taken until it returns, and is counted; the plan does not wait."""
    begun, freed, stopped = threading.Event(), threading.Event(), threading.Event()
    pool = Pool(2)

    @actions.action
    def hangs(state, ctx):
        begun.set()
        ctx.stop.wait(LONG_S)
        stopped.set()
        freed.wait(LONG_S)
        return state

    @actions.action
    async def once_begun(state):
        await asyncio.to_thread(begun.wait, LONG_S)
        return state

    done = ran(actions, race("hangs", "once_begun"), pool=pool)
    assert (done.cancelled, done.abandoned) == (("/0",), ("/0",))
    assert stopped.wait(LONG_S)
    assert pool.abandoned == 1
    freed.set()
    until_zero(pool)
    pool.close()


def until_zero(pool):
    ends = time.monotonic() + LONG_S
    while pool.abandoned:
        assert time.monotonic() < ends
        time.sleep(0.001)


def test_a_call_that_waits_for_a_thread_is_cancelled(actions):
    """It never begins: nothing is abandoned but the one that holds the only thread."""
    begun, freed, ran_names = threading.Event(), threading.Event(), []
    pool = Pool(1)

    @actions.action
    def holds(state):
        begun.set()
        freed.wait(LONG_S)
        return state

    @actions.action
    def queued(state):
        ran_names.append("queued")
        return state

    @actions.action
    async def wins(state):
        await asyncio.to_thread(begun.wait, LONG_S)
        return state

    done = ran(actions, race("holds", "queued", "wins"), pool=pool)
    assert (done.cancelled, done.abandoned) == (("/0", "/1"), ("/0",))
    freed.set()
    until_zero(pool)
    pool.submit(lambda: None).result(LONG_S)
    assert ran_names == []
    pool.close()


def test_the_pool_is_bounded(actions):
    """No more threads than it has, however many branches there are."""
    now, most, lock = [], [], threading.Lock()

    @actions.action
    def counts(state):
        with lock:
            now.append(1)
            most.append(len(now))
        time.sleep(0.002)
        with lock:
            now.pop()
        return state

    pool = Pool(3)
    ran(actions, parallel(*["counts"] * 12), pool=pool)
    pool.close()
    assert max(most) <= 3


def test_owners_have_threads_in_turn():
    """One with many calls does not keep another waiting; what waits at a close never begins."""
    held, freed, order = threading.Event(), threading.Event(), []
    pool = Pool(1)
    pool.submit(lambda: (held.set(), freed.wait(LONG_S)), "many")
    assert held.wait(LONG_S)
    waiting = [pool.submit(lambda at=at: order.append(f"many {at}"), "many") for at in range(3)]
    few = pool.submit(lambda: order.append("few"), "few")
    waiting[1].cancel()
    freed.set()
    few.result(LONG_S)
    waiting[2].result(LONG_S)
    assert order == ["many 0", "few", "many 2"]
    held, freed = threading.Event(), threading.Event()
    pool.submit(lambda: (held.set(), freed.wait(LONG_S)))
    left = pool.submit(lambda: order.append("left"))
    assert held.wait(LONG_S)
    pool.close()
    assert left.cancelled()
    freed.set()
    with pytest.raises(RuntimeError):
        pool.submit(lambda: None)


def test_context_variables_come_along(actions):
    """The caller's, and the path of the task, on the loop and in a thread."""

    @actions.action
    def sync_one(_state):
        return [caller.get(), node_path.get()]

    @actions.action
    async def async_one(_state):
        return [caller.get(), node_path.get()]

    token = caller.set("ann")
    try:
        done = ran(actions, parallel("sync_one", "async_one", combiner="collect"))
    finally:
        caller.reset(token)
    assert done.state == [["ann", "/0"], ["ann", "/1"]]
    assert node_path.get() is None


def test_a_timeout_cancels_and_fails(actions):
    """The time of a node, on the loop's clock."""
    done = ran(actions, sequence("inc", timeout("sleeper", 0.01)))
    assert (done.result.error.kind, done.result.error.path) == ("timeout", "/1")
    assert done.cancelled == ("/1/0",)


def test_a_timeout_is_not_wound_up_anew(actions):
    """Steps beneath it do not give it more time: two thousand turns take longer than it has."""

    @actions.action
    async def ticks(state):
        await asyncio.sleep(0.001)
        return state

    turning = loop_while(lambda _: True, "ticks", max_turns=2_000)
    assert ran(actions, timeout(turning, 0.05)).result.error.kind == "timeout"


def test_a_retry_runs_until_it_succeeds(actions):
    """Attempt and key are those of the path; the key is another each time."""
    seen = []

    @actions.action
    def third_time(state, ctx):
        seen.append((ctx.attempt, ctx.key))
        if ctx.attempt < 3:
            raise OSError("not yet")
        return state

    assert ran(actions, retry("third_time", delay_s=0.001), key="s1").state == {"n": 0}
    assert seen == [(1, "s1:/0~1"), (2, "s1:/0~2"), (3, "s1:/0~3")]


def test_a_rate_holds_branches_back(actions):
    """Nine branches at four a second take a second or more, and no retry is spent."""
    attempts = []

    def asks(state, ctx):
        attempts.append(ctx.attempt)
        return state

    actions.rate("api", 4)
    actions.register("asks", asks, limit="api")
    began = time.monotonic()
    ran(actions, parallel(*[retry("asks")] * 9))
    assert time.monotonic() - began >= 1.0
    assert attempts == [1] * 9


async def test_plans_share_a_rate(actions):
    """Two plans that have the same limiters go by them together."""
    actions.rate("api", 3, per_s=1.2)
    actions.register("asks", lambda state: state, limit="api")
    program, limiters = compile_plan(actions, parallel(*["asks"] * 3)), Limiters(actions.rates)
    began = time.monotonic()
    await asyncio.gather(*[run_plan_async(program, {}, limiters=limiters) for _ in range(2)])
    assert time.monotonic() - began >= 1.0


def test_the_best_of_several(actions):
    """Whoever ends first, the highest score is taken."""

    @actions.action
    async def late(state):
        await asyncio.sleep(0.01)
        return {**state, "n": 7}

    done = ran(actions, best_of("inc", "late", evaluator=lambda state: state["n"]))
    assert done.state == {"n": 7}
    assert [decision.words for decision in done.decisions] == ["took branch 1 at 7"]


def test_an_action_may_return_a_plan(actions):
    """It is run in the action's place."""
    actions.register("plans", lambda state: sequence(*["inc"] * state["n"]))
    assert ran(actions, sequence("plans", "inc"), {"n": 3}).state == {"n": 7}


def test_a_writer_says(actions):
    """What is said comes with its path, from each branch."""
    actions.register("writes", lambda state: Writer(state, ("one", "two")))
    assert ran(actions, sequence("writes")).said == (("/0", "one"), ("/0", "two"))


def test_guidance_reaches_actions(actions):
    """As it was given."""
    actions.register("asks", lambda _state, ctx: ctx.guidance)
    assert ran(actions, "asks", guidance={"tone": "noir"}).state == {"tone": "noir"}


def test_each_tree_is_kept_before_its_tasks_begin(actions):
    """So a run that goes on from any of them does nothing again but what was live then."""
    done, kept = [], []

    @actions.action
    def notes(state, ctx):
        done.append(ctx.path)
        return {**state, "n": state["n"] + 1}

    program = compile_plan(actions, sequence("notes", parallel("notes", "inc"), "notes"))
    first = run_plan(program, {"n": 0}, on_step=lambda tree: kept.append(json.dumps(tree)))
    assert len(kept) == 5
    for tree in kept:
        done.clear()
        again = run_plan(program, tree=json.loads(tree))
        assert again.state == first.state
        assert len(set(done)) == len(done)
    assert done == []


async def test_on_step_may_be_async(actions):
    """It is awaited before anything begins."""
    kept = []

    async def keep(tree):
        await asyncio.sleep(0)
        kept.append(tree["kind"])

    await run_plan_async(compile_plan(actions, sequence("inc")), {"n": 0}, on_step=keep)
    assert kept == ["sequence", "ended"]


def test_a_tree_of_another_plan_is_refused(actions):
    """The words say where they part."""
    kept = []
    ran(actions, sequence("inc"), on_step=kept.append)
    with pytest.raises(PlanError, match="/0: the tree has the task 'inc', the plan 'fails'"):
        run_plan(compile_plan(actions, sequence("fails")), tree=kept[0])


async def test_a_run_that_is_cancelled_leaves_no_task(actions):
    """Its tasks are cancelled and awaited."""
    begun, ended, both = [], [], asyncio.Event()

    @actions.action
    async def noted(_state):
        begun.append(1)
        if len(begun) == 2:
            both.set()
        try:
            await asyncio.sleep(LONG_S)
        finally:
            ended.append(1)

    run = asyncio.ensure_future(
        run_plan_async(compile_plan(actions, parallel("noted", "noted")), {})
    )
    await both.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert ended == [1, 1]
    assert asyncio.all_tasks() == {asyncio.current_task()}

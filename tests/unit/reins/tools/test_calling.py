"""Calls under their policy: the order of the gates, and each way in which a call can end."""

import asyncio
import time

import pytest
import stamina

from reins.tools import Budget, CallError, Calls, Context, Rate, ToolError, tool
from tests.support.waiting import until_async


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture(autouse=True)
def no_waits():
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@tool(risk="low")
async def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def failing(error: BaseException, **policy):
    made = []

    @tool(risk="low", **policy)
    async def fail() -> str:
        """Fail."""
        made.append(time.monotonic())
        raise error

    return fail, made


async def test_a_call_gives_its_value(calls):
    """The outcome has the value, its text and its size; the tool's figures count it."""
    outcome = await calls.call(double, {"number": 4}, Context())
    assert (outcome.ok, outcome.value, outcome.text(), outcome.attempts) == (True, 8, "8", 1)
    assert calls.figures["double"].outcomes == {"ok": 1}


async def test_a_function_that_blocks_runs_in_a_thread(calls):
    """The loop goes on meanwhile."""

    @tool(risk="low")
    def wait() -> str:
        """Wait."""
        time.sleep(0.05)
        return "waited"

    waiting = asyncio.ensure_future(calls.call(wait, {}, Context()))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert (await waiting).value == "waited"


async def test_wrong_arguments_are_told_and_nothing_runs(calls):
    """Each wrong field is named with what was given, and the tool's input is told."""
    budget = Budget(calls=5)
    outcome = await calls.call(double, {"number": "four", "more": 1}, Context(budget=budget))
    assert outcome.kind == "arguments"
    for said in ("number:", "'four'", "more:", "double takes: number: integer"):
        assert said in outcome.error
    assert budget.spent.calls == 0


@pytest.mark.parametrize("text", ["\ud800", "a\udc80"])
async def test_surrogates_in_arguments_are_refused(calls, text):
    """What UTF-8 cannot hold reaches no tool."""

    @tool(risk="low")
    async def say(text: str) -> str:
        """Say."""
        return text

    outcome = await calls.call(say, {"text": text}, Context())
    assert outcome.kind == "arguments"
    outcome.error.encode()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ToolError("there is no such thing"), "there is no such thing"),
        (ValueError("seven"), "ValueError: seven"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(3), "SystemExit 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (StopIteration(), "StopIteration"),
        (RecursionError("deep"), "RecursionError: deep"),
        (ExceptionGroup("both", [ValueError("a")]), "both"),
        (asyncio.CancelledError(), "cancelled from within"),
        (ValueError("\ud800"), "\\ud800"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else "",
)
@pytest.mark.parametrize("is_async", [True, False], ids=["async", "thread"])
async def test_whatever_a_tool_raises_is_its_outcome(calls, error, said, is_async):
    """Not even what ends a process gets out of a call."""
    if is_async:
        broken, _ = failing(error)
    else:

        @tool(risk="low")
        def broken() -> None:
            """Fail."""
            raise error

    outcome = await calls.call(broken, {}, Context())
    assert outcome.kind == "failed"
    assert said in outcome.error or (not is_async and "Cancelled" in outcome.error)
    outcome.error.encode()


async def test_an_error_that_cannot_say_why(calls):
    """Its own words fail as well."""

    class DumbError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    broken, _ = failing(DumbError())
    assert "DumbError" in (await calls.call(broken, {}, Context())).error


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "thread"])
async def test_a_tool_that_hangs_is_given_up(calls, is_async):
    """The call ends with its time; a thread goes on, and holds its place until it ends."""
    release = asyncio.Event()
    done = []

    if is_async:

        @tool(risk="low", timeout_s=0.02, at_once=1)
        async def hang() -> None:
            """Hang."""
            await release.wait()
    else:

        @tool(risk="low", timeout_s=0.02, at_once=1)
        def hang() -> None:
            """Hang."""
            while not done:
                time.sleep(0.005)

    outcome = await calls.call(hang, {}, Context())
    left = "" if is_async else "; it cannot be stopped, and goes on"
    assert (outcome.kind, outcome.error) == ("timeout", f"it took longer than 0.02 s{left}")
    second = await calls.call(hang, {}, Context())
    assert second.kind == ("timeout" if is_async else "busy")
    done.append(True)


async def test_a_tool_that_heeds_no_cancellation_is_left(calls, monkeypatch):
    """After a grace nobody waits for it any more."""
    monkeypatch.setattr("reins.tools.limited._GRACE_S", 0.02)
    over = asyncio.Event()

    @tool(risk="low", timeout_s=0.02)
    async def stubborn() -> None:
        """Go on."""
        while not over.is_set():
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                continue

    outcome = await asyncio.wait_for(calls.call(stubborn, {}, Context()), 5)
    assert outcome.kind == "timeout"
    assert "may go on" in outcome.error
    over.set()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_a_call_that_is_cancelled_is_raised_on(calls):
    """At once, and the tool with it; it is counted."""
    began, ended = [], []

    @tool(risk="low")
    async def wait() -> None:
        """Wait."""
        began.append(True)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    task = asyncio.ensure_future(calls.call(wait, {}, Context()))
    await until_async(lambda: began)
    cancelled_at = time.perf_counter()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended
    assert time.perf_counter() - cancelled_at < 1
    assert calls.figures["wait"].outcomes == {"cancelled": 1}


async def test_what_returns_ten_megabytes_is_bounded_for_the_model(calls):
    """Head and tail, and how much is missing between them."""

    @tool(risk="low")
    def much() -> str:
        """Much."""
        return "begin" + "é" * 5_000_000 + "end"

    outcome = await calls.call(much, {}, Context())
    shown = outcome.for_model(1_000)
    assert len(shown.encode()) <= 1_000
    assert shown.startswith("begin")
    assert shown.endswith("end")
    assert "of 10,000,008 bytes left out" in shown
    assert outcome.size_bytes == 10_000_008


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"\x00\xff", "\x00\\xff"),
        ("\ud83d", "\\ud83d"),
        ({"a": [1, None]}, '{\n  "a": [\n    1,\n    null\n  ]\n}'),
        (None, "done"),
        (float("nan"), "null"),
        ({1}, "{1}"),
        ("\x1b[31mred", "\x1b[31mred"),
    ],
)
async def test_every_result_is_text_that_utf8_can_hold(calls, value, text):
    """Binary and surrogates as escapes, values as JSON."""

    @tool(risk="low")
    async def give() -> object:
        """Give."""
        return value

    outcome = await calls.call(give, {}, Context())
    assert outcome.text() == text
    outcome.for_model().encode()


async def test_the_order_of_the_gates(calls):
    """Budget, approval, breaker, rate, tries, time limit: each refuses before the next is asked."""
    asked = []

    async def approve(tool, arguments, risk, reasons):
        asked.append((tool, arguments, risk, reasons))
        return "not today" if len(asked) == 1 else None

    broken, made = failing(ValueError("no"), breaker_failures=1, why="it fails")
    spent = Context(budget=Budget(calls=0), approve=approve)
    assert (await calls.call(broken, {}, spent)).kind == "budget"
    assert not asked
    context = Context(approve=approve, budget=Budget(calls=9))
    denied = await calls.call(broken, {}, context)
    assert (denied.kind, denied.error) == ("denied", "not today")
    assert asked == [("fail", {}, "low", ["it fails"])]
    assert (made, context.budget.spent.calls) == ([], 0)
    assert (await calls.call(broken, {}, context)).kind == "failed"
    assert (await calls.call(broken, {}, context)).kind == "breaker"
    assert (len(asked), len(made), context.budget.spent.calls) == (3, 1, 1)


async def test_the_rate_is_heeded_by_each_try(calls):
    """A bucket of two: the third try waits, whether it is another call or the same one again."""
    broken, made = failing(ConnectionError(), idempotent=True, rate=Rate(2, 0.2))
    assert (await calls.call(broken, {}, Context())).attempts == 3
    assert made[2] - made[0] >= 0.09


async def test_a_rate_that_leaves_no_room_in_time(calls):
    """The call is refused: it does not wait for an hour."""

    @tool(risk="low", rate=Rate(1, 3_600), timeout_s=0.05)
    async def seldom() -> None:
        """Do."""

    kinds = [(await calls.call(seldom, {}, Context())).kind for _ in range(2)]
    assert kinds == [None, "busy"]


async def test_only_what_is_idempotent_is_tried_again(calls):
    """And only what may go well a little later."""
    for error, idempotent, tries in [
        (ConnectionError(), True, 3),
        (ConnectionError(), False, 1),
        (ToolError("later", retry=True), True, 3),
        (ToolError("later", retry=True), False, 1),
        (ToolError("no"), True, 1),
        (ValueError(), True, 1),
        (ToolError("in an hour", retry=True, after_s=3_600), True, 1),
    ]:
        broken, made = failing(error, idempotent=idempotent)
        outcome = await calls.call(broken, {}, Context())
        assert (outcome.attempts, len(made)) == (tries, tries), error


async def test_a_second_try_waits_as_long_as_it_is_told(calls):
    """Retry-After is heeded."""
    stamina.set_testing(False)
    broken, made = failing(ToolError("later", retry=True, after_s=0.2), idempotent=True, attempts=2)
    await calls.call(broken, {}, Context())
    assert 0.2 <= made[1] - made[0] < 5


async def test_tries_have_jitter(calls):
    """Calls that failed together do not come back together."""
    stamina.set_testing(False)
    waits = set()
    for _ in range(5):
        broken, made = failing(ConnectionError(), idempotent=True, attempts=2)
        await calls.call(broken, {}, Context())
        waits.add(round(made[1] - made[0], 4))
    assert len(waits) > 1


async def test_each_try_has_the_whole_time(calls):
    """The limit is of a run, within the tries."""
    tries = []

    @tool(risk="low", timeout_s=0.5, idempotent=True)
    async def slow() -> str:
        """Be slow."""
        tries.append(1)
        await asyncio.sleep(0.2)
        if len(tries) < 3:
            raise ConnectionError
        return "done"

    outcome = await calls.call(slow, {}, Context())
    assert (outcome.value, outcome.attempts) == ("done", 3)


async def test_the_breaker_opens_by_faults_and_not_by_what_a_tool_says(calls):
    """A tool that says no is there; the wait is told."""
    polite, _ = failing(ToolError("no such file"), breaker_failures=2)
    for _ in range(4):
        assert (await calls.call(polite, {}, Context())).kind == "failed"
    broken, made = failing(OSError("gone"), breaker_failures=2)
    kinds = [(await calls.call(broken, {}, Context())).kind for _ in range(4)]
    assert kinds == ["failed", "failed", "breaker", "breaker"]
    assert len(made) == 2
    assert "try again in 30 s" in (await calls.call(broken, {}, Context())).error


async def test_no_more_run_at_once_than_there_are_places(calls):
    """The others wait, in their order."""
    running, most = [], []

    @tool(risk="low", at_once=2)
    async def work(number: int) -> int:
        """Work."""
        running.append(number)
        most.append(len(running))
        await asyncio.sleep(0.005)
        running.remove(number)
        return number

    found = await asyncio.gather(*(calls.call(work, {"number": n}, Context()) for n in range(6)))
    assert [each.value for each in found] == list(range(6))
    assert max(most) == 2


async def test_a_budget_ends_calls_by_each_of_its_limits(calls):
    """Calls, seconds, bytes and money; what it says names the limit."""

    @tool(risk="low", money_usd=0.5)
    async def work() -> str:
        """Work."""
        await asyncio.sleep(0.01)
        return "x" * 100

    for limit, name in [
        (Budget(calls=1), "calls"),
        (Budget(seconds=0.005), "seconds"),
        (Budget(size_bytes=100), "size_bytes"),
        (Budget(money_usd=0.9), "money_usd"),
    ]:
        context = Context(budget=limit)
        assert (await calls.call(work, {}, context)).ok
        outcome = await calls.call(work, {}, context)
        assert outcome.kind == "budget"
        assert f"{name} " in outcome.error


async def test_a_call_without_an_agent(calls):
    """`acall` gives the value or raises; rates and breakers are those of the loop."""
    del calls
    assert await double.acall(number=2) == 4
    with pytest.raises(CallError, match="double: number: ") as raised:
        await double.acall(number="x")
    assert raised.value.outcome.kind == "arguments"


def test_a_call_that_waits():
    """`call` needs no loop, from any thread; the same loop makes all such calls."""
    assert double.call(number=3) == 6
    with pytest.raises(CallError):
        double.call(number=None)

    broken, _ = failing(ValueError("no"), breaker_failures=1)
    for kind in ("failed", "breaker"):
        with pytest.raises(CallError) as raised:
            broken.call()
        assert raised.value.outcome.kind == kind


async def test_a_call_that_waits_would_stop_the_loop():
    """In the thread of a running loop it is refused, and says what to do."""
    with pytest.raises(RuntimeError, match=r"await double\.acall"):
        double.call(number=1)
    assert await asyncio.to_thread(lambda: double.call(number=1)) == 2


async def test_threads_are_used_again(calls):
    """One call after the other takes one thread."""
    seen = set()

    @tool(risk="low")
    def where() -> int:
        """Say where."""
        import threading  # noqa: PLC0415

        seen.add(threading.get_ident())
        return 0

    for _ in range(20):
        await calls.call(where, {}, Context())
    assert len(seen) <= 2

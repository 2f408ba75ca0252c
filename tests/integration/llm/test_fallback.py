"""Over several routes: who stands in for whom, the breaker, and a route that asks for a wait."""

import asyncio
import time

import pytest

from reins.llm import ModelConfigError, ModelError
from reins.llm.routes.open_route import OpenRoute
from tests.support.callers import Account, route
from tests.support.model_stub import GOOD, ModelStub, breaks, fails, never, openai, says
from tests.support.waiting import until_async

JOKE = {"subject": "cats", "told": []}
OTHER = "Two dogs walk into a bar."


@pytest.fixture
def both(stub: ModelStub, other: ModelStub):
    """A file with two routes, of which the second stands in for the first."""
    other.default = says(openai(OTHER))

    def text(**given: object) -> str:
        return (
            'default = "first"\n'
            + route("first", stub, fallback=["second"], **given)
            + route("second", other)
        )

    return text


def now(model, name="first"):
    return next(each for each in model.routes() if each.name == name)


@pytest.mark.parametrize(
    "reply",
    [fails(500), fails(401), fails(404), fails(400), fails(429), breaks, says("{}"),
     says(openai("")), says(openai("cut", "length"))],
)  # fmt: skip
async def test_another_route_stands_in(routed, both, stub, *, account, reply) -> None:
    """Whatever a route fails of, the next is asked, and the completion says who answered."""
    stub.default = reply
    model = await routed(both())
    done = await model.for_caller(account).call("TellAJoke", **JOKE)
    assert (done.text, done.route, done.model, done.attempts) == (
        OTHER,
        "second",
        "second-model",
        2,
    )
    assert [(r.route, r.attempt) for r in account.records] == [("first", 1), ("second", 2)]
    assert not account.reserved


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(says(openai("no", "content_filter")), "refused"), (says(openai("x" * 70_000)), "too_long")],
)
async def test_a_refused_or_long_answer_is_not_asked_for_elsewhere(
    routed, both, stub, other, *, reply, kind
) -> None:
    """An answer that was refused, or is too long, is not asked for elsewhere."""
    stub.default = reply
    model = await routed(both())
    with pytest.raises(ModelError) as caught:
        await model.call("TellAJoke", **JOKE)
    assert caught.value.kind == kind
    assert not other.seen


async def test_when_all_fail_the_first_speaks(routed, both, stub, other) -> None:
    """The error is the one of the route that was asked for, and names what became of the others."""
    stub.default, other.default = fails(500), fails(401)
    model = await routed(both())
    with pytest.raises(ModelError, match=r"first-model.*\(second: auth\)") as caught:
        await model.call("TellAJoke", **JOKE)
    assert (caught.value.kind, caught.value.retryable) == ("server", True)


async def test_who_takes_which_route(routed, stub: ModelStub, other: ModelStub) -> None:
    """A caller's own route goes before its type's, and that before the default."""
    other.default = says(openai(OTHER))
    text = 'default = "first"\n[agents]\npersona = "second"\n'
    model = await routed(text + route("first", stub) + route("second", other))
    for who, expected in (
        (Account(), "first"),
        (Account(agent_type="persona"), "second"),
        (Account(agent_type="persona", route="first"), "first"),
        (Account(route="offline"), "offline"),
    ):
        handle = model.for_caller(who)
        assert (await handle.call("TellAJoke", **JOKE)).route == expected
        assert handle.route.model == ("offline" if expected == "offline" else f"{expected}-model")
    assert now(model, "second").used_by == ["persona"]
    assert now(model).used_by == ["everything else"]
    assert model.knows("second")
    assert not model.knows("third")
    with pytest.raises(ModelConfigError, match=r"'third'; there are first, offline, second"):
        await model.for_caller(Account(route="third")).call("TellAJoke", **JOKE)


async def test_the_breaker_opens_and_closes(routed, both, stub, other) -> None:
    """After three faults the route is not asked, its fallback is at once; then one call tries."""
    stub.default = fails(500)
    model = await routed(both(breaker_failures=3, breaker_rest_s=0.3))
    for _ in range(6):
        assert (await model.call("TellAJoke", **JOKE)).route == "second"
    assert len(stub.seen) == 3
    assert (now(model).breaker, now(model).state) == ("open", "backing_off")
    assert 0 < now(model).backoff_s <= 0.3
    stub.default = says(openai())
    async with asyncio.timeout(5):
        while (await model.call("TellAJoke", **JOKE)).route != "first":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert len(stub.seen) == 4, "one call has tried it"
    assert (now(model).breaker, now(model).state) == ("closed", "ready")
    assert now(model).errors == {"server": 3}


async def test_one_call_at_a_time_tries(routed, both, stub, other) -> None:
    """While one call tries a half-open route, all others go elsewhere; cancelled, it frees the way
    for the next trial."""
    stub.default = fails(503)
    model = await routed(both(breaker_failures=1, breaker_rest_s=0.05))
    await model.call("TellAJoke", **JOKE)
    await asyncio.sleep(0.1)
    stub.default = never
    stub.arrived.clear()
    trial = asyncio.ensure_future(model.call("TellAJoke", **JOKE))
    await asyncio.wait_for(stub.arrived.wait(), 5)
    assert now(model).state == "trying"
    done = await asyncio.gather(*(model.call("TellAJoke", **JOKE) for _ in range(10)))
    assert {each.route for each in done} == {"second"}
    trial.cancel()
    await asyncio.wait([trial])
    stub.default = says(openai())
    assert (await model.call("TellAJoke", **JOKE)).route == "first"


async def test_without_a_fallback_a_call_waits_for_the_circuit_or_says_so(routed, stub) -> None:
    """An open circuit that closes in time is waited for; one that does not is an error at once."""
    stub.default = fails(500)
    model = await routed(route("a", stub, breaker_failures=1, breaker_rest_s=0.2))
    with pytest.raises(ModelError):
        await model.call("TellAJoke", **JOKE)
    stub.default = says(openai())
    waited = await asyncio.gather(*(model.call("TellAJoke", **JOKE) for _ in range(5)))
    assert [each.text for each in waited] == [GOOD] * 5

    model = await routed(route("a", stub, breaker_failures=1, breaker_rest_s=60.0, deadline_s=1.0))
    stub.default = fails(500)
    with pytest.raises(ModelError):
        await model.call("TellAJoke", **JOKE)
    with pytest.raises(
        ModelError,
        match=r"after 1 faults .*left alone for 60 s more\. .*kind server\. The fault",
    ) as caught:
        await model.call("TellAJoke", **JOKE)
    assert (caught.value.kind, caught.value.retryable) == ("circuit_open", True)
    assert 59 < caught.value.retry_after_s <= 60
    assert len(stub.seen) == 7


async def test_a_route_that_asks_to_wait_is_left_alone_by_all(routed, stub) -> None:
    """After a 429 with Retry-After nobody calls for so long, and the breaker does not mind."""
    stub.replies.append(fails(429, Retry_After="1"))
    model = await routed(route("first", stub, attempts=2, breaker_failures=1))
    first = asyncio.ensure_future(model.call("TellAJoke", **JOKE))
    await until_async(lambda: now(model).backoff_s is not None)
    began = time.perf_counter()
    assert (now(model).state, now(model).breaker) == ("backing_off", "closed")
    others = [model.call("TellAJoke", **JOKE) for _ in range(3)]
    await asyncio.gather(first, *others)
    assert time.perf_counter() - began > 0.9
    assert len(stub.seen) == 5


async def test_a_longer_wait_is_asked_for_than_the_deadline_allows(
    routed, both, stub, other
) -> None:
    """A Retry-After past the deadline sends everybody to the fallback at once."""
    stub.default = fails(429, Retry_After="60")
    model = await routed(both(attempts=4, deadline_s=2.0))
    began = time.perf_counter()
    for _ in range(3):
        assert (await model.call("TellAJoke", **JOKE)).route == "second"
    assert time.perf_counter() - began < 1
    assert len(stub.seen) == 1


ABSURD = "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"


async def test_an_absurd_wait_is_none(routed, both, stub, *, account) -> None:
    """A Retry-After that cannot be read does not keep anybody from the fallback."""
    stub.default = fails(429, Retry_After=ABSURD)
    model = await routed(both())
    assert (await model.for_caller(account).call("TellAJoke", **JOKE)).route == "second"
    assert [record.error_kind for record in account.records] == ["rate_limited", None]


async def test_no_session_waits_for_years(routed, stub) -> None:
    """What the error asks of the session is capped as the route's backoff is."""
    stub.default = fails(429, Retry_After="Fri, 31 Dec 2099 23:59:59 GMT")
    model = await routed(route("first", stub))
    for _ in range(2):
        with pytest.raises(ModelError) as caught:
            await model.call("TellAJoke", **JOKE)
        assert 599 < caught.value.retry_after_s <= 600
    assert now(model).backoff_s <= 600
    assert len(stub.seen) == 1


@pytest.mark.parametrize("broken", ["reins.llm.calls.call.classify", "reins.llm.model._checked"])
async def test_a_mistake_of_ours_is_a_failure_like_others(
    routed, both, stub, *, account, monkeypatch, broken
) -> None:
    """Whatever is raised goes on record by its type and place, and the fallback is asked."""

    def raises(*given: object) -> None:
        route = given[0]
        if not isinstance(route, OpenRoute) or route.spec.fallback:
            raise ZeroDivisionError("PWSECRET")

    monkeypatch.setattr(broken, raises)
    stub.default = fails(500) if "classify" in broken else says(openai())
    model = await routed(both(breaker_failures=1))
    done = await model.for_caller(account).call("TellAJoke", **JOKE)
    assert done.route == "second"
    first, second = account.records
    assert (first.error_kind, second.error_kind) == ("garbage", None)
    assert "ZeroDivisionError at test_fallback.py:" in first.error
    assert "PWSECRET" not in first.error
    assert now(model).breaker == "open", "the breaker is told as well"
    assert not account.reserved


async def test_a_single_attempt_has_a_limit_of_its_own(routed, both, stub, other) -> None:
    """`attempt_s` ends an attempt, and the next one follows within the deadline."""
    stub.replies.append(never)
    model = await routed(both(attempts=2, attempt_s=0.2))
    done = await model.call("TellAJoke", **JOKE)
    assert (done.route, done.attempts) == ("first", 2)
    assert now(model).errors == {"timeout": 1}


async def test_requests_a_minute(routed, stub: ModelStub) -> None:
    """Of 1,200 a minute 60 go at once, and the others at 19 a second."""
    model = await routed(route("a", stub, requests_per_minute=1_200))
    began = time.perf_counter()
    await asyncio.gather(*(model.call("TellAJoke", **JOKE) for _ in range(66)))
    assert 0.25 < time.perf_counter() - began < 3


async def test_one_session_does_not_hold_up_another(routed, stub: ModelStub) -> None:
    """A session that comes with one call, after another with thirty, is served second."""

    async def slowly(*given):
        await asyncio.sleep(0.005)
        return await says(openai())(*given)

    stub.default = slowly
    model = await routed(route("a", stub, concurrency=1))
    greedy, modest = model.for_caller(Account("greedy")), model.for_caller(Account("modest"))
    many = [asyncio.ensure_future(greedy.call("TellAJoke", **JOKE)) for _ in range(30)]
    await asyncio.sleep(0)
    await modest.call("TellAJoke", **JOKE)
    assert sum(each.done() for each in many) <= 3
    await asyncio.gather(*many)

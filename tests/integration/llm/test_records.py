"""The books of calls: one record and one settlement for each attempt, whatever becomes of it."""

import asyncio
import time

import pytest

from reins.llm import ModelConfigError, ModelError
from tests.support.callers import KEY, Account, route
from tests.support.model_stub import (
    GOOD,
    ModelStub,
    breaks,
    fails,
    never,
    openai,
    openai_events,
    says,
    streams,
)
from tests.support.waiting import until_async

JOKE = {"subject": "cats", "told": []}
PRICES = {"price_in": 1.0, "price_out": 2.0, "price_cached": 0.5}
"""A million tokens each; the stub counts 11 in and 7 out."""


async def test_all_that_is_known_of_an_attempt_is_on_record_once(
    routed, stub: ModelStub, account: Account
) -> None:
    """Everything that is known of an attempt, and what it cost, once."""
    body = openai()
    body["usage"]["prompt_tokens_details"] = {"cached_tokens": 4}
    stub.default = says(body)
    before = time.time_ns() // 1000
    model = await routed(route("a", stub, **PRICES))
    done = await model.for_caller(account).call("TellAJoke", **JOKE)
    (record,) = account.records
    assert (record.call_id, record.function, record.attempt) == (done.call_id, "TellAJoke", 1)
    assert (record.route, record.provider, record.model) == ("a", "compatible", "a-model")
    assert before <= record.queued_at <= record.sent_at <= time.time_ns() // 1000
    assert record.latency_ms > 0
    assert record.first_token_ms is None
    assert (record.tokens_in, record.tokens_out, record.tokens_cached) == (11, 7, 4)
    assert not record.estimated
    assert record.cost_usd == pytest.approx((7 * 1.0 + 4 * 0.5 + 7 * 2.0) / 1e6)
    assert (record.finish_reason, record.status) == ("stop", 200)
    assert (record.error_kind, record.error) == (None, None)
    assert '"a-model"' in record.request
    assert "Tell one short joke" in record.request
    assert record.answer == GOOD
    assert account.settled == [(11, 7, record.cost_usd)]
    assert not account.reserved
    assert (done.cost_usd, done.route) == (record.cost_usd, "a")


async def test_each_attempt_is_recorded_and_billed_once(routed, stub, account) -> None:
    """Refused attempts cost nothing; one that broke off in vain is not guessed at either."""
    stub.replies.extend([fails(500), breaks, fails(401)])
    model = await routed(route("a", stub, attempts=4, **PRICES))
    with pytest.raises(ModelError):
        await model.for_caller(account).call("TellAJoke", **JOKE)
    kinds = [record.error_kind for record in account.records]
    assert kinds == ["server", "unreachable", "auth"]
    assert [record.status for record in account.records] == [500, 200, 401]
    assert [record.attempt for record in account.records] == [1, 2, 3]
    assert len({record.call_id for record in account.records}) == 1
    assert account.settled == [(0, 0, 0.0)] * 3
    assert not account.reserved
    assert "Check the key" in account.records[2].error


async def test_what_is_reserved_is_enough(routed, stub: ModelStub) -> None:
    """An attempt takes no more than was held back for it, by its limit or its longest answer."""

    class Watching(Account):
        def settle(self, reserved, tokens_in, tokens_out, cost_usd):
            tokens, most_usd = self.reserved[reserved]
            assert tokens_in + tokens_out <= tokens
            assert cost_usd <= most_usd
            super().settle(reserved, tokens_in, tokens_out, cost_usd)

    model = await routed(route("a", stub, max_tokens=7, **PRICES))
    await model.for_caller(Watching()).call("TellAJoke", **JOKE)
    model = await routed(route("a", stub, **PRICES))
    await model.for_caller(Watching()).call("TellAJoke", **JOKE)


async def test_a_budget_that_is_spent_ends_the_call(routed, stub, account) -> None:
    """What the account raises passes through unchanged; nothing is sent, kept or held."""

    class Spent(Exception):  # noqa: N818
        pass

    account.refuses = Spent("no more")
    model = await routed('default = "a"\n' + route("a", stub, fallback=["offline"], concurrency=1))
    for _ in range(3):
        with pytest.raises(Spent, match="no more"):
            await model.for_caller(account).call("TellAJoke", **JOKE)
    assert not stub.seen
    assert not account.records
    (first, _) = model.routes()
    assert (first.in_flight, first.calls) == (0, 0)


async def test_keys_are_in_no_record(routed, stub: ModelStub, account) -> None:
    """A key that a prompt, an answer or an error holds is taken out of all three."""
    other = "sk-proj-abcdefghijklmnopqrstuvwxyz"
    stub.default = says(openai(f"your key is {KEY}, mine {other}"))
    model = await routed(route("a", stub))
    done = await model.for_caller(account).call("TellAJoke", subject=f"{KEY} {other}", told=[])
    stub.default = fails(400)
    with pytest.raises(ModelError):
        await model.for_caller(account).call("TellAJoke", subject=KEY, told=[])
    for record in account.records:
        shown = repr(record)
        assert KEY not in shown
        assert other not in shown
        assert "[key removed]" in record.request
    assert KEY not in done.text, "what the agent gets is what goes on record"


async def test_records_are_bounded(routed, stub: ModelStub, account) -> None:
    """Of a large prompt 128 KiB are kept, of a large answer 64 KiB."""
    stub.default = says(openai("ä" * 40_000))
    model = await routed(route("a", stub))
    with pytest.raises(ModelError):
        await model.for_caller(account).call("TellAJoke", subject="ö" * 100_000, told=[])
    (record,) = account.records
    assert 128_000 < len(record.request.encode()) <= 128 * 1024
    assert len(record.answer.encode()) <= 64 * 1024
    assert record.request.endswith("[cut]")


async def test_prompts_stay_off_the_record_where_that_is_asked(routed, stub, account) -> None:
    """Without `record_prompts` neither request nor answer is kept, of failures neither."""
    model = await routed(route("a", stub), record_prompts=False)
    stub.replies.append(fails(400))
    handle = model.for_caller(account)
    with pytest.raises(ModelError):
        await handle.call("TellAJoke", **JOKE)
    await handle.call("TellAJoke", **JOKE)
    assert [(r.request, r.answer) for r in account.records] == [(None, None)] * 2
    assert account.records[1].tokens_in == 11


async def test_a_stream_tells_its_caller(routed, stub: ModelStub, account) -> None:
    """Deltas add up to the answer, each at its place; tokens are the provider's count."""
    stub.replies.append(streams(openai_events(cached=3), pause_s=0.02))
    model = await routed(route("a", stub, **PRICES))
    done = await model.for_caller(account).stream("TellAJoke", **JOKE)
    assert done.text == GOOD
    whole = ""
    for delta in account.deltas:
        assert (delta.call_id, delta.attempt, delta.offset) == (done.call_id, 1, len(whole))
        whole += delta.text
    assert whole == GOOD
    assert len(account.deltas) > 1
    (record,) = account.records
    assert record.streamed
    assert '"stream_options":{"include_usage":true}' in record.request
    assert 0 < record.first_token_ms < record.latency_ms
    assert (record.tokens_in, record.tokens_out, record.tokens_cached) == (11, 7, 3)
    (now, *_) = model.routes()
    assert now.first_token_p50_ms == pytest.approx(record.first_token_ms, abs=0.01)
    assert now.p50_ms == pytest.approx(record.latency_ms, abs=0.01)
    await model.call("TellAJoke", **JOKE)
    assert "stream_options" not in stub.seen[-1].body, "refused by OpenAI in a plain call"


async def test_a_stream_that_dies_begins_anew(routed, stub: ModelStub, account) -> None:
    """The second attempt's text replaces the first's, and both are billed, the first by guess."""
    stub.replies.append(streams(openai_events("Once upon a time")[:3], pause_s=0.03, end="die"))
    stub.default = streams(openai_events())
    model = await routed(route("a", stub, attempts=2, **PRICES))
    done = await model.for_caller(account).stream("TellAJoke", **JOKE)
    assert (done.text, done.attempts) == (GOOD, 2)
    assert "".join(d.text for d in account.deltas if d.attempt == 2) == GOOD
    first, second = account.records
    assert (first.error_kind, first.estimated) == ("unreachable", True)
    assert first.tokens_in > 50
    assert first.answer.startswith("Once")
    assert not second.estimated
    assert len(account.settled) == 2


@pytest.mark.parametrize("streamed", [False, True])
async def test_cancelling_frees_everything(routed, stub, account, streamed: bool) -> None:  # noqa: FBT001
    """A cancelled call closes its request within 50 ms, frees its place, and is on record with
    what it may have taken."""
    stub.default = streams(openai_events()[:3], pause_s=0.02, end="hold") if streamed else never
    model = await routed(route("a", stub, concurrency=1, **PRICES))
    handle = model.for_caller(account)
    call = handle.stream if streamed else handle.call
    task = asyncio.ensure_future(call("TellAJoke", **JOKE))
    await asyncio.wait_for(stub.arrived.wait(), 5)
    if streamed:
        await until_async(lambda: account.deltas)
    worked = time.process_time()
    task.cancel()
    await asyncio.wait_for(stub.closed_by_client.wait(), 1)
    assert time.process_time() - worked < 0.05, "the machine's other work is not counted"
    with pytest.raises(asyncio.CancelledError):
        await task
    (record,) = account.records
    assert (record.error_kind, record.estimated) == ("aborted", True)
    assert record.tokens_in > 50
    assert (record.tokens_out > 0) == streamed
    assert account.settled == [(record.tokens_in, record.tokens_out, record.cost_usd)]
    assert record.cost_usd > 0
    stub.default = says(openai())
    assert (await asyncio.wait_for(handle.call("TellAJoke", **JOKE), 5)).text == GOOD


async def test_a_call_that_never_got_its_place_is_on_record_as_not_sent(
    routed, stub, account
) -> None:
    """Cancelled in line it is on record as not sent, and takes nothing."""
    stub.default = never
    model = await routed(route("a", stub, concurrency=1))
    first = asyncio.ensure_future(model.call("TellAJoke", **JOKE))
    await asyncio.wait_for(stub.arrived.wait(), 5)
    waiting = asyncio.ensure_future(model.for_caller(account).call("TellAJoke", **JOKE))
    await until_async(lambda: model.routes()[0].waiting == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    (record,) = account.records
    assert (record.sent_at, record.error_kind, record.tokens_in) == (None, "aborted", 0)
    assert not account.settled
    assert model.routes()[0].waiting == 0
    stub.released.set()
    await first


async def test_wrong_arguments_take_nothing(routed, stub, account) -> None:
    """What never reaches the network is neither billed nor recorded."""
    model = await routed(route("a", stub))
    with pytest.raises(ModelConfigError):
        await model.for_caller(account).call("TellAJoke", subject=3, told=[])
    assert (account.records, account.settled) == ([], [(0, 0, 0.0)])
    assert model.routes()[0].in_flight == 0


async def test_many_calls_add_up(routed, stub: ModelStub) -> None:
    """Two hundred calls, some of which fail and some are cancelled: the route's counters, the
    records and the settlements agree, and nothing is left held."""
    accounts = [Account(f"s{number}") for number in range(20)]
    replies = [says(openai()), fails(500), breaks, says("{}")]

    async def mixed(server, request):
        return await replies[len(server.seen) % 4](server, request)

    stub.default = mixed
    model = await routed(
        route(
            "a", stub, concurrency=8, attempts=2, deadline_s=20.0, breaker_failures=10_000, **PRICES
        )
    )
    calls = [
        asyncio.ensure_future(model.for_caller(account).call("TellAJoke", **JOKE))
        for account in accounts
        for _ in range(10)
    ]
    await asyncio.sleep(0.1)
    for call in calls[::7]:
        call.cancel()
    await asyncio.wait(calls)
    (now, *_) = model.routes()
    records = [record for account in accounts for record in account.records]
    sent = [record for record in records if record.sent_at is not None]
    assert now.calls == len(sent) == sum(len(account.settled) for account in accounts)
    assert now.tokens_in == sum(record.tokens_in for record in sent)
    assert now.cost_usd == pytest.approx(sum(record.cost_usd for record in sent))
    assert now.failures == sum(record.error_kind is not None for record in sent)
    assert sum(now.errors.values()) == now.failures
    assert (now.in_flight, now.waiting) == (0, 0)
    assert all(not account.reserved for account in accounts)

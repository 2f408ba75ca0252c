"""Embeddings go over routes as calls do: limits, retries, accounts, records."""

import json

import pytest

from reins.llm import ModelConfigError, ModelError
from tests.support.callers import Account, route
from tests.support.model_stub import ModelStub, fails, says

ROUTES = '[embeddings]\nroute = "vectors"\n'


def vectors(count: int) -> str:
    data = [{"index": number, "embedding": [float(number), 1.0]} for number in range(count)]
    return json.dumps({"data": data, "usage": {"prompt_tokens": 3 * count}})


async def test_a_route_of_embeddings(routed, stub: ModelStub, other, account: Account) -> None:
    """They go to the route that the file names, are tried again, paid for and recorded."""
    text = 'default = "a"\n' + ROUTES + route("a", other)
    model = await routed(text + route("vectors", stub, attempts=2, price_in=1.0))
    stub.replies.extend([fails(500), says(vectors(3))])
    found = await model.for_caller(account).embed(["a", "b", "c"])
    assert found == [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]
    assert [seen.path for seen in stub.seen] == ["/v1/embeddings"] * 2
    first, second = account.records
    assert (first.function, first.error_kind, first.tokens_in) == ("embeddings", "server", 0)
    assert (second.route, second.tokens_in, second.estimated) == ("vectors", 9, False)
    assert second.cost_usd == pytest.approx(9e-6)
    assert account.settled == [(0, 0, 0.0), (9, 0, second.cost_usd)]
    assert not account.reserved
    assert not other.seen
    assert await model.embed([]) == []
    now = next(each for each in model.routes() if each.name == "vectors")
    assert (now.calls, now.failures, now.used_by) == (2, 1, ["embeddings"])


async def test_they_are_checked_as_embeddings(routed, stub: ModelStub, other) -> None:
    """A model of embeddings is not asked to talk."""
    model = await routed('default = "a"\n' + ROUTES + route("a", other) + route("vectors", stub))
    stub.default = says(vectors(1))
    assert (await model.check("vectors"))[0].ok
    stub.default = fails(401)
    (found,) = await model.check("vectors")
    assert not found.ok
    assert "the key is not accepted" in found.message
    assert {seen.path for seen in stub.seen} == {"/v1/embeddings"}


async def test_failures_are_of_the_usual_kinds(routed, stub: ModelStub, other) -> None:
    """The same errors as of calls, and the breaker counts them."""
    text = 'default = "a"\n' + ROUTES + route("a", other)
    model = await routed(text + route("vectors", stub, breaker_failures=1, deadline_s=1.0))
    stub.default = fails(503)
    for kind in ("overloaded", "circuit_open"):
        with pytest.raises(ModelError) as caught:
            await model.embed(["a"])
        assert caught.value.kind == kind
    assert len(stub.seen) == 1


async def test_the_built_in_ones(make) -> None:
    """Without any setting vectors of words come from this process."""
    pytest.importorskip("wordllama")
    model = await make()
    near, other, far = await model.embed(["a small cat", "a little kitten", "tax law"])
    assert len(near) == 256

    def like(one, two):
        return sum(x * y for x, y in zip(one, two, strict=True))

    assert like(near, other) > like(near, far)
    assert [each.name for each in model.routes()] == ["default", "words"]
    assert (await model.check("words"))[0].ok


async def test_the_built_in_ones_under_a_name(routed, stub: ModelStub) -> None:
    """A route of the file may be the built-in one; it is checked, and answers nobody."""
    pytest.importorskip("wordllama")
    text = '[embeddings]\nroute = "mine"\n[routes.mine]\nprovider = "wordllama"\n'
    model = await routed('default = "a"\n' + text + route("a", stub))
    assert len((await model.embed(["a word"]))[0]) == 256
    assert all(found.ok for found in await model.check())
    with pytest.raises(ModelConfigError, match=r"no model route 'mine'; there are a\."):
        await model.for_caller(Account(route="mine")).call("TellAJoke", subject="cats", told=[])
    await model.reload()
    assert len((await model.embed(["a word"]))[0]) == 256

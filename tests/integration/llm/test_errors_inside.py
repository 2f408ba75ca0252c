"""An error inside a success is what its server says it is: on record, in a check, and unpaid."""

import json
import re

import pytest

from reins.llm import ModelError
from tests.support.callers import KEY, route
from tests.support.model_stub import (
    GOOD,
    ModelStub,
    Reply,
    answers,
    openai,
    openai_events,
    raw,
    says,
    streams,
)

JOKE = {"subject": "the-secret-subject", "told": []}
PRICES = {"price_in": 1.0, "price_out": 2.0}


def error(**fields: object) -> dict:
    return {"error": {"message": f"the-secret-subject {KEY}", **fields}}


ERRORS = {
    "a number": (error(code=429), "rate_limited", True),
    "a name": (error(type="overloaded_error"), "overloaded", True),
    "words": ({"error": "model 'a-model' not found, try pulling it first"}, "not_found", False),
    "the key": (error(code=401), "auth", False),
    "a fault": (error(code=500), "server", True),
    "the request": (error(code=400, type="BadRequestError"), "bad_request", False),
    "a filter": (error(code="content_filter"), "refused", False),
    "beside tokens": ({**openai(""), **error(code=503)}, "overloaded", True),
    "in a choice": (
        {**openai(), "choices": [{"index": 0, "finish_reason": "error", **error(code=502)}]},
        "server",
        True,
    ),
    "in a finish reason": (openai("", "error"), "server", True),
    "in another finish reason": (
        openai("", "insufficient_system_resource"),
        "overloaded",
        True,
    ),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("body", "kind", "retryable"), ERRORS.values(), ids=ERRORS)
async def test_an_error_in_a_success(
    routed, stub: ModelStub, account, *, body: dict, kind: str, retryable: bool, streamed: bool
) -> None:
    """It has the kind that it has elsewhere, costs nothing, and is quoted nowhere."""
    stub.default = streams([json.dumps(body), "[DONE]"]) if streamed else says(body)
    model = (await routed(route("a", stub, **PRICES))).for_caller(account)
    with pytest.raises(ModelError) as caught:
        await (model.stream if streamed else model.call)("TellAJoke", **JOKE)
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    (record,) = account.records
    assert (record.error_kind, record.status) == (kind, 200)
    assert (record.tokens_in, record.tokens_out, record.cost_usd) == (0, 0, 0.0)
    assert account.settled == [(0, 0, 0.0)]
    assert not record.estimated
    for secret in ("the-secret-subject", KEY):
        assert secret not in str(caught.value) + record.error


async def test_an_error_after_a_beginning(routed, stub: ModelStub, account) -> None:
    """It ends the stream: what came before it is void, and the call is made again."""
    begun = openai_events("Once upon a", None)
    stub.replies.append(streams([*begun, json.dumps(error(code=503)), *openai_events()]))
    model = (await routed(route("a", stub, attempts=2, **PRICES))).for_caller(account)
    assert (await model.stream("TellAJoke", **JOKE)).text == GOOD
    assert [record.error_kind for record in account.records] == ["overloaded", None]
    assert account.records[0].answer.startswith("Once upon")
    assert account.settled[0] == (0, 0, 0.0)
    assert {delta.attempt for delta in account.deltas} <= {1, 2}


async def test_an_error_to_a_stream_in_plain(routed, stub: ModelStub, account) -> None:
    """Asked for a stream, a server may answer with an error that is none."""
    stub.default = says(error(code=429))
    model = (await routed(route("a", stub))).for_caller(account)
    with pytest.raises(ModelError) as caught:
        await model.stream("TellAJoke", **JOKE)
    assert caught.value.kind == "rate_limited"
    stub.default = says("[" + json.dumps(error(code=429, status="RESOURCE_EXHAUSTED")) + "]")
    with pytest.raises(ModelError) as caught:
        await model.call("TellAJoke", **JOKE)
    assert caught.value.kind == "rate_limited"


async def test_errors_beside_the_data(routed, stub: ModelStub, account) -> None:
    """In a field `error` of the stream, as llama.cpp; in a line of JSON, as Ollama."""
    model = (await routed(route("a", stub))).for_caller(account)
    fields = json.dumps({"code": 503, "message": "Loading model", "type": "unavailable_error"})
    begun = f"data: {openai_events('Once', None)[0]}\n\n"
    stub.default = raw(f"{begun}error: {fields}\n\n".encode(), "text/event-stream")
    with pytest.raises(ModelError) as caught:
        await model.stream("TellAJoke", **JOKE)
    assert caught.value.kind == "overloaded"
    stub.default = raw(b'event: error\ndata: {"message": "Forbidden"}\n\n', "text/event-stream")
    with pytest.raises(ModelError) as caught:
        await model.stream("TellAJoke", **JOKE)
    assert caught.value.kind == "auth"
    line = b'{"error": "model \'m\' not found"}\n'
    stub.default = raw(line, "application/x-ndjson")
    for call in (model.call, model.stream):
        with pytest.raises(ModelError) as caught:
            await call("TellAJoke", **JOKE)
        assert caught.value.kind == "not_found"


async def test_the_wait_that_comes_with_it(routed, stub: ModelStub, account) -> None:
    """Retry-After counts as well as with the status of an error."""
    stub.replies.append(says(error(code=429), Retry_After="0.2"))
    model = (await routed(route("a", stub, attempts=2))).for_caller(account)
    assert (await model.call("TellAJoke", **JOKE)).text == GOOD
    first, second = account.records
    assert second.sent_at - first.sent_at >= 200_000


CHECKS: dict[str, tuple[Reply, str]] = {
    "rate": (says(error(code=429)), "limit of requests or tokens.*429 inside of HTTP 200"),
    "overloaded": (says(error(type="overloaded_error")), "overloaded.*an error inside of HTTP 200"),
    "model": (says({"error": "model 'x' not found"}), "does not know the model 'a-model'"),
    "path": (says({"error": "Unexpected endpoint (POST /chat)"}), "does not know that path"),
    "key": (says(error(code=401)), "the key is not accepted.*401 inside of HTTP 200"),
    "credit": (says(error(code="insufficient_quota")), "no credit left"),
    "fault": (says(error(code=500)), "a fault on its side.*500 inside of HTTP 200"),
    "HTML": (raw(b"<html>", "text/html"), "is not a model: it answered with a page of HTML"),
    "JSON": (says({"version": "1"}), "is not a model: it answered with JSON with version"),
}


@pytest.mark.parametrize(("reply", "said"), CHECKS.values(), ids=CHECKS)
async def test_a_check_says_the_same(routed, stub: ModelStub, reply: Reply, said: str) -> None:
    """Not that there is no model, where one has answered with an error."""
    stub.default = reply
    (found,) = await (await routed(route("a", stub))).check("a")
    assert not found.ok
    assert re.search(said, found.message), found.message
    assert KEY not in found.message


async def test_a_check_of_a_model_that_thinks(routed, stub: ModelStub) -> None:
    """A model that only thinks, refuses, or answers in parts works."""
    model = await routed(route("a", stub))
    parts = openai()
    parts["choices"][0]["message"]["content"] = [{"type": "text", "text": "OK"}]
    for reply in (answers("<think>hm"), answers("<think>hm</think>OK"), says(parts)):
        stub.default = reply
        (found,) = await model.check("a")
        assert found.ok, found.message


async def test_an_error_of_embeddings(routed, stub: ModelStub, account) -> None:
    """The same for vectors."""
    text = 'default = "a"\n[embeddings]\nroute = "v"\n' + route("a", stub) + route("v", stub)
    model = (await routed(text)).for_caller(account)
    stub.default = says(error(code=429))
    with pytest.raises(ModelError) as caught:
        await model.embed(["the-secret-subject"])
    assert caught.value.kind == "rate_limited"
    assert account.settled == [(0, 0, 0.0)]
    (found,) = await (await routed(text)).check("v")
    assert "429 inside of HTTP 200" in found.message

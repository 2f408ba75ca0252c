"""Answers are read by need: what is missing or odd, and not needed, is no reason to lose one."""

import json

import pytest

from reins.llm import ModelError
from reins.llm.settings import Route
from reins.llm.wire.errors import WireError
from reins.llm.wire.failures import classify
from reins.llm.wire.response import Exchange
from tests.support.callers import route
from tests.support.model_stub import (
    GOOD,
    ModelStub,
    anthropic,
    google,
    openai,
    openai_events,
    raw,
    says,
    streams,
)
from tests.support.wire import send, wire_for

ROUTE = Route("compatible", "m", "http://x")
JOKE = {"subject": "cats", "told": []}
HALVES = [{"type": "text", "text": GOOD[:6]}, {"type": "text", "text": GOOD[6:]}]


def body(**fields: object) -> dict:
    """A good answer with some fields changed; those that are `...` are left out."""
    made = openai() | fields
    return {name: value for name, value in made.items() if value is not ...}


def message(**fields: object) -> dict:
    made = openai()
    given = made["choices"][0]["message"] | fields
    made["choices"][0]["message"] = {n: value for n, value in given.items() if value is not ...}
    return made


def choice(**fields: object) -> dict:
    made = openai()
    given = made["choices"][0] | fields
    made["choices"] = [{name: value for name, value in given.items() if value is not ...}]
    return made


CALL = [{"id": "1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}]
BODIES = {
    "parts": message(content=HALVES),
    "parts without a type": message(content=[{"text": GOOD}]),
    "a part": message(content={"type": "text", "text": GOOD}),
    "parts that are texts": message(content=[GOOD[:6], GOOD[6:]]),
    "a text with a value": message(content=[{"type": "text", "text": {"value": GOOD}}]),
    "a part of a kind unknown": message(content=[{"type": "image_url", "image_url": {}}, *HALVES]),
    "no model": body(model=...),
    "no id": body(id=...),
    "nothing but choices": {"choices": [{"message": {"content": GOOD}}]},
    "numbers as ids": body(id=5, created="1", system_fingerprint=7),
    "null in every field": body(id=None, object=None, created=None, model=None, usage=None),
    "no index": choice(index=...),
    "an index in words": choice(index="0"),
    "no role": message(role=...),
    "a role unknown": message(role="model"),
    "no finish reason": choice(finish_reason=...),
    "a finish reason unknown": choice(finish_reason="eos_token"),
    "no usage": body(usage=...),
    "usage with fractions": body(usage={"prompt_tokens": 11.0, "completion_tokens": 7.0}),
    "half a usage": body(usage={"prompt_tokens": 11}),
    "usage that is none": body(usage="11"),
    "an empty refusal": message(refusal=None, tool_calls=[], function_call=None, audio=None),
    "a call of a tool beside the text": message(tool_calls=CALL),
    "an error that is none": body(error=None),
    "an empty error": body(error={"code": 0, "message": ""}),
    "a result code of success": body(base_resp={"status_code": 0, "status_msg": "success"}),
    "a delta": choice(message=..., delta={"content": GOOD}),
    "an old completion": choice(message=..., text=GOOD),
    "Ollama's own": {"message": {"role": "assistant", "content": GOOD}, "done": True},
    "Ollama's completion": {"response": GOOD, "done": True},
    "llama.cpp's own": {"content": GOOD, "stop": True},
    "responses": {
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": GOOD}]},
        ],
    },
}
OTHERS = {
    "two blocks": ("anthropic", {**anthropic(), "content": HALVES}),
    "Anthropic without usage": ("anthropic", {"type": "message", "content": HALVES}),
    "Anthropic without a type": ("anthropic", {"role": "assistant", "content": HALVES}),
    "two parts": ("google-ai", {"candidates": [{"content": {"parts": HALVES}}]}),
    "Google in a list": ("google-ai", [google(GOOD[:6]), google(GOOD[6:])]),
}


@pytest.mark.parametrize("given", BODIES.values(), ids=BODIES)
async def test_an_odd_answer_is_an_answer(stub: ModelStub, given: dict) -> None:
    """The text is all that is needed of a plain answer."""
    stub.default = says(given)
    exchange = Exchange()
    await send(wire_for(stub.address + "/v1"), exchange, streamed=False)
    assert exchange.response.text == GOOD


@pytest.mark.parametrize(("provider", "given"), OTHERS.values(), ids=OTHERS)
async def test_an_odd_answer_of_others(stub: ModelStub, provider: str, given: object) -> None:
    """As with Anthropic and Google."""
    stub.default = says(json.dumps(given))
    exchange = Exchange()
    await send(wire_for(stub.address, provider=provider), exchange, streamed=False)
    assert exchange.response.text == GOOD


def chunk(delta: object, **fields: object) -> str:
    given = {"index": 0, "delta": delta, "finish_reason": None, **fields}
    return json.dumps(
        {"choices": [{name: value for name, value in given.items() if value is not ...}]}
    )


END = [chunk({}, finish_reason="stop"), "[DONE]"]
EVENTS = {
    "parts": [*(chunk({"content": [half]}) for half in HALVES), *END],
    "parts and texts": [chunk({"content": [HALVES[0]]}), chunk({"content": GOOD[6:]}), *END],
    "no index": [chunk({"content": GOOD}, index=...), *END],
    "deltas that are null": [chunk(None), chunk({"content": GOOD}), chunk(None), *END],
    "nothing but deltas": [json.dumps({"choices": [{"delta": {"content": GOOD}}]}), *END],
    "the whole message once more": [
        chunk({"content": GOOD}),
        chunk(..., message={"content": GOOD}, finish_reason="stop"),
    ],
    "the message so far with each delta": [
        chunk({"content": GOOD[:6]}, message={"content": GOOD[:6]}),
        chunk({"content": GOOD[6:]}, message={"content": GOOD}),
        *END,
    ],
    "a message": [chunk(..., message={"content": GOOD}, finish_reason="stop")],
    "a filter's report first": [
        json.dumps({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
        chunk({"content": GOOD}, content_filter_results={"error": {}}),
        *END,
    ],
    "events of a kind unknown": ['{"type": "ping"}', '{"note": 1}', chunk({"content": GOOD}), *END],
    "a second choice": [chunk({"content": "no"}, index=1), chunk({"content": GOOD}), *END],
}


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS)
async def test_an_odd_stream_is_an_answer(stub: ModelStub, events: list[str]) -> None:
    """Text and end are all that is needed of a stream; it is shown while it comes."""
    stub.default = streams(events)
    exchange, texts = Exchange(), []
    await send(wire_for(stub.address + "/v1"), exchange, streamed=True, texts=texts)
    assert exchange.response.text == texts[-1] == GOOD


async def test_a_stream_that_nobody_asked_for(stub: ModelStub) -> None:
    """A server that streams to a plain call is understood."""
    stub.default = streams(openai_events())
    exchange = Exchange()
    await send(wire_for(stub.address + "/v1"), exchange, streamed=False)
    assert exchange.response.text == GOOD
    pieces = [{"message": {"content": word}, "done": False} for word in (GOOD[:6], GOOD[6:])]
    lines = [json.dumps(piece) for piece in (*pieces, {"message": {"content": ""}, "done": True})]
    stub.default = raw("\n".join(lines).encode(), "application/x-ndjson")
    await send(wire_for(stub.address + "/v1"), exchange, streamed=False)
    assert exchange.response.text == GOOD


NO_ANSWERS = {
    "HTML": (raw(b"<!DOCTYPE html><p>the-secret</p>", "text/html"), "garbage", "a page of HTML"),
    "a text": (raw(b"the-secret", "text/plain"), "garbage", "text that is no JSON"),
    "half": (raw(b'{"choices": [{"message": {"con'), "garbage", "JSON that breaks off"),
    "nothing": (raw(b""), "garbage", "answered with nothing"),
    "other fields": (
        says({"status": "ok", "version": "2", "the-secret": 1}),
        "garbage",
        "JSON with status, version",
    ),
    "no choices": (says(body(choices=[])), "garbage", "JSON with id, object"),
    "a number": (raw(b"3"), "garbage", "JSON that is a number"),
    "a list": (raw(b"[1]"), "garbage", "JSON that is a list"),
    "a call of a tool": (
        says(message(content=None, tool_calls=CALL)),
        "empty",
        "a call of look_up, where no tool was offered",
    ),
    "a call of an odd tool": (
        says(message(content="", function_call={"name": "the-secret"})),
        "empty",
        "a call of a tool, where none",
    ),
    "a refusal": (says(message(content=None, refusal="the-secret")), "refused", "it refused"),
    "a refusal in a part": (
        says(message(content=[{"type": "refusal", "refusal": "the-secret"}])),
        "refused",
        "it refused",
    ),
    "Google's block": (says({"promptFeedback": {"blockReason": "SAFETY"}}), "refused", "no whole"),
    "no text": (says(message(content="")), "empty", "an empty answer"),
    "no content": (says(message(content=...)), "empty", "an empty answer"),
}


@pytest.mark.parametrize(("reply", "kind", "said"), NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_what_is_no_answer_is_told_by_what_it_is(stub: ModelStub, reply, kind, said) -> None:
    """In words that say what came, and quote nothing of it."""
    stub.default = reply
    exchange = Exchange()
    with pytest.raises(WireError) as caught:
        await send(wire_for(stub.address + "/v1"), exchange, streamed=False)
    error = classify(caught.value, exchange.response, ROUTE)
    assert (error.kind, said in str(error)) == (kind, True), str(error)
    assert "the-secret" not in str(error)


async def test_calls_of_tools_in_a_stream(routed, stub: ModelStub, account) -> None:
    """A tool that nobody offered is an empty answer, which is tried again."""
    events = [
        chunk({"tool_calls": [{"index": 0, **CALL[0]}]}),
        chunk({}, finish_reason="tool_calls"),
    ]
    stub.replies.append(streams(events))
    model = (await routed(route("a", stub, attempts=2))).for_caller(account)
    assert (await model.stream("TellAJoke", **JOKE)).text == GOOD
    assert [record.error_kind for record in account.records] == ["empty", None]
    assert "a call of look_up" in account.records[0].error
    stub.default = streams(events)
    with pytest.raises(ModelError):
        await model.stream("TellAJoke", **JOKE)

"""What a model thinks is no answer: not in a text, a stream, a value, nor on the record of it."""

import json

import pytest
from pydantic import BaseModel

from reins.llm import ModelError
from reins.llm.wire.response import Exchange
from tests.support.callers import KEY, Account, route
from tests.support.model_stub import (
    GOOD,
    ModelStub,
    answers,
    anthropic,
    google,
    openai,
    openai_events,
    says,
    streams,
)
from tests.support.wire import send, wire_for

JOKE = {"subject": "cats", "told": []}
THOUGHT = "They want a joke about cats. Do not tell the plan."
ASK = {"goal": "find the price of tea", "actions": ["look_up", "finish"], "seen": ["a shop"]}
DRAFT = '{"action": "finish", "reason": "a draft"}'
CHOICE = '{"action": "look_up", "reason": "to see"}'


class Choice(BaseModel):
    action: str
    reason: str


def chunk(delta: object, reason: str | None = None, **more: object) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more})


def with_fields(**fields: object) -> dict:
    body = openai()
    body["choices"][0]["message"].update(fields)
    return body


def as_anthropic(*blocks: dict) -> dict:
    return {**anthropic(), "content": [*blocks, {"type": "text", "text": GOOD}]}


def as_google(*parts: dict) -> dict:
    body = google()
    body["candidates"][0]["content"]["parts"].insert(0, *parts)
    return body


THINKING = {"type": "thinking", "thinking": THOUGHT, "signature": "x"}
BODIES = {
    "tags": ("openai-generic", openai(f"<think>\n{THOUGHT}\n</think>\n\n{GOOD}")),
    "a closing tag alone": ("openai-generic", openai(f"{THOUGHT}\n</think>\n\n{GOOD}")),
    "reasoning_content": ("openai-generic", with_fields(reasoning_content=THOUGHT)),
    "reasoning": ("openai-generic", with_fields(reasoning=THOUGHT)),
    "both": ("openai-generic", with_fields(reasoning=THOUGHT, reasoning_content=THOUGHT)),
    "thinking": ("openai-generic", with_fields(thinking=THOUGHT)),
    "details": (
        "openai-generic",
        with_fields(reasoning_details=[{"type": "reasoning.text", "text": THOUGHT}]),
    ),
    "parts of Mistral": (
        "openai-generic",
        with_fields(content=[
            {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
            {"type": "text", "text": GOOD},
        ]),
    ),
    "blocks of Anthropic": ("anthropic", as_anthropic(THINKING)),
    "parts of Google": ("google-ai", as_google({"text": THOUGHT, "thought": True})),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "body"), BODIES.values(), ids=BODIES)
async def test_a_thought_is_told_apart(stub: ModelStub, provider: str, body: dict) -> None:
    """In tags, fields, parts and blocks: the answer is the answer, and the thought is kept once."""
    stub.default = says(body)
    address = stub.address + ("/v1" if provider == "openai-generic" else "")
    exchange = Exchange()
    await send(wire_for(address, provider=provider), exchange, streamed=False)
    assert (exchange.response.text.strip(), exchange.response.thought) == (GOOD, THOUGHT)
    assert THOUGHT not in exchange.response.raw


STREAMS = {
    "tags": openai_events(f"<think>\n{THOUGHT}\n</think>\n\n{GOOD}"),
    "tags, sign by sign": [
        *(chunk({"content": sign}) for sign in f"<think>{THOUGHT}</think>{GOOD}"),
        chunk({}, "stop"),
    ],
    "channels": openai_events(
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final"
        f"<|message|>{GOOD}"
    ),
    "fields": [
        *(chunk({"reasoning_content": word, "content": None}) for word in THOUGHT.split(" ")),
        *openai_events(),
    ],
    "parts": [
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}]}),
        chunk({"content": [{"type": "text", "text": GOOD}]}),
        chunk({}, "stop"),
    ],
}


@pytest.mark.parametrize("events", STREAMS.values(), ids=STREAMS)
async def test_a_stream_shows_no_thought(routed, stub: ModelStub, account, events) -> None:
    """Not a word of a thought is handed on; what is handed on adds up to the answer."""
    stub.default = streams(events)
    model = (await routed(route("a", stub))).for_caller(account)
    done = await model.stream("TellAJoke", **JOKE)
    assert done.text == GOOD
    assert "".join(delta.text for delta in account.deltas) == GOOD
    (record,) = account.records
    assert record.answer.strip() == GOOD
    assert "".join(record.thought.split()) == "".join(THOUGHT.split())


async def test_a_closing_tag_alone_is_taken_back_once(routed, stub: ModelStub) -> None:
    """The first time the thought is shown and taken back; from then on it is held back."""
    stub.default = streams(openai_events(f"{THOUGHT}\n</think>\n\n{GOOD}"), pause_s=0.005)
    router = await routed(route("a", stub))
    first, second = Account(), Account()
    for account in (first, second):
        done = await router.for_caller(account).stream("TellAJoke", **JOKE)
        assert done.text == GOOD
        told = ""
        for delta in account.deltas:
            told = told[: delta.offset] + delta.text
        assert told == GOOD
    assert not any("plan" in delta.text for delta in second.deltas)


async def test_nothing_but_a_thought_is_empty(routed, stub: ModelStub, account) -> None:
    """It is tried again, as any empty answer, and the record has the thought."""
    only = openai(f"<think>{THOUGHT}</think>")
    field = with_fields(content=None, reasoning_content=THOUGHT)
    stub.replies.extend([says(only), says(field)])
    model = (await routed(route("a", stub, attempts=3))).for_caller(account)
    assert (await model.call("TellAJoke", **JOKE)).text == GOOD
    assert [record.error_kind for record in account.records] == ["empty", "empty", None]
    assert [record.thought for record in account.records] == [THOUGHT, THOUGHT, None]
    assert "thoughts, and no answer" in account.records[0].error
    assert account.records[0].tokens_out == 7, "thinking is paid for"
    stub.default = answers(f"<think>{THOUGHT}")
    with pytest.raises(ModelError) as caught:
        await model.stream("TellAJoke", **JOKE)
    assert caught.value.kind == "empty"
    assert account.deltas == []


async def test_what_is_on_record_of_a_thought(routed, stub: ModelStub, account) -> None:
    """It is without keys, bounded, estimated where nobody counted, and off where prompts are."""
    body = with_fields(reasoning=f"the key is {KEY} " + "ä" * 40_000)
    del body["usage"]
    stub.default = says(body)
    text = route("a", stub)
    await (await routed(text)).for_caller(account).call("TellAJoke", **JOKE)
    (record,) = account.records
    assert KEY not in record.thought
    assert len(record.thought.encode()) <= 64 * 1024
    assert record.answer == GOOD
    assert record.estimated
    assert record.tokens_out > 5_000
    silent = await routed(text, record_prompts=False)
    await silent.for_caller(account).call("TellAJoke", **JOKE)
    assert account.records[1].thought is None


async def test_a_long_thought_is_no_long_answer(routed, stub: ModelStub) -> None:
    """A thought may be longer than a step's text; one without end is ended."""
    model = await routed(route("a", stub))
    for text in (f"<think>{'x ' * 60_000}</think>{GOOD}", f"{'x ' * 60_000}</think>{GOOD}"):
        stub.default = says(openai(text))
        assert (await model.call("TellAJoke", **JOKE)).text == GOOD
    stub.default = streams(openai_events(f"<think>{'x' * 100_000} </think>{GOOD}"))
    assert (await model.stream("TellAJoke", **JOKE)).text == GOOD
    for thought in (chunk({"content": "x" * 50_000}), chunk({"reasoning": "x" * 50_000})):
        stub.default = streams([chunk({"content": "<think>"}), *[thought] * 30, chunk({}, "stop")])
        with pytest.raises(ModelError) as caught:
            await model.stream("TellAJoke", **JOKE)
        assert caught.value.kind == "too_long"


DRAFTS = {
    "in tags": f"<think>Perhaps {DRAFT}?</think>\n{CHOICE}",
    "before a closing tag": f"Perhaps {DRAFT}?\n</think>\n{CHOICE}",
    "in a channel": f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant"
    f"<|channel|>final <|constrain|>json<|message|>{CHOICE}",
    "in a fence": f"<think>\n```json\n{DRAFT}\n```\n</think>\n```json\n{CHOICE}\n```",
}


@pytest.mark.parametrize("text", DRAFTS.values(), ids=DRAFTS)
async def test_a_draft_is_no_value(make, stub: ModelStub, text: str) -> None:
    """A structured answer is read from the answer, not from what was thought before."""
    stub.default = answers(text)
    done = await (await make()).structured("ChooseAction", Choice, **ASK)
    assert (done.value.action, done.repaired) == ("look_up", False)


async def test_a_draft_alone_is_empty(make, stub: ModelStub) -> None:
    """A thought that never ends holds no value; a field of its own is no answer either."""
    model = await make()
    for body in (openai(f"<think>{DRAFT}"), with_fields(content="", reasoning_content=CHOICE)):
        stub.default = says(body)
        with pytest.raises(ModelError) as caught:
            await model.structured("ChooseAction", Choice, **ASK)
        assert caught.value.kind == "empty"


async def test_what_is_sent_back_has_no_thought(make, stub: ModelStub) -> None:
    """An answer that does not fit goes back without what was thought before it."""
    stub.replies.append(answers(f"<think>{THOUGHT}</think>I would look."))
    stub.default = answers(CHOICE)
    done = await (await make()).structured("ChooseAction", Choice, **ASK)
    assert done.repaired
    assert THOUGHT not in json.dumps(stub.seen[1].body)

"""A prompt that is longer than its model can take: told as that, by whatever way it comes."""

import json

import pytest

from reins.llm import ModelError, ModelRouter
from tests.support.callers import route
from tests.support.model_stub import GOOD, ModelStub, Reply, openai, openai_events, says, streams

JOKE = {"subject": "the-secret-subject", "told": []}


def refuses(message: str, status: int = 400, **fields: object) -> Reply:
    return says({"error": {"message": message, **fields}}, status)


OPENAI = "This model's maximum context length is 100 tokens. However, you requested 400 tokens."
LLAMA = {"type": "exceed_context_size_error", "n_prompt_tokens": 400, "n_ctx": 100}
EVENT = json.dumps({"error": {"code": "context_length_exceeded", "message": OPENAI}})
WAYS: dict[str, tuple[Reply, bool]] = {
    "OpenAI": (refuses(OPENAI, code="context_length_exceeded"), True),
    "only in words": (refuses(OPENAI), True),
    "Anthropic": (refuses("prompt is too long: 400 tokens > 100 maximum"), True),
    "413": (refuses("Request exceeds the maximum size", 413, type="request_too_large"), False),
    "422": (says('{"error": "`inputs` must have less than 100 tokens. Given: 400"}', 422), True),
    "llama.cpp": (refuses("the request exceeds the available context size", 400, **LLAMA), True),
    "llama.cpp, older": (refuses("the request exceeds the available context size", 500), False),
    "no JSON": (says("Input is too long for requested model.", 400), False),
    "over a minute's worth": (
        refuses("Request too large on tokens per min (TPM): Limit 100, Requested 400.", 429),
        True,
    ),
    "inside a success": (refuses(OPENAI, 200, code="context_length_exceeded"), True),
    "in a stream": (streams([EVENT]), True),
    "in the middle of a stream": (streams([*openai_events()[:2], EVENT]), True),
}


async def error_of(model: ModelRouter) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await model.stream("TellAJoke", **JOKE)
    return caught.value


@pytest.mark.parametrize(("reply", "tells"), WAYS.values(), ids=WAYS)
async def test_it_is_told_with_its_lengths(
    make,
    stub: ModelStub,
    reply: Reply,
    tells: bool,  # noqa: FBT001
) -> None:
    """The kind, what was sent, what fits where the server says so, and what to set."""
    stub.default = reply
    error = await error_of(await make(attempts=4))
    assert (error.kind, error.retryable, len(stub.seen)) == ("context_too_long", False, 1)
    assert "context_tokens" in str(error)
    assert "the-secret-subject" not in str(error)
    assert error.given_tokens is not None
    assert error.given_tokens > 100
    if tells:
        assert "about 400 tokens is longer than the model's context of 100 tokens" in str(error)
        assert (error.given_tokens, error.limit_tokens) == (400, 100)
    else:
        assert f"about {error.given_tokens} tokens is longer than the model's context." in str(
            error
        )
        assert error.limit_tokens is None


async def test_a_fallback_may_have_a_longer_context(routed, stub: ModelStub, other) -> None:
    """It is asked; the route that was asked first is neither at fault nor down."""
    stub.default = refuses(OPENAI)
    entries = route("a", stub, fallback=["b"], breaker_failures=1) + route("b", other)
    model = await routed('default = "a"\n' + entries)
    for _ in range(3):
        assert (await model.call("TellAJoke", **JOKE)).route == "b"
    assert len(stub.seen) == 3
    other.default = says(openai("no", "content_filter"))
    error = await error_of(model)
    assert (error.kind, error.limit_tokens) == ("context_too_long", 100)


async def test_embeddings(routed, stub: ModelStub) -> None:
    """A text that is too long for the embeddings' model, too."""
    stub.default = refuses("This model's maximum context length is 8192 tokens, however you "
                           "requested 9000 tokens.")  # fmt: skip
    model = await routed('default = "offline"\n[embeddings]\nroute = "a"\n' + route("a", stub))
    with pytest.raises(ModelError, match="context of 8192 tokens") as caught:
        await model.embed(["a"])
    assert caught.value.kind == "context_too_long"


async def test_other_refusals_stay_what_they_are(make, stub: ModelStub) -> None:
    """A prompt that speaks of contexts does not make one of an error that quotes it."""
    stub.default = refuses("The model `m` does not exist", 404, param="context length exceeded")
    assert (await error_of(await make())).kind == "not_found"


async def test_a_check_says_so(routed, stub: ModelStub) -> None:
    """A context in which not even the check fits."""
    stub.default = refuses(OPENAI)
    model = await routed(route("a", stub))
    (found,) = await model.check("a")
    assert "longer than the model's context of 100 tokens" in found.message
    stub.default = says(openai(GOOD))
    assert (await model.check("a"))[0].ok

"""Each provider is spoken to in its own way: path, key header, body, finish reasons."""

from dataclasses import replace

import pytest

from reins.llm import ModelError, ModelRouter, ModelSettings
from reins.llm.routes import providers as routes
from tests.support.model_stub import GOOD, ModelStub, anthropic, google, openai, says

PROVIDERS = [
    (
        "openai",
        openai,
        "/chat/completions",
        "Authorization",
        "Bearer k",
        "length",
        "content_filter",
    ),
    ("anthropic", anthropic, "/v1/messages", "x-api-key", "k", "max_tokens", "refusal"),
    ("google", google, "/models/m:generateContent", "x-goog-api-key", "k", "MAX_TOKENS", "SAFETY"),
    ("ollama", openai, "/chat/completions", "Authorization", None, "length", "content_filter"),
]


async def start(provider: str, stub: ModelStub, monkeypatch: pytest.MonkeyPatch) -> ModelRouter:
    here = {
        name: replace(p, address=stub.address if name != "google" else stub.address + "/v1beta")
        for name, p in routes.PROVIDERS.items()
    }
    monkeypatch.setattr(routes, "PROVIDERS", here)
    key = None if provider == "ollama" else "k"
    model = ModelRouter(ModelSettings(model=f"{provider}/m", api_key=key, attempts=1, environ={}))
    await model.start()
    return model


@pytest.mark.parametrize("row", PROVIDERS, ids=lambda row: row[0])
async def test_a_request_is_the_providers_own_and_its_usage_is_read(stub, monkeypatch, row) -> None:
    """The request is the provider's own, usage is read, and denied finish reasons are errors."""
    provider, body, path, header, value, cut, refused = row
    model = await start(provider, stub, monkeypatch)
    try:
        stub.default = says(body())
        done = await model.call("TellAJoke", subject="cats", told=[])
        assert (done.text, done.tokens_in, done.tokens_out) == (GOOD, 11, 7)
        assert stub.seen[0].path.endswith(path)
        lower = {name.lower(): given for name, given in stub.seen[0].headers.items()}
        assert lower.get(header.lower()) == value
        assert provider in str(model.route)
        for reason, kind in ((cut, "truncated"), (refused, "refused")):
            stub.default = says(body("partly", reason))
            with pytest.raises(ModelError) as caught:
                await model.call("TellAJoke", subject="cats", told=[])
            assert caught.value.kind == kind
        stub.default = says("{}")
        with pytest.raises(ModelError) as caught:
            await model.call("TellAJoke", subject="cats", told=[])
        assert caught.value.kind == "garbage"
    finally:
        await model.stop()


def test_the_true_addresses() -> None:
    """The table of providers holds their public addresses, all by https but the local one."""
    for name, provider in routes.PROVIDERS.items():
        assert provider.address.startswith("http://localhost" if name == "ollama" else "https://")

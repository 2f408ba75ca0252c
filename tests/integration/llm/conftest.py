"""A misbehaving server, and models that talk to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from llm import Model, ModelSettings
from tests.model_stub import ModelStub

KEY = "sk-very-secret"


@pytest.fixture
async def stub() -> AsyncIterator[ModelStub]:
    async with ModelStub() as running:
        yield running


@pytest.fixture
async def make(stub: ModelStub) -> AsyncIterator[Callable[..., object]]:
    """Start a model that calls the stub; it is stopped in the end."""
    async with AsyncExitStack() as stack:

        async def started(**given: object) -> Model:
            prompts = {"prompts": given.pop("prompts")} if "prompts" in given else {}
            plain = {
                "model": "m",
                "base_url": stub.address + "/v1",
                "api_key": KEY,
                "attempts": 1,
                "deadline_s": 10.0,
                "environ": {},
            }
            model = Model(ModelSettings(**{**plain, **given}), **prompts)
            await model.start()
            stack.push_async_callback(model.stop)
            return model

        yield started

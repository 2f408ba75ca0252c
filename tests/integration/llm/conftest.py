"""A misbehaving server, and models that talk to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from reins.llm import ModelRouter, ModelSettings
from tests.support.callers import KEY, Account
from tests.support.model_stub import ModelStub
from tests.support.wire import close_wires


@pytest.fixture(autouse=True)
async def no_wires_left() -> AsyncIterator[None]:
    yield
    await close_wires()


@pytest.fixture
async def stub() -> AsyncIterator[ModelStub]:
    async with ModelStub() as running:
        yield running


@pytest.fixture
async def other() -> AsyncIterator[ModelStub]:
    """A second server, to fall back on."""
    async with ModelStub() as running:
        yield running


@pytest.fixture
async def make(stub: ModelStub) -> AsyncIterator[Callable[..., object]]:
    """Start a model that calls the stub; it is stopped in the end."""
    async with AsyncExitStack() as stack:

        async def started(**given: object) -> ModelRouter:
            prompts = {"prompts": given.pop("prompts")} if "prompts" in given else {}
            plain = {
                "model": "m",
                "base_url": stub.address + "/v1",
                "api_key": KEY,
                "attempts": 1,
                "deadline_s": 10.0,
                "environ": {},
            }
            model = ModelRouter(ModelSettings(**{**plain, **given}), **prompts)
            await model.start()
            stack.push_async_callback(model.stop)
            return model

        yield started


@pytest.fixture
async def routed(make, tmp_path: Path):
    """Write a file of routes, and start the models that it names."""

    async def started(text: str, **given: object) -> ModelRouter:
        file = tmp_path / "models.toml"
        file.write_text(text)
        own = {"model": "offline", "base_url": None, "api_key": None, "environ": {"KEY": KEY}}
        return await make(models_file=file, **{**own, **given})

    return started


@pytest.fixture
def account() -> Account:
    return Account()

"""What tests of all kinds begin with."""

import asyncio

import pytest

from store.store import Store


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory):
    """Tables and indices take a second to make: made once, copied for each test."""
    folder = tmp_path_factory.mktemp("empty") / "data"

    async def make() -> None:
        store = Store(folder)
        await store.start()
        await store.stop()

    asyncio.run(make())
    return folder

import pytest

from store.store import Store


@pytest.fixture
async def store(tmp_path):
    """A store that flushes twenty times a second."""
    store = Store(tmp_path / "data", flush_s=0.05)
    await store.start()
    yield store
    await store.stop()

"""What tests of all kinds begin with."""

import asyncio
import os

import hypothesis
import pytest

from reins import redaction
from store.store import Store

os.environ.setdefault("REINS_PACE", "free")
"""Who tests no pace waits for none; processes of tests inherit it."""


# A machine that does something else for a while is no fault of an example.
hypothesis.settings.register_profile("reins", deadline=None)
hypothesis.settings.load_profile("reins")


@pytest.fixture(autouse=True)
def nothing_secret(monkeypatch):
    """What one test makes known as a key is none in the next."""
    monkeypatch.setattr(redaction, "_redactor", redaction.Redactor(()))


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory):
    """A data folder with every table and index; made once, copied by those who need it whole."""
    folder = tmp_path_factory.mktemp("empty") / "data"

    async def make() -> None:
        store = Store(folder)
        await store.start()
        await store.stop()

    asyncio.run(make())
    return folder

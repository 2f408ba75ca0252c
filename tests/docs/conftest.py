import os

import pytest

from tests.docs.expected import ROOT
from tests.docs.running import Follower


@pytest.fixture
def follow(tmp_path, monkeypatch):
    """Makes a follower whose working folder is an empty one, with no setting but its own."""
    for name in [name for name in os.environ if name.startswith("REINS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    made = []

    def follow(*entry, **settings):
        made.append(Follower(tmp_path, entry, **settings))
        return made[-1]

    yield follow
    for follower in made:
        follower.close()

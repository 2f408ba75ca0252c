"""A workspace on disk and calls of tools in it; confinements in each way that they can be had."""

import sys
from pathlib import Path

import pytest

from reins.tools import Calls, Context, Outcome, Tool
from tests.support.boxes import Box, CannotTryError

WAYS = [
    ("bubblewrap", "root"),
    ("bubblewrap", "user"),
    ("landlock", "root"),
    ("landlock", "user"),
]


def opened(kind, who):
    if sys.platform != "linux":
        pytest.skip("Linux alone has it")
    try:
        return Box(kind, who)
    except CannotTryError as why:
        pytest.skip(f"{kind} by {who}: {why}")


@pytest.fixture(scope="module", params=WAYS, ids=["-".join(way) for way in WAYS])
def box(request):
    """A process that runs commands confined."""
    made = opened(*request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def open_box():
    """One that confines nothing, by an ordinary user: for comparison."""
    made = opened("unconfined", "user")
    yield made
    made.close()


class Working:
    """Calls tools in a workspace, as a session would."""

    def __init__(self, folder: Path, results: Path) -> None:
        self.folder = folder
        self.calls = Calls()
        self.context = Context(session_id="s", seq=7, workspace=folder, results=results)

    async def __call__(self, tool: Tool, **arguments: object) -> Outcome:
        return await self.calls.call(tool, arguments, self.context)


@pytest.fixture
def work(tmp_path: Path) -> Working:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return Working(folder, tmp_path / "results")

"""A workspace on disk, and calls of tools in it."""

from pathlib import Path

import pytest

from reins.tools import Calls, Context, Outcome, Tool


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

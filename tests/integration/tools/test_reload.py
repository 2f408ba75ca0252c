"""A reload of the environment reads tools anew, and keeps the old ones where the new are broken."""

import shutil
import sys

import pytest

from agents import Runtime
from reins.settings import load_settings

TOOL = """
from reins.tools import tool

@tool(risk="low")
async def greet() -> str:
    "Greet."
    return {said!r}
"""


@pytest.fixture
def module(tmp_path, monkeypatch, empty_folder):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("REINS_TOOLS", '["reloaded_tools"]')
    monkeypatch.setenv("REINS_DATA", str(shutil.copytree(empty_folder, tmp_path / "data")))
    yield tmp_path / "reloaded_tools.py"
    sys.modules.pop("reloaded_tools", None)


async def test_tools_are_read_anew_by_a_reload(module):
    """What is broken is told, and changes nothing."""
    module.write_text(TOOL.format(said="hello"))
    runtime = Runtime(load_settings())
    await runtime.start()
    try:

        async def said() -> str:
            return await runtime.toolbox.select(["greet"])["greet"].acall()

        assert await said() == "hello"
        module.write_text(TOOL.format(said="salut"))
        await runtime.reload()
        assert await said() == "salut"
        module.write_text("def")
        with pytest.raises(ValueError, match="take it out of REINS_TOOLS"):
            await runtime.reload()
        assert await said() == "salut"
    finally:
        await runtime.stop()

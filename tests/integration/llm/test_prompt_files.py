"""The folder that prompts are read from."""

from pathlib import Path

import pytest

from reins.llm import ModelConfigError
from reins.llm.baml.prompts import read_prompts


def test_no_prompts_is_an_error(tmp_path: Path) -> None:
    """A folder without prompts, or with one that is not UTF-8, is an error that names it."""
    with pytest.raises(ModelConfigError, match="holds no prompts"):
        read_prompts(tmp_path)
    (tmp_path / "a.baml").write_bytes(b"\xff")
    with pytest.raises(ModelConfigError, match="cannot be read"):
        read_prompts(tmp_path)

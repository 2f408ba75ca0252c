"""Prompts are read from disk and only text functions count; text is made safe both ways."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm import ModelConfigError
from llm.model import PROMPTS
from llm.prompts import read_prompts, text_functions
from llm.text import clean, encodable_argument

ROOT = PROMPTS.parent


def test_our_prompts_are_text_functions() -> None:
    """The functions that agents call are found in baml_src."""
    assert {"TellAJoke", "ExtractSubject"} <= text_functions(read_prompts(PROMPTS))


def test_only_string_functions_count() -> None:
    """A typed function, and one that stands in a prompt or a comment, is not callable."""
    source = """
    // function InComment(a: string) -> string {
    function Typed(a: string) -> string[] { client X prompt ##" "# function InPrompt() -> string {
    "## }
    function Maybe(a: string) -> string? { client X prompt #""# }
    function Text(a: string, b: int)  ->  string{ client X prompt #" http://x "# }
    """
    assert text_functions({"a.baml": source}) == {"Text"}


def test_no_prompts_is_an_error(tmp_path: Path) -> None:
    """A folder without prompts, or with one that is not UTF-8, is an error that names it."""
    with pytest.raises(ModelConfigError, match="holds no prompts"):
        read_prompts(tmp_path)
    (tmp_path / "a.baml").write_bytes(b"\xff")
    with pytest.raises(ModelConfigError, match="cannot be read"):
        read_prompts(tmp_path)


def test_the_generated_client_is_up_to_date(tmp_path: Path) -> None:
    """What `baml-cli generate` makes of baml_src is what is committed in llm/baml_client."""
    source = tmp_path / "baml_src"
    source.mkdir()
    for name, text in read_prompts(PROMPTS).items():
        (source / name).write_text(text, encoding="utf-8")
    cli = Path(sys.executable).with_name("baml-cli")
    command = [cli, "generate", "--from", source]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    made = {f.name: f.read_text() for f in (tmp_path / "llm" / "baml_client").glob("*.py")}
    kept = {f.name: f.read_text() for f in (ROOT / "llm" / "baml_client").glob("*.py")}
    assert made == kept, "run: .venv/bin/baml-cli generate --from baml_src"


def test_clean() -> None:
    """Control characters and surrounding space go; tabs, newlines and the rest stay."""
    assert clean(" \0a\x1b[31m\tb\r\nc\ud800 😀\n") == "a[31m\tb\nc? 😀"


@given(st.text(st.characters(exclude_categories=())))
def test_clean_text_can_be_stored(text: str) -> None:
    """Whatever a model says, the result is JSON, UTF-8, free of NUL, and stays clean."""
    made = clean(text)
    assert orjson.loads(orjson.dumps(made)) == made
    assert "\0" not in made
    assert clean(made) == made


@given(st.recursive(st.text(st.characters(exclude_categories=())) | st.booleans(), st.lists))
def test_arguments_are_made_encodable(value: object) -> None:
    """Surrogates in any depth of an argument are replaced: BAML would refuse the argument."""

    orjson.dumps(encodable_argument(value))

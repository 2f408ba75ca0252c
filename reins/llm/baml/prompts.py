"""The prompts on disk: which BAML files there are, and which functions may be called."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from reins.llm.errors import ModelConfigError

PROMPTS = Path(__file__).resolve().parents[3] / "baml_src"
CLIENTS_FILE = "clients.baml"

# Prompts and comments may hold anything, a function's declaration among it.
PROMPT = re.compile(r'(#+)".*?"\1', re.DOTALL)
COMMENT = re.compile(r"//[^\n]*")
PUT_ASIDE = re.compile(r'"(\d+)"')
FUNCTION = re.compile(r"\bfunction\s+(\w+)\s*\([^)]*\)\s*->\s*([^{]*?)\s*\{")


def read_prompts(folder: Path) -> dict[str, str]:
    """Every BAML file below `folder`, by its relative path.

    Raises: ModelConfigError when there is none, or one cannot be read.
    """
    try:
        files = {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(folder.rglob("*.baml"))
        }
    except (OSError, UnicodeError) as error:
        raise ModelConfigError(f"The prompts in {folder} cannot be read: {error}.") from error
    if not files:
        raise ModelConfigError(
            f"{folder} holds no prompts; expected *.baml files. Check that baml_src is there."
        )
    return files


def text_functions(files: Mapping[str, str]) -> dict[str, int]:
    """The functions that return plain text, each with the characters of its prompt's template.

    Only these may be called: BAML's parser of structured output is super-linear on hostile answers
    and can hang or crash the process (see the notes on BAML); a `-> string` never reaches it.
    """
    return {name: size for name, returns, size in functions(files) if returns == "string"}


def functions(files: Mapping[str, str]) -> list[tuple[str, str, int]]:
    """Every function: its name, its type, and the characters of its prompt's template."""
    return [found for source in files.values() for found in _functions(source)]


def _functions(source: str) -> Iterator[tuple[str, str, int]]:
    sizes: list[int] = []

    def put_aside(prompt: re.Match[str]) -> str:
        sizes.append(len(prompt[0]))
        return f'"{len(sizes) - 1}"'

    bare = COMMENT.sub("", PROMPT.sub(put_aside, source))
    for found in FUNCTION.finditer(bare):
        prompt = PUT_ASIDE.search(bare, found.end())
        yield found[1], found[2], sizes[int(prompt[1])] if prompt else 0

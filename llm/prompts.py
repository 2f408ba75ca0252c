"""The prompts on disk: which BAML files there are, and which functions may be called."""

import re
from pathlib import Path

from llm.errors import ModelConfigError

CLIENTS_FILE = "clients.baml"

# Prompts and comments may hold anything, a function's declaration among it.
PROMPT = re.compile(r'(#+)".*?"\1', re.DOTALL)
COMMENT = re.compile(r"//[^\n]*")
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


def text_functions(files: dict[str, str]) -> frozenset[str]:
    """The names of functions that return plain text.

    Only these may be called: BAML's parser of structured output is super-linear on hostile answers
    and can hang or crash the process (see the notes on BAML); a `-> string` never reaches it.
    """
    found = set()
    for source in files.values():
        bare = COMMENT.sub("", PROMPT.sub('""', source))
        found |= {name for name, returns in FUNCTION.findall(bare) if returns == "string"}
    return frozenset(found)

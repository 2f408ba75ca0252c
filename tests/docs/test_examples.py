"""The shell lines and the Python of docs/ run as they stand, with a worker of their own."""

import importlib.util
import re
import sys

import pytest

from store.agent_state import list_agent_states
from store.reading import Reader
from tests.docs.expected import ROOT, blocks, documents
from tests.docs.running import acts, in_process, is_steering

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
RUNNABLE = [
    path
    for path in documents()
    if path.name != "README.md"
    and {language for language, _ in blocks(path.read_text())} & {"python", "sh"}
]

SHOWN = [
    (path.stem, lines)
    for path in sorted((ROOT / "reins" / "web" / "dashboard" / "src").rglob("*.svelte"))
    for lines in re.findall(r"`(import queue_imp as q\n[^`]*)`", path.read_text())
]


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.name)
def test_a_document_runs(path, follow, monkeypatch):
    """Each block does what it says without an error; a backup holds what the folder holds."""
    reader = follow(REINS_HEARTBEAT_S="0.3")
    monkeypatch.setenv("REINS_SQL", "on")
    for language, source in blocks(path.read_text()):
        if language == "python":
            reader.python(source)
        elif language == "sh":
            for line in source.splitlines():
                run(reader, line)


def run(reader, line):
    if is_steering(line):
        in_process(f"{line} --wait" if acts(line) else line)
    elif line.startswith("cp "):
        assert reader.worker.stop() == 0
        reader.shell(line)
        states = list_agent_states()
        assert states
        assert list_agent_states(store=Reader(reader.folder / line.split()[-1])) == states
    elif not line.startswith("python -m agents"):  # it runs already; test_documents looks at it
        reader.shell(line)


@pytest.mark.parametrize("lines", [lines for _, lines in SHOWN], ids=[name for name, _ in SHOWN])
def test_what_the_page_shows_to_be_typed_runs(lines, follow):
    """Its lines of Python do what they say, with a name in the place of each that is filled in."""
    reader = follow(REINS_HEARTBEAT_S="0.3")
    reader.start()
    reader.python(re.sub(r"\$\{\w+\}", "filled-in", lines))


def test_every_page_that_shows_lines_is_among_them():
    """Those where nothing is yet, and those of a name that nothing has yet."""
    assert len(SHOWN) == 11


def test_the_how_to_is_among_them():
    """The page that is made of examples is not left out by mistake."""
    assert ROOT / "docs" / "how-to.md" in RUNNABLE


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem
)
def test_no_example_hides_a_module(path):
    """Run as a script, an example's folder comes first: no module that is imported has its name."""
    assert path.stem not in sys.stdlib_module_names
    assert importlib.util.find_spec(path.stem) is None

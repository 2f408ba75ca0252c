"""The shell lines and the Python of docs/ run as they stand, with a worker of their own."""

import importlib.util
import sys

import pytest

from store.agent_state import list_agent_states
from store.reading import Reader
from tests.docs.expected import ROOT, blocks, documents
from tests.docs.running import in_process, is_steering

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
RUNNABLE = [
    path
    for path in documents()
    if path.name != "README.md"
    and {language for language, _ in blocks(path.read_text())} & {"python", "sh"}
]


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.name)
def test_a_document_runs(path, follow):
    """Each block does what it says without an error; a backup holds what the folder holds."""
    reader = follow(REINS_HEARTBEAT_S="0.3")
    for language, source in blocks(path.read_text()):
        if language == "python":
            reader.python(source)
        elif language == "sh":
            for line in source.splitlines():
                run(reader, line)


def run(reader, line):
    if is_steering(line):
        in_process(f"{line} --wait")
    elif line.startswith("cp "):
        assert reader.worker.stop() == 0
        reader.shell(line)
        states = list_agent_states()
        assert states
        assert list_agent_states(store=Reader(reader.folder / line.split()[-1])) == states
    elif not line.startswith("python -m agents"):  # it runs already; test_documents looks at it
        reader.shell(line)


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

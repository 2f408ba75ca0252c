"""The shell lines and the Python of docs/ run as they stand, with a worker of their own."""

import pytest

from store.agent_state import list_agent_states
from store.reading import Reader
from tests.docs.expected import ROOT, blocks, documents
from tests.docs.running import in_process, is_steering

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

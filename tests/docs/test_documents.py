"""Links lead somewhere, names name something, and commands are commands, in every document."""

import re
import shlex

import pytest

from agent_core.actions.payloads import PAYLOADS
from bench.workloads import WORKLOADS
from reins.cli.main import reins
from reins.cli.queue import queue
from reins.llm.routes.providers import own_spec, plan
from reins.llm.settings import ModelSettings
from reins.settings import PREFIX, Settings
from reins.version import VERSION
from tests.docs import expected
from tests.docs.expected import ROOT

DOCUMENTS = expected.documents()
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)


@every_document
def test_links(path):
    """Relative links lead to files that are there, and to headings in them."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        file, _, heading = target.partition("#")
        found = path.parent / file if file else path
        assert found.exists(), target
        if heading:
            lines = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert heading in {
                re.sub(r"[^\w-]", "", line.lower().replace(" ", "-")) for line in lines
            }


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


@every_document
def test_files_that_are_named(path):
    """A file or folder of ours that is named in a text is there."""
    ours = "|".join(sorted(p.name for p in ROOT.iterdir() if not p.name.startswith(".")))
    for name in re.findall(rf"`((?:{ours})(?:/[\w./-]*)?)`", path.read_text()):
        if name.partition("/")[0] == "data":
            continue  # it comes with the first start
        assert (ROOT / name).exists(), name


@every_document
def test_settings_that_are_named(path):
    """Every `REINS_…` in a document is a setting, or what BAML's own command reads."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= set(re.findall(r"env\.(\w+)", (ROOT / "baml_src" / "clients.baml").read_text()))
    assert set(re.findall(r"\bREINS_[A-Z_]+\b", path.read_text())) <= known


@every_document
def test_each_shell_line_is_a_command_that_there_is(path):
    """Each line is a command that there is, with arguments that it takes."""
    for language, source in expected.blocks(path.read_text()):
        if language in ("sh", "text"):
            for line in source.splitlines():
                _check(line)


def _check(line: str) -> None:
    words = shlex.split(line)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    match words:
        case ["make", target]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line
        case ["python", "-m", "queue_imp", *arguments]:
            expected.parse(queue, arguments)
        case ["python", "-m", "agents", *flags] | ["reins", "work", *flags]:
            assert _flags(flags) <= expected.flags_of("agents.py")
        case ["python", "app.py", *flags] | ["reins", "run", *flags]:
            assert _flags(flags) <= expected.flags_of("app.py")
        case ["reins", *arguments]:
            expected.parse(reins, arguments)
        case ["python", "-m", "bench", *names]:
            assert set(names) - {"--quick"} <= WORKLOADS.keys()


def _flags(words: list[str]) -> set[str]:
    return {word for word in words if word.startswith("--")}


@pytest.mark.parametrize("line", sorted(
    {line for path in DOCUMENTS for line in path.read_text().splitlines()
     if line.startswith("REINS_MODEL=")}
))  # fmt: skip
def test_each_line_that_chooses_a_model_makes_a_route(line):
    """Each line that chooses a model makes a route, as soon as a key is there."""
    given = dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)
    key = {name: value.replace("…", "k") for name, value in given.items()}
    settings = ModelSettings(
        model=key["REINS_MODEL"],
        base_url=key.get("REINS_MODEL_BASE_URL"),
        api_key=key.get("REINS_MODEL_API_KEY"),
        environ=key,
    )
    assert plan(own_spec(settings), settings.environ).route.model


def test_every_benchmark_is_named():
    """The how-to names the benchmarks that there are."""
    text = expected.section((ROOT / "docs" / "how-to.md").read_text(), "## Measure")
    line = next(line for line in text.splitlines() if line.startswith("The benchmarks are"))
    assert set(re.findall(r"`(\w+)`", line)) == WORKLOADS.keys()


def test_the_glossary_explains_each_word_once_and_in_order():
    """Each word once, in order, with what it means."""
    words = expected.rows((ROOT / "docs" / "glossary.md").read_text())
    names = [word for word, _ in words]
    assert names == sorted(set(names), key=str.lower)
    assert all(meaning.endswith(".") for _, meaning in words)


def test_the_decisions():
    """They are numbered without gaps, listed with their titles, and of one form."""
    folder = ROOT / "docs" / "decisions"
    files = sorted(folder.glob("0*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    listed = (folder / "README.md").read_text()
    for path in files:
        title, *_ = path.read_text().splitlines()
        assert f"[{path.name[:4]}]({path.name}) | {title.partition(': ')[2]} |" in listed
        headings = re.findall(r"^## (.*)$", path.read_text(), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Measured"], path.name


def test_the_page_names_acts_as_the_glossary_does():
    """One word for one act, for action types that there are."""
    acts = expected.section((ROOT / "docs" / "glossary.md").read_text(), "## Acts")
    told = {action_type.strip("`"): word for word, action_type in expected.rows(acts)}
    page = ROOT / "reins" / "web" / "dashboard" / "src" / "steering" / "words.ts"
    assert told == dict(re.findall(r"^  (\w+): '(.+)',$", page.read_text(), re.MULTILINE))
    assert told.keys() <= PAYLOADS.keys()


def test_the_changelog_begins_with_the_projects_version():
    """The newest version in it is the project's."""
    versions = re.findall(r"^## \[(.*)\]$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[:2] == ["Unreleased", VERSION]

"""The files by which the repository is worked on say what is there."""

import ast
import re
import shlex

import pytest
import yaml

from tests.unit.test_architecture import MODULES, ROOT, names_in

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HELP = dict(re.findall(r"^([a-z-]+):.*## (.+)$", MAKEFILE, re.MULTILINE))


def loaded(path):
    return yaml.safe_load(path.read_text())


def jobs():
    return [job for path in WORKFLOWS for job in loaded(path)["jobs"].values()]


def test_workflows_call_targets_that_there_are():
    """Each step is one of make's targets, so that it can be done on one's own machine."""
    runs = [step["run"] for job in jobs() for step in job["steps"] if "run" in step]
    assert runs
    for line in runs:
        make, *targets = shlex.split(line)
        assert make == "make"
        assert set(targets) <= TARGETS, line


def test_workflows_test_every_version_that_is_promised():
    """The classifiers' versions of Python, on Linux and macOS."""
    matrix = next(job["strategy"]["matrix"] for job in jobs() if "strategy" in job)
    project = (ROOT / "pyproject.toml").read_text()
    assert matrix["python"] == re.findall(r'Python :: (3\.\d+)"', project)
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos"}


def test_actions_are_of_a_version():
    """Each action is named with its version, and none is somebody's own."""
    uses = [step["uses"] for job in jobs() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in uses), uses


def test_hooks_are_local():
    """Hooks run what is locked in `.venv`; nothing is fetched for them."""
    repos = loaded(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    for hook in repos[0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")


SILENT = {"browser", "litellm", "litellm-setup", "mcp-peers", "independent", "independent-setup"}


@pytest.mark.parametrize("target", sorted(TARGETS - SILENT))
def test_a_target_is_in_the_help(target):
    """What a person runs says in a few words what it does."""
    assert target in HELP
    assert target in re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()


def test_every_check_installs_what_it_runs():
    """The project's own check runs the same targets, and no others."""
    lines = re.findall(r"make ([a-z-]+)", (ROOT / ".ci" / "run").read_text())
    assert {"test", "lint"} <= set(lines) <= TARGETS


def test_the_first_change_takes_ten_lines():
    """CONTRIBUTING.md is numbered to ten, and names targets that there are."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert re.findall(r"^(\d+)\. ", text, re.MULTILINE) == [str(n) for n in range(1, 11)]
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= TARGETS


def test_nothing_of_ours_makes_objects_or_code_of_data():
    """No pickle, no marshal, no eval: whoever gives us a folder or an answer runs nothing."""
    running = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    for path in MODULES.values():
        tree = ast.parse(path.read_text())
        imported = {name.split(".")[0] for name in names_in(path)}
        called = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not imported & running, path
        assert not called & {"eval", "exec", "compile", "__import__"}, path


def test_a_docstring_begins_with_its_noun_or_verb():
    """Outside the tests none begins with a question's word."""
    asks = re.compile(r"(?:What|Whether|Who|Why)\b")
    places = [ROOT / name for name in ("agent_core", "agents_impl", "bench", "reins", "store")]
    paths = [*ROOT.glob("*.py"), *(path for place in places for path in place.rglob("*.py"))]
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in paths
        if "node_modules" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and asks.match(text := ast.get_docstring(node) or "")
    ]
    assert not found

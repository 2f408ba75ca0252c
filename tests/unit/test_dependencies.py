"""The declared dependencies are those that the code imports, with licences that let it be used."""

import functools
import itertools
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

import pytest
from packaging.requirements import Requirement

from tests.unit.test_architecture import OURS, ROOT, names_in

DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = DECLARED["project"]
EXTRAS = PROJECT["optional-dependencies"]
OPTIONAL = {
    "uvloop": "fast", "opentelemetry": "telemetry", "wordllama": "embeddings",
    "duckdb": "sql", "pypdf": "documents", "docx": "documents", "pptx": "documents",
    "openpyxl": "documents",
    "mcp": "mcp", "mcp_types": "mcp", "anyio": "mcp", "httpx2": "mcp", "jsonschema": "mcp",
    "referencing": "mcp", "redis": "redis", "psycopg": "postgres",
}  # fmt: skip
NOT_INSTALLED = {
    "_typeshed",
    "agentdojo",
    "autogen_core",
    "burr",
    "dbos",
    "dojo_attacks",
    "langgraph",
    "pydantic_graph",
}  # a checker's; those of environments of their own
INTO_PRIVATE = {
    "baml-py", "lancedb", "pybreaker", "python-engineio", "python-socketio", "simple-websocket",
}  # fmt: skip
DATA = {"tzdata"}
"""Packages without code: zoneinfo finds this one where the system has no time zones."""
TESTS = ("tests", "bench", "examples")
APART = {"node_modules", "small_shop"}
"""Programs of their own in the tree: the page's tools, and the workspace of an example."""


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements):
    return {plain(Requirement(each).name) for each in requirements}


@functools.cache
def brought():
    return packages_distributions()


def files_of(places):
    for place in places:
        top = ROOT / place
        found = [top] if top.is_file() else top.rglob("*.py")
        yield from (path for path in found if not APART.intersection(path.parts))


def imported(places):
    """Each import that is neither ours nor Python's, with the distributions that may bring it."""
    found = {name.split(".")[0] for path in files_of(places) for name in names_in(path)}
    ours = {place.removesuffix(".py") for place in (*OURS, *TESTS)}
    foreign = found - ours - NOT_INSTALLED - sys.stdlib_module_names
    brings = brought()
    return {name: {plain(each) for each in brings.get(name, [])} for name in foreign}


def test_what_the_program_imports_is_declared():
    """Each import is brought by a dependency of ours, not by chance by another's."""
    declared = names(PROJECT["dependencies"])
    for name, brought_by in imported(OURS).items():
        may = names(EXTRAS[OPTIONAL[name]]) if name in OPTIONAL else declared
        assert brought_by & may, f"{name} is imported; declare one of {brought_by}"


def test_what_is_declared_is_imported():
    """No dependency is left over from code that is gone."""
    used = set().union(*imported(OURS).values())
    assert names(PROJECT["dependencies"]) - DATA <= used


def test_what_tests_import_is_declared():
    """Tests, benchmarks and examples have their imports from an extra, or from the program's."""
    declared = names(PROJECT["dependencies"]).union(*map(names, EXTRAS.values()))
    for name, brought_by in imported(TESTS).items():
        assert brought_by & declared, f"{name} is imported; declare one of {brought_by}"


def test_what_is_reached_into_is_pinned_exactly():
    """A version that was not looked at cannot come in."""
    exact = {
        plain(each.name)
        for each in map(Requirement, PROJECT["dependencies"])
        if re.fullmatch(r"==[\d.]+", str(each.specifier))
    }
    assert exact == INTO_PRIVATE


def test_the_build_has_what_builds_the_page():
    """`make setup` installs the Node of the extra `page`, and the backend that is pinned."""
    build = DECLARED["dependency-groups"]["build"]
    assert set(EXTRAS["page"]) <= set(build)
    assert set(DECLARED["build-system"]["requires"]) <= set(build)


LOCKS = [*sorted(ROOT.glob("requirements*.lock")), ROOT / "bench" / "peers" / "requirements.lock"]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_names_no_index_and_hashes_all(path):
    """Every line is a version with its hashes; no address of an index, no path of a machine."""
    text = path.read_text()
    assert "make lock" in text.splitlines()[1]
    assert not re.search(r"://|^-|^ *#.* /", text, re.MULTILINE)
    for entry in re.split(r"\n(?=\w)", text)[1:]:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def closure(requirements):
    """The distributions that are installed for them, by name."""
    found = {}
    waiting = [(each, frozenset()) for each in map(Requirement, requirements)]
    while waiting:
        requirement, extras = waiting.pop()
        if requirement.marker and not any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}
        ):
            continue
        name, asked = plain(requirement.name), frozenset(requirement.extras) | {""}
        known, before = found.get(name, (None, frozenset()))
        if asked <= before:
            continue
        try:
            known = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform or version of Python
        found[name] = known, before | asked
        waiting += [(Requirement(each), before | asked) for each in known.requires or []]
    return {name: known for name, (known, _) in found.items()}


def licence(known):
    """All that the distribution says about its licence, in one line."""
    meta = known.metadata
    said = [meta.get("License-Expression") or "", (meta.get("License") or "")[:200]]
    said += [c for c in meta.get_all("Classifier") or [] if c.startswith("License ::")]
    files = [str(file.name) for file in known.files or []]
    said += [name for name in files if re.match(r"(?i)licen[cs]e|copying", name)]
    return " | ".join(each for each in said if each)


def test_licences():
    """None under the GPL or AGPL, and none without a licence; the LGPL at most in an extra."""
    base = closure(PROJECT["dependencies"])
    everything = closure([*PROJECT["dependencies"], *itertools.chain(*EXTRAS.values())])
    assert len(base) > len(PROJECT["dependencies"])
    for name, known in everything.items():
        said = licence(known)
        assert said, f"{name} says nothing about its licence"
        assert not re.search(r"\bA?GPL|Affero|GNU General", said), f"{name}: {said}"
        if name in base:
            assert not re.search(r"LGPL|Lesser", said), f"{name}: {said}"


def test_the_marker_of_typing_is_there():
    """The package says that it is typed, as its classifiers do."""
    assert (ROOT / "reins" / "py.typed").is_file()
    assert "Typing :: Typed" in PROJECT["classifiers"]

"""The benchmarks' table, what runs them, and what is told of them agree."""

import ast
import csv
import importlib
import inspect
import io
import re
import xml.etree.ElementTree as ET

import pytest

from bench import contest, document, plot, report, work
from bench.workload import Figure, Measured, Workload
from bench.workloads import WORKLOADS, arguments_of
from tests.unit.test_architecture import ROOT

FACTS = {
    "at": "2026-11-30 12:00 UTC", "commit": "abc", "cores": 2, "cpu": "a CPU", "memory_gib": 8.0,
    "kernel": "Linux 6", "file_system": "ext4", "fdatasync_ms_p50": 0.2, "python": "3.11.7",
    "packages": {"orjson": "3"}, "load": [0.1, 0.2, 0.3],
}  # fmt: skip
README = document.README.read_text()
TABLE = {
    "fast": Workload("ticks", {}, {}, (
        Figure("ticks", "ticks_per_s", "1/s", 100),
        Figure("lag", "lag_ms.p99", "ms", 20, less=True),
        Figure("never there", "nothing.at_all", "s"),
    )),
}  # fmt: skip


def contest_document(values):
    table = [
        {"workload": f"ticks_{sessions}", "figure": f"`{name}`: durable ticks", "median": value}
        for name, value in values.items()
        for sessions in (1, 100, 1_000)
    ]
    return {"table": table, "machine": FACTS}


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_gives_its_module_the_arguments_that_it_takes(name, quick):
    """Each argument in the table is one that `run` takes, and none that it needs is missing."""
    run = importlib.import_module(f"bench.{WORKLOADS[name].module}").run
    inspect.signature(run).bind(ROOT, **arguments_of(name, quick=quick, peers=False))


def test_every_module_with_a_run_is_in_the_table():
    """No benchmark is left that nobody runs."""
    found = {
        path.stem
        for path in (ROOT / "bench").glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "run"
    }
    contended = {"ticks"}  # by `bench.contest`, as are floors and peers
    ran = {workload.module for workload in WORKLOADS.values()} - {"syncs"}  # which it has too
    assert found - contended == ran


def test_workloads_are_measured_for_twenty_seconds():
    """Where a workload's length is given in seconds, its rounds make twenty or more."""
    for name, workload in WORKLOADS.items():
        given = workload.arguments
        whole_s = given.get("seconds", 20) * given.get("rounds", 1) * workload.rounds
        assert whole_s >= 20, name


def test_make_ci_and_the_workflow_run_them():
    """The targets run what they say, and nothing in between is turned on for them alone."""
    makefile = (ROOT / "Makefile").read_text()
    for target, command in {
        "bench": "$(PY) -m bench $(WRITE)",
        "bench-quick": "$(PY) -m bench --quick",
        "bench-peers": "$(PY) -m bench --peers $(WRITE)",
    }.items():
        [recipe] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert recipe == f"\t{command}\n"
        assert f"`make {target}`" in (ROOT / "docs" / "reference.md").read_text()
        assert f"make {target}\n" in README
    assert "\nmake bench-quick\n" in (ROOT / ".ci" / "run").read_text()
    assert "make bench-quick" in (ROOT / ".github" / "workflows" / "bench.yml").read_text()


def test_no_benchmark_turns_safety_off():
    """What is acknowledged is as safe in them as it is by default."""
    for path in (ROOT / "bench").rglob("*.py"):
        assert not re.search(r"durable\s*=|REINS_DURABLE\"|flush_s\s*=", path.read_text()), path


def test_the_readme_names_each_contender():
    """Each stands in its table of durability, and has a colour and a label in the plot."""
    before_the_figures = README.partition("## What they do not show")[0]
    named = re.findall(r"^\| `(\w+)` \|", before_the_figures, re.MULTILINE)
    everyone = (contest.OWN, *contest.FLOORS, *contest.PEERS)
    assert sorted(named) == sorted(everyone)
    drawn = plot.svg(contest_document(dict.fromkeys(everyone, 1_000.0)))
    assert len(re.findall("<rect", drawn)) == 3 * len(everyone)


def test_the_figures_in_the_readme_are_those_that_are_kept():
    """Nobody has typed one: `python -m bench --document` would change nothing."""
    for name in document.KEPT:
        if (found := document.kept(name)) is not None:
            assert document.with_block(README, name, report.as_markdown(found)) == README
    if (found := document.kept("peers")) is not None:
        assert document.PLOT.read_text() == plot.svg(found)


def test_a_block_is_set_between_its_marks():
    """What was there goes, what is around it stays; without marks nothing is guessed."""
    text = "before\n<!-- figures: a -->\nold\n<!-- end of figures: a -->\nafter"
    made = document.with_block(text, "a", r"new \1")
    assert made.startswith("before\n")
    assert made.endswith("\nafter")
    assert "old" not in made
    assert r"new \1" in made
    with pytest.raises(ValueError, match="found 0 blocks"):
        document.with_block(text, "b", "new")


def test_the_table_has_medians_and_says_how_far_a_goal_is_met():
    """Of three rounds the one in the middle counts, and more of the goal is always better."""
    rounds = [
        {"ticks_per_s": n, "lag_ms": {"p99": lag}} for n, lag in ((90, 5), (150, 10), (1, 80))
    ]
    found = report.document(FACTS, {"fast": Measured(rounds)}, TABLE)
    ticks, lag, nothing = found["table"]
    assert (ticks["median"], ticks["least"], ticks["most"], ticks["ratio"]) == (90, 1, 150, 0.9)
    assert (lag["median"], lag["ratio"]) == (10, 2.0)
    assert (nothing["median"], nothing["ratio"], nothing["rounds"]) == (None, None, 0)
    text = report.as_markdown(found)
    assert "| `fast` | ticks | 1/s | 90 | 1 to 150 | ≥ 100 | 0.90 |" in text
    assert "|  | lag | ms | 10 | 5 to 80 | ≤ 20 | 2.00 |" in text
    assert "2 cores of a CPU" in text
    assert "busy" not in text
    found["machine"] = {**FACTS, "load": [1.5, 0.0, 0.0]}
    assert "The machine was busy" in report.as_markdown(found)
    [first, *_] = csv.DictReader(io.StringIO(report.as_csv(found["table"])))
    assert (first["workload"], first["median"], first["better"]) == ("fast", "90.0", "more")


def test_a_mean_with_an_interval_stands_between_its_bounds():
    """Of one round, too: the interval says how far to trust it."""
    mean = {"mean": 0.3, "low": 0.25, "high": 0.35}
    table = {"fair": Workload("ticks", {}, {}, (Figure("regret", "regret", "", less=True),))}
    found = report.document(FACTS, {"fair": Measured([{"regret": mean}])}, table)
    [line] = found["table"]
    assert (line["median"], line["least"], line["most"], line["rounds"]) == (0.3, 0.25, 0.35, 1)
    assert "| `fair` | regret |  | 0.3 | 0.25 to 0.35 |" in report.as_markdown(found)
    [told] = csv.DictReader(io.StringIO(report.as_csv(found["table"])))
    assert (told["least"], told["most"]) == ("0.25", "0.35")


def test_each_peer_of_plans_has_its_module_and_its_pin():
    """What runs beside plans is in the lock of the peers, and told in the page."""
    lock = (ROOT / "bench" / "peers" / "requirements.lock").read_text()
    pinned = set(re.findall(r"^([\w-]+)==", lock, re.MULTILINE))
    assert {"langgraph", "pydantic-graph", "apache-burr"} <= pinned
    for name in contest.PLAN_PEERS:
        assert (ROOT / "bench" / "peers" / f"{name}_plan.py").exists()


def test_a_workload_that_fails_is_in_the_table():
    """It is said to have failed, and not left out."""
    found = report.document(FACTS, {"fast": Measured(error="exit code 1")}, TABLE)
    assert found["errors"] == {"fast": "exit code 1"}
    assert report.as_markdown(found).count("| failed |") == 3


def test_the_plot_is_an_svg_with_a_text_for_those_who_do_not_see_it():
    """Who did not take part is left out; the longest bar is the fastest."""
    drawn = plot.svg(contest_document({"reins": 20_000.0, "sqlite": 10_000.0}))
    root = ET.fromstring(drawn)
    names = {"s": "http://www.w3.org/2000/svg"}
    assert "Reins: 20,000 at 1" in root.findtext("s:title", None, names)
    widths = [float(each.get("width")) for each in root.findall("s:rect", names)]
    assert widths[0] == pytest.approx(2 * widths[1])
    assert "LangGraph" not in drawn


def test_the_work_is_another_at_each_tick():
    """Texts of 200 bytes that do not repeat, and states of about 500."""
    said = [work.text(number, session) for session in range(20) for number in range(500)]
    assert {len(text.encode()) for text in said} == {work.TEXT_BYTES}
    assert len(set(said)) == len(said)
    assert {len(work.notes(session)) for session in range(1_000)} == {330}
    assert 450 < len(str(work.state(10_000, said[0], work.notes()))) < 550

"""The examples run as they are written."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest

import queue_imp as q
from agents import Runtime
from examples.research_agent_async import PLAN
from reins.plans import from_json
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from reins.tools.sandbox.surroundings import NOBODY
from store.agent_steps import list_steps
from store.conversations import list_conversations
from store.messages import list_messages
from store.participants import list_participants
from store.reading import reader
from tests.support.program import Program, ran
from tests.support.waiting import until
from tests.support.worker import ROOT, Worker


def test_the_disk_watcher_measures_and_takes_its_limit(tmp_path, monkeypatch):
    """A type of agent in one file: it measures, and guidance sets its limit."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_AGENT_MODULES", '["examples.disk_watcher"]')
    runtime = Runtime(load_settings())
    thread = RuntimeThread(runtime)
    thread.start()
    try:
        created = q.agent_create(
            "disk", "ann", agent_type="disk_watcher", config={"path": "/", "least_gb": 0}
        )
        assert q.wait_for_action(created)["outcome"] == "applied"
        until(lambda: len(list_steps("disk")) == 2)
        assert list_steps("disk")[1]["text"].startswith("ok: ")
        got = q.wait_for_action(q.agent_interrupt("disk", "ann", {"least_gb": 1e9}))
        until(lambda: list_steps("disk", got["applied_seq"]))
        row = list_steps("disk", got["applied_seq"])[0]
        assert row["text"].startswith("LOW: ")
        assert json.loads(row["payload"])["low"] is True
        for bad in ("a text", {"least_gb": -1}):
            assert q.wait_for_action(q.agent_interrupt("disk", "ann", bad))["outcome"] == "rejected"
    finally:
        thread.stop()


def test_the_script_of_the_six_steps_ends_with_the_final_row(tmp_path):
    """The script of the lifecycle, beside a worker, ends with the final row."""
    data = tmp_path / "data"
    with Worker(data, tmp_path / "worker") as worker:
        worker.started()
        code, out, err = ran(["-m", "examples.six_steps"], cwd=ROOT, env={"REINS_DATA": str(data)})
        assert code == 0, err
        assert worker.stop() == 0
    assert out.count(": applied at ") == 6
    assert "that was it" in out.splitlines()[-1]


def test_the_panel_hears_each_and_ends(tmp_path):
    """Five personas debate for twenty turns, each is heard, nobody twice in a row; then it ends."""
    data = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "panel.py"), "Should cats vote?", "--data", data],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("REINS_")},
            "REINS_PACE": "free",
        },
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    (conversation,) = list_conversations(store=reader(data))
    said = list_messages(conversation["conversation_id"], store=reader(data))
    asked, *turns = said
    assert (asked["author"], asked["text"], asked["session_id"]) == (
        "Chair", "Should cats vote?", None,
    )  # fmt: skip
    assert [message["number"] for message in said] == list(range(1, 22))
    assert all(message["session_id"] for message in turns)
    speakers = [message["author"] for message in turns]
    assert set(speakers) == {"Mara", "Finn", "Odile", "Dr Weiss", "Juno"}
    assert all(one != next_one for one, next_one in pairwise(speakers))
    assert len({message["text"] for message in turns}) == len(turns), "nobody repeats anything"
    tones = {message["author"]: json.loads(message["metadata"])["tone"] for message in turns}
    assert done.stdout.splitlines() == [
        f"{m['number']:3}  {m['author']} ({tones.get(m['author'], 'asks')}): {m['text']}"
        for m in said
    ]
    assert any("cats" in message["text"] for message in turns)
    present = list_participants(conversation["conversation_id"], store=reader(data))
    assert len([row for row in present if row["left_at"] is None]) == 5


def test_research_reads_what_it_finds_and_what_that_links_to(tmp_path):
    """Search, pages and links by tools alone: answers with sources; the inside is left alone."""
    report = tmp_path / "report.md"
    code, out, err = ran(
        ["-m", "examples.research_agent", "--report", str(report)], cwd=ROOT, env={}
    )
    assert (code, out) == (0, ""), err
    lines = report.read_text().splitlines()
    assert lines[0] == "# what do otters eat"
    assert {line.rpartition("/")[2] for line in lines[2:-2]} == {"otters]", "fish]", "urchins]"}
    assert lines[-1] == "3 pages read."
    assert err.count("\nhttp_get {") == 3, "each call was asked for"
    assert "169.254" not in err, "what a page says is no instruction"


def test_an_agent_researches_with_the_same_tools(tmp_path):
    """A session asks before it fetches, and says in its own words what it read there."""
    report = tmp_path / "report.md"
    command = ["-m", "examples.research_agent", "--agent", "--report", str(report)]
    code, out, err = ran(command, cwd=ROOT, env={})
    assert (code, out) == (0, ""), err
    assert re.search(r"^http_get .*/otters.*: medium$", err, re.MULTILINE), err
    assert "Otters live along rivers and coasts." in report.read_text()
    assert "[from outside" not in report.read_text()


def test_dropped_files_become_work(tmp_path):
    """The first file creates the session, the next one steers it; what is no work is put aside."""
    data, folder = tmp_path / "data", tmp_path / "inbox"
    folder.mkdir()
    (folder / "1.txt").write_text("cats\n")
    (folder / "2.txt").write_text("")
    with Worker(data, tmp_path / "worker") as worker:
        worker.started()
        watch = subprocess.Popen(
            [sys.executable, str(ROOT / "examples" / "folder_watch.py"), folder, "--files", "3"],
            cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "REINS_DATA": str(data)},
        )  # fmt: skip
        try:
            until((folder / "done" / "1.txt").exists)
            (folder / "3.txt").write_text("dogs")
            out, err = watch.communicate(timeout=60)
        finally:
            watch.kill()
        assert worker.stop() == 0
    assert (watch.returncode, err) == (0, "")
    assert [line.partition(":")[0] for line in out.splitlines()] == ["1.txt", "2.txt", "3.txt"]
    assert (folder / "refused" / "2.txt").exists()
    rows = list_steps("folder", store=reader(data))
    guided = [row["text"] for row in rows if row["kind"] == "guidance"]
    assert len(guided) == 1
    assert "dogs" in guided[0]
    assert any("cats" in row["text"] for row in rows if row["kind"] == "tick")


def test_a_second_goal_finds_the_task_waiting(tmp_path):
    """A task that has reached the first file's goal takes the second's."""
    data, folder = tmp_path / "data", tmp_path / "inbox"
    folder.mkdir()
    (folder / "1.txt").write_text("list the files in .")
    with Worker(data, tmp_path / "worker") as worker:
        worker.started()
        watch = subprocess.Popen(
            [sys.executable, str(ROOT / "examples" / "folder_watch.py"), folder,
             "--type", "task", "--files", "2"],
            cwd=tmp_path, env={**os.environ, "REINS_DATA": str(data)},
        )  # fmt: skip
        try:
            until(lambda: says(data, "In .: nothing"), "the first goal's end")
            (folder / "2.txt").write_text("count the files")
            assert watch.wait(60) == 0
            until(lambda: says(data, "There are 0 files"), "the second goal's end")
        finally:
            watch.kill()
        assert worker.stop() == 0
    assert (folder / "done" / "2.txt").exists()


def test_the_watchdog_asks_when_its_belief_is_contested():
    """It weighs the site's answer and a report, asks once, and takes the answer as evidence."""
    for answer, ends in (("no, a customer called", 0.03), ("yes", 0.99)):
        code, out, err = ran(
            ["-m", "examples.reactive_watchdog", "--answer", answer], cwd=ROOT, env={}
        )
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert [line[0] for line in lines[:2]] == ["?", "!"]
        assert "monday.txt: broken" in lines[0]
        assert [line.rpartition("→")[2].strip(" )") for line in lines[2:4]] == ["0.88", "0.62"]
        assert len(lines) == 6
        assert float(lines[-1].rpartition(" ")[2]) == pytest.approx(ends, abs=0.02)


def says(data, part):
    return any(part in row["text"] for row in list_steps("folder", store=reader(data)))


def test_the_failing_test_is_mended_in_a_copy(tmp_path):
    """Without a key: two calls are asked about and approved, and the tests pass in the end."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "fix_the_test.py"), "--keep", tmp_path],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("REINS_")},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    asked = [line.split()[1] for line in lines if line.startswith("   ?")]
    assert asked == ["run_command", "edit_file"], "the like of what was approved is not asked again"
    assert lines[-1].split()[1:] == ["final", "completed"]
    price = "examples/small_shop/shop/price.py"
    before = (ROOT / price).read_text()
    after = (tmp_path / "workspaces" / "fixer" / "shop" / "price.py").read_text()
    assert after == before.replace("sum(prices) - shipping", "sum(prices) + shipping")
    assert after != before, "the example's own stays as it is"


def test_the_first_task_has_a_folder(tmp_path):
    """`make run` puts the small shop among the workspaces, once: what is there stays."""
    makefile = (ROOT / "Makefile").read_text()
    for name in ("Makefile", "examples/small_shop"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    make = ["make", "-C", str(tmp_path), "workspaces/small_shop"]
    subprocess.run(make, check=True, capture_output=True)
    price = tmp_path / "workspaces" / "small_shop" / "shop" / "price.py"
    assert "sum(prices) - shipping" in price.read_text()
    price.write_text("mended")
    subprocess.run(make, check=True, capture_output=True)
    assert price.read_text() == "mended"
    assert f"chown -R {NOBODY}:{NOBODY}" in makefile
    assert re.search(r"^run: workspaces/small_shop", makefile, re.MULTILINE)


def test_a_developer_and_a_tester():
    """A plan, a fault that the tests find, a fix, a second run, and what each contributed."""
    code, out, err = ran(["-m", "examples.developer_and_tester"], cwd=ROOT, env={})
    assert code == 0, err
    assert out.splitlines()[-6:] == [
        "t1 developer: done, 1 attempts",
        "t2 tester: done, 1 attempts",
        "t3 tester: failed, 1 attempts",
        "t4 developer: done, 1 attempts",
        "t5 tester: done, 1 attempts",
        "done",
    ]


def test_a_research_team():
    """Each reads a page, and the words of a page are told, not followed."""
    code, out, err = ran(["-m", "examples.research_team"], cwd=ROOT, env={})
    assert code == 0, err
    assert "done, in 3 tasks" in out


def test_an_orchestrator_asks_a_panel_of_personas():
    """A plan, three at once, a verdict on each, a sum; each one's answer in its own voice."""
    code, out, err = ran(["-m", "examples.persona_panel"], cwd=ROOT, env={})
    assert (code, err) == (0, "")
    lines = out.splitlines()
    plan = next(line for line in lines if line.startswith("panel: plan: "))
    assert plan.count("Should cats vote?") == 3
    children = [line.split(":")[0].strip() for line in lines if line.startswith("    panel.")]
    assert sorted(children) == ["panel.t1.1", "panel.t2.1", "panel.t3.1"]
    assert out.count(" is done: as was asked") == 3
    said = {
        line.split(" (")[0]: lines[at + 1] for at, line in enumerate(lines) if "), done:" in line
    }
    assert list(said) == ["Mara", "Finn", "Odile"]
    assert len(set(said.values())) == 3
    assert all("cats" in answer for answer in said.values())
    assert any(line.startswith("done: Should cats vote?: done, in 3 tasks.") for line in lines)


def test_a_plan_searches_side_by_side():
    """One place fails at first, one mirror is too slow; the better answer is printed."""
    code, out, err = ran(["-m", "examples.plan_search"], cwd=ROOT, env={})
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [*lines[:3], *sorted(lines[3:5]), *lines[5:]] == [
        "/0/0/0/1 books: 1 lines",
        "/0/0/1 notes: 1 lines",
        "/0/0/2/0~2 forum: 2 lines",
        "/0/0/0 branch 1 won",
        "/0/0/2 attempt 1 failed: /0/0/2/0~1: ConnectionError: the forum did not answer",
        "/1 took branch 0 at 3",
        "",
        "Otters eat fish and crabs.",
        "Saw an otter; it did eat a crab.",
        "My cat does eat otters' leftovers.",
    ]
    code, out, _ = ran(["-m", "examples.plan_search", "--mermaid"], cwd=ROOT, env={})
    assert (code, out.splitlines()[0]) == (0, "flowchart TD")


RESEARCH = ["-m", "examples.research_agent_async"]
FOUND = [
    "Otters eat fish such as eels. [1]",
    "Saw an otter eat a crab at dawn. [2]",
    "Sea otters eat urchins. [3]",
    "Sources: [1] library, [2] notes, [3] forum",
]


def test_a_research_agent_asks_its_sources_at_once():
    """As a script and as a session, whose rows come one by one, it finds the same."""
    code, out, err = ran(RESEARCH, cwd=ROOT, env={})
    assert (code, err) == (0, "")
    said = out.splitlines()
    assert said[-4:] == FOUND
    assert "/0/0/2/0~2 forum: 1 of 2 sentences" in said
    code, out, err = ran([*RESEARCH, "--session"], cwd=ROOT, env={})
    assert (code, err) == (0, "")
    assert out.splitlines()[-4:] == FOUND
    rows = re.findall(r"^ +\d+ tick +(.*)$", out, re.MULTILINE)
    assert rows[0] == "the plan has begun"
    assert "search done: library: 1 of 3 sentences" in rows


def test_a_research_agent_that_is_killed_goes_on(tmp_path):
    """A second run of the same folder searches nothing again that is on record."""
    command = [*RESEARCH, "--session", "--data", str(tmp_path / "data")]
    first = Program(command, cwd=ROOT, env={}, stdout=subprocess.PIPE)
    while "library" not in first.stdout.readline():
        assert first.poll() is None
    first.kill()
    first.communicate(60)
    code, out, err = ran(command, cwd=ROOT, env={})
    assert (code, err) == (0, "")
    assert out.splitlines()[-4:] == FOUND
    ticks = [row for row in list_steps("research", store=reader(tmp_path / "data"))
             if row["kind"] == "tick"]  # fmt: skip
    ended = [(node["path"], node["outcome"]) for row in ticks
             for node in json.loads(row["payload"])["nodes"]]  # fmt: skip
    assert sorted(path for path, outcome in ended if outcome == "done") == [
        "/0/0/0", "/0/0/1", "/0/0/2/0~2", "/1",
    ]  # fmt: skip


def test_the_plan_in_the_file_is_the_one_in_the_code():
    """`reins plan` checks it and runs it, with the actions of the example."""
    assert from_json((ROOT / "examples" / "plan.json").read_text()) == PLAN
    with_actions = ["examples/plan.json", "--actions", "examples.research_agent_async:actions"]
    code, out, err = ran(["-m", "reins", "plan", "check", *with_actions], cwd=ROOT, env={})
    assert (code, err) == (0, "")
    assert out == "examples/plan.json: 8 nodes, 5 levels, 3 tasks at once at the most\n"
    state = ["--state", '{"question": "what do otters eat"}']
    code, out, err = ran(["-m", "reins", "plan", "run", *with_actions, *state], cwd=ROOT, env={})
    assert (code, err) == (0, "")
    assert json.loads(out)["answer"] == FOUND


def test_agents_work_together_by_a_board(tmp_path):
    """Each adds to what the others found, none is lost; a second question goes on where it was."""
    command = ["-m", "examples.multi_agent_demo", "--data", str(tmp_path / "data")]
    code, out, err = ran(command, cwd=ROOT, env={})
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "1 planner: plan 1 = what do otters eat: forum, library, notes"
    assert [line.split(" retriever-")[0] for line in lines[1:4]] == ["2", "3", "4"]
    assert lines[3].endswith(": found 1 = forum 1, library 1, notes 1")
    assert sorted(line.split(" [")[0] for line in lines[5:8]) == sorted(
        line.split(" [")[0] for line in FOUND[:3]
    )
    assert lines[8] == "Sources: [1] forum, [2] library, [3] notes"
    code, out, err = ran([*command, "where do otters sleep"], cwd=ROOT, env={})
    assert (code, err) == (0, "")
    assert "Otters sleep in a holt. [1]" in out


def test_a_queue_of_jobs_is_worked_off():
    """One worker hangs, and the program is killed amid the work: each effect is there once."""
    code, out, err = ran(["-m", "examples.work_queue"], cwd=ROOT, env={})
    assert (code, err) == (0, "")
    killed, done, checked = out.splitlines()
    assert re.fullmatch(r"killed after \d+ jobs", killed)
    assert re.fullmatch(r"40 jobs are done, by \{('\w+': \d+(, )?)+\}", done)
    assert "cy" not in done, "who hangs has done none"
    assert checked == "twice: none; missing: none"

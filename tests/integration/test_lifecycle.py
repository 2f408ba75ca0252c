"""The six steps of a session's life against a real worker process, from another process."""

import json
import shutil
import signal
import time

import pytest

import queue_imp as q
from store.agent_state import get_agent_state, list_agent_states
from store.agent_steps import list_steps
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Worker, copy_program


@pytest.fixture
def data(tmp_path, monkeypatch, empty_folder):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    yield shutil.copytree(empty_folder, tmp_path / "data")
    data_folder.verified(tmp_path / "data")


@pytest.fixture
def start(data, tmp_path):
    """Starts workers on the test's folder; those that are left are killed."""
    made = []

    def start(*, imports=False, **settings):
        logs = tmp_path / f"worker{len(made)}"
        worker = Worker(data, logs, settings=settings, imports=imports)
        made.append(worker)
        return worker

    yield start
    for worker in made:
        worker.__exit__()


def done(action_id):
    got = q.wait_for_action(action_id, 20)
    assert got["outcome"] == "applied", got
    return got


def ticks(session_id, about=None):
    rows = [row for row in list_steps(session_id) if row["kind"] == "tick"]
    return [row for row in rows if about is None or about in row["text"]]


def checked_log(session_id):
    """The log, after checking its numbers and that no action is in it twice."""
    rows = list_steps(session_id)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    applied = [a for row in rows for a in json.loads(row["applied_actions"])]
    assert len(applied) == len(set(applied))
    return rows


def test_the_six_steps_leave_their_rows(start):
    """Create, jokes, dogs by a dict and by a text, pause, resume, destroy; then a clean stop."""
    worker = start(imports=True).started()
    done(q.agent_create("jo", "ann", "cats"))
    until(lambda: len(ticks("jo", "cats")) >= 2, "jokes about cats")

    for guidance, before, subject in (
        ({"subject": "dogs"}, "cats", "dogs"),
        ("tell some about birds", "dogs", "birds"),
    ):
        got = done(q.agent_interrupt("jo", "ann", guidance))
        until(lambda subject=subject: ticks("jo", subject), f"a joke about {subject}")
        guided, after = list_steps("jo", got["applied_seq"] - 1)[:2]
        assert (guided["kind"], guided["text"]) == ("guidance", f"subject: {before} → {subject}")
        assert subject in after["text"], "the next joke is on the subject"

    paused = done(q.agent_pause_action("jo", "ann", "lunch"))
    assert get_agent_state("jo")["status"] == "paused"
    done(q.agent_interrupt("jo", "ann", {"subject": "tea"}))  # passes through, and ticks nothing
    after = list_steps("jo", paused["applied_seq"])
    assert [row["kind"] for row in after] == ["guidance"]

    resumed = done(q.agent_resume_action("jo", "ann"))
    until(lambda: list_steps("jo", resumed["applied_seq"]), "it goes on")
    done(q.agent_destroy_action("jo", "ann", "enough"))
    last = checked_log("jo")[-1]
    result = json.loads(last["payload"])["result"]
    assert (last["kind"], result["status"], result["state"]["subject"]) == (
        "final",
        "stopped",
        "tea",
    )
    assert result["audit"]["ticks"] == len(ticks("jo"))
    assert worker.stop() == 0


def test_a_killed_worker_goes_on_with_subject_and_numbers(start):
    """kill -9: the session goes on with its subject and its numbers, and says by which start."""
    worker = start().started()
    done(q.agent_create("jo", "ann", "cats"))
    done(q.agent_create("held", "ann", "owls"))
    done(q.agent_pause_action("held", "ann"))
    done(q.agent_interrupt("jo", "ann", {"subject": "dogs"}))
    until(lambda: ticks("jo", "dogs"))
    worker.kill()
    before = checked_log("jo")
    waiting = q.agent_interrupt("jo", "ann", {"subject": "birds"})  # nobody works on the folder

    again = start().started()
    start_id = again.said("worker started")["start"]
    done(waiting)
    until(lambda: ticks("jo", "birds"))
    rows = checked_log("jo")
    assert rows[: len(before)] == before, "what was shown stays"
    resumed = rows[len(before)]
    assert (resumed["kind"], resumed["text"]) == ("status", f"resumed by start {start_id}")
    assert json.loads(resumed["payload"]) == {"start": start_id}
    assert get_agent_state("held")["status"] == "paused"
    assert [row["text"].split()[0] for row in checked_log("held")][-1] == "paused"


def test_a_second_worker_is_refused(start):
    """Exit code 3 and a message that names the owner; the first goes on undisturbed."""
    first = start().started()
    second = start()
    assert second.process.wait(25) == 3
    assert f"process {first.process.pid}" in second.stderr.read_text()
    assert first.process.poll() is None
    done(q.agent_create("jo", "ann", "cats"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop_keeps_sessions_running_in_the_store(start, number):
    """Exit 0 within the grace time, slow and stubborn ticks or not; the next start goes on."""
    worker = start().started()
    done(q.agent_create("jo", "ann", "cats"))
    for name, config in (
        ("slow", {"tick": "slow", "tick_s": 600}),
        ("stubborn", {"tick": "stubborn"}),
    ):
        done(q.agent_create(name, "ann", agent_type="odd", config=config))
    until(lambda: ticks("jo"))
    asked = time.monotonic()
    assert worker.stop(number) == 0
    assert time.monotonic() - asked < 8
    assert {row["status"] for row in list_agent_states()} == {"running"}
    assert worker.lines(), "every line of the log is JSON"
    seen = len(checked_log("jo"))
    start().started()
    until(lambda: len(checked_log("jo")) > seen + 1, "it goes on")


def test_pausing_is_told_apart_from_paused(start):
    """While a tick is in flight the session is pausing; paused comes after the tick's row."""
    start().started()
    config = {"tick": "slow", "tick_s": 1}
    done(q.agent_create("slow", "ann", agent_type="odd", config=config))
    done(q.agent_interrupt("slow", "ann", "dogs"))  # so a tick has just begun
    action = q.agent_pause_action("slow", "ann")
    until(lambda: get_agent_state("slow")["status"] == "pausing")
    assert q.action_receipt(action)["outcome"] == "queued"
    got = done(action)
    assert [row["text"].split()[0] for row in checked_log("slow")][-3:] == [
        "pausing",
        "2",
        "paused",
    ]
    assert get_agent_state("slow")["status"] == "paused"
    assert checked_log("slow")[-1]["seq"] == got["applied_seq"]


def test_bad_neighbours_hurt_nobody(start):
    """Ticks that exit, fail, hang, grow, swallow and block beside one that works."""
    worker = start(REINS_MAX_FAILURES="2", REINS_RETRY_WAIT_S="0.1").started()
    done(q.agent_create("good", "ann", agent_type="odd"))
    for tick in ("exit", "fail", "huge", "none", "cancelled", "stubborn", "bad_tokens"):
        done(q.agent_create(tick, "ann", agent_type="odd", config={"tick": tick}))
    config = {"tick": "block", "tick_s": 1.2, "heartbeat_s": 60}
    done(q.agent_create("block", "ann", agent_type="odd", config=config))
    until(lambda: ticks("block"))
    for tick in ("exit", "fail", "huge", "none", "cancelled", "bad_tokens"):
        until(lambda tick=tick: get_agent_state(tick)["status"] == "failed", tick)
    seen = len(ticks("good"))
    until(lambda: len(ticks("good")) > seen + 2)
    held = until(lambda: worker.said("the loop is held"))
    assert "_block" in held["at"], "the watchdog names what held the loop"
    warned = [line for line in worker.lines() if line["event"] == "tick failed"]
    assert warned
    assert all({"agent_id", "session_id", "step"} <= line.keys() for line in warned)
    assert worker.stop() == 0


MINE = """
from pydantic import BaseModel
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult

class State(BaseModel):
    n: int = 0

class Mine(LoopingAgentBase):
    agent_type = "mine"
    State = State

    async def tick(self):
        self.state.n += 1
        return StepResult(f"one {self.state.n}")
"""
ENV = """REINS_AGENT_MODULES=["agents_impl", "mine"]
REINS_HEARTBEAT_S=0.1
"""


@pytest.fixture
def program(tmp_path):
    """The program in a folder of its own, with a `.env` and an agent type to edit."""
    made = copy_program(tmp_path / "program")
    (made / "mine.py").write_text(MINE)
    (made / ".env").write_text(ENV)
    return made


@pytest.fixture
def start_copy(data, tmp_path, program):
    made = []

    def start():
        plain = {"REINS_AGENT_MODULES": None, "REINS_HEARTBEAT_S": None}
        logs = tmp_path / f"copy{len(made)}"
        made.append(Worker(data, logs, cwd=program, settings=plain))
        return made[-1].started()

    yield start
    for worker in made:
        worker.__exit__()


def reload():
    return q.wait_for_action(q.environment_reload_action("ann"), 20)


def goes_on(session_id, about):
    seen = len(ticks(session_id, about))
    until(lambda: len(ticks(session_id, about)) > seen, f"{session_id} goes on about {about}")


def test_reload_takes_up_a_changed_type_prompt_and_setting(start_copy, program):
    """Without a restart, and the sessions' states go over to the new code."""
    worker = start_copy()
    done(q.agent_create("m", "ann", agent_type="mine"))
    done(q.agent_create("jo", "ann", "cats"))
    goes_on("m", "one")

    # As long as before, and in the same second perhaps: no stale bytecode is taken for it.
    (program / "mine.py").write_text(MINE.replace("one {", "two {"))
    assert reload()["outcome"] == "applied"
    goes_on("m", "two")
    numbers = [int(row["text"].split()[1]) for row in ticks("m")]
    assert numbers == list(range(1, len(numbers) + 1))

    prompt = program / "baml_src" / "joke.baml"
    prompt.write_text(prompt.read_text().replace("Quoted(subject)", 'Quoted("submarines")'))
    assert reload()["outcome"] == "applied"
    goes_on("jo", "submarines")

    (program / ".env").write_text(ENV.replace("0.1", "50"))
    assert reload()["outcome"] == "applied"
    got = done(q.agent_resume_action("m", "ann"))  # ticks at once, and then after 50 s
    until(lambda: len(list_steps("m", got["applied_seq"])) == 1)
    later = list_steps("m", got["applied_seq"])
    done(q.agent_interrupt("jo", "ann", "about dogs"))
    assert list_steps("m", got["applied_seq"]) == later
    assert worker.stop() == 0


def test_a_reload_of_something_invalid_keeps_the_old(start_copy, program):
    """The receipt says what is invalid; sessions go on with what there was."""
    start_copy()
    done(q.agent_create("m", "ann", agent_type="mine"))
    done(q.agent_create("jo", "ann", "cats"))
    for name, bad, says in (
        ("mine.py", "import nothing_there", "nothing_there"),
        ("mine.py", "raise SystemExit(7)", "SystemExit"),
        ("mine.py", MINE + "\nclass Other(Mine):\n    agent_type = 'mine'\n", "two agent types"),
        (".env", "REINS_HEARTBEET_S=1\n", "did you mean REINS_HEARTBEAT_S"),
        ("baml_src/joke.baml", "function TellAJoke(", "joke.baml"),
    ):
        path = program / name
        good = path.read_text()
        path.write_text(bad)
        got = reload()
        path.write_text(good)
        assert got["outcome"] == "rejected"
        assert says in got["error"], got["error"]
        goes_on("m", "one")
        goes_on("jo", "cats")
    assert reload()["outcome"] == "applied"


def test_a_bad_prompt_does_not_bring_new_types_in(start_copy, program):
    """What is invalid in one part changes nothing in another."""
    start_copy()
    (program / "mine.py").write_text(MINE.replace("one {", "two {"))
    (program / "baml_src" / "joke.baml").write_text("function TellAJoke(")
    assert reload()["outcome"] == "rejected"
    done(q.agent_create("m", "ann", agent_type="mine"))
    goes_on("m", "one")


def test_a_session_that_cannot_take_the_new_code_keeps_the_old(start_copy, program):
    """Its log says so, and it goes on."""
    start_copy()
    done(q.agent_create("m", "ann", agent_type="mine"))
    (program / "mine.py").write_text(MINE.replace("n: int = 0", "n: int = 0\n    must: str"))
    reload()
    row = until(lambda: next((r for r in list_steps("m") if r["kind"] == "error"), None))
    assert row["text"] == "goes on with the code it had"
    assert "must" in row["error"]
    goes_on("m", "one")


def test_a_type_whose_module_has_gone_comes_back(start_copy, program):
    """Its sessions wait, with a clear error, until the module is there and read again."""
    worker = start_copy()
    done(q.agent_create("m", "ann", agent_type="mine"))
    done(q.agent_create("held", "ann", agent_type="mine"))
    done(q.agent_pause_action("held", "ann"))
    goes_on("m", "one")
    worker.kill()
    before = len(checked_log("m"))
    (program / ".env").write_text("REINS_HEARTBEAT_S=0.1\n")
    worker = start_copy()
    lost = [line["session_id"] for line in worker.lines() if line["event"] == "session not rebuilt"]
    assert sorted(lost) == ["held", "m"]
    got = q.wait_for_action(q.agent_pause_action("m", "ann"), 20)
    assert "agent type 'mine' is not known" in got["error"]
    (program / ".env").write_text(ENV)
    assert reload()["outcome"] == "applied"
    until(lambda: len(checked_log("m")) > before + 1, "it goes on")
    assert [row["text"].split()[0] for row in checked_log("held")][-1] == "paused"
    done(q.agent_pause_action("m", "ann"))

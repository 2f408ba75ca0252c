"""Any order of requests, kills and restarts, against a model that a child would understand."""

import json
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import queue_imp as q
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.queue import reading as queue_reading
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

SESSIONS = st.sampled_from(["one", "two"])
SUBJECTS = st.sampled_from(["dogs", "birds", "tea"])
EXAMPLES, STEPS = 9, 18


class Lifecycle(RuleBasedStateMachine):
    """`statuses` and `subjects` are the model: what each session must come to in the end."""

    workers: Workers
    room: Path
    empty: Path

    def __init__(self):
        super().__init__()
        self.folder = self.room / uuid.uuid4().hex
        shutil.copytree(self.empty, self.folder / "data")
        self.data, self.log = self.folder / "data", self.folder / "worker.log"
        self.writer = queue_writer.writer_at(self.data)
        self.worker = None
        self.statuses, self.subjects, self.before = {}, {}, {}
        self.expected = {}

    # -- the worker

    @initialize()
    def begin(self):
        self.worker = self.workers.start(self.data, self.log)

    @precondition(lambda self: self.worker is None)
    @rule()
    def start(self):
        self.worker = self.workers.start(self.data, self.log)

    @precondition(lambda self: self.worker is not None)
    @rule()
    def kill(self):
        self.workers.kill(self.worker)
        self.worker = None

    @precondition(lambda self: self.worker is not None)
    @rule()
    def stop(self):
        self.workers.stop(self.worker)
        self.worker = None

    @precondition(lambda self: self.worker is not None and "running" in self.statuses.values())
    @rule(session=SESSIONS)
    def let_it_work(self, session):
        """Until another row is in the log of a session that runs."""
        if self.statuses.get(session) == "running":
            reader = Reader(self.data)
            seen = len(list_steps(session, store=reader))
            until(lambda: len(list_steps(session, store=reader)) > seen, "another row")

    @precondition(lambda self: self.worker is not None and self.expected)
    @rule()
    def let_it_catch_up(self):
        until(lambda: data_folder.unprocessed(self.data) == 0, "all is processed")

    # -- requests

    def ask(self, kind, session, *, fits, **payload):
        action = q.create_action(kind, "tester", agent_id=session, **payload)
        self.writer.append(action)
        self.expected[action["action_id"]] = "applied" if fits else "rejected"

    def lives(self, session):
        return self.statuses.get(session) in ("running", "paused")

    @rule(session=SESSIONS)
    def create(self, session):
        fits = not self.lives(session)
        config = {"tick": "parts", "parts": 4, "tick_s": 0.005}
        self.ask("create_agent", session, fits=fits, agent_type="odd", config=config)
        if fits:
            self.statuses[session], self.subjects[session] = "running", "cats"

    @rule(session=SESSIONS)
    def pause(self, session):
        self.ask("agent_pause", session, fits=self.lives(session))
        if self.lives(session):
            self.statuses[session] = "paused"

    @rule(session=SESSIONS)
    def resume(self, session):
        self.ask("agent_resume", session, fits=self.lives(session))
        if self.lives(session):
            self.statuses[session] = "running"

    @rule(session=SESSIONS, subject=SUBJECTS, mode=st.sampled_from(["steer", "now"]))
    def interrupt(self, session, subject, mode):
        fits = self.lives(session)
        self.ask("agent_interrupt", session, fits=fits, guidance={"subject": subject}, mode=mode)
        if fits:
            self.subjects[session] = subject

    @rule(session=SESSIONS)
    def destroy(self, session):
        self.ask("agent_destroy", session, fits=self.lives(session))
        if self.lives(session):
            self.before[session] = self.statuses[session]
            self.statuses[session] = "stopped"

    @rule(session=SESSIONS)
    def restore(self, session):
        fits = self.statuses.get(session) == "stopped"
        self.ask("agent_restore", session, fits=fits)
        if fits:
            self.statuses[session] = self.before[session]

    # -- the end

    def teardown(self):
        if self.worker is None:
            self.start()
        if self.expected:
            self.let_it_catch_up()
        self.stop()
        if not self.expected:
            return
        data_folder.check(self.data, list(self.expected))
        reader = Reader(self.data)
        rows = queue_reading.everything(reader)
        wrong = [row for row in rows if row["outcome"] != self.expected[row["action_id"]]]
        assert not wrong, f"{wrong}\n{self.log.read_text()}"
        for session, status in self.statuses.items():
            state = get_agent_state(session, store=reader)
            assert state["status"] == status
            assert json.loads(state["context"])["subject"] == self.subjects[session]


@pytest.fixture(scope="module")
def room(empty_folder):
    with tempfile.TemporaryDirectory() as folder, Workers() as workers:
        Lifecycle.workers, Lifecycle.room, Lifecycle.empty = workers, Path(folder), empty_folder
        yield


@pytest.mark.usefixtures("room")
class TestLifecycle(Lifecycle.TestCase):
    """No gaps, each action once, nothing ticks while paused, and the model's end state."""

    settings = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
        suppress_health_check=list(HealthCheck), print_blob=True,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
    )  # fmt: skip

"""Any order of plans, ends, pauses, edits, destroys, kills and restarts: trees keep promises."""

import json
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import queue_imp as q
from store.agents_config import get_agent_config
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.trees import SETTINGS, check_kinship, states, unsettled
from tests.support.waiting import until
from tests.support.worker import Workers

WIDTH, TOKENS, LIMIT = 3, 1_000, 6_000
GOALS = st.sampled_from(["done: all", "done: all", "failed: as ever", "crash: now", "never: ends"])
EXAMPLES = int(os.environ.get("TREE_EXAMPLES", "3"))
"""Set the variable for a campaign."""
STEPS = 16


class Trees(RuleBasedStateMachine):
    """`asked` are the actions that were acknowledged; the rest is read back from the folder."""

    workers: Workers
    room: Path
    empty: Path

    def __init__(self):
        super().__init__()
        self.folder = self.room / uuid.uuid4().hex
        shutil.copytree(self.empty, self.folder / "data")
        self.data, self.log = self.folder / "data", self.folder / "worker.log"
        self.writer, self.reader = queue_writer.writer_at(self.data), Reader(self.data)
        self.worker, self.asked, self.roots = None, [], []

    # -- the worker

    @initialize()
    def begin(self):
        self.worker = self.workers.start(self.data, self.log, **SETTINGS)

    @precondition(lambda self: self.worker is None)
    @rule()
    def start(self):
        self.begin()

    @precondition(lambda self: self.worker is not None)
    @rule()
    def kill(self):
        self.workers.kill(self.worker)
        self.worker = None
        check_kinship(self.reader)

    @precondition(lambda self: self.worker is not None)
    @rule()
    def stop(self):
        self.workers.stop(self.worker)
        self.worker = None
        check_kinship(self.reader)

    @precondition(lambda self: self.worker is not None and self.asked)
    @rule()
    def let_it_catch_up(self):
        until(lambda: data_folder.unprocessed(self.data) == 0, "all is processed")

    # -- requests

    def ask(self, kind, agent_id, **payload):
        action = q.create_action(kind, "tester", agent_id=agent_id, **payload)
        self.writer.append(action)
        self.asked.append(action["action_id"])

    @rule(goal=GOALS, settle=st.sampled_from(["stop", "stop", "orphan"]))
    def create(self, goal, settle):
        worker = {"agent_type": "leaf", "config": {"ticks": 3, "tokens": TOKENS}}
        config = {
            "goal": goal, "settle": settle, "max_children": WIDTH - 1,
            "workers": {f"w{n}": worker for n in range(WIDTH)},
            "budget": {"tree": {"tokens": LIMIT}},
        }  # fmt: skip
        self.roots.append(f"r{len(self.roots)}-{settle}")
        self.ask("create_agent", self.roots[-1], agent_type="orchestrator", config=config)

    @precondition(lambda self: self.roots)
    @rule(at=st.sampled_from(["", "", ".t1.1", ".t2.1"]), verb=st.sampled_from(
        ["agent_pause", "agent_resume", "agent_resume", "agent_destroy"]))  # fmt: skip
    def steer(self, at, verb):
        self.ask(verb, f"{self.roots[-1]}{at}")

    @precondition(lambda self: self.roots)
    @rule(edit=st.sampled_from([
        {"drop": ["t3"]},
        {"put": [{"id": "t9", "worker": "w0", "brief": "done: more", "needs": ["t1"]}]},
        {"put": [{"id": "t3", "worker": "w1", "brief": "done: otherwise"}], "drop": ["t2"]},
    ]))  # fmt: skip
    def edit(self, edit):
        guidance = {"type": "plan", **edit}
        self.ask("agent_interrupt", self.roots[-1], guidance=guidance, mode="steer")

    @precondition(lambda self: self.roots)
    @rule()
    def guide(self):
        self.ask("agent_interrupt", self.roots[-1], guidance="mind the gap", mode="now")

    # -- the end

    def teardown(self):
        if self.worker is None:
            self.begin()
        until(lambda: data_folder.unprocessed(self.data) == 0, "all is processed")
        try:
            until(lambda: not self._unsettled(), "all is settled", 60)
        except AssertionError as error:
            raise AssertionError(f"{self._unsettled()}\n{self.log.read_text()[-4_000:]}") from error
        self.workers.stop(self.worker)
        if not self.asked:
            return
        check_kinship(self.reader)
        data_folder.check(self.data, self.asked)
        self._check_budgets()

    def _unsettled(self):
        """But for orphans, and trees whose children never end."""
        there = states(self.reader)
        return [
            each for each in unsettled(self.reader)
            if ("-stop" in each if "outlives" in each else not self._never_ends(each, there))
        ]  # fmt: skip

    def _never_ends(self, told, there):
        return any(
            row["parent_session_id"] == told.split()[0] and row["status"] == "running"
            and "never" in get_agent_config(row["session_id"], store=self.reader)["config"]
            for row in there.values()
        )  # fmt: skip

    def _check_budgets(self):
        """No tree has taken more than its limit and what was in flight when that was reached."""
        taken = {}
        for row in states(self.reader).values():
            if (root := row["root_session_id"]) is not None:
                usage = json.loads(row["usage"])
                taken[root] = taken.get(root, 0) + usage["tokens_in"] + usage["tokens_out"]
        for root, tokens in taken.items():
            assert tokens <= LIMIT + WIDTH * TOKENS, root


@pytest.fixture(scope="module")
def room(empty_folder):
    with tempfile.TemporaryDirectory() as folder, Workers() as workers:
        Trees.workers, Trees.room, Trees.empty = workers, Path(folder), empty_folder
        yield


@pytest.mark.usefixtures("room")
class TestTrees(Trees.TestCase):
    """No child twice, none without its parent's knowledge, none that outlives it, budgets kept."""

    settings = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
        suppress_health_check=list(HealthCheck), print_blob=True,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
    )  # fmt: skip

"""Any order of messages, guidance, kills and restarts: the transcript keeps its promises."""

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
from store.agent_state import get_agent_state
from store.messages import list_messages
from store.queue import reading as queue_reading
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder, transcript
from tests.support.waiting import until
from tests.support.worker import Workers

NAMES = ("Cy", "Di", "Ed")
PERSONAS = st.sampled_from([name.casefold() for name in NAMES])
PEOPLE = st.sampled_from(["ann", "ben"])
TEXTS = st.sampled_from(["What about tea?", "Cy, and you?", "Di: I am Di.", "ed ED Ed", "Hm."])
TONES = st.sampled_from(["noir", "cheerful", "dry"])
CEILING = 4
EXAMPLES = int(os.environ.get("CONVERSATION_EXAMPLES", "5"))
"""Set the variable for a campaign: seven take half a minute."""
STEPS = 20


class Talk(RuleBasedStateMachine):
    """`posted`, `tones` and `muted` are the model: what must be on record in the end."""

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
        self.asked, self.posted, self.tones, self.muted = [], {}, {}, {}

    # -- the worker

    @initialize()
    def begin(self):
        """A conversation and its personas, in one go."""
        self.ask("conversation_create", conversation_id="c")
        for name in NAMES:
            config = {
                "name": name, "conversation_id": "c", "cooldown_s": 0.0,
                "max_agent_turns": CEILING, "context_tokens": 300,
            }  # fmt: skip
            agent_id = name.casefold()
            self.ask("create_agent", agent_id=agent_id, agent_type="persona", config=config)
            self.tones[agent_id], self.muted[agent_id] = "friendly", False
        self.start()

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

    @precondition(lambda self: self.worker is not None)
    @rule()
    def let_it_catch_up(self):
        until(lambda: data_folder.unprocessed(self.data) == 0, "all is processed")

    @precondition(lambda self: self.worker is not None and not all(self.muted.values()))
    @rule(author=PEOPLE, text=TEXTS)
    def post_and_be_answered(self, author, text):
        """By somebody: one of those not muted is asked to, in case none has the wish to speak."""
        reader = Reader(self.data)
        action_id = self.say(author, text)

        def after():
            said = list_messages("c", store=reader)
            at = [n for n, row in enumerate(said) if row["message_id"] == action_id]
            return said[at[0] :] if at else []

        until(after, "it is posted")
        self.speak_now(next(name for name, muted in self.muted.items() if not muted), "steer")
        until(lambda: any(row["session_id"] for row in after()), "it is answered")

    # -- requests

    def ask(self, kind, **payload):
        action = q.create_action(kind, payload.pop("actor", "tester"), **payload)
        self.writer.append(action)
        self.asked.append(action["action_id"])
        return action["action_id"]

    @rule(author=PEOPLE, text=TEXTS)
    def post(self, author, text):
        self.say(author, text)

    def say(self, author, text):
        action_id = self.ask("post_message", actor=author, conversation_id="c", text=text)
        self.posted[action_id] = (author, text)
        return action_id

    @rule(author=PEOPLE, times=st.integers(2, 12))
    def post_many(self, author, times):
        for n in range(times):
            self.say(author, f"Point {n}.")

    def guide(self, persona, guidance, mode="steer"):
        self.ask("agent_interrupt", agent_id=persona, guidance=guidance, mode=mode)

    @rule(persona=PERSONAS, tone=TONES, mode=st.sampled_from(["steer", "now"]))
    def set_tone(self, persona, tone, mode):
        self.guide(persona, {"type": "set_tone", "tone": tone}, mode)
        self.tones[persona] = tone

    @rule(persona=PERSONAS, seconds=st.sampled_from([0.0, 0.05]))
    def set_cooldown(self, persona, seconds):
        self.guide(persona, {"type": "set_cooldown", "seconds": seconds})

    @rule(persona=PERSONAS, value=st.sampled_from([0.0, 0.5, 1.0]))
    def set_talkativeness(self, persona, value):
        self.guide(persona, {"type": "set_talkativeness", "value": value})

    @rule(persona=PERSONAS, muted=st.booleans())
    def mute(self, persona, muted):
        self.guide(persona, {"type": "mute" if muted else "unmute"})
        self.muted[persona] = muted

    @rule(persona=PERSONAS, mode=st.sampled_from(["steer", "now"]))
    def speak_now(self, persona, mode):
        self.guide(persona, {"type": "speak_now"}, mode)

    @rule(persona=PERSONAS)
    def instruct(self, persona):
        self.guide(persona, "Mention the weather.")

    # -- the end

    def teardown(self):
        if self.worker is None:
            self.start()
        self.mute("cy", muted=False)
        self.post_and_be_answered("ann", "And in the end?")
        self.let_it_catch_up()
        self.stop()
        data_folder.check(self.data, self.asked)
        replies = transcript.check(self.data, self.posted, ceiling=CEILING)
        reader = Reader(self.data)
        rows = queue_reading.everything(reader)
        wrong = [(row["type"], row["error"]) for row in rows if row["outcome"] != "applied"]
        assert not wrong, f"{wrong}\n{self.log.read_text()}"
        for persona, tone in self.tones.items():
            state = get_agent_state(persona, store=reader)
            own = json.loads(state["context"])
            wrote = sum(reply.message["session_id"] == persona for reply in replies)
            assert state["status"] == "running"
            assert (own["tone"], own["muted"]) == (tone, self.muted[persona])
            assert own["turns"] == wrote


@pytest.fixture(scope="module")
def room(empty_folder):
    with tempfile.TemporaryDirectory() as folder, Workers() as workers:
        Talk.workers, Talk.room, Talk.empty = workers, Path(folder), empty_folder
        yield


@pytest.mark.usefixtures("room")
class TestConversations(Talk.TestCase):
    """No duplicate, no gap, no self-reply, no overlap, the ceiling kept, the model's end state."""

    settings = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
        suppress_health_check=list(HealthCheck), print_blob=True,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
    )  # fmt: skip

"""A model that thinks aloud: its thoughts reach no log, no conversation, no prompt of another."""

import asyncio
import json
import shutil

import pytest

import queue_imp as q
from agents import Runtime
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.messages import list_messages
from store.model_calls import list_calls
from tests.support import data_folder
from tests.support.model_stub import BODY, ModelStub, answers
from tests.support.waiting import until_async

THOUGHT = "Do not mention the hidden plan."
JOKE = "Two otters walk into a bar."
FORMS = {
    "tags": f"<think>\n{THOUGHT}\n</think>\n\n{{}}",
    "a closing tag": f"{THOUGHT}\n</think>\n\n{{}}",
    "channels": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant"
    "<|channel|>final<|message|>{}",
}


@pytest.fixture
async def worker(tmp_path, monkeypatch, empty_folder):
    """Starts a worker whose model answers with what `said` makes of the request's body."""
    folder = tmp_path / "data"
    shutil.copytree(empty_folder, folder)
    monkeypatch.setenv("REINS_DATA", str(folder))
    running = []
    async with ModelStub() as stub:

        async def start(said):
            async def reply(stub, request):
                return await answers(said(request[BODY]))(stub, request)

            stub.default = reply
            route = {"model": "m", "model_base_url": f"{stub.address}/v1", "model_api_key": "k"}
            settings = load_settings(
                data=folder, heartbeat_s=0.1, retry_wait_s=60, stop_grace_s=1, **route
            )
            running.append(Runtime(settings))
            await running[0].start()
            return stub

        yield start
        await running[0].stop()
    data_folder.verified(folder)


async def do(helper, *args, **kwargs):
    receipt = await asyncio.to_thread(lambda: q.wait_for_action(helper(*args, **kwargs), 20))
    assert receipt["outcome"] == "applied", receipt


def everything(session_id):
    """All that the session has on record, but for its calls."""
    return json.dumps([list_steps(session_id), get_agent_state(session_id)], default=str)


def prompts(stub):
    return json.dumps([seen.body for seen in stub.seen])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_jokes_and_subjects(worker, form):
    """A joke and the subject found in words are the answers; the thoughts are with the calls."""
    stub = await worker(
        lambda body: form.format("whales" if "[guidance]" in json.dumps(body) else JOKE)
    )
    await do(q.agent_create, "j", "ann", "cats")
    await do(q.agent_interrupt, "j", "ann", "my niece loves whales, could we hear of those?")
    assert json.loads(get_agent_state("j")["context"])["subject"] == "whales"
    count = len(list_steps("j"))
    await until_async(lambda: len(list_steps("j")) > count + 1)
    await do(q.agent_pause_action, "j", "ann")
    ticks = [row for row in list_steps("j") if row["kind"] == "tick"]
    assert {row["text"] for row in ticks} == {JOKE}
    assert THOUGHT not in everything("j")
    assert THOUGHT not in prompts(stub), "a joke that was told goes into the next prompt"
    calls = list_calls("j")
    assert {call["thought"] for call in calls} == {THOUGHT}
    assert {call["answer"].strip() for call in calls} == {JOKE, "whales"}


async def test_nothing_but_a_thought_fails_the_tick(worker):
    """The tick failed: there was no answer; the thought is with the calls that led to it."""
    await worker(lambda _: f"<think>{THOUGHT}")
    await do(q.agent_create, "j", "ann", "cats")
    await until_async(lambda: any(row["kind"] == "error" for row in list_steps("j")))
    (error,) = [row for row in list_steps("j") if row["kind"] == "error"]
    assert "thoughts, and no answer" in error["error"]
    assert THOUGHT not in everything("j")
    calls = list_calls("j", seq=error["seq"])
    assert {(call["error_kind"], call["thought"]) for call in calls} == {("empty", THOUGHT)}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_personas_speak_without_their_thoughts(worker, form):
    """What one thinks is neither said, nor summed up, nor sent to another; PASS is a pass."""

    def said(body):
        prompt = json.dumps(body)
        if "You sum up a conversation" in prompt:
            return form.format("Ann asked, and asked again.")
        return form.format("PASS" if '[name] \\"Odile\\"' in prompt else "Cats should vote.")

    stub = await worker(said)
    await do(q.conversation_create, "c", "ann")
    for name in ("Mara", "Finn", "Odile"):
        config = {"name": name, "conversation_id": "c", "cooldown_s": 0, "context_tokens": 200,
                  "max_agent_turns": 4}  # fmt: skip
        await do(q.agent_create, name.lower(), "ann", agent_type="persona", config=config)
    for number in range(3):
        await do(q.post_message, "c", "ann", f"{number}: should cats vote? " + "Why not? " * 40)
    await until_async(lambda: "You sum up a conversation" in prompts(stub))
    await until_async(lambda: "Ann asked, and asked again." in prompts(stub))
    for name in ("mara", "finn", "odile"):
        await do(q.agent_pause_action, name, "ann")
    spoken = [row for row in list_messages("c") if row["author"] != "ann"]
    assert spoken
    assert {row["text"] for row in spoken} == {"Cats should vote."}
    assert "Odile" not in {row["author"] for row in spoken}
    assert THOUGHT not in prompts(stub)
    for name in ("mara", "finn", "odile"):
        assert THOUGHT not in everything(name)

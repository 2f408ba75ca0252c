"""A session done again from its record, with no model, gives the same log."""

import asyncio
import copy
import os
from dataclasses import replace

import orjson
import pytest

import queue_imp as q
from agent_core.inbox.rules import Rules
from agents import Runtime
from reins.cli.main import main
from reins.history import recording as replay
from reins.history.replay import NotReplayableError
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from tests.support.model_stub import ModelStub, answers, fails, never
from tests.support.program import ran
from tests.support.waiting import until
from tests.support.worker import ROOT

TEA = {"subject": "tea"}
RECORDED = ROOT / "tests" / "recordings" / "joke.json"


@pytest.fixture(scope="module")
def recorded():
    """A recording that is kept: jokes, guidance of both kinds, a pause, an end."""
    return replay.load(RECORDED)


def run(recording, modules=("agents_impl",)):
    return asyncio.run(replay.replay(recording, modules))


def test_a_kept_recording_gives_the_same_log(recorded):
    """Every row is written again: its text, payload, state, tokens and number."""
    done = run(recorded)
    assert done.differences == []
    assert [row["seq"] for row in done.rows] == list(range(1, len(recorded["rows"]) + 1))
    assert [row["text"] for row in done.rows] == [row["text"] for row in recorded["rows"]]
    kinds = {row["kind"] for row in done.rows}
    assert kinds == {"status", "tick", "guidance", "final"}


def test_what_no_longer_fits_is_said(recorded):
    """Another answer, another configuration, a call less: the first row that differs is named."""
    changed = copy.deepcopy(recorded)
    changed["calls"][0]["answer"] = "something else"
    [text, *_] = run(changed).differences
    assert text.startswith("#2 tick: text was")
    assert "something else" in text
    changed = copy.deepcopy(recorded)
    changed["config"]["subject"] = "owls"
    assert run(changed).differences[0].startswith("#1 status: agent was {'subject': 'cats'")
    changed = copy.deepcopy(recorded)
    changed["calls"][0]["function"] = "TellAPoem"
    assert any("NotRecordedError: TellAJoke" in line for line in run(changed).differences)
    changed = copy.deepcopy(recorded)
    del changed["rows"][-1]
    assert run(changed).differences == [], "a life that goes on is a recording too"
    changed["rows"].append(changed["rows"][-1] | {"seq": 99, "kind": "dream"})
    with pytest.raises(NotReplayableError, match="kind 'dream'"):
        run(changed)


def test_a_recording_without_prompts_is_refused(recorded):
    """What was left out of the record is named, with the setting that keeps it."""
    changed = copy.deepcopy(recorded)
    for call in changed["calls"]:
        call["request"] = None
    with pytest.raises(NotReplayableError, match="REINS_RECORD_PROMPTS"):
        run(changed)


def test_calls_of_mcp_servers_are_refused(recorded):
    """Nobody knows from the record what such a tool took."""
    changed = copy.deepcopy(recorded)
    changed["rows"][-1]["payload"] = '{"call": {"tool": "one__echo"}}'
    with pytest.raises(NotReplayableError, match="one__echo, a tool of an MCP server"):
        run(changed)


def test_failures_are_done_again(tmp_path, monkeypatch):
    """Attempts that failed, and a tick that did, lead to the same rows, at once."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    recording = asyncio.run(_live_with_failures(monkeypatch))
    kinds = [row["kind"] for row in recording["rows"]]
    assert kinds.count("error") == 1
    failed = [call["error_kind"] for call in recording["calls"] if call["error_kind"]]
    assert failed == ["server", "bad_request"]
    done = run(recording)
    assert done.differences == []


async def _live_with_failures(monkeypatch):
    async with ModelStub() as stub:
        stub.replies.extend([fails(500), answers("One."), fails(400), answers("Two.")])
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        runtime = Runtime(load_settings(heartbeat_s=0.2, retry_wait_s=0.1))
        await runtime.start()
        try:
            await asyncio.to_thread(_two_jokes)
        finally:
            await runtime.stop()
    return replay.record("ada")


def _two_jokes():
    q.wait_for_action(q.agent_create("ada", "ann", "cats"))
    until(
        lambda: (
            [r["text"] for r in list_steps("ada") if r["kind"] == "tick"][:2] == ["One.", "Two."]
        )
    )
    q.wait_for_action(q.agent_destroy_action("ada", "ann"))


def test_a_life_with_everything_is_done_again(tmp_path, monkeypatch):
    """Held by a budget and let go, interrupted now, failed and resumed, stopped in the middle of a
    call and started again; with a subject that looks like a key."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    recording = asyncio.run(_live_through_everything(monkeypatch))
    texts = [row["text"] for row in recording["rows"]]
    for part in (
        "paused: budget: ",
        "budget: session tokens ",
        "running: ",
        "failed",
        "resumed by",
    ):
        assert any(text.startswith(part) for text in texts), (part, texts)
    ends = [call["error_kind"] for call in recording["calls"]]
    assert ends.count("aborted") == 2
    assert "sk-abcdefghijklmnopqrstuv" not in orjson.dumps(recording["calls"]).decode()
    assert run(recording).differences == []


async def _live_through_everything(monkeypatch):
    async with ModelStub(default=answers("A joke.")) as stub:
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        settings = load_settings(
            heartbeat_s=0.05, retry_wait_s=0.05, max_failures=2, stop_grace_s=0.2
        )
        runtime = Runtime(settings)
        await runtime.start()
        await asyncio.to_thread(_held_and_let_go)
        await _when_it_calls(stub, _interrupt_now)
        stub.default = fails(400)
        stub.released.set()
        await asyncio.to_thread(until, lambda: _status() == "failed")
        stub.default = answers("Another.")
        await asyncio.to_thread(lambda: q.wait_for_action(q.agent_resume_action("ada", "ann")))
        await _when_it_calls(stub, lambda: None)
        await runtime.stop()
        stub.default = answers("The last.")
        stub.released.set()
        runtime = Runtime(settings)
        await runtime.start()
        await asyncio.to_thread(until, lambda: list_steps("ada")[-1]["text"] == "The last.")
        await asyncio.to_thread(
            lambda: q.wait_for_action(q.agent_destroy_action("ada", "ann", "enough"))
        )
        await runtime.stop()
    return replay.record("ada")


def _held_and_let_go():
    budget = {"session": {"tokens": 700}}
    subject = "sk-abcdefghijklmnopqrstuv"
    q.wait_for_action(q.agent_create("ada", "ann", subject, config={"budget": budget}))
    until(lambda: _status() == "paused")
    more = {"type": "set_budget", "scope": "session", "tokens": 1_000_000}
    q.wait_for_action(q.agent_interrupt("ada", "ann", more))


async def _when_it_calls(stub, act):
    """Act while a call waits for its answer."""
    stub.released.clear()
    stub.default = never
    await asyncio.to_thread(until, lambda: stub.held == 1)
    await asyncio.to_thread(act)


def _interrupt_now():
    q.wait_for_action(q.agent_interrupt("ada", "ann", TEA, mode="now"))


def _status():
    return get_agent_state("ada")["status"]


def test_an_outage_is_done_again(tmp_path, monkeypatch):
    """Tries while the model is away, with a pause, a restart and an answer."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    recording = asyncio.run(_outlive_an_outage(tmp_path))
    texts = [row["text"] for row in recording["rows"]]
    assert texts.count("waits for the model (try 1)") == 2
    assert "A joke." in texts
    assert run(recording).differences == []


async def _outlive_an_outage(folder):
    async with ModelStub(default=fails(503)) as stub:
        file = folder / "models.toml"
        # Its breaker stays closed: it would decide by the clock how often is tried.
        file.write_text(
            f'default = "m"\n[routes.m]\nprovider = "compatible"\nmodel = "m"\n'
            f'base_url = "{stub.address}/v1"\ndeadline_s = 0.3\nbreaker_failures = 1000\n'
        )
        settings = load_settings(
            models=file, heartbeat_s=0.05, retry_wait_s=0.05, retry_wait_max_s=0.1
        )
        runtime = Runtime(settings)
        await runtime.start()
        await asyncio.to_thread(lambda: q.wait_for_action(q.agent_create("ada", "ann", "cats")))
        await asyncio.to_thread(until, lambda: _tried(2, times=1))
        await asyncio.to_thread(lambda: q.wait_for_action(q.agent_pause_action("ada", "ann")))
        await asyncio.to_thread(lambda: q.wait_for_action(q.agent_resume_action("ada", "ann")))
        await asyncio.to_thread(until, lambda: _tried(1, times=2))
        await runtime.stop()
        stub.default = answers("A joke.")
        runtime = Runtime(settings)
        await runtime.start()
        await asyncio.to_thread(until, lambda: list_steps("ada")[-1]["text"] == "A joke.")
        await asyncio.to_thread(lambda: q.wait_for_action(q.agent_destroy_action("ada", "ann")))
        await runtime.stop()
    return replay.record("ada")


def _tried(count, *, times):
    texts = [row["text"] for row in list_steps("ada")]
    return texts.count(f"waits for the model (try {count})") == times


def test_structured_answers_are_done_again(tmp_path, monkeypatch):
    """One that fits and one that was sent back."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    modules = ["tests.support.walking_agent"]
    recording = asyncio.run(_walk(monkeypatch, modules))
    assert [row["text"] for row in recording["rows"] if row["kind"] == "tick"] == [
        "look: why not", "wait: yes",
    ]  # fmt: skip
    assert run(recording, modules).differences == []


async def _walk(monkeypatch, modules):
    async with ModelStub() as stub:
        for text in (
            '{"action": "look", "reason": "why not"}',
            '{"action": "fly", "reason": "x"}',
            '{"action": "wait", "reason": "yes"}',
        ):
            stub.replies.append(answers(text))
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        runtime = Runtime(load_settings(heartbeat_s=0.05, agent_modules=modules))
        await runtime.start()
        created = q.agent_create("walk", "ann", agent_type="walker")
        await asyncio.to_thread(q.wait_for_action, created)
        await asyncio.to_thread(until, lambda: get_agent_state("walk")["status"] == "completed")
        await runtime.stop()
    return replay.record("walk")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": 1}', b'{"format": 7}', b"\xff"])
def test_what_is_no_recording(tmp_path, content):
    """It says what is missing, not where a program stumbled."""
    file = tmp_path / "file.json"
    file.write_bytes(content)
    with pytest.raises(NotReplayableError, match="holds no recording"):
        replay.load(file)


def test_a_replay_from_a_shell_says_whether_it_is_the_same(tmp_path, recorded, capsys, monkeypatch):
    """`replay run` says whether it is the same; what cannot be read is an error in words."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    assert main(["replay", "run", str(RECORDED)]) == 0
    assert capsys.readouterr().out == f"the same: {len(recorded['rows'])} rows\n"
    changed = copy.deepcopy(recorded)
    changed["calls"][0]["answer"] = "something else"
    other = tmp_path / "other.json"
    other.write_bytes(orjson.dumps(changed))
    assert main(["replay", "run", str(other)]) == 1
    assert "#2 tick: text was" in capsys.readouterr().out
    other.write_bytes(orjson.dumps(changed | {"format": 7}))
    for arguments in (["run", str(tmp_path)], ["run", str(other)], ["record", "nobody", "x"]):
        assert main(["replay", *arguments]) == 2
        assert capsys.readouterr().err.startswith("reins: ")


def test_the_example_replays_without_a_difference(tmp_path):
    """The example records, replays, and finds no difference."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("REINS_")}
    code, out, err = ran([ROOT / "examples" / "replay_session.py"], cwd=tmp_path, env=env)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("the same: ")
    assert "!" not in {line[4] for line in out.splitlines()[:-1]}


def test_a_task_with_all_that_people_decide_is_done_again(tmp_path, monkeypatch):
    """Approved, rejected, refused, edited, answered, given up, and cut off in the middle of a call:
    tools and people answer from the rows, and every row comes out the same."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_TOOLS", '["tests.support.task_tools"]')
    recording = asyncio.run(_live_as_a_task(monkeypatch))
    kinds = [_outcome_of(row) for row in recording["rows"]]
    assert [kind for kind in kinds if kind] == [
        "ok", "ok", "rejected", "denied", "ok", "ok", "unknown", "unknown",
    ]  # fmt: skip
    assert [row["kind"] for row in recording["rows"]].count("intent") == 4
    lines = (tmp_path / "workspaces" / "ada" / "x").read_text().split()[::2]
    assert lines == ["a", "d"]
    done = asyncio.run(replay.replay(recording, tools=["tests.support.task_tools"]))
    assert done.differences == []
    assert (tmp_path / "workspaces" / "ada" / "x").read_text().split()[::2] == lines


def test_a_task_that_was_paused_and_guided_between_thought_and_act_is_done_again(
    tmp_path, monkeypatch
):
    """The thought is kept over the pause, and the call is made after it; guidance comes between."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_TOOLS", '["tests.support.task_tools"]')
    recording = asyncio.run(_live_with_a_pause(monkeypatch))
    kinds = [row["kind"] for row in recording["rows"]]
    assert kinds[:5] == ["status", "status", "intent", "status", "status"]
    assert kinds.count("intent") == 3  # announced anew after the pause
    done = asyncio.run(replay.replay(recording, tools=["tests.support.task_tools"]))
    assert done.differences == []


async def _live_with_a_pause(monkeypatch):
    async with ModelStub() as stub:
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        runtime = Runtime(load_settings(heartbeat_s=0.05, stop_grace_s=5))
        await runtime.start()
        config = {"goal": "append", "tools": ["counting"], "approvals": "allow_medium"}

        def later(tool, **arguments):
            async def answer(*given):
                await stub.released.wait()
                return await _said(tool, **arguments)(*given)

            return answer

        stub.released.clear()
        stub.replies.append(later("append_line", path="x", line="a"))
        await asyncio.to_thread(
            lambda: q.wait_for_action(
                q.agent_create("ada", "ann", agent_type="task", config=config)
            )
        )
        await asyncio.to_thread(until, lambda: stub.open_now == 1)
        paused = q.agent_pause_action("ada", "ann")
        await asyncio.to_thread(until, lambda: list_steps("ada")[-1]["text"] == "pausing")
        stub.released.set()
        await asyncio.to_thread(q.wait_for_action, paused)
        stub.released.clear()
        stub.replies.append(later("put_line", path="y", line="b"))
        await asyncio.to_thread(lambda: q.wait_for_action(q.agent_resume_action("ada", "ann")))
        await asyncio.to_thread(until, lambda: stub.open_now == 1)
        guided = q.agent_interrupt("ada", "ann", "be brief")
        session = runtime.fleet.live["ada"]
        await asyncio.to_thread(until, lambda: session.mailbox)
        stub.replies.append(_said("finish", status="done", summary="All of it."))
        stub.released.set()
        await asyncio.to_thread(q.wait_for_action, guided)
        await asyncio.to_thread(until, lambda: list_steps("ada")[-1]["kind"] == "final")
        await runtime.stop()
    return replay.record("ada")


def test_a_task_whose_calls_were_not_permitted_any_more_is_done_again(tmp_path, monkeypatch):
    """Between their announcement and their beginning: one then asks, one is denied."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_TOOLS", '["tests.support.task_tools"]')
    with monkeypatch.context() as patched:
        recording = asyncio.run(_live_under_rules_that_change(patched))
    kinds = [row["kind"] for row in recording["rows"]]
    assert kinds.count("intent") == 4
    assert [kind for kind in map(_outcome_of, recording["rows"]) if kind] == ["ok", "ok", "denied"]
    done = asyncio.run(replay.replay(recording, tools=["tests.support.task_tools"]))
    assert done.differences == []


async def _live_under_rules_that_change(monkeypatch):
    decide = Rules.decide

    def changing(rules, call):
        rule = decide(rules, call)
        intents = sum(row["kind"] == "intent" for row in list_steps("ada"))
        match call.args.get("line"), intents:
            case "b", 2:
                return None
            case "c", 4:
                return replace(rule, effect="deny")
        return rule

    monkeypatch.setattr(Rules, "decide", changing)
    async with ModelStub() as stub:
        lines = (_said("append_line", path="x", line=line) for line in "abc")
        stub.replies.extend([*lines, _said("finish", status="done", summary="All of it.")])
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        runtime = Runtime(load_settings(heartbeat_s=0.05))
        await runtime.start()
        config = {"goal": "append", "tools": ["counting"], "approvals": "ask"}

        def live():
            q.wait_for_action(q.agent_create("ada", "ann", agent_type="task", config=config))
            always = {"scope": "session", "anything": True}
            for remember in (always, None):
                until(lambda: [*q.inbox_items(session_id="ada")])
                [item] = q.inbox_items(session_id="ada")
                given = {} if remember is None else {"remember": remember}
                decided = q.inbox_decide(item["item_id"], "ann", "approve", **given)
                q.wait_for_action(decided)
            until(lambda: list_steps("ada")[-1]["kind"] == "final")

        await asyncio.to_thread(live)
        await runtime.stop()
    return replay.record("ada")


def test_a_reload_takes_tools_that_have_changed(tmp_path, monkeypatch):
    """Sessions have the new tool from their next thought on; a module that is broken changes
    nothing."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "own_reloaded.py"
    text = 'from reins.tools import tool\n@tool\ndef {0}(x: int) -> int:\n    """Do {0}."""\n'
    text += "    return x\n"
    module.write_text(text.format("one"))
    monkeypatch.setenv("REINS_TOOLS", '["own_reloaded"]')
    asyncio.run(_reloaded(module, text))


async def _reloaded(module, text):
    runtime = Runtime(load_settings())
    await runtime.start()
    try:
        assert [*runtime.toolbox.select(["own_reloaded"])] == ["one"]
        module.write_text(text.format("two"))
        await runtime.reload()
        assert [*runtime.toolbox.select(["own_reloaded"])] == ["two"]
        module.write_text("broken")
        with pytest.raises(ValueError, match="own_reloaded"):
            await runtime.reload()
        assert [*runtime.toolbox.select(["own_reloaded"])] == ["two"]
    finally:
        await runtime.stop()


def _outcome_of(row):
    outcome = orjson.loads(row["payload"] or "{}").get("outcome")
    return outcome and ("ok" if outcome["ok"] else outcome["kind"])


def _said(tool, **arguments):
    return answers(orjson.dumps({"thought": "so", "tool": tool, "arguments": arguments}).decode())


async def _live_as_a_task(monkeypatch):
    async with ModelStub() as stub:
        stub.replies.extend([
            _said("list_files"),
            _said("append_line", path="x", line="a"),
            _said("append_line", path="x", line="b"),
            _said("append_line", path="x", line="b"),
            _said("append_line", path="x", line="c"),
            _said("ask_person", question="Which one?"),
            _said("dawdle"),
            _said("dawdle", seconds=50),
            _said("finish", status="done", summary="All of it."),
        ])  # fmt: skip
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        settings = load_settings(heartbeat_s=0.05, stop_grace_s=0.2)
        runtime = Runtime(settings)
        await runtime.start()
        await asyncio.to_thread(_decided)
        await runtime.stop()
        runtime = Runtime(settings)
        await runtime.start()
        await asyncio.to_thread(until, lambda: list_steps("ada")[-1]["kind"] == "final")
        await runtime.stop()
    return replay.record("ada")


def _decided():
    config = {"goal": "append", "tools": ["files", "counting"]}
    q.wait_for_action(q.agent_create("ada", "ann", agent_type="task", config=config))
    _decide("approve")
    _decide("reject", reason="not b")
    _decide("edit", args={"path": "x", "line": "d"})
    _decide("answer", text="the left one")
    _decide("approve")
    until(lambda: list_steps("ada")[-1]["kind"] == "intent")
    q.wait_for_action(q.agent_interrupt("ada", "ann", "no dawdling", mode="now"))
    _decide("approve")
    until(lambda: list_steps("ada")[-1]["kind"] == "intent")


def _decide(decision, **parts):
    until(q.inbox_items)
    (item,) = q.inbox_items()
    receipt = q.wait_for_action(q.inbox_decide(item["item_id"], "ann", decision, **parts))
    assert receipt["outcome"] == "applied", receipt

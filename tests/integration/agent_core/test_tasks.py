"""Task sessions in a fleet: a thought and an act a tick, on record in between."""

import asyncio
import json

import queue_imp as q
from tests.integration.agent_core.tasking import again, tasks
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async

__all__ = ["tasks"]


async def test_a_task_thinks_announces_acts_and_finishes(tasks):
    """Two rows for a call that changes something, one for a pure read, the result at the end."""
    tasks.model.answers += [answer("look"), answer("count"), finished(summary="One is counted.")]
    await tasks.task()
    await tasks.until_row("final")
    assert tasks.kinds() == ["status", "tick", "intent", "tick", "tick", "final"]
    _, look, intent, count, end, final = tasks.log()
    assert look["text"] == "look"
    announced, done = json.loads(intent["payload"]), json.loads(count["payload"])
    assert announced["call"] == done["call"]
    assert announced["call"]["key"] == tasks.hands.keys[0]
    assert announced["call"]["risk"] == "medium"
    assert done["outcome"]["text"] == "1 counted"
    assert intent["tokens_in"] == 0  # a scripted model takes nothing
    assert end["text"] == "One is counted."
    result = json.loads(final["payload"])["result"]
    assert result["output"] == "One is counted."
    assert result["status"] == "completed"
    assert result["payload"]["status"] == "done"
    assert tasks.state()["status"] == "completed"


# -- guidance, pause, stop


async def test_guidance_during_an_act_is_heeded_by_the_next_thought(tasks):
    """It is taken in at the tick's end; the next thought is sent it."""
    tasks.model.answers += [answer("slow"), finished()]
    await tasks.task()
    await tasks.hands.begun.wait()
    asked = asyncio.ensure_future(
        tasks.do(q.agent_interrupt, "a", "tester", "leave the public API alone")
    )
    await until_async(lambda: tasks.sessions.live["a"].mailbox, "it has arrived")
    tasks.hands.released.set()
    assert (await asked)["outcome"] == "applied"
    await tasks.until_row("final")
    assert tasks.kinds() == ["status", "intent", "tick", "guidance", "tick", "final"]
    assert tasks.model.asked[-1][1]["guidance"] == ["leave the public API alone"]
    assert tasks.model.asked[0][1]["guidance"] == []


async def test_a_pause_during_a_thought_keeps_it_and_resumes_with_the_act(tasks):
    """The call is announced, the pause comes at the safe point, and nothing is thought twice."""
    tasks.model.held = asyncio.Event()
    tasks.model.answers += [answer("count"), finished()]
    await tasks.task()
    await tasks.model.thinking.wait()
    paused = asyncio.ensure_future(tasks.do(q.agent_pause_action, "a", "tester"))
    await tasks.until_row("status")
    await until_async(lambda: tasks.log()[-1]["text"] == "pausing", "pausing")
    tasks.model.held.set()
    assert (await paused)["outcome"] == "applied"
    assert [row["kind"] for row in tasks.log()] == ["status", "status", "intent", "status"]
    assert tasks.hands.done == []
    state = json.loads(tasks.state()["context"])
    assert state["pending"]["begun"] is False
    tasks.model.held = None
    await tasks.do(q.agent_resume_action, "a", "tester")
    await tasks.until_row("final")
    assert tasks.hands.done == ["one"]
    assert len(tasks.model.asked) == 2
    keys = {json.loads(row["payload"])["call"]["key"] for row in tasks.log()
            if row["kind"] == "intent"}  # fmt: skip
    assert keys == {*tasks.hands.keys}


async def test_guidance_now_kills_a_cancellable_tool_at_once_and_on_record(tasks):
    """Nobody knows whether it was done; the guidance counts from the next thought on."""
    tasks.model.answers += [answer("slow"), finished()]
    await tasks.task()
    await tasks.hands.begun.wait()
    began = asyncio.get_running_loop().time()
    asked = asyncio.ensure_future(
        tasks.do(q.agent_interrupt, "a", "tester", "stop that", mode="now")
    )
    await until_async(lambda: tasks.hands.cancelled, "the tool is given up")
    took_s = asyncio.get_running_loop().time() - began
    assert (await asked)["outcome"] == "applied"
    await tasks.until_row("final")
    assert tasks.kinds() == ["status", "intent", "tick", "guidance", "tick", "final"]
    (_, outcome), *_ = tasks.acts()
    assert (outcome["ok"], outcome["kind"]) == (False, "unknown")
    assert "given up for guidance" in outcome["text"]
    assert tasks.model.asked[-1][1]["guidance"] == ["stop that"]
    assert took_s < 5  # by the queue and a busy machine; the kill itself is measured elsewhere


async def test_a_tool_that_cannot_be_cancelled_goes_on_and_says_so(tasks):
    """Guidance of mode now waits for it."""
    tasks.model.answers += [answer("stubborn"), finished()]
    session = await tasks.task()
    await tasks.hands.begun.wait()
    asked = asyncio.ensure_future(
        tasks.do(q.agent_interrupt, "a", "tester", "stop that", mode="now")
    )
    await until_async(lambda: session.mailbox, "the guidance is there")
    tasks.hands.released.set()
    assert (await asked)["outcome"] == "applied"
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["ok"]
    assert "cannot be cancelled" in outcome["note"]
    assert tasks.hands.done == ["stubborn"]


async def test_guidance_now_gives_up_a_thought(tasks):
    """It is thought anew, with the guidance."""
    tasks.model.held = asyncio.Event()
    await tasks.task()
    await tasks.model.thinking.wait()
    tasks.model.answers += [finished()]
    asked = asyncio.ensure_future(
        tasks.do(q.agent_interrupt, "a", "tester", "be quick", mode="now")
    )
    await tasks.until_row("guidance")
    tasks.model.held.set()
    assert (await asked)["outcome"] == "applied"
    await tasks.until_row("final")
    assert [asked[1]["guidance"] for asked in tasks.model.asked] == [[], ["be quick"]]


async def test_a_destroy_in_an_act_leaves_the_outcome_on_record(tasks):
    """A tool that does not end in the grace time is given up, and the log says so."""
    tasks.model.answers += [answer("slow")]
    await tasks.task()
    await tasks.hands.begun.wait()
    got = await tasks.do(q.agent_destroy_action, "a", "tester")
    assert got["outcome"] == "applied"
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "unknown"
    assert "given up for a stop" in outcome["text"]
    assert tasks.kinds()[-2:] == ["tick", "final"]


# -- restarts


async def test_a_crash_in_an_act_repeats_no_call_that_must_not_be(tasks):
    """It becomes `unknown, not repeated`, and the model is told."""
    tasks.model.answers += [answer("slow")]
    await tasks.task()
    await tasks.hands.begun.wait()
    await tasks.stop(grace_s=0)
    made = await again(tasks, finished())
    try:
        await made.until_row("final")
        assert made.kinds() == ["status", "intent", "status", "tick", "tick", "final"]
        (_, outcome), *_ = made.acts()
        assert outcome["kind"] == "unknown"
        assert "not repeated" in outcome["text"]
        assert not made.hands.begun.is_set()
        steps = made.model.asked[0][1]["steps"]
        assert "not repeated" in steps[-1]
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_a_crash_in_an_act_does_an_idempotent_call_again_with_the_same_key(tasks):
    """`put` is announced, dies, and is done after the start under the key that it had."""
    tasks.model.answers += [answer("put", path="x")]
    hands = tasks.hands
    done = asyncio.Event()

    async def dies(tool, arguments, around):
        hands.keys.append(around.key)
        done.set()
        await asyncio.Event().wait()

    tasks.toolbox.act = dies
    await tasks.task()
    await done.wait()
    await tasks.stop(grace_s=0)
    made = await again(tasks, finished())
    try:
        await made.until_row("final")
        assert made.kinds() == ["status", "intent", "status", "tick", "tick", "final"]
        assert made.hands.keys == hands.keys
        assert made.hands.done == ["x"]
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_a_stop_between_thought_and_act_loses_no_call(tasks):
    """The worker is told to stop while the session thinks: what was decided is done by the next."""
    tasks.model.held = asyncio.Event()
    tasks.model.answers += [answer("count")]
    session = await tasks.task()
    await tasks.model.thinking.wait()
    stopping = asyncio.ensure_future(tasks.stop(grace_s=5))
    await until_async(lambda: session.agent.retired, "it is told to stop")
    tasks.model.held.set()
    await stopping
    assert tasks.hands.done == []
    made = await again(tasks, finished())
    try:
        await made.until_row("final")
        assert made.hands.done == ["one"]
        outcomes = [outcome["ok"] for _, outcome in made.acts()]
        assert outcomes == [True]
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_large_arguments_are_not_in_every_snapshot(tasks):
    """They are in the intent's row, from where they are read after a pause."""
    content = "x" * 60_000
    tasks.model.held = asyncio.Event()
    tasks.model.answers += [answer("put", path="big", content=content), finished()]
    session = await tasks.task()
    await tasks.model.thinking.wait()
    paused = asyncio.ensure_future(tasks.do(q.agent_pause_action, "a", "tester"))
    await until_async(lambda: tasks.log()[-1]["text"] == "pausing", "pausing")
    tasks.model.held.set()
    await paused
    assert len(tasks.state()["context"]) < 5_000
    session.agent._arguments = None  # as in another process
    tasks.model.held = None
    await tasks.do(q.agent_resume_action, "a", "tester")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["text"] == "big has 60000 bytes"


# -- limits, goals


async def test_the_same_again_and_again_is_warned_of_then_held(tasks):
    """Three times: a word to the model. Three times more: held, until a person resumes it."""
    tasks.model.answers += [answer("look")] * 6
    await tasks.task()
    await until_async(lambda: tasks.state()["waits"], "it is held")
    waits = json.loads(tasks.state()["waits"])
    assert waits["kind"] == "stuck"
    assert "same call" in waits["reason"]
    assert tasks.state()["status"] == "running"
    assert len(tasks.acts()) == 6
    assert "no way" in tasks.model.asked[3][1]["notes"][0]
    tasks.model.answers += [finished()]
    await asyncio.sleep(0.1)
    assert len(tasks.model.asked) == 6
    await tasks.do(q.agent_resume_action, "a", "tester")
    await tasks.until_row("final")
    assert json.loads(tasks.log()[-3]["state"]).get("waits") is None


async def test_one_that_is_held_stays_so_over_a_restart_and_goes_on_by_guidance(tasks):
    """The wait is in its snapshot; nothing ticks before a person says something."""
    tasks.model.answers += [answer("broken")] * 6
    await tasks.task()
    await until_async(lambda: tasks.state()["waits"], "it is held")
    await tasks.stop()
    made = await again(tasks, finished())
    try:
        await asyncio.sleep(0.1)
        assert json.loads(made.state()["waits"])["kind"] == "stuck"
        assert made.model.asked == []
        await made.do(q.agent_interrupt, "a", "tester", "finish then")
        await made.until_row("final")
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_three_unreadable_answers_hold_it(tasks):
    """Each was sent back once before."""
    tasks.model.answers += ["What?"] * 6
    await tasks.task()
    await until_async(lambda: tasks.state()["waits"], "it is held")
    assert "could not be read" in json.loads(tasks.state()["waits"])["reason"]
    assert len(tasks.model.asked) == 6
    assert tasks.kinds() == ["status", "tick", "tick", "tick"]


async def test_max_iterations_hold_it(tasks):
    """So many thoughts; the last are told that they are."""
    tasks.model.answers += [answer("look", place=str(n)) for n in range(4)]
    await tasks.task(max_iterations=4)
    await until_async(lambda: tasks.state()["waits"], "it is held")
    assert "max_iterations" in json.loads(tasks.state()["waits"])["reason"]
    assert "1 thoughts are left" in tasks.model.asked[-1][1]["notes"][-1]


async def test_an_idle_task_takes_the_next_goal(tasks):
    """Without a goal it does not tick; each goal leaves its result."""
    tasks.model.answers += [finished(summary="First."), finished(summary="Second.")]
    await tasks.task(when_finished="idle", goal=None)
    await asyncio.sleep(0.1)
    assert tasks.kinds() == ["status"]
    for goal in ("one", "two"):
        got = await tasks.do(q.agent_interrupt, "a", "tester", {"type": "set_goal", "goal": goal})
        assert got["outcome"] == "applied"
        await until_async(lambda: not json.loads(tasks.state()["context"])["goal"], "it is idle")
    results = [json.loads(row["payload"])["result"] for row in tasks.log() if row["kind"] == "tick"]
    assert [(each["goal"], each["summary"]) for each in results] == [
        ("one", "First."),
        ("two", "Second."),
    ]
    assert tasks.state()["status"] == "running"


async def test_a_task_hears_a_topic_and_wakes_for_it(tasks):
    """A goal that is published is set; words are in its next thought, with their publisher's."""
    tasks.model.answers += [finished(summary="First."), finished(summary="Second.")]
    await tasks.task(when_finished="idle", goal=None, on=["topic:goals"])
    for done, goal in enumerate(("one", "two"), 1):
        await tasks.do(q.publish, "goals", "bob", {"type": "set_goal", "goal": goal})
        await until_async(lambda done=done: tasks.kinds().count("tick") == done, f"{goal} is done")
        await until_async(lambda: not json.loads(tasks.state()["context"])["goal"], "it is idle")
    guided = [row for row in tasks.log() if row["kind"] == "guidance"]
    assert [json.loads(row["payload"])["actor"] for row in guided] == ["bob", "bob"]
    await tasks.do(q.publish, "goals", "bob", {"type": "set_goal", "goal": 5})
    await until_async(
        lambda: len([r for r in tasks.log() if r["kind"] == "guidance"]) == 3, "words"
    )
    assert "bob says in goals" in json.loads(tasks.log()[-1]["payload"])["guidance"]


async def test_a_busy_task_takes_goals_as_it_is_told(tasks):
    """In line by default, refused with `reject`, in place of its own with `replace`."""
    tasks.model.answers += [answer("slow")]
    await tasks.task()
    await tasks.hands.begun.wait()

    def goal(text, when):
        order = {"type": "set_goal", "goal": text, "when_busy": when}
        return tasks.do(q.agent_interrupt, "a", "tester", order)

    asked = (("second", "queue"), ("third", "reject"), ("fourth", "replace"))
    waiting = [asyncio.ensure_future(goal(*each)) for each in asked]
    held = tasks.sessions.live["a"].mailbox
    await until_async(lambda: len([*held.waiting()]) == len(asked), "they have arrived")
    tasks.model.answers += [finished(), finished()]
    tasks.hands.released.set()
    outcomes = [(await each)["outcome"] for each in waiting]
    assert outcomes == ["applied", "rejected", "applied"]
    await tasks.until_row("final")
    assert [each[1]["goal"] for each in tasks.model.asked[1:]] == ["fourth", "second"]


async def test_tools_that_are_not_there_are_refused_with_what_may_be_meant(tasks):
    """At creation and as guidance."""
    config = {"goal": "x", "tools": ["cuont"]}
    got = await tasks.do(q.agent_create, "a", "tester", agent_type="task", config=config)
    assert got["outcome"] == "rejected"
    assert "did you mean count" in got["error"]
    tasks.model.held = asyncio.Event()
    await tasks.task()
    await tasks.model.thinking.wait()
    got = tasks.do(q.agent_interrupt, "a", "tester", {"type": "set_tools", "tools": ["cuont"]})
    got = asyncio.ensure_future(got)
    await until_async(lambda: tasks.sessions.live["a"].mailbox, "it has arrived")
    tasks.model.answers += [finished()]
    tasks.model.held.set()
    assert (await got)["outcome"] == "rejected"

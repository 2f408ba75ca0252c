"""A task's state fits into a snapshot, whatever people, tools and models put into it."""

from agent_core.agent.base import MAX_SNAPSHOT_BYTES
from agents_impl.task import goals
from agents_impl.task.bounds import (
    FILES_BYTES,
    GUIDANCE_BYTES,
    MEMORY_BYTES,
    REJECTIONS_BYTES,
    fits_memory,
    newest,
)
from agents_impl.task.calls import KEPT_ARGUMENTS_BYTES
from agents_impl.task.models import (
    Call,
    Pending,
    Rejection,
    Result,
    Said,
    SetGoal,
    TaskConfig,
    TaskState,
)
from agents_impl.task.window import Condensed


def test_the_newest_that_fit():
    """One at least, however large."""
    assert newest(["a" * 10, "b" * 5, "c" * 5], 10) == ["b" * 5, "c" * 5]
    assert newest(["a", "b" * 100], 10) == ["b" * 100]
    assert newest([], 10) == []


def test_memory_makes_room_by_forgetting_what_was_read():
    """Notes are never forgotten for it."""
    memory = {"notes": {"a": "b"}, "read": {str(n): "x" * 100 for n in range(200)}}
    assert fits_memory(memory)
    assert memory == {"notes": {"a": "b"}}
    assert not fits_memory({"notes": {"a": "x" * 20_000}})


def test_all_parts_at_their_most_fit_together():
    """What tools remember among them."""
    config = TaskConfig(goal="g" * 4_000, when_finished="idle")
    state = TaskState()
    for _ in range(12):
        goals.begin(state, "g" * 4_000, config)
        said = Result(status="done", goal=state.goal, summary="s" * 2_000, files=["f" * 900] * 200,
                      facts=[f"{n} {'x' * 900}" for n in range(50)])  # fmt: skip
        goals.finish(state, said, config)
    goals.begin(state, "g" * 4_000, config)
    for _ in range(2):
        goals.take(state, SetGoal(type="set_goal", goal="g" * 2_000), config)
    state.guidance = newest([Said(text="s" * 2_000, seq=1)] * 20, GUIDANCE_BYTES, lambda e: e.text)
    state.files_changed = newest(["f" * 900] * 60, FILES_BYTES)
    made = Rejection(call_hash="h" * 32, line="l" * 120, reason="r" * 500)
    state.rejections = newest([made] * 30, REJECTIONS_BYTES, lambda each: each.text)
    arguments = {"content": "x" * (KEPT_ARGUMENTS_BYTES - 20)}
    call = Call(tool="t" * 64, arguments=arguments, key="k" * 37, reasons=["r" * 200] * 5)
    state.pending = Pending(thought="t" * 2_000, call=call, call_hash="h" * 64, seq=1)
    state.memory = {"notes": {"a": "x" * (MEMORY_BYTES - 100)}}
    assert fits_memory(state.memory)
    state.summary = Condensed(text="s" * 2_400)
    assert len(state.model_dump_json()) < MAX_SNAPSHOT_BYTES - 1_024

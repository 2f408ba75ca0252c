"""The task agent on the small tasks, with a real model of 135M: `make test-model`.

How many it does is written down, in examples/small_model/rates.md, and not demanded.
"""

import json
from dataclasses import dataclass, field

import pytest

import queue_imp as q
from agents import Runtime
from agents_impl.task.own_tools import OWN
from agents_impl.task.reading import UnreadableError, read
from examples.small_model.starting import PYTHON, ROOT, routes_file, served
from reins.llm import ModelRouter, ModelSettings
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from reins.tools.registry import Registry
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.model_calls import list_calls
from tests.small_model.tasks import FILES, SMALL
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="no small model here; run: make test-model"
)

RATES = ROOT / "examples" / "small_model" / "rates.md"
ROUTES = {"held": 'json_schema = "tools"', "free": ""}
THOUGHTS = 6
"""More than the last ones, of which the model is told a number, which it takes for an argument."""
PATIENCE_S = 600


@pytest.fixture(scope="module")
def address():
    with served() as found:
        yield found


@pytest.fixture
def routes(address, tmp_path):
    return routes_file(tmp_path, address, **ROUTES)


async def test_it_answers_through_the_model_layer(routes):
    """A plain call, and a check of both routes: the server takes `response_format`."""
    router = ModelRouter(ModelSettings(environ={}, models_file=routes))
    await router.start()
    try:
        said = await router.call("Converse", messages=[{"role": "user", "content": "Say hello."}])
        checks = await router.check()
    finally:
        await router.stop()
    assert said.model.startswith("SmolLM2-135M-Instruct")
    assert said.tokens_out > 0
    assert [each.ok for each in checks] == [True, True], checks


@dataclass
class Rate:
    """The sums of one route over all tasks, and a line of each."""

    calls: int = 0
    readable: int = 0
    cut_off: int = 0
    begun: int = 0
    met: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    lines: list = field(default_factory=list)

    def row(self, name, tasks):
        return (
            f"`{name}`", f"{self.readable} of {self.calls}", self.cut_off,
            f"{self.begun} of {tasks}", f"{self.met} of {tasks}",
            f"{self.tokens_in:,}", f"{self.tokens_out:,}", f"{self.seconds:.0f}",
        )  # fmt: skip


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def test_small_tasks_with_and_without_a_schema(routes, tmp_path, monkeypatch):
    """Each ends or is held with a reason; answers that are held to the schema can be read."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_MODELS", str(routes))
    monkeypatch.setenv("REINS_WORKSPACES", str(tmp_path / "workspaces"))
    rates = {route: Rate() for route in ROUTES}
    with RuntimeThread(Runtime(load_settings())):
        for number, small in enumerate(SMALL, 1):
            for route, rate in rates.items():
                done(f"{route}-{number}", route, small, rate, tmp_path / "workspaces")
            write_down(rates, number)
    held = rates["held"]
    assert held.readable >= held.calls - held.cut_off, held


def write_down(rates, tasks):
    """After each task: a run takes minutes, and may be given up."""
    sums = [rate.row(name, tasks) for name, rate in rates.items()]
    lines = [line for rate in rates.values() for line in rate.lines]
    told = table(HEAD, sums), table(["route", "goal", "calls that could be read", "end"], lines)
    RATES.write_text(TITLE + "\n".join(told))


HEAD = [
    "route", "answers read", "cut off", "right first call", "goal met", "tokens in", "tokens out",
    "seconds",
]  # fmt: skip
TITLE = """# The small model on the small tasks

Written by `make test-model`, with SmolLM2-135M-Instruct on one thread. `held`: a route with
`json_schema = "tools"`; `free`: the same without. Right: by `tests/small_model/tasks.py`.

"""


def done(session_id, route, small, rate, workspaces):
    """One session from its goal to its end."""
    workspace = workspaces / session_id
    for name, text in FILES.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    config = {
        "goal": small.goal, "tools": small.tools, "route": route, "max_iterations": THOUGHTS,
        "approvals": "allow_medium",
    }  # fmt: skip
    created = q.agent_create(session_id, "test", agent_type="task", config=config)
    assert q.wait_for_action(created)["outcome"] == "applied"
    until(lambda: over(session_id), deadline_s=PATIENCE_S)
    state = get_agent_state(session_id)
    made = [each for each in list_calls(session_id) if each["function"] == "Think"]
    calls = [each for each in made if each["finish_reason"]]  # one that broke off is made again
    tools = Registry.load().select(small.tools) | OWN
    decided = [each for each in (reads(call["answer"], tools) for call in calls) if each]
    rate.calls += len(calls)
    rate.readable += len(decided)
    rate.cut_off += sum(call["finish_reason"] == "length" for call in calls)
    rate.begun += bool(decided) and small.begins(decided[0].tool, decided[0].arguments)
    rate.tokens_in += sum(call["tokens_in"] for call in calls)
    rate.tokens_out += sum(call["tokens_out"] for call in calls)
    rate.seconds += sum(call["latency_ms"] for call in calls) / 1000
    status, summary = result_of(session_id)
    rate.met += status == "done" and small.met(summary, workspace)
    told = ", ".join(f"`{each.tool} {json.dumps(each.arguments)}`" for each in decided)
    end = summary or why_held(state) or state["status"]
    rate.lines.append((route, small.goal, told[:200] or "none that can be read", end[:120]))
    if state["status"] not in {"completed", "failed"}:
        q.wait_for_action(q.agent_destroy_action(session_id, "test"))


def over(session_id):
    state = get_agent_state(session_id)
    return state["status"] not in {"running", "pausing"} or waits_for(state) not in {"", "model"}


def why_held(state):
    return json.loads(state["waits"] or "{}").get("reason", "")


def waits_for(state):
    return json.loads(state["waits"] or "{}").get("kind", "")


def reads(answer, tools):
    try:
        return read(answer or "", tools)
    except UnreadableError:
        return None


def result_of(session_id):
    """The status and the summary that it ended with."""
    for row in reversed(list_steps(session_id)):
        payload = json.loads(row["payload"] or "{}")
        if row["kind"] == "final" and isinstance(payload, dict):
            return payload.get("status", ""), payload.get("summary", "")
    return "", ""

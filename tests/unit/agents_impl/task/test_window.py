"""What one thought sees: everything while there is room, then less, and the pinned parts always."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents_impl.task.window import (
    FULL,
    MAX_TOOLS,
    RULES_BYTES,
    Condensed,
    Window,
    tool_line,
    window,
)
from reins.llm.baml.prompts import PROMPTS, read_prompts
from reins.llm.baml.runtime import Compiled
from reins.tools.declaring import tool
from tests.unit.agents_impl.task.thinking import TOOLS, State, Words, payload, steps

PINNED = State(
    goal="make it\nso",
    files_changed=["a.py"],
    facts=["tea at four"],
    rejections=[Words("write_file: no")],
    guidance=[Words("leave the public API alone"), Words("be quick")],
)


def results(made: Window) -> dict[int, str]:
    return {step["seq"]: step["result"] for step in map(json.loads, made.steps)}


def test_with_room_everything_is_sent():
    """Each step whole, with what nobody vouches for marked as such."""
    history = steps(3)
    history.add(steps(1, first=4, tool="http_get").after(0)[0])
    history.add(steps(1, first=5, tool="gone").after(0)[0])
    made = window(PINNED, history, TOOLS, 10_000, 3.0, notes=["3 calls are left."])
    assert [json.loads(step).get("from_outside", False) for step in made.steps] == [
        False, False, False, True, True,
    ]  # fmt: skip
    assert results(made)[1].startswith("result 1 ")
    assert made.arguments() == {
        "tools": [tool_line(each) for each in TOOLS.values()],
        "goal": "make it\nso",
        "files": ["a.py"],
        "facts": ["tea at four"],
        "rejections": ["write_file: no"],
        "guidance": ["leave the public API alone", "be quick"],
        "notes": ["3 calls are left."],
        "summary": "",
        "steps": made.steps,
    }
    assert not made.to_summarise
    assert "why" not in made.shown()
    assert made.shown()["pinned"] == {"guidance": 2, "rejections": 1, "facts": 1, "files": 1}


def test_old_results_leave_a_line_and_stay_away():
    """At 80 % down to 50 %, all but the newest six; the prefix then stays as it is for a while."""
    state = State()
    kept: list[list[str]] = []
    dropped = []
    for count in range(1, 25):
        made = window(state, steps(count), TOOLS, 6_000, 3.0)
        state.summary = made.condensed
        assert made.tokens <= 6_000 * FULL + 1
        dropped.append(made.figures["dropped"])
        kept.append(made.steps)
    assert dropped[:8] == [0] * 8
    assert max(dropped) >= 12
    assert len(set(dropped)) <= 5, "a few large cuts, not one each step"
    changed = sum(a != b[: len(a)] for a, b in pairwise(kept))
    assert changed <= 4, "what was sent before is sent again as it was"
    assert results(made)[1] == "[1,009 bytes left out]"
    assert results(made)[24].startswith("result 24")
    (why,) = made.shown()["why"]
    assert why == (
        f"{dropped[-1]} results up to #{made.condensed.dropped} are left out: 6,000 tokens were "
        "80% full"
    )


def test_then_steps_are_to_be_summarised():
    """Once the lines themselves fill the window; not again at once, nor where it frees little."""
    state = State()
    made = window(state, steps(100, size=180), TOOLS, 6_000, 3.0)
    count = len(made.to_summarise)
    assert count
    assert made.summarised == Condensed(upto=count, at=100, dropped=94)
    state.summary = made.summarised.model_copy(update={"text": "They were read."})
    after = window(state, steps(100, size=180), TOOLS, 6_000, 3.0)
    assert not after.to_summarise
    assert after.tokens <= 6_000 * FULL
    assert after.arguments()["summary"] == "They were read."
    assert json.loads(after.steps[0])["seq"] == count + 1
    assert after.shown()["summarised_upto"] == count
    assert "summary" in after.shown()["why"][0]
    state.summary = Condensed(text="x", upto=50, at=97, dropped=94)
    assert not window(state, steps(100, size=400), TOOLS, 3_000, 3.0).to_summarise, "just done"


def test_where_nothing_else_helps_results_are_cut_and_steps_left_out():
    """The newest step is always there."""
    made = window(State(), steps(6, size=8_000), TOOLS, 3_000, 3.0)
    assert made.tokens <= 3_000
    assert made.figures["cut"] == 6
    assert all("left out]" in text for text in results(made).values())
    small = window(State(), steps(60, size=8_000), TOOLS, 1_300, 3.0)
    assert 60 in results(small)
    assert small.figures["omitted"]
    assert any("not even their lines" in reason for reason in small.shown()["why"])


@given(
    st.lists(st.integers(0, 9_000), max_size=30),
    st.integers(200, 20_000),
    st.floats(1.0, 6.0),
    st.integers(0, 40),
)
def test_it_keeps_to_its_limit(sizes, limit, per_token, dropped):
    """Wherever pins, rules and the newest step leave room; the newest is there, pins are whole."""
    history = steps(0)
    for seq, size in enumerate(sizes, 1):
        history.add(steps(1, size=size, first=seq).after(0)[0])
    state = State(goal="g", guidance=[Words("keep")], summary=Condensed(dropped=dropped))
    made = window(state, history, TOOLS, limit, per_token)
    assert made.arguments()["guidance"] == ["keep"]
    assert len(made.steps) >= min(1, len(sizes))
    least = window(state, steps(0), TOOLS, limit, per_token).size_bytes + 600
    assert made.size_bytes <= max(limit * per_token, least)
    assert made.condensed.dropped >= dropped


def test_tools_are_lines_and_many_are_named_alone():
    """A line says what a call takes; above forty, the others are named."""
    assert tool_line(TOOLS["read_file"]) == "read_file(path: string) — Read a file."

    def made(number):
        return tool(lambda: None, name=f"tool_{number}", description="It does.")

    many = {each.name: each for each in map(made, range(MAX_TOOLS + 2))}
    arguments = window(State(), steps(0), many, 50_000, 3.0).arguments()
    assert len(arguments["tools"]) == MAX_TOOLS
    assert "tool_40, tool_41" in arguments["notes"][0]


def test_the_rules_are_as_long_as_is_said():
    """What is counted for the prompt beside its values."""
    values = {"REINS_ROUTE_ADDRESS": "http://x", "REINS_ROUTE_MODEL": "m", "REINS_ROUTE_KEY": "k"}
    compiled = Compiled(read_prompts(PROMPTS), values)
    made = window(PINNED, steps(4), TOOLS, 10_000, 3.0)
    sent = sum(
        len(each["content"].encode()) for each in compiled.messages("Think", made.arguments())
    )
    assert RULES_BYTES <= 2_500
    assert 0.95 * sent <= made.size_bytes <= 1.05 * sent


def test_the_prefix_stays_the_same():
    """Rules, tools and goal, then the steps: what is new or changes stands behind them."""
    values = {"REINS_ROUTE_ADDRESS": "http://x", "REINS_ROUTE_MODEL": "m", "REINS_ROUTE_KEY": "k"}
    compiled = Compiled(read_prompts(PROMPTS), values)

    def sent(state, history):
        made = window(state, history, TOOLS, 10_000, 3.0)
        system, user = compiled.messages("Think", made.arguments())
        return system["content"], user["content"]

    before = sent(State(goal="g"), steps(3))
    more = State(goal="g", facts=["f"], guidance=[Words("w")], files_changed=["a"])
    after = sent(more, steps(4))
    assert before[0] == after[0]
    common = before[1].rindex("\n")
    assert before[1][:common] == after[1][:common]
    assert payload()["call"]["tool"] == "read_file"

"""MCP servers of every manner, each a process: what becomes of their calls, and what is told."""

import asyncio
import time

import pytest

from tests.integration.tools.mcp.conftest import lines, raw
from tests.support.waiting import until_async


@pytest.mark.parametrize("era", ["old", "new"])
async def test_a_tool_of_a_server_is_called_in_both_eras_of_the_protocol(having, tmp_path, era):
    """Named `server__tool`; its arguments are checked here, its result is material from outside."""
    await having.take(one=raw(tmp_path / "one", "--era", era))
    told = await having.until("one")
    assert "one__echo" in told["tools"]
    tool = having.tools["one__echo"]
    assert (tool.group, tool.policy.risk.name, tool.policy.brings_in) == ("mcp_one", "medium", True)
    assert (await having.call("one__echo", text="salut")).text() == "salut"
    wrong = await having.call("one__echo", text=7)
    assert (wrong.kind, "text: 7 is not" in wrong.error) == ("arguments", True)
    failed = await having.call("one__wrong", text="x")
    assert (failed.kind, failed.error) == ("failed", "wrong done")
    assert lines(tmp_path / "one", "calls") == ["echo salut", "wrong x"]


async def test_hints_raise_a_risk_and_never_lower_it(having, tmp_path):
    """`readOnlyHint` says nothing; `destructiveHint` makes it high, whatever a person has set."""
    said = {"remove": {"risk": "low", "idempotent": True}, "append": {"risk": "low"}}
    await having.take(one=raw(tmp_path / "one", tools=said))
    await having.until("one")
    risks = {name: each.policy.risk.name for name, each in having.tools.items()}
    assert (risks["one__echo"], risks["one__remove"], risks["one__append"]) == (
        "medium", "high", "low",
    )  # fmt: skip
    assert having.tools["one__remove"].policy.idempotent


async def test_a_server_that_dies_in_a_call_is_started_again(having, tmp_path):
    """The call ends at once; nobody says that it was done, or was not. Another one is untouched."""
    await having.take(one=raw(tmp_path / "one"), two=raw(tmp_path / "two"))
    await having.until("one")
    await having.until("two")
    began = time.monotonic()
    ended = await having.call("one__die")
    assert ended.kind == "failed"
    assert "nobody knows whether it was done" in ended.error
    assert time.monotonic() - began < 20
    assert (await having.call("two__echo", text="here")).text() == "here"
    await until_async(lambda: len(lines(tmp_path / "one", "starts")) == 2, "it is started again")
    await having.until("one")
    assert (await having.call("one__echo", text="back")).text() == "back"
    assert having.told("one")["starts"] == 2


async def test_a_server_that_never_answers_is_given_up_within_its_limit(having, tmp_path):
    """It is told; the other one works meanwhile, and a call says why there is none."""
    await having.take(
        one=raw(tmp_path / "one", "--manner", "silent", connect_s=1), two=raw(tmp_path / "two")
    )
    await having.until("two")
    assert (await having.call("two__echo", text="here")).ok
    await having.until_fault("one", "it did not answer within 1 s")
    assert having.told("one")["tools"] == []


async def test_a_server_that_cannot_start_says_why(having, tmp_path):
    """The last line of its errors is told, and that there is no such program."""
    await having.take(
        one=raw(tmp_path / "one", "--manner", "dead"), two={"command": str(tmp_path / "nothing")}
    )
    await having.until_fault("one", "it cannot start")
    await having.until_fault("two", "No such file")


async def test_a_flood_ends_the_call_and_not_the_server(having, tmp_path):
    """A line of 100 MB is dropped while it comes; the loop goes on, and so does the server."""
    await having.take(one=raw(tmp_path / "one"))
    await having.until("one")
    late = [0.0]

    async def watch():
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - began)

    watching = asyncio.create_task(watch())
    ended = await having.call("one__flood", size=100 << 20)
    watching.cancel()
    assert ended.kind == "failed"
    assert "at most 1,048,576 are taken" in ended.error
    assert max(late) < 1.0
    assert (await having.call("one__echo", text="here")).text() == "here"
    assert "was dropped" in having.told("one")["faults"][-1]["text"]


async def test_what_is_no_message_is_told_and_passed_over(having, tmp_path):
    """A server that prints to its output works all the same."""
    await having.take(one=raw(tmp_path / "one"))
    await having.until("one")
    assert (await having.call("one__noise")).text() == "noise done"
    assert "Hello from the server!" in having.told("one")["faults"][-1]["text"]


async def test_a_call_is_cancelled_and_the_server_goes_on(having, tmp_path):
    """Within the tool's own limit, too."""
    await having.take(one=raw(tmp_path / "one", call_s=0.5))
    await having.until("one")
    ended = await having.call("one__slow")
    assert ended.kind == "timeout"


async def test_a_server_of_the_old_era_that_asks_a_person_is_declined(having, tmp_path):
    """It would hold the call: the result says what was asked, and so does System."""
    await having.take(one=raw(tmp_path / "one", "--era", "old"))
    await having.until("one")
    ended = await having.call("one__ask")
    assert "the person: decline" in ended.text()
    assert "Which colour?" in ended.text()
    assert "Which colour?" in having.told("one")["faults"][-1]["text"]


async def test_a_changed_file_changes_the_servers(having, tmp_path):
    """One that is as it was goes on; one that is gone is ended, with its tools."""
    one, two = raw(tmp_path / "one"), raw(tmp_path / "two")
    await having.take(one=one, two=two)
    await having.until("one")
    await having.until("two")
    await having.take(one=one, three=raw(tmp_path / "three"))
    await having.until("three")
    assert {each["name"] for each in having.servers.told()} == {"one", "three"}
    assert len(lines(tmp_path / "one", "starts")) == 1
    assert "two__echo" not in having.tools

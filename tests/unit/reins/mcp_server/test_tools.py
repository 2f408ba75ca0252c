"""The tools as they are described: schemas that hold, hints that are true, errors that help."""

import pytest
from jsonschema import Draft202012Validator

from agent_core.actions.payloads import PAYLOADS
from reins.mcp_server import showing
from reins.mcp_server.errors import RefusedError
from reins.mcp_server.methods import ACTING, LOOKS, TOOLS, Methods

every_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))


@every_tool
def test_a_spec_is_one(tool):
    """A schema of the dialect that it names, whose arguments each say what they are for."""
    spec = tool.spec()
    schema = spec["inputSchema"]
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert "$defs" not in schema
    assert spec["description"].endswith(".")
    assert spec["annotations"]["readOnlyHint"] is tool.reads
    assert len(tool.name) <= 64


def test_hints_are_true():
    """What looks says so; of what acts, those whose effect cannot be taken back say so."""
    assert all(tool.reads for tool in LOOKS)
    hints = {tool.name: tool.spec()["annotations"] for tool in ACTING}
    assert not any(each["readOnlyHint"] for each in hints.values())
    assert {name for name, each in hints.items() if each["destructiveHint"]} == {
        "destroy", "decide", "revoke_rule",
    }  # fmt: skip
    assert {name for name, each in hints.items() if each["openWorldHint"]} == {
        "create_session", "steer", "resume", "restore", "decide", "post_message", "publish",
    }  # fmt: skip
    assert not hints["steer"]["idempotentHint"]


def test_each_type_of_action_has_its_tool():
    """But those that are a person's: a new type is offered, or named here."""
    persons = {
        "environment_reload", "view_save", "note_add", "agent_hasten", "conversation_pause",
        "conversation_resume", "conversation_set", "conversation_end",
        "dead_letter_replay", "topic_set", "board_put", "board_delete",
        "memory_put", "memory_forget", "memory_restore", "evidence_undo",
        "fact_remember", "fact_end", "fact_retract", "fact_restore", "alias_decide",
        "document_add", "document_remove",
        "schedule_set", "schedule_pause", "schedule_run", "schedule_remove",
    }  # fmt: skip
    assert len(ACTING) == len(set(PAYLOADS) - persons)


def test_a_decision_makes_no_rule():
    """What holds from then on is for people to say."""
    assert not {"remember", "always"} & set(TOOLS["decide"].arguments.model_fields)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"decision": "edit"}, "args"),
        ({"decision": "approve", "args": {}}, "args"),
        ({"decision": "answer"}, "text"),
        ({"decision": "reject", "text": "no"}, "text"),
    ],
)
def test_each_decision_has_its_part(given, part):
    with pytest.raises(RefusedError, match=f"{part} goes with the decision"):
        TOOLS["decide"].call(None, {"item_id": "i", **given}, lambda _: False)


def test_every_tool_that_acts_takes_a_key_and_a_wait():
    for tool in ACTING:
        assert {"idempotency_key", "wait_s"} <= set(tool.arguments.model_fields)


def test_read_only_leaves_out_what_acts():
    """What acts is neither listed nor called."""
    listed = Methods(None, only_reads=True).answer("tools/list", {}, lambda _: False)["tools"]
    assert [each["name"] for each in listed] == [tool.name for tool in LOOKS]


def test_a_misfit_names_what_it_takes():
    """Nulls are as if left out: models write them."""
    with pytest.raises(RefusedError) as refused:
        TOOLS["steer"].call(None, {"session_id": None, "guidence": "x"}, lambda _: False)
    said = str(refused.value)
    assert "session_id: Field required" in said
    assert "guidence: Extra inputs are not permitted" in said
    assert "It takes session_id, guidance, " in said


def test_a_status_that_is_none():
    with pytest.raises(RefusedError, match="status has dancing; expected some of running"):
        TOOLS["list_sessions"].call(None, {"status": ["dancing"]}, lambda _: False)


def test_what_is_cut_says_how_much():
    assert showing.cut("abc", 3) == "abc"
    assert showing.cut("abcdef", 3) == "abc … [3 characters left out]"

"""A destroy taken back over HTTP, and what is saved for all."""

import pytest

import queue_imp as q
from tests.support.waiting import until

ANN = {"actor": "ann"}


def created(api, agent_id="c", **more):
    body = {"agent_id": agent_id, "agent_type": "odd", **ANN, **more}
    assert api.done("/api/sessions", body)["outcome"] == "applied"


def test_a_destroy_is_taken_back(api):
    """Until when it can be is said; afterwards nothing is left to be undone."""
    created(api)
    api.post("/api/sessions/c/restore", ANN, 409)
    api.done("/api/sessions/c/destroy", ANN)
    assert api.get("/api/sessions/c")["restorable_until"] > api.get("/api/sessions/c")["updated_at"]
    assert api.done("/api/sessions/c/restore", ANN)["outcome"] == "applied"
    session = api.get("/api/sessions/c")
    assert (session["status"], session["restorable_until"]) == ("running", None)
    problem = api.post("/api/sessions/c/restore", ANN, 409)
    assert "is running; expected one that was destroyed" in problem["detail"]


def test_many_are_taken_back_together(api):
    """In one request; those that were not destroyed are named."""
    for each in ("a", "b", "c"):
        created(api, each)
    for each in ("a", "b"):
        api.done(f"/api/sessions/{each}/destroy", ANN)
    body = {"verb": "restore", "session_ids": ["a", "b", "c"], **ANN}
    items = {each["session_id"]: each for each in api.post("/api/bulk", body)["items"]}
    assert "expected one that was destroyed" in items["c"]["problem"]
    for each in ("a", "b"):
        assert q.wait_for_action(items[each]["action_id"])["outcome"] == "applied"
        assert api.get(f"/api/sessions/{each}")["status"] == "running"


@pytest.mark.parametrize("actor", ["you", "You", "\uff2de", "SYSTEM", "i"])
def test_nobody_acts_under_a_pronoun(idle, actor):
    """Refused at the field, by the name of the rule; helpers raise the same."""
    problem = idle.post("/api/environment/reload", {"actor": actor}, 422)
    assert "names nobody" in str(problem["problems"])
    with pytest.raises(q.ActionError, match="names nobody"):
        q.environment_reload_action(actor)
    assert idle.actions() == []


def test_nobody_speaks_under_a_personas_name(api):
    """Refused at once by the web, and by the worker where a helper asks."""
    q.wait_for_action(q.conversation_create("salon", "ann"))
    config = {"name": "Finn", "conversation_id": "salon", "talkativeness": 0.0}
    q.wait_for_action(q.agent_create("finn", "ann", agent_type="persona", config=config))
    until(lambda: api.get("/api/conversations/salon")["participants"])
    body = {"author": "FINN", "text": "hello"}
    problem = api.post("/api/conversations/salon/messages", body, 422)
    assert "Finn is a persona of salon" in str(problem)
    got = q.wait_for_action(q.post_message("salon", "finn", "hello"))
    assert "Finn is a persona of salon; speak under your own name" in got["error"]


def test_views_and_templates_are_saved_for_all(api):
    """In place of what bears the name, until removed; content of another kind is refused."""
    view = {"name": "On call", "content": {"query": "q=name:shop"}, **ANN}
    api.done("/api/saved", view)
    api.done("/api/saved", {**view, "name": "on CALL", "content": {"query": "group=type"}})
    template = {"agent_type": "odd", "config": {"subject": "dogs"}}
    api.done("/api/saved", {"name": "dogs", "kind": "template", "content": template, **ANN})
    template, shown = api.get("/api/saved")["items"]
    assert (template["name"], template["content"]["config"]) == ("dogs", {"subject": "dogs"})
    assert (shown["name"], shown["content"], shown["saved_by"]) == (
        "on CALL", {"query": "group=type"}, "ann",
    )  # fmt: skip
    api.post("/api/saved", {**view, "content": {"agent_type": "odd"}}, 422)
    api.done("/api/saved", {"name": "on call", **ANN})
    assert [each["kind"] for each in api.get("/api/saved")["items"]] == ["template"]
    assert api.get("/api/saved?kind=view")["items"] == []


def test_sessions_say_who_made_them_and_where_they_take_part(api):
    """Also those that were there before the web looked."""
    created(api, "a", config={"heartbeat_s": 60})
    assert api.get("/api/sessions/a")["created_by"] == "ann"
    assert api.get("/api/sessions?q=by:ann")["items"][0]["session_id"] == "a"
    assert api.get("/api/sessions?q=by:bob")["items"] == []
    assert api.get("/api/system")["actor"] is not None

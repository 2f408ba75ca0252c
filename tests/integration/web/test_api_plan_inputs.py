"""Plans that cannot be run, over the API: refused at once, with the place, and nothing is asked."""

import pytest

from reins.settings import load_settings

BAD = [
    ({"plan": {"kind": "sequence", "items": ["put", {"kind": "retry", "item": "pt"}]}},
     "plan.items.1.item", "there is no action 'pt'; did you mean 'put'?"),
    ({"plan": {"kind": "loop_while", "condition": "shrt", "item": "put"}},
     "plan", "there is no function 'shrt'; did you mean 'short'?"),
    ({"plan": {"kind": "sequence", "items": [{"kind": "focus", "lens": "a..b", "item": "put"}]}},
     "plan.items.0", "'a..b' is no path"),
    ({"plan": {"kind": "sequence", "items": [{"kind": "tusk"}]}},
     "plan.items.0", "there is no kind 'tusk'; did you mean 'task'?"),
    ({"plan": {"kind": "retry", "item": "put", "attempts": 0}},
     "plan.attempts", "Input should be greater than or equal to 1"),
    ({"plan": {"kind": "sequence", "items": ["put"] * 10_000}},
     "plan.items.0", "the plan has more than 10,000 nodes"),
    ({"plan": {"kind": "parallel", "items": ["put"] * 257}},
     "plan", "257 tasks of the plan may be live at once, and 256 at the most"),
]  # fmt: skip


@pytest.fixture
def settings(settings, monkeypatch):
    monkeypatch.setenv("REINS_PLANS", '["tests.support.page_plans"]')
    return load_settings()


def body(config):
    return {"agent_id": "ann", "actor": "ann", "agent_type": "plan", "config": config}


def test_a_plan_that_cannot_be_run(api):
    """422 with the place of the mistake; there is no action, and no session."""
    for config, where, words in BAD:
        problem = api.post("/api/sessions", body(config), 422)
        assert problem["problems"][0]["where"] == f"body.config.{where}"
        assert words in problem["problems"][0]["what"]
        assert words in problem["detail"]
    assert api.actions() == []


def test_every_mistake_is_told(api):
    """Of one plan in a list of sessions, too; and levels, as of any body that is nested so deep."""
    plan = {"kind": "sequence", "items": ["pt", "put", {"kind": "retry", "item": "tke"}]}
    good = body({"plan": "put"}) | {"agent_id": "bob"}
    problem = api.post("/api/sessions", [good, body({"plan": plan})], 422)
    assert [each["where"] for each in problem["problems"]] == [
        "body.1.config.plan.items.0", "body.1.config.plan.items.2.item",
    ]  # fmt: skip
    plan = "put"
    for _ in range(64):
        plan = {"kind": "sequence", "items": [plan]}
    assert "deeper than 64" in api.post("/api/sessions", body({"plan": plan}), 422)["detail"]
    assert api.actions() == []


def test_names_count_where_they_are_known(idle):
    """Without a worker here a plan of unknown names is asked for, and one that is none is not."""
    problem = idle.post("/api/sessions", body({"plan": {"kind": "tusk"}}), 422)
    idle.post("/api/sessions", body({"plan": "pt"}), 202)
    assert problem["problems"][0]["where"] == "body.config.plan"

"""Attention over HTTP: moods and causes of sessions, and the acts for all of one cause."""

from tests.support.waiting import until


def create(api, agent_id, **config):
    body = {"agent_id": agent_id, "agent_type": "odd", "config": config, "actor": "ann"}
    receipt = api.done("/api/sessions", body)
    assert receipt["outcome"] == "applied", receipt["error"]


def concerns(api):
    return {(each["kind"], each["count"]): each for each in api.get("/api/attention")["items"]}


def test_sessions_in_trouble_are_told_by_cause(api):
    """Failed and held ones are a concern each, with whom it concerns; moods count all; the list
    filters by mood."""
    for each in ("f1", "f2"):
        create(api, each, tick="fail", heartbeat_s=0.05)
    for each in ("h1", "h2", "h3"):
        create(api, each, budget={"session": {"ticks": 2}})
    create(api, "w")
    create(api, "d", tick="done")
    want = {"held": 3, "failing": 2, "well": 1, "done": 1}
    until(lambda: api.get("/api/attention")["moods"] == want)
    assert api.get("/api/sessions")["moods"] == want
    found = concerns(api)
    held = found["held", 3]
    assert held["text"] == "Session's ticks at 2 of 2"
    assert held["raise_to"] == 50
    assert [each["session_id"] for each in held["sessions"]] == ["h1", "h2", "h3"]
    [failing] = [each for each in found.values() if each["kind"] in ("failed", "retrying")]
    assert failing["text"].startswith("RuntimeError: as asked")
    assert failing["since"] <= min(each["since"] for each in failing["sessions"])
    [only] = api.get("/api/attention?sessions=1")["items"][-1:]
    assert len(only["sessions"]) == 1 < only["count"]
    listed = api.get("/api/sessions?mood=held")["items"]
    assert [each["session_id"] for each in listed] == ["h1", "h2", "h3"]
    assert {each["cause"]["key"] for each in listed} == {held["key"]}
    api.get("/api/sessions?mood=merry", 400)


def test_all_of_a_cause_are_raised_in_one_request(api):
    """One guidance for many; each has its receipt, and goes on."""
    for each in ("h1", "h2"):
        create(api, each, budget={"session": {"ticks": 2}})
    until(lambda: api.get("/api/attention")["moods"] == {"held": 2})
    [held] = api.get("/api/attention")["items"]
    guidance = {"type": "set_budget", "scope": "session", "ticks": int(held["raise_to"])}
    body = {"verb": "interrupt", "guidance": guidance, "actor": "bo",
            "session_ids": ["h1", "h2", "nobody"]}  # fmt: skip
    items = api.post("/api/bulk", body)["items"]
    assert [each["action_id"] is None for each in items] == [False, False, True]
    until(lambda: all(row["ticks"] > 2 for row in api.get("/api/sessions")["items"]))
    assert api.get("/api/attention")["moods"] == {"well": 2}
    api.post("/api/bulk", {**body, "guidance": None}, 422)
    api.post("/api/bulk", {**body, "verb": "pause"}, 422)


def test_a_tick_is_given_up_over_http(api):
    """A resume of mode now ends the tick in flight; the next one is another."""
    create(api, "s", tick="slow_once", tick_s=3_600, after=1)
    until(lambda: (now := api.get("/api/sessions/s/now")["now"]) and now["ticking"]
          and api.get("/api/sessions/s")["ticks"] == 1)  # fmt: skip
    receipt = api.done("/api/sessions/s/resume", {"actor": "bo", "mode": "now"})
    assert receipt["outcome"] == "applied"
    until(lambda: api.get("/api/sessions/s")["ticks"] > 1)


def test_moods_are_words_of_the_vocabulary_and_a_metric(api):
    """Every mood and kind of concern has its meaning; the metric counts the worker's sessions."""
    words = api.get("/api/vocabulary")
    assert [each["name"] for each in words["moods"]][:2] == ["asking", "failing"]
    assert all(each["meaning"] for each in (*words["moods"], *words["concerns"]))
    create(api, "w")
    text = api.ask("GET", "/metrics").get_data(as_text=True)
    assert 'reins_sessions_by_mood{mood="well"} 1.0' in text

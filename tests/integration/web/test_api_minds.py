"""Beliefs and memories over HTTP: as they stand, with all that they rest on."""

import json

import pytest

from reins.plans import Task, sequence, to_data
from tests.support.program import ROOT, ran
from tests.support.waiting import until

ANN = {"actor": "ann"}
PLAN = sequence(
    Task("believe", {"claim": "leak", "source": "sensor", "strength": 2, "text": "wet"}),
    Task("doubt", {"claim": "leak", "source": "bob", "strength": 2}),
    Task("remember", {"key": "house", "value": {"street": "Elm"}}),
    Task("remember", {"key": "house", "value": {"street": "Oak"}}),
    Task("remember", {"key": "old", "value": 1, "expires_in_s": 0.001}),
    Task("remember", {"key": "gone", "value": None}),
    Task("forget", {"key": "gone"}),
    Task("ask", {"prompt": "Who lives there?", "to": "who"}),
)


@pytest.fixture
def cellar(api):
    """A session that has ended, with a mind."""
    config = {"plan": to_data(PLAN)}
    body = {"agent_id": "cellar", "agent_type": "plan", "config": config, **ANN}
    assert api.done("/api/sessions", body)["outcome"] == "applied"
    until(lambda: api.get("/api/sessions/cellar")["status"] == "completed", "it has ended")
    return api


def test_beliefs_are_told_with_what_they_rest_on(cellar):
    """The probability is that of the fold; each piece says where it comes from."""
    found = cellar.get("/api/beliefs?session_id=cellar&points=5")
    [leak] = found["items"]
    assert (leak["claim"], round(leak["probability"], 2), leak["pieces"]) == ("leak", 0.5, 2)
    assert leak["contested"]
    assert not leak["uncertain"]
    wet, denied = leak["evidence"]
    assert (wet["source"], wet["text"], round(wet["weight"], 3)) == ("sensor", "wet", 2.0)
    assert (denied["source"], round(denied["weight"], 3)) == ("bob", -2.0)
    assert wet["call_id"].endswith(":/0")
    assert wet["actor"] is None
    row = cellar.get(f"/api/sessions/cellar/steps/{wet['seq']}")
    assert row["payload"]["mind"]["did"] == ["believe leak: 0.88"]
    assert len(leak["points"]) == 5
    assert leak["points"][-1]["at"] == found["at"]
    [leak] = cellar.get("/api/beliefs?session_id=cellar&evidence=1")["items"]
    assert [each["source"] for each in leak["evidence"]] == ["bob"]
    [leak] = cellar.get("/api/beliefs?session_id=cellar&evidence=0")["items"]
    assert leak["evidence"] == []


def test_memories_are_told_by_their_newest_version_or_all(cellar):
    """One that is forgotten or expired is there, and says that it is not held."""
    found = cellar.get("/api/memories?session_id=cellar")["items"]
    assert [(each["key"], each["value"], each["held"]) for each in found] == [
        ("house", {"street": "Oak"}, True), ("old", 1, False), ("gone", None, False),
    ]  # fmt: skip
    for asked in ("", "agent_id=cellar", "scope=session", "session_id=cellar&agent_id=cellar"):
        assert cellar.get(f"/api/memories?{asked}")["items"] == found
    assert cellar.get("/api/memories?scope=shared")["items"] == []
    both = cellar.get("/api/memories?session_id=cellar&key=house&versions=true")["items"]
    assert [(each["version"], each["held"]) for each in both] == [(1, False), (2, True)]
    every = "/api/memories?session_id=cellar&versions=true"
    first = cellar.get(f"{every}&limit=3")
    assert len(first["items"]) == 3
    rest = cellar.get(f"{every}&cursor={first['next_cursor']}")
    assert (len(rest["items"]), rest["next_cursor"]) == (2, None)


def test_a_mind_is_told_as_it_stood_at_a_row(cellar):
    """With what was there by then alone: neither later evidence nor later versions."""
    [leak] = cellar.get("/api/beliefs?session_id=cellar")["items"]
    wet, denied = leak["evidence"]
    [then] = cellar.get(f"/api/beliefs?session_id=cellar&at_seq={wet['seq']}")["items"]
    assert (round(then["probability"], 2), then["pieces"]) == (0.88, 1)
    assert [each["evidence_id"] for each in then["evidence"]] == [wet["evidence_id"]]
    at = cellar.get(f"/api/beliefs?session_id=cellar&at_seq={denied['seq']}")["at"]
    assert at == cellar.get(f"/api/sessions/cellar/steps/{denied['seq']}")["created_at"]
    every = cellar.get("/api/memories?session_id=cellar&versions=true")["items"]
    first = every[0]["seq"]
    then = cellar.get(f"/api/memories?session_id=cellar&at_seq={first}")["items"]
    assert [(each["key"], each["value"], each["held"]) for each in then] == [
        ("house", {"street": "Elm"}, True)
    ]
    assert cellar.get("/api/memories?session_id=cellar&at_seq=1")["items"] == []
    cellar.get("/api/beliefs?session_id=cellar&at_seq=9999", 404)
    cellar.get("/api/memories?at_seq=1", 422)


def test_a_word_of_a_person_and_its_undo_are_told(api):
    """The receipt says what has changed, the piece which row has taken it back."""
    plan = {"kind": "task", "name": "ask", "args": {"prompt": "Well?", "to": "x"}}
    config = {"plan": plan, "budget": {"session": {"tokens": 1}}}
    body = {"agent_id": "held", "agent_type": "plan", "config": config, **ANN}
    assert api.done("/api/sessions", body)["outcome"] == "applied"
    until(lambda: api.get("/api/sessions/held")["status"] == "paused", "it is held")
    said = {"guidance": {"type": "believe", "claim": "price is right"}, **ANN}
    receipt = api.done("/api/sessions/held/interrupt", said)
    assert receipt["understood"] == "price is right: 0.50 → 0.73"
    undone = api.done(f"/api/actions/{receipt['action_id']}/undo", {"actor": "bob"})
    assert undone["understood"] == "undo: taken back: price is right: 0.73 → 0.50"
    [claim] = api.get("/api/beliefs?session_id=held")["items"]
    [piece] = claim["evidence"]
    assert (claim["pieces"], claim["probability"], claim["uncertain"]) == (0, 0.5, True)
    assert (piece["actor"], piece["message_id"]) == ("ann", receipt["action_id"])
    assert piece["undone_by"] is not None


def test_refusals_say_what_is_expected(api):
    """A session that is not there, and beliefs of nobody."""
    assert api.get("/api/beliefs?session_id=nobody", 404)["detail"]
    assert api.get("/api/memories?session_id=nobody", 404)["detail"]
    assert "session_id" in str(api.get("/api/beliefs", 422))


def told(api, *words):
    folder = str(api.runtime.store.folder.path)
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    code, out, err = ran(["-m", "reins", *words, "--data", folder], cwd=ROOT, env=env)
    assert (code, err) == (0, ""), err
    return out


def test_the_shell_tells_the_same(cellar):
    """Each claim with its evidence, the memories that are held, and all of it as JSON."""
    lines = told(cellar, "beliefs", "cellar").splitlines()
    assert lines[0] == "0.50  leak  (contested)"
    assert lines[1].startswith("      +2.00 sensor #")
    assert "“wet”" in lines[1]
    assert told(cellar, "memories", "cellar").startswith('house: {"street":"Oak"}  #2')
    [leak] = json.loads(told(cellar, "beliefs", "cellar", "--json"))
    [same] = cellar.get("/api/beliefs?session_id=cellar")["items"]
    assert leak["evidence"] == same["evidence"]
    versions = json.loads(told(cellar, "memories", "cellar", "--json"))
    every = cellar.get("/api/memories?session_id=cellar&versions=true")["items"]
    assert versions == every


def change(api, path, **body):
    return api.done(path, {**ANN, **body})


def test_people_change_memories_of_every_scope(api):
    """The list says which version is held, whoever has written the others."""
    config = {"plan": {"kind": "task", "name": "ask", "args": {"prompt": "Well?", "to": "x"}},
              "budget": {"session": {"tokens": 1}}}  # fmt: skip
    body = {"agent_id": "held", "agent_type": "plan", "config": config, **ANN}
    assert api.done("/api/sessions", body)["outcome"] == "applied"
    until(lambda: api.get("/api/sessions/held")["status"] == "paused", "it is held")
    own = {"session_id": "held", "key": "k"}
    got = change(api, "/api/memories", **own, value={"n": 1})
    assert got["understood"] == "put k (version 1)"
    assert change(api, "/api/memories/forget", **own)["outcome"] == "applied"
    assert change(api, "/api/memories/restore", **own)["outcome"] == "applied"
    for scope in ({"scope": "agent", "agent_id": "held"}, {"scope": "shared"}):
        for value in ("one", "two"):
            got = change(api, "/api/memories", **scope, key="all", value=value)
        assert got["applied_seq"] == 2
        late = change(api, "/api/memories", **scope, key="all", value=3, expect=1)
        assert (late["outcome"], "at version 2" in late["error"]) == ("rejected", True)
    found = api.get("/api/memories?versions=true")["items"]
    assert [(each["scope"], each["version"], each["held"], each["actor"]) for each in found] == [
        ("session", 1, False, "ann"), ("session", 2, False, "ann"), ("session", 3, True, "ann"),
        ("agent", 1, False, "ann"), ("agent", 2, True, "ann"),
        ("shared", 1, False, "ann"), ("shared", 2, True, "ann"),
    ]  # fmt: skip
    [agents] = api.get("/api/memories?scope=agent&agent_id=held")["items"]
    assert (agents["value"], agents["session_id"], agents["seq"]) == ("two", "", 0)


def test_evidence_is_taken_back_by_its_id(api):
    """As by guidance."""
    plan = {"kind": "task", "name": "ask", "args": {"prompt": "Well?", "to": "x"}}
    config = {"plan": plan, "budget": {"session": {"tokens": 1}}}
    body = {"agent_id": "held", "agent_type": "plan", "config": config, **ANN}
    assert api.done("/api/sessions", body)["outcome"] == "applied"
    until(lambda: api.get("/api/sessions/held")["status"] == "paused", "it is held")
    said = {"guidance": {"type": "believe", "claim": "price is right"}, **ANN}
    api.done("/api/sessions/held/interrupt", said)
    [claim] = api.get("/api/beliefs?session_id=held")["items"]
    ids = [claim["evidence"][0]["evidence_id"]]
    got = change(api, "/api/evidence/undo", session_id="held", ids=ids)
    assert got["understood"] == "taken back: price is right: 0.73 → 0.50"


def test_a_change_that_names_nobody_is_refused(api):
    """At once, and says what goes with what."""
    for body, where in (
        ({"key": "k", "value": 1}, "session_id goes with the scope session"),
        ({"key": "k", "value": 1, "scope": "agent", "session_id": "a"}, "goes with the scope"),
        ({"key": "k", "value": None, "scope": "shared"}, "body.value"),
        ({"key": "", "value": 1, "scope": "shared"}, "body.key"),
    ):
        assert where in str(api.post("/api/memories", {**ANN, **body}, 422))
    api.post("/api/memories", {**ANN, "key": "k", "value": 1, "session_id": "nobody"}, 404)


def test_the_shell_changes_the_same(cellar):
    """The verbs of `reins mind`; a session that has ended takes nothing."""
    told(cellar, "mind", "put", "k", '{"n": 1}', "--shared", "--wait")
    told(cellar, "mind", "put", "k", "text", "--agent", "cellar", "--expires", "60", "--wait")
    assert told(cellar, "memories", "--shared") == 'k: {"n":1}  #1\n'
    assert told(cellar, "memories", "--agent", "cellar") == 'k: "text"  #1\n'
    told(cellar, "mind", "forget", "k", "--shared", "--wait")
    assert told(cellar, "memories", "--shared") == ""
    told(cellar, "mind", "restore", "k", "1", "--shared", "--expect", "2", "--wait")
    assert told(cellar, "memories", "--shared") == 'k: {"n":1}  #3\n'
    with pytest.raises(AssertionError, match="completed"):
        told(cellar, "mind", "put", "k", "1", "--session", "cellar", "--wait")
    with pytest.raises(AssertionError, match="one of them"):
        told(cellar, "mind", "put", "k", "1")


def test_contradictions_are_told_as_they_are_now(api):
    """By the API, by the shell, and among what needs a person."""
    claims = [{"id": "in", "one_of": "cat"}, {"id": "out", "one_of": "cat", "prior": 0.1},
              {"id": "asleep", "prior": 0.2}]  # fmt: skip
    said = [
        Task("believe", {"claim": claim, "source": claim, "strength": 5}) for claim in ("in", "out")
    ]
    plan = to_data(sequence(*said, Task("ask", {"prompt": "Well?", "to": "x"})))
    budget = {"session": {"tokens": 1}}
    body = {"agent_id": "cat", "agent_type": "plan", **ANN,
            "config": {"plan": plan, "claims": claims, "budget": budget}}  # fmt: skip
    assert api.done("/api/sessions", body)["outcome"] == "applied"
    until(lambda: api.get("/api/sessions/cat")["status"] == "paused", "it is held")
    found = api.get("/api/beliefs?session_id=cat")
    assert found["contradictions"] == [{"one": "in", "other": "out", "rule": None, "stands": None}]
    assert {each["claim"]: round(each["probability"], 2) for each in found["items"]} == {
        "in": 0.99, "out": 0.94, "asleep": 0.2,
    }  # fmt: skip
    lines = told(api, "beliefs", "cat").splitlines()
    assert lines[-1] == "in and out cannot both be: decide which"
    doubt = {"type": "doubt", "claim": "in", "strength": 6}
    api.done("/api/sessions/cat/interrupt", {"guidance": doubt, **ANN})
    assert api.get("/api/beliefs?session_id=cat")["contradictions"] == []

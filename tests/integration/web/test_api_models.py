"""The model layer over HTTP: routes and their tries, calls of rows, budgets that hold sessions."""

import asyncio
from types import SimpleNamespace

import orjson

from store import model_calls
from store.journal.file import Record
from tests.integration.store.support import step
from tests.integration.web.speaking import MOMENT, write
from tests.support.waiting import until

ANN = {"actor": "ann"}


def call(session_id, seq, **more):
    """A record as the worker writes it with the row that it led to."""
    row = {
        "session_id": session_id, "agent_id": session_id, "step": seq, "seq": seq,
        "call_id": f"c{seq}", "function": "TellAJoke", "route": "fast", "provider": "openai",
        "model": "small", "attempt": 1, "streamed": True, "demonstration": False,
        "queued_at": MOMENT, "sent_at": MOMENT + 2_000, "first_token_ms": 120.5,
        "latency_ms": 800.25, "tokens_in": 40, "tokens_out": 9, "tokens_cached": 8,
        "estimated": False, "cost_usd": 0.0012, "finish_reason": "stop", "status": None,
        "error_kind": None, "error": None, "request": None, "answer": None, **more,
    }  # fmt: skip
    return Record(model_calls.TABLE.name, orjson.dumps(row))


def joke(api, agent_id, session_id=None, **config):
    body = {"agent_id": agent_id, "session_id": session_id or agent_id, **ANN}
    body["config"] = {"subject": "cats", **config}
    receipt = api.done("/api/sessions", body)
    assert receipt["outcome"] == "applied", receipt["error"]


def test_the_routes_have_the_figures_of_their_calls(api):
    """The route that the settings make, with the figures of the calls made along it."""
    joke(api, "jo")
    until(lambda: api.get("/api/sessions/jo")["ticks"] > 2)
    found = api.get("/api/routes")
    [route] = [each for each in found["items"] if each["is_default"]]
    assert (found["worker"], route["state"], route["breaker"]) == ("here", "ready", "closed")
    assert route["demonstration"] is True
    assert route["calls"] > 2
    assert route["failures"] == 0
    assert "everything else" in route["used_by"]
    assert found["today"]["ticks"] > 2


def test_a_try_of_a_route_says_how_it_went(api):
    """What it says, in words; of a route that is not there, where those are that are."""
    [route] = [each for each in api.get("/api/routes")["items"] if each["is_default"]]
    check = api.post(f"/api/routes/{route['name']}/check", {}, status=200)
    assert (check["name"], check["ok"]) == (route["name"], True)
    assert check["message"]
    refused = api.post("/api/routes/nowhere/check", {}, status=404)
    assert "GET /api/routes" in refused["detail"]


def test_the_demonstration_can_be_tried(api, monkeypatch, tmp_path):
    """Also where nobody has used it, and so it is not in the list."""
    reload_with(api, monkeypatch, tmp_path, "[routes.fast]\n" + ELSEWHERE)
    assert "offline" not in [each["name"] for each in api.get("/api/routes")["items"]]
    assert api.post("/api/routes/offline/check", {}, status=200)["ok"]


ELSEWHERE = 'provider = "openai"\nmodel = "m"\nkey_env = ""\nbase_url = "http://127.0.0.1:9/v1"\n'


def reload_with(api, monkeypatch, tmp_path, routes):
    file = tmp_path / "models.toml"
    file.write_text('default = "fast"\n' + routes)
    monkeypatch.setenv("REINS_MODELS", str(file))
    receipt = api.done("/api/environment/reload", ANN)
    assert receipt["outcome"] == "applied", receipt["error"]
    return file


def test_a_route_that_sessions_name_stays(api, monkeypatch, tmp_path):
    """A reload that would take it away changes nothing, and says who names it."""
    both = "[routes.fast]\n" + ELSEWHERE + "[routes.other]\n" + ELSEWHERE
    file = reload_with(api, monkeypatch, tmp_path, both)
    for n in range(7):
        joke(api, f"jo-{n}", route="other", heartbeat_s=3_600)
    file.write_text('default = "last"\n[routes.last]\n' + ELSEWHERE)
    receipt = api.done("/api/environment/reload", ANN)
    assert receipt["outcome"] == "rejected"
    assert "'other' by jo-0, jo-1, jo-2, jo-3, jo-4 and 2 more" in receipt["error"]
    assert {"fast", "other"} <= {each["name"] for each in api.get("/api/routes")["items"]}
    for n in range(7):
        api.done(f"/api/sessions/jo-{n}/destroy", ANN)
    assert api.done("/api/environment/reload", ANN)["outcome"] == "applied"
    assert "other" not in {each["name"] for each in api.get("/api/routes")["items"]}


def test_a_creation_with_an_unknown_route_is_refused(api):
    """Is refused at once, with where those are that there are."""
    body = {"agent_id": "jo", "config": {"subject": "cats", "route": "nowhere"}, **ANN}
    refused = api.post("/api/sessions", body, status=422)
    assert "no model route 'nowhere'" in refused["detail"]
    body["config"]["route"] = "x" * 65
    api.post("/api/sessions", body, status=422)
    joke(api, "jo", route="offline")


def test_the_routes_where_no_worker_is(idle):
    """None are seen, and none can be tried; it says who could."""
    assert idle.get("/api/routes") == {
        "items": [], "next_cursor": None, "worker": "none", "today": None,
    }  # fmt: skip
    refused = idle.post("/api/routes/default/check", {}, status=409)
    assert "reins models check" in refused["detail"]


def test_the_calls_of_a_row_have_prompt_times_tokens_and_cost(api):
    """The prompt by its parts, times, tokens and cost; one that failed with why; of that row alone.

    Where prompts are not recorded there is none.
    """
    body = {"model": "small", "messages": [{"role": "user", "content": "[task: x]\n[told] a\nGo."}]}
    write(
        api.runtime,
        step("a", 1),
        call("a", 1, sent_at=None, error_kind="circuit_open", error="it is open", latency_ms=None,
             first_token_ms=None, finish_reason=None, tokens_out=0),
        call("a", 1, attempt=2, request=orjson.dumps(body).decode(), answer="A cat."),
        step("a", 2),
        call("a", 2, answer="x" * 100_001, request="not JSON"),
        step("a", 3),
    )  # fmt: skip
    failed, went_well = api.get("/api/sessions/a/steps/1/calls")["items"]
    assert (failed["sent_at"], failed["error_kind"], failed["prompt"]) == (
        None,
        "circuit_open",
        None,
    )
    [message] = went_well["prompt"]["messages"]
    assert [part["tag"] for part in message["parts"]] == ["task: x", "told", None]
    assert (went_well["answer"], went_well["cut"], went_well["attempt"]) == ("A cat.", False, 2)
    assert went_well["queued_at"] == "2023-11-14T22:13:20.000000+00:00"
    assert (went_well["tokens_in"], went_well["cost_usd"]) == (40, 0.0012)
    [long] = api.get("/api/sessions/a/steps/2/calls")["items"]
    assert (len(long["answer"]), long["cut"]) == (100_000, True)
    assert long["prompt"]["messages"][0]["role"] == "request"
    assert api.get("/api/sessions/a/steps/3/calls")["items"] == []
    api.get("/api/sessions/a/steps/4/calls", status=404)
    api.get("/api/sessions/nobody/steps/1/calls", status=404)


def test_a_prompt_is_shown_as_the_model_got_it(api):
    """Of a real tick: the prompt as the model got it, by its tags, and the answer as it came."""
    joke(api, "jo")
    until(lambda: api.get("/api/sessions/jo")["ticks"] > 2)
    rows = api.get("/api/sessions/jo/steps?limit=100")["items"]
    row = [each for each in rows if each["kind"] == "tick"][1]
    [attempt] = api.get(f"/api/sessions/jo/steps/{row['seq']}/calls")["items"]
    assert (attempt["function"], attempt["demonstration"]) == ("TellAJoke", True)
    assert attempt["answer"] == row["text"]
    parts = {p["tag"]: p for each in attempt["prompt"]["messages"] for p in each["parts"]}
    assert parts["subject"]["text"] == '[subject] "cats"'
    assert parts["told"]["lines"] == 1


def test_a_session_that_a_budget_holds(api):
    """Held with the reason, in the list too; what was taken stands against the limits; it goes on
    once the limit is raised by guidance.
    """
    joke(api, "jo", budget={"session": {"ticks": 2}, "day": {"cost_usd": 5.0}})
    until(lambda: api.get("/api/sessions/jo")["held"])
    [listed] = api.get("/api/sessions")["items"]
    held = listed["held"]
    assert (listed["status"], held["scope"], held["what"]) == ("paused", "session", "ticks")
    assert (held["limit"], held["spent"]) == (2, 2)
    assert "ticks 2 of 2 spent" in held["text"]
    budget = {each["scope"]: each for each in api.get("/api/sessions/jo")["budget"]}
    assert list(budget) == ["session", "agent", "day"]
    assert budget["session"]["limits"]["ticks"] == budget["session"]["spent"]["ticks"] == 2
    assert budget["agent"]["limits"]["ticks"] is None
    assert budget["agent"]["spent"]["ticks"] == 2
    assert budget["day"]["limits"]["cost_usd"] == 5.0
    guidance = {"type": "set_budget", "scope": "session", "ticks": 4}
    receipt = api.done("/api/sessions/jo/interrupt", {"guidance": guidance, **ANN})
    assert receipt["outcome"] == "applied", receipt["error"]
    until(lambda: api.get("/api/sessions/jo")["ticks"] == 4)
    budget = {each["scope"]: each for each in api.get("/api/sessions/jo")["budget"]}
    assert budget["session"]["limits"]["ticks"] == 4


def test_a_limit_of_the_agent_is_that_of_all_its_sessions(api):
    """Set through one, it is seen at the other, with what both have taken."""
    joke(api, "jo", heartbeat_s=3_600)
    joke(api, "jo", heartbeat_s=3_600, session_id="jo-2")
    until(lambda: all(row["ticks"] for row in api.get("/api/sessions")["items"]))
    guidance = {"type": "set_budget", "scope": "agent", "tokens": 50_000}
    api.done("/api/sessions/jo-2/interrupt", {"guidance": guidance, **ANN})
    for session_id in ("jo", "jo-2"):
        _, agent, _ = api.get(f"/api/sessions/{session_id}")["budget"]
        assert agent["limits"]["tokens"] == 50_000
        assert agent["spent"]["ticks"] >= 2


def test_a_budget_that_does_not_fit(api):
    """Refused at once, whatever the type of the agent."""
    joke(api, "jo")
    for wrong in ({"ticks": -1}, {}, {"ticks": 1, "more": 2}, {"ticks": "many"}, {"scope": "year"}):
        guidance = {"type": "set_budget", "scope": "session", **wrong}
        api.post("/api/sessions/jo/interrupt", {"guidance": guidance, **ANN}, status=422)


def typed(runtime, session_id, *pieces):
    """Let a session's model say this, piece by piece; None ends the tick."""
    session = SimpleNamespace(agent_id=session_id, session_id=session_id)

    async def say():
        for piece in pieces:
            for listener in runtime.fleet._delta_listeners:
                listener(session, piece)

    asyncio.run_coroutine_threadsafe(say(), runtime.loop).result(10)


def piece(offset, text, attempt=1):
    return SimpleNamespace(call_id="c1", attempt=attempt, offset=offset, text=text)


def test_what_is_typed(live):
    """As it comes to those in the room, whole to those who come in the middle, and its end."""
    runtime = live.runtime
    live.write(step("a", 1))
    ask = {"agent_id": "a", "session_id": "a", "after_seq": 0}
    with live.client() as first, live.client() as second:
        assert first.call("subscribe", ask)["typing"] is None
        typed(runtime, "a", piece(0, "Why did "), piece(8, "the "))
        event = received(first, "typing")
        assert event == {
            "room": "run::a::a", "agent_id": "a", "session_id": "a",
            "attempt": 1, "offset": 0, "text": "Why did the ", "ended": False,
        }  # fmt: skip
        assert second.call("subscribe", ask)["typing"] == {"attempt": 1, "text": "Why did the "}
        typed(runtime, "a", piece(12, "cat"), None)
        for client in (first, second):
            event = received(client, "typing")
            assert (event["offset"], event["text"], event["ended"]) == (12, "cat", True)
        assert second.call("subscribe", ask)["typing"] is None


def received(client, event):
    while True:
        name, *data = client.receive(timeout=10)
        if name == event:
            return data[0]

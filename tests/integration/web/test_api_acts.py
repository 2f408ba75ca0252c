"""Steering over HTTP: what is taken, what is refused before it is enqueued, and what only once."""

import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

import queue_imp as q
from agents import Runtime
from reins.runtime_thread import RuntimeThread
from store.locks import held
from tests.integration.web.support import Api
from tests.support.waiting import until

ANN = {"actor": "ann"}


def create(api, agent_id="c", status=202, **more):
    return api.post(
        "/api/sessions", {"agent_id": agent_id, "agent_type": "odd", **ANN, **more}, status
    )


def created(api, agent_id="c", **more):
    q.wait_for_action(create(api, agent_id, **more)["action_id"])


@pytest.mark.parametrize(
    ("body", "status", "where", "says"),
    [
        ({"agent_type": "jok"}, 422, "body.agent_type", "expected one of joke, odd"),
        ({"config": {"subject": 5}}, 422, "body.config.subject", "valid string"),
        ({"config": {"subjekt": "x"}}, 422, "body.config.subjekt", "not permitted"),
        ({"agent_id": ""}, 422, "body.agent_id", "at least 1 character"),
        ({"agent_id": "x" * 257}, 422, "body.agent_id", "at most 256"),
        ({"agent_id": "a\0b"}, 422, "body.agent_id", "control characters"),
        ({"agent_id": "a\nb"}, 422, "body.agent_id", "control characters"),
        ({"agent_id": 5}, 422, "body.agent_id", "valid string"),
        ({"agent_id": 10**30}, 422, "body.agent_id", "valid string"),
        ({"agent_id": None}, 422, "body.agent_id", "valid string"),
        ({"actor": ["ann"]}, 422, "body.actor", "valid string"),
        ({"urgency": 9}, 422, "body.urgency", "not permitted"),
        ({"metadata": "x"}, 422, "body.metadata", "valid dictionary"),
        ({"metadata": {"x": "y" * 300_000}}, 422, "body", "262144 at the most"),
    ],
)
def test_a_creation_that_cannot_be(idle, body, status, where, says):
    """Refused with the place and what was expected; nothing is enqueued."""
    problem = idle.post("/api/sessions", {"agent_id": "c", "agent_type": "odd", **ANN, **body}, 422)
    [flaw] = problem["problems"]
    assert flaw["where"] == where
    assert says in flaw["what"]
    assert idle.actions() == []


def test_a_session_that_is_there_already(api):
    """409 while it lives; once it is over, or its destroy is on the way, it is created again."""
    created(api)
    assert "exists and is running" in create(api, status=409)["detail"]
    assert "belongs to agent c" in create(api, "other", 409, session_id="c")["detail"]
    q.wait_for_action(api.post("/api/sessions/c/destroy", ANN)["action_id"])
    q.wait_for_action(create(api)["action_id"])
    assert api.get("/api/sessions/c")["status"] == "running"


def test_a_creation_that_waits_counts(idle):
    """Before a worker has seen it: steering is taken, a second creation is not, until a destroy."""
    first = create(idle)["action_id"]
    assert first in create(idle, status=409)["detail"]
    idle.post("/api/sessions/c/pause", ANN)
    idle.post("/api/sessions/c/interrupt", {"guidance": "about dogs", **ANN})
    bulk = {"verb": "destroy", "session_ids": ["c"], **ANN}
    assert idle.post("/api/bulk", bulk)["items"][0]["problem"] is None
    create(idle)
    kinds = [row["type"] for row in reversed(idle.actions())]
    assert kinds == [
        "create_agent", "agent_pause", "agent_interrupt", "agent_destroy", "create_agent",
    ]  # fmt: skip


def test_a_further_session_begins_with_the_agents_configuration(api):
    """It begins with the agent's own configuration, and is of its type."""
    created(api, config={"subject": "cats", "heartbeat_s": 60})
    created(api, session_id="c2", config={"tick_s": 1.0})
    assert api.get("/api/sessions/c2")["config"]["subject"] == "cats"
    problem = api.post("/api/sessions", {"agent_id": "c", "session_id": "c3", **ANN}, 409)
    assert "is of type odd, not joke" in problem["detail"]


def test_what_an_ended_session_refuses(api):
    """409 as the worker would reject it; what a failed one takes is taken."""
    created(api, "done", config={"tick": "done"})
    created(api, "fail", config={"tick": "fail", "heartbeat_s": 0})
    until(lambda: api.get("/api/sessions/done")["status"] == "completed")
    session = api.runtime.fleet.live["fail"]
    until(lambda: session.failures > 0)
    api.runtime.fleet.reconfigure(
        type(session.schedule)(max_failures=1, heartbeat_s=0.01, retry_wait_s=0.01)
    )
    q.wait_for_action(q.agent_resume_action("fail", "ann"))
    until(lambda: api.get("/api/sessions/fail")["status"] == "failed")
    assert api.get("/api/sessions/fail")["final"]["status"] == "failed"
    guidance = {"guidance": {"subject": "x"}, **ANN}
    for session_id, then in (("done", "Create it again"), ("fail", "Resume it first")):
        api.post(f"/api/sessions/{session_id}/pause", ANN, 409)
        problem = api.post(f"/api/sessions/{session_id}/interrupt", guidance, 409)
        assert then in problem["detail"]
    for verb in ("resume", "destroy"):
        assert "is completed" in api.post(f"/api/sessions/done/{verb}", ANN, 409)["detail"]
    assert api.done("/api/sessions/fail/destroy", ANN)["outcome"] == "applied"


@pytest.mark.parametrize("guidance", [{}, "", "   ", {"subjekt": "x"}, {"subject": 5}, 5, None, []])
def test_guidance_that_the_type_does_not_take(idle, guidance):
    """Refused here already, where the worker would reject it later."""
    create(idle)
    body = {"guidance": guidance, **ANN}
    problem = idle.post("/api/sessions/c/interrupt", body, 422)
    assert all(flaw["where"].startswith("body.guidance") for flaw in problem["problems"])
    assert len(idle.actions()) == 1


def test_a_field_of_guidance_that_does_not_fit_is_named(idle):
    """A form can show each flaw beside its field."""
    create(idle)
    body = {"guidance": {"subject": 5, "colour": "red"}, **ANN}
    problem = idle.post("/api/sessions/c/interrupt", body, 422)
    places = [flaw["where"] for flaw in problem["problems"]]
    assert places == ["body.guidance.subject", "body.guidance.colour"]
    assert "expected the fields of {subject} or a text" in problem["detail"]


def test_many_at_once_are_one_commit_and_the_impossible_are_named(api):
    """One commit for all that can be; those that cannot are named, in the order of the request."""
    for agent_id in ("a", "b"):
        created(api, agent_id, config={"heartbeat_s": 60})
    asked = {"verb": "pause", "session_ids": ["b", "nobody", "a"], "reason": "lunch", **ANN}
    items = api.post("/api/bulk", asked)["items"]
    assert [item["session_id"] for item in items] == ["b", "nobody", "a"]
    assert "there is no session 'nobody'" in items[1]["problem"]
    for item in (items[0], items[2]):
        assert q.wait_for_action(item["action_id"])["outcome"] == "applied"
    api.post("/api/bulk", {"verb": "resume", "session_ids": ["a"], "reason": "back", **ANN})
    assert api.actions()[0]["description"] == "back"


@pytest.mark.parametrize(
    "ids", [[], ["a", "a"], [f"s{n}" for n in range(1_001)], [""], [5], "a", None]
)
def test_a_bulk_request_that_cannot_be(idle, ids):
    """None, twice the same, too many, no ids: 422, and nothing enqueued."""
    idle.post("/api/bulk", {"verb": "pause", "session_ids": ids, **ANN}, 422)
    assert idle.actions() == []


def test_a_reload_is_applied_with_who_asked(api):
    """Applied, with nothing but who asked."""
    assert api.done("/api/environment/reload", ANN)["outcome"] == "applied"


class TestIdempotencyKey:
    """The same key and body: the same action, once."""

    def test_what_is_sent_again_is_answered_as_before(self, idle):
        """Also where the first one has made a second impossible."""
        key = {"Idempotency-Key": "k 1"}
        first = create(idle)
        body = {"agent_id": "d", "metadata": {"ticket": 7}, **ANN}
        answers = [idle.post("/api/sessions", body, headers=key) for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert first != answers[0]
        [action, _] = idle.actions()
        assert action["metadata"]["ticket"] == 7
        other = idle.post("/api/sessions", {**body, "actor": "bo"}, 422, headers=key)
        assert answers[0]["action_id"] in other["detail"]
        assert len(idle.actions()) == 2

    def test_one_key_at_two_addresses(self, idle):
        """A key belongs to its address."""
        create(idle)
        key = {"Idempotency-Key": "k"}
        ids = {
            idle.post(f"/api/sessions/c/{verb}", ANN, headers=key)["action_id"]
            for verb in ("pause", "resume", "destroy")
        }
        assert len(ids) == 3

    def test_twenty_requests_at_one_moment_are_one_action(self, idle):
        """Twenty threads, one action."""
        create(idle)
        key = {"Idempotency-Key": "k"}
        with ThreadPoolExecutor(20) as pool:
            sent = [pool.submit(Api.post, idle, "/api/sessions/c/pause", ANN, headers=key)
                    for _ in range(20)]  # fmt: skip
        assert len({one.result()["action_id"] for one in sent}) == 1
        assert len(idle.actions()) == 2

    def test_one_key_at_two_web_processes_at_one_moment(self, settings, idle):
        """One action; of two bodies one is accepted and the other refused, and so each time."""
        create(idle)
        with Api(settings, None) as other, ThreadPoolExecutor(8) as pool:

            def post(n, guidance, key):
                api = (idle, other)[n % 2]
                body = {"guidance": guidance, **ANN}
                return api.ask("POST", "/api/sessions/c/interrupt", json=body, headers=key)

            for round_ in range(6):
                key = {"Idempotency-Key": f"same {round_}"}
                sent = [pool.submit(post, n, "dogs", key) for n in range(8)]
                assert {one.result().status_code for one in sent} == {202}
                assert len({one.result().get_json()["action_id"] for one in sent}) == 1
                key = {"Idempotency-Key": f"two {round_}"}
                sent = [pool.submit(post, n, f"body {n % 2}", key) for n in range(8)]
                codes = [one.result().status_code for one in sent]
                assert sorted(set(codes[::2]) | set(codes[1::2])) == [202, 422]
                assert len(set(codes[::2])) == len(set(codes[1::2])) == 1
        assert len(idle.actions()) == 1 + 12

    def test_a_key_that_another_process_holds(self, idle, settings, monkeypatch):
        """A process that was stopped with a key costs a request its wait, and no other key's."""
        create(idle)
        monkeypatch.setattr("store.locks.WAIT_S", 0.2)
        with contextlib.ExitStack() as stopped:
            for lane in range(64):
                stopped.enter_context(held(settings.data / "locks" / f"key-{lane:02}.lock"))
            key = {"Idempotency-Key": "k"}
            refused = idle.post("/api/sessions/c/pause", ANN, 503, headers=key)
            assert "locked by another process" in refused["detail"]
            idle.post("/api/sessions/c/pause", ANN)
        idle.post("/api/sessions/c/pause", ANN, headers=key)

    def test_what_is_sent_again_is_on_disk(self, idle, monkeypatch):
        """A request whose action could not be synced is answered 202 once it was written again."""
        create(idle)
        key = {"Idempotency-Key": "k"}

        def fails(*_):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

        with monkeypatch.context() as broken:
            broken.setattr("store.queue.file.QueueFile.commit", fails)
            for _ in range(2):
                answer = idle.post("/api/sessions/c/pause", ANN, 503, headers=key)
                assert "may be in the queue" in answer["detail"]
        idle.post("/api/sessions/c/pause", ANN, headers=key)
        assert len(idle.actions()) == 2

    def test_a_key_is_remembered_after_a_restart(self, settings):
        """The queue remembers."""
        key = {"Idempotency-Key": "k"}
        seen = set()
        for _ in range(2):
            runtime = Runtime(settings)
            thread = RuntimeThread(runtime)
            thread.start()
            with Api(settings, runtime) as api:
                body = {"agent_id": "c", **ANN}
                seen.add(api.post("/api/sessions", body, headers=key)["action_id"])
                q.wait_for_action(*seen)
            thread.stop()
        assert len(seen) == 1

    def test_a_list_that_is_sent_again_must_be_the_same_list(self, idle):
        """The same items again; another list is another body, a longer or shorter one too."""
        for agent_id in ("a", "b", "c"):
            create(idle, agent_id)
        key = {"Idempotency-Key": "k"}
        asked = {"verb": "pause", "session_ids": ["nobody", "a", "b"], **ANN}
        first = idle.post("/api/bulk", asked, headers=key)
        create(idle, "nobody")
        again = idle.post("/api/bulk", asked, headers=key)
        assert [item["action_id"] for item in again["items"]] == [
            item["action_id"] for item in first["items"]
        ]
        assert again["items"][0]["problem"] is not None
        for ids in (["a"], ["a", "b"], ["c"], ["nobody", "a", "b", "c"]):
            idle.post("/api/bulk", {**asked, "session_ids": ids}, 422, headers=key)
        assert len(idle.actions()) == 6

    @pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb"])
    def test_a_key_that_is_none(self, idle, key):
        """1 to 255 printable characters."""
        problem = idle.post("/api/environment/reload", ANN, 422, headers={"Idempotency-Key": key})
        assert problem["problems"][0]["where"] == "header.Idempotency-Key"
        assert idle.actions() == []

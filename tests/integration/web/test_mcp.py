"""POST /mcp behind the guard: who gets in, what is refused, and how a client is told."""

import json
import socket
import threading

import pytest

import queue_imp as q
from reins import redaction
from reins.mcp_server.exchange import exchange
from store.agent_state import upsert_agent_state
from store.errors import QueueFullError
from store.queue.writer import QueueWriter
from tests.integration.web.serving import Served
from tests.integration.web.support import Api
from tests.support.waiting import until

URL = "http://127.0.0.1:8700"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
MODERN = {"MCP-Protocol-Version": "2026-07-28"}
STEER = {"name": "pause", "arguments": {"session_id": "a", "wait_s": 0}}


def message(method, params=None, **more):
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}, **more}


def modern(method, **params):
    """A message of the newer era, with the headers that it takes."""
    headers = {**MODERN, "Mcp-Method": method}
    if name := params.get("name") or params.get("uri"):
        headers["Mcp-Name"] = name
    return message(method, {**params, "_meta": META}), headers


def post(api, body, *, path="/mcp", status=200, **headers):
    """The body of the answer, which has that status."""
    answer = api.client.post(path, json=body, base_url=URL, headers=headers)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return json.loads(answer.get_data() or "null")


def error(api, body, status, **headers):
    found = post(api, body, status=status, **headers)["error"]
    return found["code"], found["message"]


def test_a_client_of_each_era_finds_the_same_tools(idle):
    """With `initialize`, or at once; a version of before is answered by itself."""
    for asked, given in (("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-11-25")):
        found = post(idle, message("initialize", {"protocolVersion": asked}))["result"]
        assert found["protocolVersion"] == given
        assert found["serverInfo"]["name"] == "reins"
    assert "never instructions to you" in found["instructions"]
    older = post(idle, message("tools/list"))["result"]["tools"]
    body, headers = modern("server/discover")
    found = post(idle, body, **headers)["result"]
    assert (found["supportedVersions"], found["resultType"]) == (["2026-07-28"], "complete")
    body, headers = modern("tools/list")
    assert post(idle, body, **headers)["result"]["tools"] == older
    assert post(idle, message("ping"))["result"] == {}


def test_what_says_nothing_is_taken(idle):
    """A notification, and an answer to nothing, get 202 and no body."""
    for body in (
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 4, "result": {}},
    ):
        assert post(idle, body, status=202) is None


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_are_no_streams_and_no_sessions(idle, method):
    """Other methods are told so, and do not get the dashboard."""
    answer = idle.client.open("/mcp", method=method, base_url=URL)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "send each message with POST" in answer.json["error"]["message"]


def test_what_is_no_message(idle):
    """Each is an error of JSON-RPC that says what was expected."""
    answer = idle.client.post("/mcp", data="{", base_url=URL, content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, -32700)
    assert error(idle, [message("ping")], 400)[0] == -32600, "a batch"
    for wrong in ({"jsonrpc": "1.0"}, {"id": None}, {"id": 1.5}, {"id": True}, {"method": 3}):
        code, said = error(idle, message("ping") | wrong, 400)
        assert (code, said[:8]) == (-32600, "expected")
    assert error(idle, message("ping", params=[1]) | {"params": [1]}, 400)[0] == -32600
    answer = idle.client.post("/mcp", data="a=1", base_url=URL)
    assert (answer.status_code, answer.json["error"]["code"]) == (415, -32600)


def test_errors_of_the_older_era_come_with_200(idle):
    """Its clients read them in the body."""
    assert error(idle, message("prompts/list"), 200)[0] == -32601
    assert error(idle, message("tools/call", {"name": "nope"}), 200)[0] == -32602
    wrong = {"name": "list_sessions", "arguments": [1]}
    assert error(idle, message("tools/call", wrong), 200)[0] == -32602
    assert error(idle, message("resources/read", {"uri": "reins://sessions/x"}), 200)[0] == -32002
    assert error(idle, message("resources/list", {"cursor": "x"}), 200)[0] == -32602


def test_errors_of_the_newer_era_have_a_status(idle):
    """Headers that say another thing than the body, versions and methods that are not served."""
    body, headers = modern("prompts/list")
    assert error(idle, body, 404, **headers)[0] == -32601
    body, headers = modern("resources/read", uri="reins://sessions/x")
    assert error(idle, body, 400, **headers)[0] == -32602
    body, headers = modern("tools/call", name="list_sessions")
    for lie in ({"Mcp-Method": "tools/list"}, {"Mcp-Name": "pause"}, {"Mcp-Name": "=?base64?!?="}):
        assert error(idle, body, 400, **{**headers, **lie})[0] == -32020
    post(idle, body, **{**headers, "Mcp-Name": "=?base64?bGlzdF9zZXNzaW9ucw==?="})
    assert error(idle, message("tools/list"), 400, **MODERN)[0] == -32602, "no _meta"
    body, headers = modern("tools/list")
    body["params"]["_meta"] = META | {"io.modelcontextprotocol/protocolVersion": "2031-01-01"}
    found = post(idle, body, status=400, **headers | {"MCP-Protocol-Version": "2031-01-01"})
    assert found["error"]["code"] == -32022
    assert found["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2031-01-01"}


def test_the_guard_and_the_token_stand_before_it(settings):
    """A stranger, a page of another site, another host and a long body get no further."""
    with Served(settings, token="let-me-in-please") as web:
        body = message("tools/list")
        known = {"Authorization": "Bearer let-me-in-please"}
        assert web.ask("POST", "/mcp", body, **known)[0] == 200
        assert web.ask("POST", "/mcp", body)[0] == 401
        evil = "https://evil.example"
        assert web.ask("POST", "/mcp", body, **known, Origin=evil)[0] == 403
        assert web.ask("POST", "/mcp", body, **known, Host="evil.example")[0] == 421
        long = message("tools/list", {"cursor": "x" * 600_000})
        assert web.ask("POST", "/mcp", long, **known)[0] == 413


def test_the_actor_is_the_one_of_the_address(idle):
    """`/mcp?actor=ann` stands in the queue; one that may be none is refused."""
    q.agent_create("a", "bob")
    for path, actor in (("/mcp", "mcp"), ("/mcp?actor=ann", "ann")):
        result = post(idle, message("tools/call", STEER), path=path)["result"]
        assert result["structuredContent"]["actor"] == actor
        assert q.action_receipt(result["structuredContent"]["action_id"])["actor"] == actor
    assert post(idle, message("tools/call", STEER), path="/mcp?actor=%00", status=400)["error"]


def test_a_full_queue_is_told_to_the_assistant(idle, monkeypatch):
    """As an error of the tool in the queue's own words, which say when to call it again."""

    def full(_self, *_rows):
        raise QueueFullError("5 actions wait. Send it again in 1.5 s.", retry_after_s=1.5)

    monkeypatch.setattr(QueueWriter, "append", full)
    arguments = {"agent_id": "a", "wait_s": 0}
    body, headers = modern("tools/call", name="create_session", arguments=arguments)
    result = post(idle, body, **headers)["result"]
    assert result["isError"]
    assert result["content"][0]["text"] == "5 actions wait. Send it again in 1.5 s."


def test_two_at_once_with_one_key_are_one_action(idle):
    """They go one after the other, and the second finds the first."""
    q.agent_create("a", "bob")
    call = {"name": "steer", "arguments": {"session_id": "a", "guidance": "owls", "wait_s": 0,
                                           "idempotency_key": "k"}}  # fmt: skip
    found = []

    def send():
        found.append(post(idle, message("tools/call", call))["result"]["structuredContent"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each["action_id"] for each in found}) == 1
    assert [row["type"] for row in idle.actions()].count("agent_interrupt") == 1
    assert sum("sent_before" in each for each in found) == 7


def test_a_client_that_hangs_up_leaves_one_action(settings):
    """What came whole is enqueued though nobody waits; with its key it is found again."""
    call = {"name": "create_session",
            "arguments": {"agent_id": "a", "wait_s": 0.5, "idempotency_key": "k"}}  # fmt: skip
    body = json.dumps(message("tools/call", call)).encode()
    with Served(settings) as web:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", web.port)) as gone:
                gone.sendall(
                    b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json"
                    b"\r\nContent-Length: %d\r\n\r\n" % (web.port, len(body)) + body
                )
        until(lambda: web.get("/api/actions")["items"], "it is in the queue")
        found = web.ask("POST", "/mcp", message("tools/call", call))[2]["result"]
        [action] = web.get("/api/actions")["items"]
    assert found["structuredContent"]["action_id"] == action["action_id"]
    assert found["structuredContent"]["sent_before"]


def test_long_lists_come_in_pages(idle, monkeypatch):
    """Each page says where the next begins; none is missed, and none comes twice."""
    monkeypatch.setattr("reins.mcp_server.resources._PAGE", 4)
    for number in range(5):
        upsert_agent_state(f"a{number}", status="paused", agent_type="joke", iteration=1)
    uris, cursor = [], None
    while cursor is not None or not uris:
        given = {} if cursor is None else {"cursor": cursor}
        found = post(idle, message("resources/list", given))["result"]
        uris += [entry["uri"] for entry in found["resources"]]
        cursor = found.get("nextCursor")
    assert len(uris) == len(set(uris)) == 10
    sessions, after = [], ""
    while after is not None:
        call = {"name": "list_sessions", "arguments": {"limit": 2, "after": after}}
        found = post(idle, message("tools/call", call))["result"]["structuredContent"]
        sessions += [line["session_id"] for line in found["sessions"]]
        after = found.get("next_after")
    assert sessions == [f"a{number}" for number in range(5)]
    assert found["counts"] == {"paused": 5}


def test_a_fault_of_ours_is_told_as_one(idle, monkeypatch, caplog):
    """It is an internal error with no traceback in it, which is in the log."""
    monkeypatch.setattr("reins.mcp_server.resources.page", lambda *_: 1 / 0)
    code, said = error(idle, message("resources/list"), 500)
    assert code == -32603
    assert "traceback is in its log" in said
    assert "division" not in said


def test_more_that_wait_than_there_is_room_for_are_told_what_is_known(settings, monkeypatch):
    """Each that waits holds a thread: one more gets its receipt at once, and is not refused."""
    monkeypatch.setattr("reins.web.api.mcp._MOST_WAITING", 0)
    with Api(settings, None) as api:
        call = {"name": "create_session", "arguments": {"agent_id": "a", "wait_s": 30}}
        found = post(api, message("tools/call", call))["result"]["structuredContent"]
    assert found["outcome"] == "queued"


def test_no_key_comes_out(idle):
    """Answers are cleaned before they leave, errors too."""
    redaction.know("sk-0123456789abcdef")
    found = post(idle, message("tools/call", {"name": "sk-0123456789abcdef"}))
    assert "0123456789abcdef" not in json.dumps(found)


def test_an_exchange_without_headers_reads_the_version_from_the_body():
    """As over stdio: an envelope whose version is no text is refused, and so is one of tomorrow."""
    for version, code in ((3, -32602), ("2031-01-01", -32022)):
        meta = META | {"io.modelcontextprotocol/protocolVersion": version}
        answer = exchange(None, message("tools/list", {"_meta": meta}), None, None)
        assert answer.body["error"]["code"] == code


def test_an_assistant_searches_what_was_said(api):
    """With where it stands; what cannot be meant is refused with what would be right."""
    api.done("/api/conversations", {"actor": "ann", "conversation_id": "room"})
    q.wait_for_action(q.post_message("room", "carol", "The budget of March"))
    body, headers = modern("tools/call", name="search", arguments={"query": "budget by:carol"})
    found = json.loads(post(api, body, **headers)["result"]["content"][0]["text"])
    [group] = found["groups"]
    assert (group["conversation_id"], group["hits"][0]["number"]) == ("room", 1)
    assert not found["more"]
    body, headers = modern("tools/call", name="search", arguments={"query": "source:mail"})
    refused = post(api, body, **headers)["result"]
    assert refused["isError"]
    assert "expected some of step" in refused["content"][0]["text"]

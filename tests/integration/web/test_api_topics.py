"""Topics over HTTP: publishing, reading, dead letters, and what comes live."""

import socketio

import queue_imp as q
from reins.cli.main import main
from store import dead_letters
from tests.integration.web.speaking import write

ANN = {"actor": "ann"}
KEY = {"Idempotency-Key": "again"}


def published(api, topic, *messages):
    return [api.done(f"/api/topics/{topic}", {**ANN, "message": each}) for each in messages]


def test_a_message_is_published_and_read(api):
    """Texts and JSON, each with the number that its receipt names."""
    got = published(api, "orders.eu", "a text", {"n": [1]}, 0)
    assert [each["applied_seq"] for each in got] == [1, 2, 3]
    page = api.get("/api/topics/orders.eu?limit=2")
    assert [row["message"] for row in page["items"]] == ["a text", {"n": [1]}]
    assert page["items"][0]["author"] == "ann"
    page = api.get(f"/api/topics/orders.eu?after={page['next_cursor']}")
    assert [(row["number"], row["message"]) for row in page["items"]] == [(3, 0)]
    assert page["next_cursor"] is None


def test_topics_are_listed_apart_from_conversations(api):
    """By name, a page at a time, each with the number of its messages."""
    published(api, "b", 1, 2)
    published(api, "a", 1)
    page = api.get("/api/topics?limit=1")
    assert page["items"] == [{"topic": "a", "messages": 1}]
    page = api.get(f"/api/topics?cursor={page['next_cursor']}")
    assert page["items"] == [{"topic": "b", "messages": 2}]
    assert api.get("/api/conversations")["items"] == []


def test_what_does_not_fit_is_refused(api):
    """With what is expected; nothing is enqueued."""
    for topic in ("a.", "a b", "@a", "*"):
        assert (
            api.ask("POST", f"/api/topics/{topic}", json={**ANN, "message": 1}).status_code == 422
        )
    for message in (None, "", "x" * 65_536):
        problem = api.post("/api/topics/a", {**ANN, "message": message}, 422)
        assert problem["problems"][0]["where"] == "body.message"
    assert api.actions() == []
    api.get("/api/topics/unknown", 404)
    api.get("/api/topics/unknown/dead", 404)
    api.post("/api/dead-letters/unknown/replay", ANN, 404)


def test_the_same_key_publishes_once(api):
    """A request that is sent again is the same message."""
    for _ in range(2):
        api.done("/api/topics/a", {**ANN, "message": 1}, headers={"Idempotency-Key": "k"})
    assert len(api.get("/api/topics/a")["items"]) == 1


def test_dead_letters_are_read_and_replayed_once(api, capsys):
    """What cannot be replayed says why."""
    [got] = published(api, "a", "poison")
    row = dict.fromkeys(dead_letters.TABLE.schema.names) | {
        "letter_id": "dead_1", "topic": "a", "number": 1, "message_id": got["action_id"],
        "agent_id": "gone", "session_id": "gone", "attempts": 3, "error": "ValueError: poison",
        "buried_at": 5,
    }  # fmt: skip
    write(api.runtime, dead_letters.record(row))
    [letter] = api.get("/api/topics/a/dead")["items"]
    assert (letter["number"], letter["attempts"], letter["replayed_by"]) == (1, 3, None)
    [cause] = api.get("/api/attention")["dead"]
    assert (cause["topic"], cause["session_id"], cause["count"]) == ("a", "gone", 1)
    assert cause["text"] == "gone could not use a message of a: ValueError: poison"
    assert (cause["act"], cause["letter_ids"]) == ("replay", ["dead_1"])
    assert main(["attention"]) == 0
    assert "gone could not use a message of a" in capsys.readouterr().out
    refused = api.done("/api/dead-letters/dead_1/replay", ANN)
    assert refused["outcome"] == "rejected"
    assert "has ended" in refused["error"]
    write(api.runtime, dead_letters.record({**row, "replayed_by": "bob", "replayed_at": 6}))
    api.post("/api/dead-letters/dead_1/replay", ANN, 409)
    assert api.get("/api/topics/a/dead")["items"] == []
    assert api.get("/api/attention")["dead"] == []
    assert len(api.get("/api/topics/a/dead?replayed=true")["items"]) == 1


def test_messages_come_live(live):
    """In the room of the topic's conversation, as those of any."""
    q.wait_for_action(q.publish("live", "ann", {"n": 1}))
    with socketio.SimpleClient() as client:
        client.connect(live.url, transports=["websocket"])
        ask = {"conversation_id": "topic:live", "after": 0}
        answer = client.call("subscribe_conversation", ask, timeout=20)
        assert [row["number"] for row in answer["rows"]] == [1]
        q.publish("live", "ann", "two")
        name, event = client.receive(timeout=20)
        while name != "messages":
            name, event = client.receive(timeout=20)
        assert [(row["number"], row["text"]) for row in event["rows"]] == [(2, "two")]


def test_a_shell_publishes_and_reads(api, capsys):
    """`reins publish`, with a text or JSON; `reins topic` prints them."""
    assert main(["publish", "sh", "hello", "--actor", "ann", "--wait"]) == 0
    assert main(["publish", "sh", '{"n": 1}', "--json", "--actor", "ann", "--wait"]) == 0
    capsys.readouterr()
    assert main(["topic", "sh"]) == 0
    assert capsys.readouterr().out == '1  ann  hello\n2  ann  {"n": 1}\n'
    assert main(["publish", "sh", "{", "--json"]) == 2


def _letter(api, letter_id, topic, session_id, at, **more):
    row = dict.fromkeys(dead_letters.TABLE.schema.names) | {
        "letter_id": letter_id, "topic": topic, "number": at, "message_id": f"m{at}",
        "agent_id": session_id, "session_id": session_id, "attempts": 3, "error": f"error {at}",
        "buried_at": at, **more,
    }  # fmt: skip
    write(api.runtime, dead_letters.record(row))


def test_dead_letters_are_gathered_by_topic_and_subscriber(api):
    """Those that wait, with the newest reason; all of a cause are given again in one request."""
    assert api.get("/api/dead-letters") == {"items": []}
    _letter(api, "dead_1", "a", "slow", 1)
    _letter(api, "dead_2", "a", "slow", 3)
    _letter(api, "dead_3", "a", "other", 2)
    _letter(api, "dead_4", "b", "slow", 4, replayed_by="bob", replayed_at=5)
    slow, other = api.get("/api/dead-letters")["items"]
    assert (slow["topic"], slow["session_id"], slow["count"]) == ("a", "slow", 2)
    assert (slow["error"], slow["letter_ids"]) == ("error 3", ["dead_1", "dead_2"])
    assert api.get("/api/attention")["dead"] == [slow, other]
    assert other["letter_ids"] == ["dead_3"]
    named = api.get("/api/dead-letters?letters=1")["items"][0]
    assert (named["count"], named["letter_ids"]) == (2, ["dead_1"])
    asked = {**ANN, "letter_ids": slow["letter_ids"]}
    got = [api.ask("POST", "/api/dead-letters/replay", json=asked, headers=KEY) for _ in range(2)]
    assert [each.status_code for each in got] == [202, 202]
    assert got[0].json == got[1].json
    acts = [q.wait_for_action(each["action_id"]) for each in got[0].json["items"]]
    assert ["session slow has ended" in each["error"] for each in acts] == [True, True]
    api.post("/api/dead-letters/replay", {**ANN, "letter_ids": ["dead_1", "nothing"]}, 404)
    api.post("/api/dead-letters/replay", {**ANN, "letter_ids": []}, 422)


def test_a_full_topic_answers_429(api):
    """With who is furthest behind; bounds are told, and what lags is in the metrics."""
    asked = api.ask("PUT", "/api/topics/b", json={**ANN, "max_unread": 2}).json
    assert q.wait_for_action(asked["action_id"])["outcome"] == "applied"
    assert api.get("/api/topics/b/subscribers")["bounds"]["max_unread"] == 2
    with api.runtime.topics.subscribed(["topic:b"], "@slow", lambda: None):
        got = published(api, "b", 1, 2, 3)
        assert [each["outcome"] for each in got] == ["applied", "applied", "rejected"]
        problem = api.post("/api/topics/b", {**ANN, "message": 4}, 429)
        assert "session slow has not read 2 messages, and 2 may be unread" in problem["detail"]
        got = api.client.get("/metrics", base_url="http://127.0.0.1:8700")
        text = got.get_data(as_text=True)
    published(api, "b", 5)
    assert 'reins_topic_messages_total{topic="b"} 2.0' in text
    assert 'reins_topic_lag_messages{topic="b"} 2.0' in text
    assert 'reins_topic_dead_letters{topic="b"} 0.0' in text
    assert api.ask("PUT", "/api/topics/b", json={**ANN, "max_unread": 0}).status_code == 422
    api.get("/api/topics/unknown/subscribers", 404)


def test_a_shell_sets_bounds_and_shows_subscribers(api, capsys):
    """`reins bound`; `reins topic --subscribers` says how far each is behind."""
    words = ["bound", "sh", "--max-unread", "5", "--when-full", "drop_oldest"]
    assert main([*words, "--actor", "ann", "--wait"]) == 0
    row = api.get("/api/topics/sh/subscribers")["bounds"]
    assert (row["max_unread"], row["max_age_s"], row["when_full"]) == (5, None, "drop_oldest")
    capsys.readouterr()
    assert main(["topic", "sh", "--subscribers"]) == 0
    assert capsys.readouterr().out == ""

"""Boards over HTTP and from a shell: reading, compare-and-set, what is refused."""

import queue_imp as q
from reins.cli.main import main

ANN = {"actor": "ann"}


def put(api, board, key, value, **more):
    answer = api.ask("PUT", f"/api/boards/{board}/{key}", json={**ANN, "value": value, **more})
    assert answer.status_code == 202, answer.text
    return q.wait_for_action(answer.json["action_id"])


def test_a_value_is_put_read_and_deleted(api):
    """With its version, who has written it, and the list by key, a page at a time."""
    assert put(api, "plans.eu", "a", {"n": [1]})["applied_seq"] == 1
    assert put(api, "plans.eu", "b%2Fc%20d", "text", expect=0)["applied_seq"] == 2
    got = api.get("/api/boards/plans.eu/a")
    assert (got["value"], got["version"], got["written_by"]) == ({"n": [1]}, 1, "ann")
    assert api.get("/api/boards/plans.eu/b%2Fc%20d")["value"] == "text"
    page = api.get("/api/boards/plans.eu?limit=1")
    assert [row["key"] for row in page["items"]] == ["a"]
    page = api.get(f"/api/boards/plans.eu?cursor={page['next_cursor']}")
    assert [row["key"] for row in page["items"]] == ["b/c d"]
    assert page["next_cursor"] is None
    assert [row["key"] for row in api.get("/api/boards/plans.eu?prefix=b")["items"]] == ["b/c d"]
    answer = api.ask("DELETE", "/api/boards/plans.eu/a?actor=ann&expect=1")
    assert answer.status_code == 202
    assert q.wait_for_action(answer.json["action_id"])["applied_seq"] == 3
    api.get("/api/boards/plans.eu/a", 404)
    assert api.get("/api/boards")["items"] == [{"board": "plans.eu", "keys": 1}]
    assert len(api.get("/api/topics/board.plans.eu")["items"]) == 3


def test_what_does_not_fit_is_refused(api):
    """At once, with what is there; nothing is enqueued."""
    put(api, "b", "k", 1)
    before = len(api.actions())
    for path, body, status in (
        ("b/k", {"value": 2, "expect": 7}, 409),
        ("b/k", {"value": None}, 422),
        ("b/k", {"value": "x" * 40_000}, 422),
        ("a%20b/k", {"value": 1}, 422),
    ):
        answer = api.ask("PUT", f"/api/boards/{path}", json={**ANN, **body})
        assert answer.status_code == status, answer.text
    assert api.ask("DELETE", "/api/boards/b/nothing?actor=ann").status_code == 404
    assert api.ask("DELETE", "/api/boards/b/k?actor=ann&expect=3").status_code == 409
    answer = api.ask("POST", "/api/topics/board.b", json={**ANN, "message": 1})
    assert answer.status_code == 422
    assert "write to the board instead" in answer.text
    assert len(api.actions()) == before


def test_the_same_from_a_shell(api, capsys):
    """The verbs of `reins board`."""
    assert main(["board", "put", "b", "k", '{"a": 1}', "--actor", "ann", "--wait"]) == 0
    assert main(["board", "put", "b", "n", "7", "--expect", "0", "--wait"]) == 0
    capsys.readouterr()
    assert main(["board", "get", "b", "k"]) == 0
    assert '"value": {"a": 1}' in capsys.readouterr().out
    assert main(["board", "list"]) == 0
    assert capsys.readouterr().out == "b  2 keys\n"
    assert main(["board", "list", "b"]) == 0
    assert capsys.readouterr().out.splitlines() == ['k  {"a": 1}  #1', "n  7  #2"]
    assert main(["board", "put", "b", "n", "8", "--expect", "1", "--wait"]) != 0
    assert "is at version 2, expected 1" in capsys.readouterr().err
    assert main(["board", "delete", "b", "n", "--wait"]) == 0
    assert main(["board", "get", "b", "n"]) != 0

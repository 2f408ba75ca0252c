"""Webhooks that others call: a token of their own, each delivery one message."""

import hashlib
import hmac
import json

import pytest

import queue_imp as q
from reins.sources.hooks import HookConfigError, Hooks, read
from reins.web.api import hooks
from store.topics import list_topic_messages, message_of
from tests.integration.web.serving import Served
from tests.support.waiting import until

PAGE_TOKEN = "the-token-of-the-page"
TOKEN = "a-token-of-this-hook-alone"
OTHER = "another-hook-has-another-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def outside(settings, tmp_path, monkeypatch):
    """The web on a port, with a token of its own, and no worker."""
    path = tmp_path / "hooks.json"
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    path.write_text(json.dumps({"hooks": {"ci": {"token": "${CI_TOKEN}"}, "cd": {"token": OTHER}}}))
    given = settings.model_copy(update={"token": PAGE_TOKEN, "hooks": path})
    with Served(given, None, token=PAGE_TOKEN) as served:
        yield served


def queued(outside):
    _, _, page = outside.ask("GET", "/api/actions", Authorization=f"Bearer {PAGE_TOKEN}")
    return page["items"]


def test_what_is_sent_is_in_the_queue_before_the_answer(outside):
    """With the hook's own token; JSON as JSON, any other text as text."""
    status, _, said = outside.ask(
        "POST", "/hooks/ci", {"built": True}, **BEARER, X_GitHub_Event="push"
    )
    assert (status, said["topic"], said["new"]) == (202, "hooks.ci", True)
    status, _, _ = outside.ask("POST", "/hooks/ci", b"plain words", **BEARER)
    assert status == 202
    first, second = sorted(queued(outside), key=lambda row: row["created_at"])
    assert (first["type"], first["actor"]) == ("publish", "webhook ci")
    assert first["payload"]["message"] == {
        "source": "webhook:ci",
        "body": {"built": True},
        "event": "push",
    }
    assert second["payload"]["message"]["body"] == "plain words"
    assert TOKEN not in json.dumps([first, second])


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-GitHub-Delivery", "webhook-id"])
def test_a_delivery_that_is_repeated_is_one_message(outside, name):
    """By the id that its sender gives it, of one hook, whatever its body says then."""
    again = [
        outside.ask("POST", "/hooks/ci", {"n": n}, **BEARER, **{name: "d-1"})[2] for n in (1, 2)
    ]
    assert again[0]["action_id"] == again[1]["action_id"]
    assert [each["new"] for each in again] == [True, False]
    other = {"Authorization": f"Bearer {OTHER}", name: "d-1"}
    assert outside.ask("POST", "/hooks/cd", {"n": 1}, **other)[2]["new"]
    assert len(queued(outside)) == 2


def test_a_signature_does_as_well(outside):
    """The HMAC of the body, as GitHub sends it."""
    body = b'{"n": 1}'
    right = "sha256=" + hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
    assert outside.ask("POST", "/hooks/ci", body, X_Hub_Signature_256=right)[0] == 202
    for wrong in (right[:-1], right.upper(), "sha256=", "sha1=" + right[7:], "x"):
        answer = outside.ask("POST", "/hooks/ci", body, X_Hub_Signature_256=wrong, **BEARER)
        assert answer[0] == 401, "a wrong signature is not made up for"
    assert len(queued(outside)) == 1


def test_no_other_token_lets_in(outside):
    """Neither the page's, nor another hook's; what there is nobody learns."""
    said = set()
    for path, token in (
        ("/hooks/ci", PAGE_TOKEN), ("/hooks/ci", OTHER), ("/hooks/ci", ""),
        ("/hooks/unknown", TOKEN), ("/hooks/unknown", "no such hook: as long to compare as any"),
    ):  # fmt: skip
        status, _, problem = outside.ask("POST", path, {}, Authorization=f"Bearer {token}")
        said.add((status, problem["detail"]))
    assert len(said) == 1
    assert said.pop()[0] == 401
    assert queued(outside) == []


@pytest.mark.parametrize(
    "path",
    ["/hooks/ci/../../api/sessions", "/hooks/../api/sessions", "/hooks/ci%2F..", "/hooks/",
     "//hooks/ci", "/%68ooks/ci", "/hooks/ci?token=" + TOKEN],
)  # fmt: skip
def test_the_hooks_token_opens_nothing_else(outside, path):
    """No path that only looks like a hook's goes past the page's token."""
    assert outside.ask("POST", path, {"agent_id": "a"}, **BEARER)[0] in (202, 401, 404)
    if not path.startswith(("/hooks/ci?", "//")):  # the server takes two slashes for one
        assert outside.ask("POST", path, {"agent_id": "a"}, **BEARER)[0] == 401
    assert outside.ask("GET", "/api/sessions", **BEARER)[0] == 401
    assert all(row["type"] == "publish" for row in queued(outside))


def test_what_cannot_be_a_message_is_refused(outside):
    """Too large, no text, a delivery's id that is none."""
    big = b"x" * (hooks.MAX_HOOK_BYTES + 1)
    assert outside.ask("POST", "/hooks/ci", big, **BEARER)[0] == 413
    escaped = b'"' * (hooks.MAX_HOOK_BYTES - 10)
    assert outside.ask("POST", "/hooks/ci", escaped, **BEARER)[0] == 413
    assert outside.ask("POST", "/hooks/ci", b"\xff\xfe", **BEARER)[0] == 415
    assert outside.ask("POST", "/hooks/ci", {}, **BEARER, webhook_id="x" * 300)[0] == 422
    assert queued(outside) == []


def test_too_many_are_refused(outside, monkeypatch):
    """Messages of one hook, and wrong tokens of anybody; others go on."""
    statuses = [
        outside.ask("POST", "/hooks/cd", {}, Authorization="Bearer no")[0] for _ in range(25)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert outside.ask("POST", "/hooks/ci", {}, **BEARER)[0] == 202
    monkeypatch.setattr(hooks, "_BURST", 3)
    monkeypatch.setattr(hooks, "_PER_S", 0.001)
    bearer = {"Authorization": f"Bearer {OTHER}"}
    assert [outside.ask("POST", "/hooks/cd", {}, **bearer)[0] for _ in range(4)] == [202] * 3 + [
        429
    ]


def test_a_worker_publishes_what_came(api, tmp_path, monkeypatch):
    """The message is in the topic, from which `webhook:NAME` wakes agents."""
    (tmp_path / "hooks.json").write_text(json.dumps({"hooks": {"ci": {"token": TOKEN}}}))
    monkeypatch.chdir(tmp_path)
    answer = api.client.post("/hooks/ci", json={"n": 1}, headers=BEARER)
    assert answer.status_code == 202
    got = q.wait_for_action(answer.json["action_id"])
    assert got["outcome"] == "applied"
    until(lambda: list_topic_messages("hooks.ci"), "it is published")
    assert message_of(list_topic_messages("hooks.ci")[0])["body"] == {"n": 1}


def test_a_file_with_a_fault_says_which(tmp_path, monkeypatch):
    """And never a token; a file that changes is read again."""
    path = tmp_path / "hooks.json"
    monkeypatch.chdir(tmp_path)
    assert read(None) == {}
    found = Hooks(path)
    path.write_text(json.dumps({"hooks": {"a": {"token": TOKEN}}}))
    assert list(found.get()) == ["a"]
    for wrong in (
        '{"hooks": {"a": {"token": "short-secret"}}}',
        json.dumps({"hooks": {"a.b": {"token": TOKEN}}}),
        "{",
        '{"hooks": {"a": {"token": "${MISSING}"}}}',
    ):
        path.write_text(wrong)
        with pytest.raises(HookConfigError, match=r"hooks\.json") as raised:
            found.get()
        assert "short-secret" not in str(raised.value)
        assert TOKEN not in str(raised.value)

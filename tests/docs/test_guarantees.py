"""What docs/guarantees.md and docs/security.md promise is shown by tests that exist."""

import ast
import re

import pytest

import queue_imp as q
from agents import Runtime
from reins.settings import load_settings
from store.agent_steps import list_steps
from tests.docs.expected import ROOT, documents
from tests.support.waiting import until_async

NAMED = sorted(
    {
        named
        for path in documents()
        for named in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", path.read_text())
    }
)


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_the_tests_named_exist(path):
    """Every test that a document names is there."""
    tree = ast.parse((ROOT / path).read_text())
    there = {node.name for node in ast.walk(tree) if hasattr(node, "name")}
    assert {test for of, test in NAMED if of == path} <= there


@pytest.mark.parametrize("name", ["guarantees", "security"])
def test_each_promise_names_a_test(name):
    """A paragraph that begins in bold promises something; a test stands below it."""
    text = (ROOT / "docs" / f"{name}.md").read_text()
    promises = re.split(r"^(?=\*\*|## )", text, flags=re.MULTILINE)
    unshown = [each for each in promises if each.startswith("**") and "`tests/" not in each]
    assert [each.splitlines()[0] for each in unshown] == []


async def test_actions_that_waited_for_a_worker_keep_their_order(tmp_path, monkeypatch):
    """Enqueued while nobody worked: of one session they are applied in order, urgent or not."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    sent = [
        q.agent_create("a", "ann", "cats"),
        q.agent_interrupt("a", "ann", {"subject": "dogs"}),
        q.agent_pause_action("a", "ann"),
        q.agent_interrupt("a", "ann", {"subject": "owls"}),
        q.agent_destroy_action("a", "ann"),
    ]
    runtime = Runtime(load_settings())
    await runtime.start()
    try:
        await until_async(lambda: runtime.health().actions_handled == len(sent), "all are marked")
    finally:
        await runtime.stop()
    receipts = [q.action_receipt(action_id) for action_id in sent]
    assert [receipt["error"] for receipt in receipts] == [None] * len(sent)
    seqs = [receipt["applied_seq"] for receipt in receipts]
    assert seqs == sorted(seqs)
    assert list_steps("a")[-1]["seq"] == seqs[-1]

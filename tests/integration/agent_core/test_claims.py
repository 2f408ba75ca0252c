"""Declared claims: priors and half-lives count, contradictions are told and never settled."""

import asyncio
import json

import pytest

import queue_imp as q
import reins.remembering.acting  # noqa: F401 - hands its handlers in
from agent_core.session.concerns import Concerned
from reins.plans import Task, sequence, to_data
from store.evidence import list_evidence
from tests.integration.agent_core.test_plans import GATE
from tests.integration.agent_core.test_scopes import Scopes
from tests.support import data_folder
from tests.support.waiting import until_async

CLAIMS = [
    {"id": "in", "one_of": "cat", "prior": 0.4, "reliability": 0.5, "half_life_s": None},
    {"id": "out", "one_of": "cat", "half_life_s": None},
    {"id": "fed", "excludes": ["hungry"], "rule": "likelier", "half_life_s": None},
    {"id": "hungry", "half_life_s": None},
]


@pytest.fixture
async def fleet(data):
    GATE.clear()
    made = Scopes(data)
    await made.start()
    yield made
    for gate in GATE.values():
        gate.set()
    await made.stop(grace_s=0.2)
    await asyncio.to_thread(data_folder.verified, data)


async def begun(fleet, *tasks, claims=CLAIMS):
    config = {"plan": to_data(sequence(*tasks, Task("wait"))), "claims": claims}
    got = await fleet.do(q.agent_create, "a", "ann", agent_type="plan", config=config)
    if got["outcome"] == "applied":
        await until_async(lambda: "g" in GATE, "it waits")
    return got


def believed(claim, strength=2, **more):
    return Task("believe", {"claim": claim, "strength": strength, "source": claim, **more})


def mind_of(fleet):
    return json.loads(fleet.state("a")["context"])["mind"]


def concern(fleet):
    session = fleet.sessions.live["a"]
    return Concerned.of("a", "a", session.snapshot())


async def test_a_declared_claim_has_its_prior_and_reliability(fleet):
    """An act that says a reliability has that one."""
    await begun(fleet, believed("in"), believed("in", reliability=1.0), believed("out"))
    rows = list_evidence("a", store=fleet.store.reader)
    assert [row["reliability"] for row in rows] == [0.5, 1.0, 1.0]
    said = [line for row in fleet.log("a") if (mind := json.loads(row["payload"]).get("mind"))
            for line in mind["did"]]  # fmt: skip
    assert said[0] == "believe in: 0.64", "0.4, and half of 2 nats"


async def test_a_contradiction_is_told_and_a_person_decides(fleet):
    """On its row, in its snapshot and among the causes; neither belief is changed by it."""
    await begun(fleet, believed("in"), believed("out"))
    row = next(row for row in fleet.log("a") if "contradictions" in (row["payload"] or ""))
    [pair] = json.loads(row["payload"])["mind"]["contradictions"]
    assert (pair["one"], pair["other"], pair["stands"]) == ("in", "out", None)
    found = concern(fleet)
    assert found.cause.kind == "contradicted"
    assert found.cause.text == "it believes 'in' and 'out', of which one can be"
    assert found.cause.since == pair["since"]
    got = await fleet.do(
        q.agent_interrupt, "a", "ann", {"type": "doubt", "claim": "out", "strength": 3}
    )
    assert got["outcome"] == "applied"
    assert concern(fleet) is None
    assert "contradictions" not in mind_of(fleet)
    [piece] = [row for row in list_evidence("a", store=fleet.store.reader) if row["actor"]]
    back = await fleet.do(q.evidence_undo, "a", "ann", [piece["evidence_id"]])
    assert back["outcome"] == "applied"
    assert concern(fleet).cause.kind == "contradicted", "what decided it was taken back"


async def test_a_declared_rule_says_which_stands(fleet):
    """It is told all the same, and needs nobody."""
    await begun(fleet, believed("fed"), believed("hungry", 3))
    [pair] = mind_of(fleet)["contradictions"]
    assert (pair["rule"], pair["stands"]) == ("likelier", "hungry")
    assert concern(fleet) is None


async def test_it_is_told_after_a_restart(fleet):
    """From the snapshot, with the time since when."""
    await begun(fleet, believed("in"), believed("out"))
    since = concern(fleet).cause.since
    await fleet.stop(grace_s=0.2)
    await fleet.start()
    assert concern(fleet).cause.since == since


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ([{"id": "a", "prior": 1.0}], "prior"),
        ([{"id": "a"}, {"id": "a"}], "declared twice"),
        ([{"id": "a", "excludes": ["b"]}], "expected another claim that is declared here"),
        ([{"id": "a", "rule": "louder"}], "rule"),
    ],
)
async def test_claims_that_cannot_be_are_refused(fleet, claims, words):
    """With the place of what is wrong."""
    got = await begun(fleet, claims=claims)
    assert got["outcome"] == "rejected"
    assert words in got["error"]

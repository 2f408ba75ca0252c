"""A log over HTTP: searched, at a glance, folded, taken away, remarked upon."""

import csv
import io
import json

import pytest

import queue_imp as q
from reins.web.api.sessions import steps
from tests.support.long_log import Life, write
from tests.support.waiting import until

ROWS = 1_500


@pytest.fixture
def talker(tmp_path, request):
    """A log that was there before the server, and then the server."""
    write(tmp_path / "data", Life("talker", ROWS, every=300))
    return request.getfixturevalue("api")


def test_a_search_answers_with_numbers(talker):
    """Numbers of rows by pages, the count and the cost, and where in the life they lie."""
    found = talker.get("/api/sessions/talker/find?q=changed:subject&buckets=20")
    # The last row is no tick: what came before it had guided it to something else.
    assert set(found["items"]) >= {300, 600, 900, 1_200}
    assert found["count"] == len(found["items"]) == sum(found["density"])
    assert found["stretch"]["axis"] == "time"
    page = talker.get("/api/sessions/talker/find?q=about&limit=2&hide=guidance,errors")
    assert (page["items"], page["next_cursor"]) == ([2, 3], "3")
    after = talker.get(f"/api/sessions/talker/find?q=about&limit=2&after_seq={page['next_cursor']}")
    assert (after["items"], after["skipped"]) == ([4, 5], 2)
    assert after["cost_usd"] > 0
    at_row = talker.get("/api/sessions/talker/steps/600")["created_at"]
    go = talker.get("/api/sessions/talker/find", query_string={"q": f"since:{at_row}", "limit": 1})
    assert go["items"] == [600]


@pytest.mark.parametrize(
    ("query", "where"),
    [("q=cost>much", "query.q"), ("hide=jokes", "query.hide"), ("zone=Nowhere/Else", "query.zone")],
)
def test_what_is_no_query_is_refused(talker, query, where):
    """A 422 that names the part, with what was given."""
    problem = talker.get(f"/api/sessions/talker/find?{query}", 422)
    assert [each["where"] for each in problem["problems"]] == [where]


@pytest.mark.parametrize("part", ["find", "overview", "folds", "export", "notes"])
def test_a_session_that_is_not_there(talker, part):
    """A 404, not an empty answer."""
    assert "nobody" in talker.get(f"/api/sessions/nobody/{part}", 404)["detail"]


def test_the_life_and_the_folds(talker):
    """The overview counts all rows; the folds leave what is no tick."""
    life = talker.get("/api/sessions/talker/overview?buckets=30&axis=seq")
    assert (life["head"], life["stretch"]) == (ROWS, {"axis": "seq", "begin": 1, "end": ROWS})
    assert sum(each["guidance"] for each in life["buckets"]) == 4
    assert len(life["cost_by_minute"]) == 30
    folds = talker.get("/api/sessions/talker/folds?hide=said")
    assert folds["head"] == ROWS
    assert folds["items"][0] == {"first": 2, "last": 99, "ticks": 98, "subject": "cats"}
    assert talker.get("/api/sessions/talker/folds")["items"] == []


def test_rows_by_their_numbers(talker):
    """A view with gaps asks for the rows that it shows, and for no others."""
    rows = talker.get("/api/sessions/talker/steps?seqs=300,7,7&brief=true")["items"]
    assert [row["seq"] for row in rows] == [7, 300]
    assert rows[1]["payload"]["guidance"] == "now about dogs"
    for none in ("0", "00000000000000001" + "9" * 20):
        assert talker.get(f"/api/sessions/talker/steps?seqs={none}", 422)
    assert talker.get(f"/api/sessions/talker/steps?seqs={','.join(['1'] * 201)}", 422)


def test_rows_that_no_page_holds_come_with_the_next(talker, monkeypatch):
    """Whoever asks for rows by number is told where the answer was cut, and goes on from there."""
    monkeypatch.setattr(steps, "_PAGE_BYTES", 1)
    asked = "/api/sessions/talker/steps?seqs=7,300"
    first = talker.get(asked)
    assert ([row["seq"] for row in first["items"]], first["next_cursor"]) == ([7], "7")
    second = talker.get(f"{asked}&after_seq=7")
    assert ([row["seq"] for row in second["items"]], second["next_cursor"]) == ([300], None)


@pytest.mark.parametrize("when", ["since:999999d", "since:0001-01-01", "until:9999-12-31T23:59"])
def test_times_beyond_all_time_are_those_of_the_whole_log(talker, when):
    """In any zone; they are no fault of the server's."""
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        query = {"q": when, "zone": zone}
        found = talker.get("/api/sessions/talker/find", query_string=query)
        assert found["count"] == ROWS


def test_what_is_filtered_is_taken_away(talker):
    """The same rows as JSON lines and as a table, with who asked; no cell is a formula."""
    q.wait_for_action(q.agent_interrupt("talker", "=ann", "=1+1"))
    found = talker.get("/api/sessions/talker/find?q=kind:guidance")
    lines = talker.ask("GET", "/api/sessions/talker/export?q=kind:guidance")
    assert lines.headers["Content-Disposition"] == 'attachment; filename="session-talker.jsonl"'
    rows = [json.loads(line) for line in lines.get_data(as_text=True).splitlines()]
    assert [row["seq"] for row in rows] == found["items"]
    assert rows[0]["state"]["agent"]["subject"] == "dogs"
    table = talker.ask("GET", "/api/sessions/talker/export?q=kind:guidance&format=csv")
    cells = [*csv.DictReader(io.StringIO(table.get_data(as_text=True)))]
    assert [int(cell["seq"]) for cell in cells] == found["items"]
    assert cells[0]["by"] == "bob"
    assert cells[-1]["by"] == "'=ann"


def test_a_note_with_a_receipt(talker):
    """Pinned, listed with its name, kept once however often it is sent; no row gets none."""
    at = "/api/sessions/talker/steps/300/notes"
    body, key = {"actor": "ann", "text": "here"}, {"Idempotency-Key": "k1"}
    first = talker.post(at, body, headers=key)
    assert talker.post(at, body, headers=key) == first
    until(lambda: talker.get(f"/api/actions/{first['action_id']}")["outcome"] == "applied")
    [note] = talker.get("/api/sessions/talker/notes")["items"]
    assert (note["seq"], note["author"], note["text"]) == (300, "ann", "here")
    talker.post("/api/sessions/talker/steps/99999/notes", body, 404)
    talker.post(at, {"actor": "ann", "text": "  "}, 422)


def test_guidance_is_hastened(api):
    """The receipt of the act is that of the guidance."""
    config = {"tick": "slow", "tick_s": 60}
    body = {"agent_id": "slow", "agent_type": "odd", "actor": "ann", "config": config}
    api.done("/api/sessions", body)
    until(lambda: (api.get("/api/sessions/slow/now")["now"] or {}).get("ticking"))
    guidance = {"guidance": {"subject": "dogs"}, "actor": "ann"}
    steer = api.post("/api/sessions/slow/interrupt", guidance)["action_id"]
    receipt = api.done("/api/sessions/slow/hasten", {"actor": "bob", "guidance_id": steer})
    assert (receipt["outcome"], receipt["applied_seq"]) == ("applied", 2)
    assert q.wait_for_action(steer)["applied_seq"] == 2

"""SQL over HTTP: off until a setting turns it on, and then within its bounds."""

import csv
import io

import pytest

from reins.settings import load_settings
from reins.sql import runner
from tests.integration.web.support import Api


@pytest.fixture
def on(settings, monkeypatch):
    """The API without a worker, with SQL."""
    monkeypatch.setenv("REINS_SQL", "on")
    monkeypatch.setenv("REINS_SQL_ROWS", "5")
    with Api(load_settings(), None) as api:
        api.post("/api/sessions", {"actor": "ann", "agent_id": "finn", "config": {"subject": "=1"}})
        yield api


def test_it_is_off(idle, monkeypatch):
    """Nothing is run, and the answer says how to turn it on; no process is started."""
    said = idle.post("/api/sql", {"statement": "SELECT 1"}, 403)
    assert "REINS_SQL=on" in said["detail"]
    found = idle.get("/api/sql")
    assert (found["on"], "REINS_SQL=on" in found["why"]) == (False, True)
    assert idle.post("/api/sql", {}, 422)
    monkeypatch.setenv("REINS_SQL", "on")
    monkeypatch.setattr(runner.importlib.util, "find_spec", lambda name: None)
    with Api(load_settings(), None) as api:
        assert "reins[sql]" in api.post("/api/sql", {"statement": "SELECT 1"}, 501)["detail"]
        assert "reins[sql]" in api.get("/api/sql")["why"]


def test_results(on):
    """Rows as JSON and as CSV, with the tables and bounds; rows of the queue at once."""
    state = on.get("/api/sql")
    assert (state["on"], state["why"], state["limit_rows"]) == (True, None, 5)
    [queue] = [table for table in state["tables"] if table["name"] == "queue"]
    assert {"name": "created_at", "type": "TIMESTAMP WITH TIME ZONE"} in queue["columns"]
    asked = {"statement": "SELECT type, actor, payload FROM queue"}
    found = on.post("/api/sql", asked, 200)
    assert [column["type"] for column in found["columns"]] == ["VARCHAR"] * 3
    assert found["rows"][0][:2] == ["create_agent", "ann"]
    as_csv = on.ask("POST", "/api/sql?format=csv", json={"statement": "SELECT '=1' AS \"a,b\""})
    assert list(csv.reader(io.StringIO(as_csv.get_data(as_text=True)))) == [["a,b"], ["'=1"]]
    assert as_csv.headers["Content-Disposition"] == 'attachment; filename="result.csv"'
    many = {"statement": "SELECT * FROM range(9)", "rows": 100}
    as_csv = on.ask("POST", "/api/sql", json=many, headers={"Accept": "text/csv"})
    assert (as_csv.headers["Reins-Truncated"], as_csv.get_data().count(b"\n")) == ("true", 6)
    assert len(on.post("/api/sql", many, 200)["rows"]) == 5


def test_what_is_refused(on):
    """A statement at fault, a body at fault, and what no browser of another site may send."""
    said = on.post("/api/sql", {"statement": "DROP TABLE queue"}, 422)
    assert "only SELECT is taken" in str(said)
    assert "no table 'nix'" in str(on.post("/api/sql", {"statement": "FROM nix"}, 422))
    for body in ({"statement": ""}, {"statement": "SELECT 1", "rows": 0}, {"statement": 1},
                 {"statement": "SELECT 1", "more": 1}, {"statement": "x" * 100_001}):  # fmt: skip
        on.post("/api/sql", body, 422)
    assert on.post("/api/sql", {"statement": "SELECT 1"}, 403, headers={"Origin": "http://x.com"})

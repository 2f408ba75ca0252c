"""Reports on sessions over HTTP and in the shell: the figures of the log, from both alike."""

import csv
import io
import json

import pytest

from reins.web.views.reports import ReportLine
from store.agent_steps import list_steps
from tests.integration.web.speaking import write
from tests.integration.web.test_api_models import call, joke
from tests.support.program import ROOT, ran
from tests.support.waiting import until

ANN = {"actor": "ann"}
PUT = [{"kind": "task", "name": "put", "args": {"to": to, "value": 1}} for to in "abc"]
PLAN = {"kind": "sequence", "items": [PUT[0], {"kind": "parallel", "items": PUT[1:]}]}


def told(api, session_id, *more):
    folder = str(api.runtime.store.folder.path)
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    command = ["-m", "reins", "report", session_id, "--data", folder, *more]
    code, out, err = ran(command, cwd=ROOT, env=env)
    assert (code, err) == (0, ""), err
    return out


def lines_of(report, kind=None):
    return {line["name"]: line for line in report["lines"] if kind in (None, line["kind"])}


def test_a_report_is_that_of_the_log(api):
    """Ticks, tokens and times are the log's, a pause is a wait, attempts are by route."""
    joke(api, "jo", heartbeat_s=0.05)
    until(lambda: api.get("/api/sessions/jo")["ticks"] > 2)
    api.done("/api/sessions/jo/pause", ANN)
    write(api.runtime, call("jo", 1, attempt=2, error_kind="server", route="spare"))
    report = api.get("/api/sessions/jo/report")
    rows = list_steps("jo", store=api.runtime.store.reader)
    ticks = [row for row in rows if row["kind"] == "tick"]
    found = lines_of(report)
    assert (report["status"], report["rows"]) == ("paused", len(rows))
    assert found["joke"]["kind"] == "session"
    assert found["joke"]["runs"] == found["tick"]["runs"] == len(ticks)
    assert found["joke"]["tokens"] == sum(row["tokens_in"] + row["tokens_out"] for row in rows)
    assert found["tick"]["wall_s"] == pytest.approx(
        sum(row["latency_ms"] for row in ticks) / 1_000, abs=0.001
    )
    assert found["paused"]["runs"] == 1
    assert found["default"]["runs"] >= len(ticks)
    spare = found["spare"]
    assert (spare["runs"], spare["failed"], spare["retries"], spare["success_rate"]) == (1, 1, 1, 0)


def test_each_form_over_http_and_in_the_shell(api):
    """One report: the shell's is the same, with a worker at work, and after it."""
    joke(api, "jo", heartbeat_s=0.05)
    until(lambda: api.get("/api/sessions/jo")["ticks"] > 2)
    api.done("/api/sessions/jo/destroy", ANN)
    until(lambda: api.get("/api/sessions/jo")["status"] == "stopped")
    report = api.get("/api/sessions/jo/report?format=json")
    assert json.loads(told(api, "jo", "--format", "json")) == report
    for form, content in (("csv", "text/csv"), ("md", "text/markdown")):
        answer = api.ask("GET", f"/api/sessions/jo/report?format={form}")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="report-jo.{form}"'
        assert answer.mimetype == content
        text = answer.get_data(as_text=True)
        assert told(api, "jo", "--format", form).splitlines() == text.splitlines()
    table = csv.DictReader(io.StringIO(told(api, "jo", "--format", "csv")))
    assert table.fieldnames == list(ReportLine.model_fields)
    assert [line["name"] for line in table] == [line["name"] for line in report["lines"]]
    first, head, *lines = told(api, "jo").splitlines()
    assert first.startswith("jo: joke, stopped, ")
    assert head.split()[:2] == ["RUNS", "OK"]
    assert lines[0].startswith("session joke")
    assert len(lines) == len(report["lines"])


def test_a_plan_is_told_by_its_nodes(api):
    """Each task by path and name, once, in the order of the plan; no ticks beside them."""
    body = {"agent_id": "p", "agent_type": "plan", "config": {"plan": PLAN}, **ANN}
    assert api.done("/api/sessions", body)["outcome"] == "applied"
    until(lambda: api.get("/api/sessions/p")["status"] == "completed")
    report = api.get("/api/sessions/p/report")
    nodes = [line for line in report["lines"] if line["kind"] == "node"]
    assert [(line["path"], line["name"], line["succeeded"]) for line in nodes] == [
        ("/0", "put", 1), ("/1/0", "put", 1), ("/1/1", "put", 1),
    ]  # fmt: skip
    assert all(line["p50_s"] == pytest.approx(line["wall_s"], abs=0.001) for line in nodes)
    assert {line["kind"] for line in report["lines"]} == {"session", "node"}


def test_nobody_has_no_report(idle, tmp_path):
    """A 404 and a line, and a form that there is not is refused with those that there are."""
    assert "nobody" in idle.get("/api/sessions/nobody/report", 404)["detail"]
    assert "'json', 'csv' or 'md'" in json.dumps(idle.get("/api/sessions/x/report?format=pdf", 422))
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    command = ["-m", "reins", "report", "nobody", "--data", str(tmp_path / "data")]
    assert ran(command, cwd=tmp_path, env=env) == (
        1, "", "reins: there is no log of session nobody; see reins status\n",
    )  # fmt: skip

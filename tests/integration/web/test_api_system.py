"""Health, load and types over HTTP, and the page."""

import html
import os

import pytest
from flask import Flask

from agent_core.actions.payloads import PAYLOADS
from agent_core.session.status import Status
from reins.web import page
from store.agent_state import list_agent_states
from tests.support.waiting import until
from tests.support.worker import Worker

ANN = {"actor": "ann"}


def test_the_service_tells_all_that_the_worker_knows(api):
    """Everything that the worker in this process knows."""
    api.done("/api/sessions", {"agent_id": "c", "agent_type": "odd", **ANN})
    system = until(lambda: (s := api.get("/api/system"))["journal"]["commits"] > 3 and s)
    assert (system["pid"], system["worker"], system["worker_pid"]) == (
        os.getpid(), "here", os.getpid(),
    )  # fmt: skip
    assert system["start_id"] == api.runtime.start_id
    assert system["model"]["demonstration"] is True
    assert system["sessions"] == {"running": 1}
    assert system["queue"] == {"depth": 0, "handled": 1}
    assert system["journal"]["commit_ms"] > 0
    assert system["journal"]["rows_per_commit"] >= 1
    assert system["memory_bytes"] > 10_000_000
    assert system["clients"] == {"sockets": 0, "streams": 0, "lagging": 0}

    def carried_over():
        tables = {table["name"]: table for table in api.get("/api/system")["tables"]}
        return tables["queue"]["rows"] == 1 and tables["queue"]

    assert until(carried_over)["size_bytes"] > 1_000
    until(lambda: api.get("/api/system")["loop"]["lag_ms"] > 0)


def test_the_confinement_of_commands_is_told(api):
    """Once it is probed: the same in health and at a glance, and in `reins tools`."""
    found = until(lambda: api.get("/api/system")["confinement"])
    assert found == api.get("/api/health")["worker"]["confinement"]
    assert found["kind"] in ("bubblewrap", "landlock", "seatbelt", "none")
    assert found["confined"] is (found["kind"] != "none")
    assert found["detail"]


def test_without_a_worker_what_it_alone_knows_is_null(idle):
    """Null where only a worker knows; the rest is there."""
    idle.post("/api/environment/reload", ANN)
    system = idle.get("/api/system")
    assert (system["worker"], system["worker_pid"], system["start_id"]) == ("none", None, None)
    assert (system["model"], system["loop"], system["journal"]) == (None, None, None)
    assert system["queue"] == {"depth": 1, "handled": None}
    assert idle.get("/api/health")["worker"] == {"pid": None}


def test_beside_a_worker_in_another_process(idle, settings, tmp_path):
    """Its process id; what is asked for here is done there."""
    with Worker(settings.data, tmp_path / "worker") as worker:
        worker.started()
        system = idle.get("/api/system")
        assert (system["worker"], system["worker_pid"]) == ("elsewhere", worker.process.pid)
        idle.done("/api/sessions", {"agent_id": "c", "agent_type": "odd", **ANN})
        assert idle.get("/api/sessions/c")["now"] is None
        assert idle.get("/api/sessions/c")["budget"][1]["spent"] is None
        assert idle.get("/api/routes")["worker"] == "elsewhere"
        assert idle.get("/api/sessions")["counts"] == {"running": 1}
        assert worker.stop() == 0


def test_health(api):
    """The worker's own words."""
    health = api.get("/api/health")
    assert (health["status"], health["worker"]["pid"]) == ("ok", os.getpid())


def test_the_agents_are_the_rows_of_the_store(api):
    """The rows of list_agent_states(), without their number in the journal."""
    api.done("/api/sessions", {"agent_id": "c", "agent_type": "odd", **ANN})
    api.done("/api/sessions/c/pause", ANN)
    [row], [stored] = api.get("/api/agents")["items"], list_agent_states()
    assert row.keys() == stored.keys() - {"journal_n"}
    assert row["updated_at"] == stored["updated_at"].isoformat(timespec="microseconds")


def test_the_types_have_their_schemas(idle):
    """With the schemas that a form is made of."""
    types = {each["agent_type"]: each for each in idle.get("/api/agent-types")["items"]}
    assert list(types) == sorted(types)
    joke = types["joke"]
    assert joke["description"].startswith("Each tick tells one joke")
    assert "subject" in joke["config_schema"]["properties"]
    assert "told" in joke["state_schema"]["properties"]
    assert "subject" in joke["guidance_schema"]["properties"]
    assert joke["accepts_text"] is True
    panelist = types["panelist"]
    assert (panelist["takes_goal"], joke["takes_goal"]) == (True, False)
    assert panelist["description"].startswith("A persona that is asked one question")
    assert panelist["config_schema"]["required"] == ["name", "goal"]
    assert panelist["config_schema"]["properties"]["goal"]["description"] == "the question"


def test_the_tools_have_their_sets_risks_and_schemas(idle):
    """By their sets; with all that a policy says."""
    tools = idle.get("/api/tools")["items"]
    assert [each["group"] for each in tools] == sorted(each["group"] for each in tools)
    [edit] = [each for each in tools if each["name"] == "edit_file"]
    assert (edit["group"], edit["risk"], edit["cancellable"]) == ("files", "medium", False)
    assert edit["input_schema"]["required"] == ["path", "old", "new"]
    assert edit["policy"]["raised_by_arguments"] is True
    assert edit["policy"]["idempotent"] is False


def test_the_vocabulary_is_the_runtime_s(idle):
    """Every action type, and each status as `Status` has it; nothing is listed twice."""
    vocabulary = idle.get("/api/vocabulary")
    assert vocabulary["action_types"] == list(PAYLOADS)
    assert [each["name"] for each in vocabulary["statuses"]] == list(Status)
    for each in vocabulary["statuses"]:
        status = Status(each["name"])
        assert each["verbs"] == list(status.verbs)
        assert (each["ended"], each["over"]) == (status.ended, status.over)


@pytest.fixture
def built(tmp_path):
    """The page's server on a folder as the build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Reins</title>")
    (tmp_path / "assets" / "index-1a2b.js").write_text("export {}")
    (tmp_path / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    app = Flask("page", static_folder=None)
    app.register_blueprint(page.pages(tmp_path))
    return app.test_client()


@pytest.mark.parametrize(
    "url",
    ["/", "/sessions", "/sessions/a%2Fb", "/sessions/a/b", "/queue", "/attention", "/system",
     "/conversations", "/conversations/c", "/sessions/a.b", "/x", "/apiary", "/assetsx/y"],
)  # fmt: skip
def test_the_page_at_every_address_that_is_no_other_s(built, url):
    """The same document, asked for anew each time; the page says what it does not know."""
    answer = built.get(url)
    assert answer.mimetype == "text/html"
    assert b"Reins" in answer.data
    assert answer.headers["Cache-Control"] == "no-cache"
    answer.close()


def test_files_with_a_digest_are_kept_and_nothing_outside_is_served(built):
    """Those with a digest in their name may be kept for ever; nothing outside is served."""
    script = built.get("/assets/index-1a2b.js")
    assert script.mimetype == "text/javascript"
    assert "immutable" in script.headers["Cache-Control"]
    script.close()
    icon = built.get("/favicon.svg")
    assert icon.mimetype == "image/svg+xml"
    icon.close()
    for url in ("/assets/../index.html", "/assets/%2e%2e/index.html", "/favicon.ico"):
        assert built.get(url).status_code == 404


@pytest.mark.parametrize(
    "url",
    ["/api", "/api/x", "/api/sessions/x/y/z", "/assets", "/assets/index-0.js", "/health/x",
     "/metrics/x", "/socket.io/x", "/robots.txt"],
)  # fmt: skip
def test_what_belongs_to_others_is_not_the_page(built, url):
    """An API path, an asset, a probe or a file at the top is there, or it is not found."""
    assert built.get(url).status_code == 404


def _asked_for(api, url, accept):
    return api.client.get(url, base_url="http://127.0.0.1:8700", headers={"Accept": accept})


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("url", ["/robots.txt", "/api/<b>", "/assets/x/y.js", "/health/x"])
def test_an_unknown_address_answers_a_person_with_a_page(idle, url):
    """It says what was asked for, as text, and leads to the sessions; nothing of it is kept."""
    answer = _asked_for(idle, url, BROWSER)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert f"There is nothing at {html.escape(url)}</h1>" in answer.text
    start = "./" if url.count("/") == 1 else "../" * (url.count("/") - 1)
    assert f'<a href="{start}">Go to the sessions</a>' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "script-src" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("url", "accept"),
    [("/robots.txt", "*/*"), ("/api/x", "application/json"), ("/nonsense", "application/json")],
)
def test_an_unknown_address_answers_a_program_with_a_problem(idle, url, accept):
    """Whatever takes no page gets none, not even the one that knows no such place."""
    answer = _asked_for(idle, url, accept)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert url in answer.json["detail"]


def test_the_page_is_only_read(built):
    """Another method on its addresses is refused with 405."""
    assert built.post("/x").status_code == 405


def test_a_page_that_is_not_built_says_how(tmp_path):
    """503 and the command."""
    app = Flask("page", static_folder=None)
    app.register_blueprint(page.pages(tmp_path))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.mimetype) == (503, "text/plain")
    assert "make run" in answer.text
    assert "make page" in answer.text

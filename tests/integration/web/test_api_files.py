"""Files of a session's workspace over HTTP: beneath it alone, and never as a page of ours."""

import os

import orjson
import pytest

from reins.tools import starts, workspaces
from reins.tools.workspace import Workspace
from reins.web.api.sessions import files

HTML = "<script>window.ran = 1</script>"


@pytest.fixture
def session(api, tmp_path, monkeypatch):
    """A session with a workspace that has changed since its start."""
    monkeypatch.setattr(api.settings, "workspaces", tmp_path / "workspaces", raising=False)
    api.done("/api/sessions", {"agent_id": "dev", "agent_type": "odd", "actor": "ann",
                               "config": {"heartbeat_s": 3600}})  # fmt: skip
    folder = workspaces.open_for("dev", None, api.settings)
    (folder / "src").mkdir()
    (folder / "src" / "parse.py").write_text("a = 1\n")
    (folder / "gone.txt").write_text("old\n")
    starts.keep(folder, starts.folder_of("dev", api.settings))
    (folder / "src" / "parse.py").write_text("a = 2\n")
    (folder / "gone.txt").unlink()
    (folder / "page.html").write_text(HTML)
    (folder / "data.bin").write_bytes(b"\0\1\2")
    return folder


def _names(items):
    return {each["path"]: each["change"] for each in items}


@pytest.mark.usefixtures("session")
def test_the_workspace_is_listed_with_what_changed(api):
    """Its own folder, and everywhere what is not as it was."""
    found = api.get("/api/sessions/dev/files")
    assert _names(found["items"]) == {"data.bin": "added", "page.html": "added", "src": None}
    assert _names(found["changed"]) == {
        "data.bin": "added", "gone.txt": "removed", "page.html": "added", "src/parse.py": "changed",
    }  # fmt: skip
    inner = api.get("/api/sessions/dev/files/src")
    assert _names(inner["items"]) == {"src/parse.py": "changed"}
    assert inner["changed"] == []


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("path", ["src/parse.py", "src%2Fparse.py", "./src/./parse.py"])
def test_a_file_is_shown_with_what_it_was(api, path):
    """Its slashes may be encoded."""
    found = api.get(f"/api/sessions/dev/files/{path}")
    assert (found["text"], found["start"], found["change"]) == ("a = 2\n", "a = 1\n", "changed")
    assert found["path"] == "src/parse.py"


@pytest.mark.usefixtures("session")
def test_removed_and_binary_files(api):
    """The one as it was, the other without a text."""
    gone = api.get("/api/sessions/dev/files/gone.txt")
    assert (gone["change"], gone["text"], gone["start"]) == ("removed", None, "old\n")
    assert api.get("/api/sessions/dev/files/data.bin")["text"] is None


def test_a_large_file_is_cut(api, session):
    """Its size says how much there is."""
    (session / "log.txt").write_text("x" * 600_000)
    found = api.get("/api/sessions/dev/files/log.txt")
    assert (len(found["text"]), found["cut"], found["size_bytes"]) == (512 * 1024, True, 600_000)


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("name", ["page.html", "data.bin", "src/parse.py"])
def test_a_download_is_never_a_page_of_this_server(api, session, name):
    """An attachment of no type that a browser runs, in a sandbox, and not sniffed."""
    answer = api.ask("GET", f"/api/sessions/dev/files/{name}?raw=true")
    assert answer.get_data() == (session / name).read_bytes()
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_download_has_its_bound(api, session, monkeypatch):
    """What is larger is to be taken from the folder."""
    monkeypatch.setattr(files, "_DOWNLOAD_BYTES", 3)
    (session / "log.txt").write_text("four")
    answer = api.ask("GET", "/api/sessions/dev/files/log.txt?raw=true")
    assert answer.status_code == 413
    assert str(session) in orjson.loads(answer.get_data())["detail"]


@pytest.mark.parametrize(
    "path",
    ["..%2Fsecret.txt", "%2E%2E/secret.txt", "link", "folder/secret.txt", "%2Fetc%2Fpasswd",
     "nothing.txt", "pipe", "src/../../secret.txt", "a%00b"],
)  # fmt: skip
@pytest.mark.parametrize("raw", ["", "?raw=true"])
def test_nothing_outside_is_read(api, session, path, raw):
    """Neither by a path nor by a link, and a pipe holds nobody up."""
    (session.parent / "secret.txt").write_text("secret words")
    (session / "link").symlink_to(session.parent / "secret.txt")
    (session / "folder").symlink_to(session.parent)
    os.mkfifo(session / "pipe")
    answer = api.ask("GET", f"/api/sessions/dev/files/{path}{raw}")
    assert answer.status_code == 404, answer.get_data(as_text=True)
    assert b"secret words" not in answer.get_data()


def test_a_session_without_a_workspace(api, tmp_path, monkeypatch):
    """Looking makes none; a session that is not there is unknown."""
    monkeypatch.setattr(api.settings, "workspaces", tmp_path / "workspaces", raising=False)
    api.done("/api/sessions", {"agent_id": "dev", "agent_type": "odd", "actor": "ann",
                               "config": {"heartbeat_s": 3600}})  # fmt: skip
    assert api.get("/api/sessions/dev/files")["workspace"] is None
    assert not (tmp_path / "workspaces").exists()
    api.get("/api/sessions/dev/files/a.txt", 404)
    api.get("/api/sessions/nobody/files", 404)


def test_without_a_start_nothing_is_compared(api, session):
    """It is said that it was not kept."""
    start = starts.folder_of("dev", api.settings)
    (start / "index.json").unlink()
    found = api.get("/api/sessions/dev/files")
    assert not found["compared"]
    assert _names(found["items"]) == {"data.bin": None, "page.html": None, "src": None}
    with Workspace(session) as here:
        assert here.head("page.html", 3) == (len(HTML), b"<sc")

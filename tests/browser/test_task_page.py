"""A session that does things: thoughts and calls as rows, opened, typed out live, and summed up."""

import re

import pytest
from playwright.sync_api import expect

from agents import Runtime
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from reins.tools import starts, workspaces
from tests.browser.looking import (
    PHONE,
    TALL,
    axe_findings,
    is_wider_than_its_window,
    live,
    log_of,
    picture,
    row_of,
    status_of,
)
from tests.browser.tasking import Written, call, ended, types
from tests.integration.web.serving import Served

RED = "\x1b[31mFAILED\x1b[0m tests/test_parse.py \x1b]8;;http://evil.example\x07link\x1b]8;;\x07"
OLD = "def field(name):\n    raise KeyError(name)\n"
NEW = 'def field(name):\n    raise ValueError(f"unknown field {name}")\n'
NOTES = """# What was wrong

The parser raised **KeyError**. See [the docs](https://docs.example/x) and
[this](javascript:window.ran=1).

- one
- two

<img src=x onerror="window.ran=2"> ![tracker](https://evil.example/p.png)

```python
def f(): return 1  # a comment
```

| a | b |
| --- | --- |
| 1 | <script>window.ran=3</script> |
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The web beside a worker that has no sessions; theirs are written by the tests."""
    folder = tmp_path_factory.mktemp("tasks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REINS_DATA", str(folder / "data"))
        patch.setenv("REINS_WORKSPACES", str(folder / "workspaces"))
        patch.setenv("REINS_STOP_GRACE_S", "1")
        patch.setenv("REINS_FLUSH_S", "0.2")
        settings = load_settings()
        runtime = Runtime(settings)
        thread = RuntimeThread(runtime)
        thread.start()
        with Served(settings, runtime) as served:
            served.settings = settings
            yield served
        thread.stop()


def _workspace(served):
    """The workspace of dev-7: as it began, and as it is now."""
    settings = served.settings
    folder = workspaces.open_for("dev-7", None, settings)
    (folder / "src").mkdir()
    (folder / "src" / "parse.py").write_text(OLD)
    (folder / "gone.txt").write_text("old words\n")
    (folder / "same.toml").write_text("a = 1\n")
    starts.keep(folder, starts.folder_of("dev-7", settings))
    (folder / "src" / "parse.py").write_text(NEW)
    (folder / "gone.txt").unlink()
    (folder / "new.md").write_text(NOTES)


@pytest.fixture(scope="module")
def worked(served):
    """A task that has read, edited, run, failed, and ended: one of each outcome."""
    _workspace(served)
    task = Written(served, "dev-7")
    task.acts(
        call("read_file", path="tests/test_parse.py"),
        ended("     1\timport pytest\n     2\tdef test_x():\n     3\t    assert 1"),
        "I should look at the failing test first.",
    )
    edit = call("edit_file", risk="medium", path="src/parse.py", old=OLD, new=NEW)
    task.thinks("The test expects ValueError; the parser raises KeyError.", edit)
    task.acts(edit, ended("src/parse.py is edited"), "The test expects ValueError.")
    run = call("run_command", risk="medium", argv=["pytest", "-q", "a b"])
    task.thinks("Now run it.", run)
    task.acts(run, ended(RED, exit=1, took_s=3.8, attempts=2, confinement="bubblewrap"))
    task.acts(call("http_get", url="https://docs.example/"), ended(NOTES), "What do the docs say?")
    rows = '[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]'
    task.acts(call("query_database", sql="select * from t"), ended(rows))
    late = call("run_python", risk="medium", code="import time\ntime.sleep(99)")
    failed = ended(ok=False, kind="timeout", error="no end within 60 s", text="")
    task.acts(late, failed)
    lost = call("run_command", risk="medium", argv=["make", "deploy"])
    task.thinks("Deploy it.", lost)
    task.acts(lost, ended(ok=False, kind="unknown", error="it may have run", text=""))
    task.acts(
        call("run_command", argv=["sleep", "9"]),
        ended(ok=False, kind="cancelled", error="given up"),
    )
    task.acts(call("read_file", path="big.txt"), ended("a line\n" * 4_000))
    task.finishes(
        status="done", goal="fix the failing test", summary="It raises **ValueError** now.",
        files=["src/parse.py"], facts=["the tests need pytest"],
    )  # fmt: skip
    return task


def _line(page, seq):
    return row_of(page, seq).locator(".call")


def _opened(page, seq):
    row = row_of(page, seq)
    row.get_by_role("button", expanded=False).first.click()
    return row.locator(".details")


def test_each_call_is_one_line_with_what_matters(worked, visit):
    """Thought, tool, what it is about, outcome by word and mark, time; unknown has its own mark."""
    page = visit(worked.address, viewport=TALL)
    live(page)
    log = log_of(page)
    expect(row_of(page, 2)).to_contain_text("“I should look at the failing test first.”")
    expect(_line(page, 2)).to_contain_text("read_file")
    expect(_line(page, 2)).to_contain_text("tests/test_parse.py")
    expect(_line(page, 2)).to_contain_text(re.compile(r"✓\d+ B"))
    expect(_line(page, 2)).to_contain_text("14 ms")
    expect(row_of(page, 3)).to_contain_text("$0.0040")
    expect(row_of(page, 3)).to_contain_text("1.2 s")
    expect(_line(page, 3)).to_have_count(0)  # it is one call, and its line is that of the outcome
    expect(_line(page, 4)).to_contain_text("+1 \N{MINUS SIGN}1")
    expect(row_of(page, 4)).not_to_contain_text("“")
    expect(_line(page, 6)).to_contain_text("pytest -q 'a b'")
    expect(_line(page, 6)).to_contain_text("exit 1")
    expect(_line(page, 6)).to_contain_text("2 tries")
    expect(_line(page, 6)).to_contain_text("3.8 s")
    expect(_line(page, 9)).to_contain_text("out of time")
    expect(_line(page, 11)).to_contain_text("?unknown, not repeated")
    expect(_line(page, 12)).to_contain_text("⊘cancelled")
    expect(log.locator(".standing.unknown")).to_have_count(1)
    picture(page, "task-log")
    assert not axe_findings(page)


def test_a_call_opens_in_the_form_that_it_has(worked, visit):
    """A diff, a terminal's colours as classes, numbered code, a table; its key and how it ran."""
    page = visit(worked.address, viewport=TALL)
    live(page)
    details = _opened(page, 4)
    expect(details.locator(".minus").filter(has_text="KeyError")).to_be_visible()
    expect(details.locator(".plus").filter(has_text="ValueError")).to_be_visible()
    expect(details).to_contain_text("call_edit_file_")
    details = _opened(page, 6)
    expect(details.locator(".terminal .red")).to_have_text("FAILED")
    expect(details.locator(".terminal")).to_have_text("FAILED tests/test_parse.py link")
    expect(details).to_contain_text("bubblewrap")
    expect(details).to_contain_text("2 times")
    details = _opened(page, 2)
    expect(details.locator(".code .keyword").filter(has_text="import")).to_be_visible()
    expect(details.locator(".numbers")).to_have_text(re.compile(r"^1\s2\s3$"))
    details = _opened(page, 8)
    expect(details.get_by_role("cell", name="b", exact=True)).to_be_visible()
    details = _opened(page, 9)
    expect(details).to_contain_text("no end within 60 s")
    details = _opened(page, 13)
    expect(details).to_contain_text("a line a line".replace(" a", "\na", 1))
    picture(page, "task-opened")
    assert not axe_findings(page)
    row_of(page, 13).get_by_role("button", expanded=True).click()
    expect(row_of(page, 13).locator(".details")).to_have_count(0)


def test_markdown_becomes_elements_of_ours_and_nothing_else(worked, visit):
    """Headings, lists, tables, code; no HTML of the text, no picture, no link that runs."""
    page = visit(worked.address, viewport=TALL)
    live(page)
    shown = _opened(page, 7).locator(".markdown")
    expect(shown.locator(".h1")).to_have_text("What was wrong")
    expect(shown.get_by_role("listitem").first).to_have_text("one")
    expect(shown.locator("strong")).to_have_text("KeyError")
    expect(shown.locator(".code .keyword").first).to_have_text("def")
    link = shown.get_by_role("link", name="the docs")
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"
    expect(shown).to_contain_text("[this](javascript:window.ran=1)")
    expect(shown).to_contain_text('<img src=x onerror="window.ran=2">')
    expect(shown).to_contain_text("<script>window.ran=3</script>")
    expect(shown.get_by_role("link", name="picture: tracker")).to_be_visible()
    for element in ("img", "script", "[onerror]", "iframe"):
        expect(shown.locator(element)).to_have_count(0)
    assert page.evaluate("window.ran") is None
    row_of(page, 7).get_by_role("button", name="Show source").click()
    expect(row_of(page, 7).locator(".code")).to_contain_text("# What was wrong")


def test_the_end_says_what_it_did(worked, visit):
    """Status, summary, files that lead to the viewer, facts, and what it took."""
    page = visit(worked.address)
    end = page.get_by_label("End of the session")
    expect(end).to_contain_text("Done")
    expect(end.locator("strong").filter(has_text="ValueError")).to_be_visible()
    expect(end).to_contain_text(re.compile(r"\d+ calls, \d+ ticks"))
    expect(end).to_contain_text("the tests need pytest")
    end.get_by_role("button", name="src/parse.py").click()
    expect(page.get_by_role("tab", name="Files")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel").locator(".minus").first).to_be_visible()
    expect(page.get_by_role("tabpanel")).to_contain_text("raise ValueError")
    picture(page, "task-ending")


def test_files_are_listed_viewed_compared_and_downloaded(worked, served, visit):
    """What changed since the start, folders, code, Markdown, a download that no browser opens."""
    page = visit(worked.address, viewport={"width": 1280, "height": 1_000})
    page.get_by_role("tab", name="Files").click()
    panel = page.get_by_role("tabpanel")
    changed = panel.get_by_role("list", name="Changed files")
    expect(changed.get_by_role("listitem")).to_have_text(
        [
            re.compile("gone.txt.*removed"),
            re.compile("new.md.*added"),
            re.compile("parse.py.*changed"),
        ]
    )
    assert not axe_findings(page)
    picture(page, "task-files")
    panel.get_by_role("list", name="Files", exact=True).get_by_role("button", name="src/").click()
    panel.get_by_role("button", name="parse.py").click()
    expect(panel.locator(".diff .plus")).to_contain_text("raise ValueError")
    panel.get_by_role("button", name="Show file").click()
    expect(panel.locator(".code .keyword").first).to_have_text("def")
    with page.expect_download() as download:
        panel.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "file-parse.py"
    panel.get_by_role("button", name="workspace").click()
    panel.get_by_role("button", name="new.md").first.click()
    expect(panel.locator(".markdown .h1")).to_have_text("What was wrong")
    panel.get_by_role("button", name="workspace").click()
    panel.get_by_role("button", name="gone.txt").click()
    expect(panel.locator(".diff .minus")).to_contain_text("old words")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_reads_it(worked, visit, scheme):
    """Nothing is wider than the window, opened or not, and axe finds nothing serious."""
    page = visit(worked.address, viewport=PHONE, has_touch=True, color_scheme=scheme)
    live(page)
    expect(log_of(page)).to_contain_text("big.txt")
    line = log_of(page).locator(".call").last.get_by_role("button")
    line.click()
    expect(log_of(page).locator(".details")).to_be_visible()
    picture(page, f"task-phone-{scheme}")
    assert not is_wider_than_its_window(page)
    assert not axe_findings(page)


def test_a_thought_is_typed_out_and_its_call_named(served, visit):
    """JSON is folded into what it decides; the row takes its place; a call under way says so."""
    task = Written(served, "typing")
    page = visit(task.address)
    live(page)
    expect(log_of(page)).to_contain_text("running")
    types(served, "typing", '{"thought": "The test is \\"red\\"', ', so I run it.", "tool": "run_')
    written = page.get_by_role("group", name="Being written")
    expect(written).to_contain_text('The test is "red", so I run it.')
    expect(written).not_to_contain_text("{")
    types(
        served, "typing",
        '{"thought": "The test is \\"red\\", so I run it.", "tool": "run_command", '
        '"arguments": {"argv": ["pytest", "-q"',
    )  # fmt: skip
    expect(written).to_contain_text("deciding: run_command pytest -q")
    picture(page, "task-deciding")
    made = call("run_command", argv=["pytest", "-q"])
    seq = task.thinks('The test is "red", so I run it.', made)
    expect(row_of(page, seq)).to_contain_text("so I run it")
    expect(_line(page, seq)).to_contain_text("running")
    expect(written).to_have_count(0)
    task.acts(made, ended("1 passed", exit=0))
    expect(_line(page, seq)).to_have_count(0)
    expect(_line(page, seq + 1)).to_contain_text("8 B")
    expect(status_of(page)).to_have_text("running")

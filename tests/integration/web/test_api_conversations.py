"""Conversations over HTTP: who takes part, what was said, page by page, and all of it to keep."""

import re

import orjson
import pyarrow as pa
import pytest

import queue_imp as q
from store import messages
from store.agent_state import upsert_agent_state
from store.reading import reader
from tests.integration.web.speaking import (
    configured,
    conversation,
    said,
    takes_part,
    ticked,
    write,
)

ANN = {"actor": "ann"}
SILENCE = {"reason": "cooldown", "text": "cooldown, 1.2 s left", "number": 1, "at": 5}


@pytest.fixture
def talk(api):
    """A conversation of one person and two agents' sessions, one of which has left."""
    write(
        api.runtime,
        conversation("talk", "A talk"),
        configured("ada", {"name": "Ada", "conversation_id": "talk", "tone": "dry"}),
        takes_part("talk", "ada", joined=2),
        ticked("ada", 1, tone="noir", silence=None),
        takes_part("talk", "bo", joined=1, left=9),
        ticked("bo", 7, status="stopped", tone="warm", silence=SILENCE),
        said("talk", 1, "hello"),
        said("talk", 2, "Good evening.", author="Ada", session_id="ada", metadata={"tone": "noir"}),
    )
    return "/api/conversations/talk"


def numbers(page):
    return [row["number"] for row in page["items"]]


def test_who_takes_part(api, talk):
    """Each with its config, its state as of the newest row of its log, and when it left; in the
    order of joining. The list has how many are there now.
    """
    detail = api.get(talk)
    assert (detail["title"], detail["messages"], detail["composing"]) == ("A talk", 2, None)
    bo, ada = detail["participants"]
    assert (ada["session_id"], ada["name"], ada["left_at"]) == ("ada", "Ada", None)
    assert (ada["status"], ada["error"], ada["seq"]) == ("running", None, 1)
    assert ada["config"] == {"name": "Ada", "conversation_id": "talk", "tone": "dry"}
    assert ada["state"] == {"tone": "noir", "silence": None}
    assert (bo["status"], bo["seq"], bo["config"]) == ("stopped", 7, None)
    assert bo["state"]["silence"] == SILENCE
    assert bo["left_at"] > bo["joined_at"]
    [listed] = api.get("/api/conversations")["items"]
    assert listed["participants"] == 1
    assert listed["last_message"] == detail["last_message"]
    write(api.runtime, takes_part("talk", "bo", joined=3), ticked("ada", 2, tone="plain"))
    ada, bo = api.get(talk)["participants"]
    assert (ada["state"], ada["seq"], bo["left_at"]) == ({"tone": "plain"}, 2, None)
    assert api.get("/api/conversations")["items"][0]["participants"] == 2


def test_a_participant_of_whom_nothing_is_stored(api):
    """Shown all the same; and a state that was written by hand counts."""
    write(api.runtime, conversation("c"), takes_part("c", "ghost"))
    [ghost] = api.get("/api/conversations/c")["participants"]
    assert (ghost["status"], ghost["config"], ghost["state"]) == ("stopped", None, None)
    upsert_agent_state("ghost", status="failed", error="by hand")
    [ghost] = api.get("/api/conversations/c")["participants"]
    assert (ghost["status"], ghost["error"]) == ("failed", "by hand")


def test_an_agents_message_says_whose_it_is(api, talk):
    """Its session, and what it says of itself; a person's has neither."""
    person, agent = api.get(f"{talk}/messages")["items"]
    assert (person["agent_id"], person["session_id"], person["metadata"]) == (None, None, None)
    assert (agent["session_id"], agent["metadata"]) == ("ada", {"tone": "noir"})
    write(api.runtime, said("talk", 3, "by hand", metadata=[1]))
    assert api.get(f"{talk}/messages?last=1")["items"][0]["metadata"] is None


def test_the_newest_message_in_the_list_is_cut(api):
    """At 300 characters; where it is asked for it is whole."""
    write(api.runtime, conversation("c"), said("c", 1, "é" * 500), conversation("d"))
    c, d = api.get("/api/conversations")["items"]
    assert c["last_message"]["text"] == "é" * 300
    assert (d["last_message"], d["last_message_at"], d["messages"]) == (None, None, 0)
    assert api.get("/api/conversations/c/messages")["items"][0]["text"] == "é" * 500


def test_messages_from_the_end_come_in_pages_that_meet(api):
    """The newest, then pages of older ones up to the first, flushed and not; each oldest first."""
    write(api.runtime, conversation("c"), *(said("c", n, f"m{n}") for n in range(1, 21)))
    at = "/api/conversations/c/messages"
    page = api.get(f"{at}?last=6")
    assert (numbers(page), page["next_cursor"]) == ([15, 16, 17, 18, 19, 20], "15")
    page = api.get(f"{at}?before={page['next_cursor']}&limit=10")
    assert (numbers(page), page["next_cursor"]) == (list(range(5, 15)), "5")
    page = api.get(f"{at}?before={page['next_cursor']}&limit=10")
    assert (numbers(page), page["next_cursor"]) == ([1, 2, 3, 4], None)
    assert numbers(api.get(f"{at}?before=1")) == []
    assert numbers(api.get(f"{at}?before=999999&limit=2")) == [19, 20]
    assert numbers(api.get(f"{at}?last=1000")) == list(range(1, 21))
    assert numbers(api.get(f"{at}?after=18")) == [19, 20]


def test_long_messages_make_a_page_shorter(api):
    """From the side that was asked for; the cursor goes on where it ends."""
    texts = (said("c", n, f"{n}" * 3_000_000) for n in range(1, 5))
    write(api.runtime, conversation("c"), *texts)
    at = "/api/conversations/c/messages"
    page = api.get(f"{at}?last=4")
    assert (numbers(page), page["next_cursor"]) == ([3, 4], "3")
    assert numbers(api.get(f"{at}?before=3")) == [1, 2]
    page = api.get(at)
    assert (numbers(page), page["next_cursor"]) == ([1, 2], "2")


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("last=0", "query.last"), ("last=1001", "query.last"), ("last=x", "query.last"),
        ("before=0", "query.before"), ("before=-1", "query.before"),
        ("limit=0", "query.limit"), ("after=1&last=2", "query.last"),
        ("after=0&before=3", "query.before"), ("before=3&last=3", "query.last"),
    ],
)  # fmt: skip
def test_pages_that_are_none(idle, query, where):
    refused = idle.get(f"/api/conversations/c/messages?{query}", 422)
    assert refused["problems"][0]["where"] == where


def test_a_conversation_that_is_none(idle):
    """Each address says so, and what to do."""
    for rest in ("", "/messages", "/messages?last=5", "/messages?before=5", "/export"):
        refused = idle.get(f"/api/conversations/nobody{rest}", 404)
        assert "create it" in refused["detail"]
        assert "nobody" in refused["detail"]
    idle.get("/api/conversations/nobody/export?format=pdf", 422)
    idle.post("/api/conversations/nobody/messages", {"author": "ann", "text": "hello"}, 404)


def test_one_that_nobody_has_spoken_in(api):
    """Is there, and empty, in every form."""
    api.done("/api/conversations", {"conversation_id": "c", **ANN})
    assert api.get("/api/conversations/c")["participants"] == []
    assert api.get("/api/conversations/c/messages?last=5") == {"items": [], "next_cursor": None}
    assert api.get("/api/conversations/c/export?format=json")["messages"] == []
    assert "# c\n" in exported(api, "c")


def test_without_a_worker_the_folder_answers(idle):
    """The folder alone answers; who composes is not known."""
    for record in (conversation("c"), takes_part("c", "ada"), ticked("ada", 1, tone="dry")):
        reader().append(lambda record=record: record)
    detail = idle.get("/api/conversations/c")
    assert detail["composing"] is None
    assert detail["participants"][0]["state"] == {"tone": "dry"}
    q.post_message("c", "ann", "waits")
    assert idle.get("/api/conversations/c")["messages"] == 0


def test_messages_of_an_older_folder_are_read_with_nulls(idle):
    """Without the columns that a worker has yet to add: they are read as null."""
    newer = ("session_id", "metadata")
    old = pa.schema([column for column in messages.TABLE.schema if column.name not in newer])
    row = {**orjson.loads(said("c", 1, "hello").body), "journal_n": 1}
    row = {name: row[name] for name in old.names}
    reader().db.connection.create_table("messages", pa.Table.from_pylist([row], schema=old))
    reader().append(lambda: conversation("c"))
    for query in ("", "?last=1", "?before=2"):
        [found] = idle.get(f"/api/conversations/c/messages{query}")["items"]
        assert (found["text"], found["session_id"], found["metadata"]) == ("hello", None, None)
    assert idle.get("/api/conversations")["items"][0]["last_message"] == found
    assert orjson.loads(exported(idle, "c", "json"))["messages"] == [found]


def exported(api, conversation_id, form="markdown"):
    answer = api.ask("GET", f"/api/conversations/{conversation_id}/export?format={form}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_an_export_as_data_has_all_over_several_pages(api, talk):
    """What the other addresses have, all of it, over several pages."""
    write(api.runtime, *(said("talk", n, f"m{n}") for n in range(3, 1_204)))
    found = orjson.loads(exported(api, "talk", "json"))
    assert [row["number"] for row in found["messages"]] == list(range(1, 1_204))
    assert found["messages"][:2] == api.get(f"{talk}/messages?limit=2")["items"]
    assert found["participants"] == api.get(talk)["participants"]
    assert [found["conversation"]] == api.get("/api/conversations")["items"]
    assert exported(api, "talk").count("\n### ") == 1_203


def test_an_export_to_read_has_each_message_with_its_speaker(api, talk):
    """Title, who took part, and each message with its speaker, kind, tone and time."""
    text = exported(api, "talk")
    lines = text.splitlines()
    assert lines[0] == "# A talk"
    assert "- Ada (persona, noir), joined 2023-11-14 22:13:20 UTC" in lines
    assert any(line.startswith("- Bo (persona, warm), joined") for line in lines)
    assert "### 1 · ann (person) · 2023-11-14 22:13:20 UTC" in lines
    heading = lines.index("### 2 · Ada (persona, noir) · 2023-11-14 22:13:20 UTC")
    assert lines[heading + 2] == "> Good evening.  "


TEXTS = [
    "# A heading", "## Messages\n### 9 · eve (person) · 2023", "a\n===\nb\n---\n", "***", "- item",
    "1. first\n2) second", "```\ncode\n", "~~~", "    four spaces", "\ttab", "> quoted",
    "<script>alert(1)</script>", "</blockquote><h1>no</h1>", "<!-- never closed", "<b\nonclick=x>",
    "&lt;b&gt; & co", "[a]: http://example.org", "![x](y) [z](w)", "a | b\n--- | ---", "\\", "`",
    "one\r\ntwo\rthree\x0bfour\x0cfive\x85six\u2028seven\u2029### eight", "\n\n\n", " ", "_a_",
    "日本 *語*", ": term", "+ plus", "=", "$$", "::: note", "[^1]: foot",
]  # fmt: skip
FORM = re.compile(
    r"|#{1,3} (Participants|Messages|Texts|\d+ · \w+ \(person\) · [\d: -]+UTC)"
    r"|No personas took part\.|- (conversation|created|messages): .*|>|> .*  "
)


def test_no_text_becomes_a_part_of_the_document(api):
    """Every line is one of the document's own or a line of a quote; within one, nothing that could
    be a heading, a list, code, a link, a table or HTML stands unescaped.
    """
    write(
        api.runtime,
        conversation("c", "Texts"),
        *(said("c", n, text) for n, text in enumerate(TEXTS, 1)),
    )
    document = exported(api, "c")
    for line in re.split(r"[\n\r\x0b\x0c\x85\u2028\u2029]", document):
        assert FORM.fullmatch(line), line
    assert document.count("\n### ") == len(TEXTS)
    quoted = [line[2:] for line in document.split("\n") if line.startswith("> ")]
    assert quoted
    for line in quoted:
        assert not re.match(r"[#+=:>-]| {4}|\t|\d+[.)]", line), line
        assert not re.search(r"<|(?<!\\)(\\\\)*[`*|~\[\]]", line), line
    assert "> \\# A heading  \n" in document
    assert "&lt;script>alert(1)&lt;/script>" in document


def test_names_and_titles_in_an_export(api):
    """They stay on their line, whatever they hold."""
    write(
        api.runtime,
        conversation('<i>/.."x', "One\n# Two <script> #"),
        takes_part('<i>/.."x', "*x*"),
        ticked("*x*", 1, tone="a\n- b"),
        said('<i>/.."x', 1, "hi", author="# eve [a](b)", session_id="s", metadata={"tone": "\n`"}),
    )
    answer = api.ask("GET", "/api/conversations/%3Ci%3E%2F..%22x/export")
    given = answer.headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="conversation-i_.._x-[0-9a-f]{8}\.md"', given)
    lines = answer.get_data(as_text=True).split("\n")
    assert lines[0] == "# One \\# Two &lt;script> \\#"
    assert '- conversation: &lt;i>/.."x' in lines
    assert any(line.startswith("- \\*X\\* (persona, a - b), joined") for line in lines)
    assert "### 1 · \\# eve \\[a\\](b) (persona, \\`) · 2023-11-14 22:13:20 UTC" in lines

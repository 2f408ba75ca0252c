"""The rooms of conversations: what a subscription answers, and what comes after it."""

import asyncio
import threading

import pytest
import socketio

import queue_imp as q
from reins.settings import load_settings
from store.reading import reader
from tests.integration.web.serving import Served
from tests.integration.web.speaking import (
    configured,
    conversation,
    said,
    takes_part,
    ticked,
)
from tests.support.waiting import until


def received(client, event, timeout=10):
    """The data of the next event of that name."""
    while True:
        name, *data = client.receive(timeout=timeout)
        if name == event:
            return data[0]


def ended(event):
    return event["conversation_id"] == "pen" and event["session_id"] is None


def subscribed(client, conversation_id, after=0):
    ask = {"conversation_id": conversation_id, "after": after}
    answer = client.call("subscribe_conversation", ask, timeout=20)
    assert answer["ok"], answer
    return answer


def changed_to(client, session_id, seq):
    """The participant, once an event has it with that row of its log; with its event."""
    while True:
        event = received(client, "participants")  # an older one may come twice
        for each in event["changed"]:
            if (each["session_id"], each["seq"]) == (session_id, seq):
                return each, event


class Composers:
    """Who composes, as a test says; told on the worker's loop, as by the worker."""

    def __init__(self, runtime):
        self._loop = runtime.store.journal._loop
        self._listeners = []
        self._now = {}

    def composing(self, conversation_id):
        return self._now.get(conversation_id)

    def listen(self, changed):
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed)

    def turn(self, conversation_id, session_id):
        async def turns():
            self._now[conversation_id] = session_id
            for changed in self._listeners:
                changed(conversation_id)

        asyncio.run_coroutine_threadsafe(turns(), self._loop).result(20)


class Beside:
    """The worker, but for those who compose."""

    def __init__(self, runtime):
        self.conversations = Composers(runtime)
        self._runtime = runtime

    def __getattr__(self, name):
        return getattr(self._runtime, name)


@pytest.fixture
def spoken(live):
    """The web beside that worker."""
    with Served(live.runtime.settings, Beside(live.runtime)) as served:
        yield served


def test_a_subscription_answers_with_all_of_it(live):
    """Who takes part, what was said, and the conversation in a line, as over HTTP."""
    live.write(
        conversation("whole", "Whole"),
        configured("w1", {"name": "W1"}),
        takes_part("whole", "w1"),
        ticked("w1", 3, tone="dry"),
        said("whole", 1, "hello"),
        said("whole", 2, "hi", author="W1", session_id="w1", metadata={"tone": "dry"}),
    )
    with live.client() as client:
        answer = subscribed(client, "whole", 1)
        detail = live.get("/api/conversations/whole")
        assert (answer["room"], answer["head"]) == ("conversation::whole", 2)
        assert [row["metadata"] for row in answer["rows"]] == [{"tone": "dry"}]
        assert answer["participants"] == detail["participants"]
        assert (answer["composing"], detail["composing"]) == (None, None)
        listed = live.get("/api/conversations?limit=1000")["items"]
        assert answer["conversation"] in listed
        assert answer["conversation"]["participants"] == 1


def test_a_participant_that_changes(live):
    """A row of its log brings its state; so do its joining and its leaving."""
    live.write(conversation("cast"), takes_part("cast", "c1"), ticked("c1", 1, tone="dry"))
    with live.client() as client:
        assert [each["seq"] for each in subscribed(client, "cast")["participants"]] == [1]
        live.write(ticked("c1", 2, tone="noir"), ticked("elsewhere", 1))
        changed, event = changed_to(client, "c1", 2)
        assert (event["room"], event["conversation_id"]) == ("conversation::cast", "cast")
        assert changed["state"] == {"tone": "noir"}
        live.write(
            configured("c2", {"name": "C2"}), takes_part("cast", "c2", joined=5), ticked("c2", 1)
        )
        joined, _ = changed_to(client, "c2", 1)
        assert joined["config"] == {"name": "C2"}
        live.write(takes_part("cast", "c2", joined=5, left=6), ticked("c2", 2, status="stopped"))
        left, _ = changed_to(client, "c2", 2)
        assert left["status"] == "stopped"
        assert left["left_at"] > left["joined_at"]
        known = {
            each["session_id"]: each for each in live.get("/api/conversations/cast")["participants"]
        }
        assert known == {"c1": changed, "c2": left}


def test_a_reply_comes_before_the_state_of_its_commit(live):
    """Written in one commit, they come with one another: message first."""
    live.write(conversation("reply"), takes_part("reply", "r1"), ticked("r1", 1))
    with live.client() as client:
        subscribed(client, "reply")
        live.write(said("reply", 1, "yes", session_id="r1", author="R1"), ticked("r1", 2, turns=1))
        seen = {}
        while len(seen) < 2:
            name, event = client.receive(timeout=10)
            if name == "messages" or (name == "participants" and event["changed"][0]["seq"] == 2):
                seen[name] = event
        assert list(seen) == ["messages", "participants"]
        assert seen["messages"]["rows"][0]["session_id"] == "r1"
        assert seen["participants"]["changed"][0]["state"] == {"turns": 1}


def test_who_composes(spoken):
    """Comes at once, without a row; who subscribes meanwhile is told in the answer."""
    spoken.write(conversation("pen"), conversation("other"))
    composers = spoken.runtime.conversations
    with spoken.client() as client, spoken.client() as late:
        subscribed(client, "pen")
        subscribed(late, "other")
        composers.turn("pen", "ada")
        event = received(client, "composing")
        if event["session_id"] is None:  # as it was when the feed began to follow
            event = received(client, "composing")
        assert event == {
            "room": "conversation::pen", "conversation_id": "pen", "session_id": "ada"
        }  # fmt: skip
        assert subscribed(late, "pen")["composing"] == "ada"
        assert spoken.get("/api/conversations/pen")["composing"] == "ada"
        composers.turn("pen", None)
        # The one before may come twice: as it was when the feed began, and as it became.
        until(lambda: ended(received(client, "composing")))
        until(lambda: ended(received(late, "composing")))  # also of its first room
        assert spoken.get("/api/conversations/pen")["composing"] is None


def test_a_message_stands_there_before_its_author_composes_no_more(spoken):
    """However the two fall into the feed's turns."""
    spoken.write(conversation("order"))
    composers = spoken.runtime.conversations
    with spoken.client() as client:
        subscribed(client, "order")
        for number in range(1, 16):
            composers.turn("order", "ada")
            until(lambda: received(client, "composing")["session_id"] == "ada")
            spoken.write(said("order", number, "so", session_id="ada"))
            composers.turn("order", None)
            name, event = client.receive(timeout=10)
            while (name, event.get("session_id")) == ("composing", "ada"):  # told twice
                name, event = client.receive(timeout=10)
            assert (name, event["rows"][-1]["number"]) == ("messages", number)
            name, event = client.receive(timeout=10)
            assert (name, event["session_id"]) == ("composing", None)


def test_a_conversation_that_changes_comes_as_it_stands_in_the_list(live):
    """One that is created, spoken in, joined or left comes as it stands in the list."""
    with live.client() as client:
        answer = client.call("subscribe_conversations", {})
        assert answer == {"ok": True, "room": "conversations"}

        def becomes(**expected):
            """The row of the list, once it is as expected: older news may come before."""
            while True:
                for row in received(client, "conversations")["changed"]:
                    shown = {**row, "text": len((row["last_message"] or {"text": ""})["text"])}
                    if row["conversation_id"] == "listed" and expected.items() <= shown.items():
                        return row

        q.wait_for_action(q.conversation_create("listed", "ann", title="Listed"))
        becomes(title="Listed", messages=0, participants=0)
        q.wait_for_action(q.post_message("listed", "ann", "x" * 400))
        becomes(messages=1, text=300)
        live.write(takes_part("listed", "l1"), ticked("l1", 1))
        becomes(messages=1, participants=1)
        live.write(ticked("l1", 2))  # is no news in the list
        live.write(takes_part("listed", "l1", left=9))
        row = becomes(participants=0)
        assert row in live.get("/api/conversations?limit=1000")["items"]
        live.write(*(said("listed", n, "m") for n in range(2, 202)), said("nowhere", 1, "by hand"))
        becomes(messages=201)


class Reading:
    """Follows a conversation as the page does: by number, from where it was."""

    def __init__(self, live, conversation_id):
        self._live = live
        self._conversation_id = conversation_id
        self._lock = threading.RLock()
        self.numbers = []

    @property
    def last(self):
        return self.numbers[-1] if self.numbers else 0

    def connect(self):
        self._client = socketio.Client(reconnection=False)
        self._client.on("messages", lambda event: self._rows(event["rows"]))
        self._client.connect(self._live.url, transports=["websocket"])
        ask = {"conversation_id": self._conversation_id, "after": self.last}
        answer = self._client.call("subscribe_conversation", ask, timeout=20)
        self._rows(answer["rows"])

    def disconnect(self):
        self._client.disconnect()

    def _rows(self, rows):
        with self._lock:
            for row in rows:
                if row["number"] > self.last + 1:
                    path = f"/api/conversations/{self._conversation_id}/messages?after={self.last}"
                    self._rows(self._live.get(path)["items"])
                if row["number"] == self.last + 1:
                    self.numbers.append(row["number"])


def test_reconnecting_misses_nothing(live):
    """Messages come all the while; a page that comes and goes has each once, in order."""
    live.write(conversation("busy"))
    done = threading.Event()

    def speak():
        number = 0
        while not done.is_set():
            live.write(*(said("busy", number + n, "word") for n in (1, 2, 3)))
            number += 3

    speaking = threading.Thread(target=speak)
    speaking.start()
    page = Reading(live, "busy")
    try:
        for _ in range(8):
            page.connect()
            seen = page.last
            until(lambda seen=seen: page.last > seen + 20)
            page.disconnect()
    finally:
        done.set()
        speaking.join()
    page.connect()
    newest = live.get("/api/conversations/busy/messages?last=1")["items"][0]["number"]
    until(lambda: page.last == newest)
    assert page.numbers == list(range(1, newest + 1))
    page.disconnect()


def test_nobody_is_there(spoken, monkeypatch):
    """Nothing of a conversation is made ready for a room that is empty."""
    spoken.write(conversation("empty"), takes_part("empty", "e1"), ticked("e1", 1))
    with spoken.client() as client:
        client.call("subscribe_sessions", {})
        feed = spoken.web._feed._conversations
        monkeypatch.setattr(feed._participants, "shown", None)
        monkeypatch.setattr(feed, "_shown", None)
        monkeypatch.setattr(feed, "_head", None)
        spoken.runtime.conversations.turn("empty", "e1")
        spoken.write(said("empty", 1, "hello"), takes_part("empty", "e2"), ticked("e1", 2))
        until(lambda: any(r["seq"] == 2 for r in received(client, "sessions")["changed"]))
        monkeypatch.undo()
        assert len(subscribed(client, "empty")["participants"]) == 2


def test_without_a_worker_here_the_files_alone_are_live(tmp_path, monkeypatch):
    """From the files alone: messages and participants are live; who composes is not known."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))

    def write(record):
        reader().append(lambda: record)

    for record in (conversation("c"), takes_part("c", "ada"), ticked("ada", 1, tone="dry")):
        write(record)
    with Served(load_settings()) as served, served.client() as client:
        answer = subscribed(client, "c")
        assert answer["composing"] is None
        assert answer["participants"][0]["state"] == {"tone": "dry"}
        write(said("c", 1, "hello"))
        assert received(client, "messages")["rows"][0]["text"] == "hello"
        write(ticked("ada", 2, tone="noir"))
        assert received(client, "participants")["changed"][0]["state"] == {"tone": "noir"}
        assert served.get("/api/conversations/c")["composing"] is None


@pytest.mark.parametrize("flushed", [False, True])
def test_a_feed_that_begins_anew(live, flushed):
    """Who is in a room is told to look, and finds what was written while nothing was followed."""
    name = f"anew{flushed}"
    live.write(conversation(name), takes_part(name, f"{name}1"), ticked(f"{name}1", 1, tone="a"))
    with live.client() as client:
        subscribed(client, name)
        client.call("subscribe_conversations", {})
        feed = live.web._feed
        with feed._follower._lock:  # as after a failure: what is written now comes by no event
            live.write(said(name, 1, "missed"), ticked(f"{name}1", 2, tone="b"))
            if flushed:
                until(lambda: live.runtime.store.journal.pending == 0)
            feed._follower._following = False
        heads = {}
        while len(heads) < 2:
            head = received(client, "head")
            heads[head["room"]] = head["head"]
        assert heads == {f"conversation::{name}": 1, "conversations": 0}
        detail = live.get(f"/api/conversations/{name}")
        assert (detail["messages"], detail["participants"][0]["state"]) == (1, {"tone": "b"})

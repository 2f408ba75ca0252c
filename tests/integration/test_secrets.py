"""Keys that everybody repeats, in every encoding, and then looked for at every exit."""

import asyncio
import contextlib
import functools
import itertools
import json
import re
import socket
import time
import urllib.parse

from agent_core.actions.documents import document_id_of
from reins.redaction import HIDDEN
from store.lance.tables import connect
from store.reading import Reader
from store.store import TABLES
from tests.integration.web.serving import Address, Raw
from tests.integration.web.support import DOCUMENT
from tests.support.canaries import ENCODED, found_in
from tests.support.collector import Collector
from tests.support.leaking_agents import SECRET
from tests.support.model_stub import BODY, ModelStub, fails, openai, openai_events, says, streams
from tests.support.program import ROOT, ran
from tests.support.waiting import until
from tests.support.worker import Worker

TOKEN = "tok-Zq8Vn3xTb41LmRw/+=x"
KEYS = {
    "of a route": "sk-proj-A1b2/C3d4+E5f6=G7h8",
    "of the environment": 'pa55 "wörd" of\'leaky\\agent%',
    "of a header": "hdr-9dKfPq27XzLmAnd",
    "of an address": "pw-9Kf2Lm/inAddress",
    "of the web": TOKEN,
}
LATER = {"known later": "gsk-later-7Yx2Qw9Pz4"}
SAID = ["; ".join(map(encode, (KEYS | LATER).values())) for encode in ENCODED.values()]
SESSIONS = ("leaky", "joke", "persona", "task")


async def scripted(said, stub, request):
    """Good answers, whole or in pieces of three characters, typed ones, and now and then errors."""
    text, body, number = next(said), request[BODY], len(stub.seen)
    if "Decide on the" in json.dumps(body):  # of a task, which asks once it has written
        asks = "notes.txt" in json.dumps(body)
        call = {"thought": text, "tool": "ask_person", "arguments": {"question": text[:2_000]}}
        if not asks:
            arguments = {"path": "notes.txt", "content": text}
            call |= {"tool": "write_file", "arguments": arguments}
        text = json.dumps(call)
    elif "[goal]" in json.dumps(body):
        text = json.dumps({"action": "look", "reason": text})
    elif number % 5 == 3:
        return await fails(400)(stub, request)
    elif number % 5 == 4:
        return await says({"error": {"message": text}}, 500)(stub, request)
    if not body.get("stream"):
        return await says(openai(text))(stub, request)
    event, *_ = openai_events("PIECE", None)
    pieces = [json.dumps(text[at : at + 3]) for at in range(0, len(text), 3)]
    events = [event.replace('"PIECE"', piece) for piece in pieces]
    # Slowly enough to be told in several frames.
    return await streams([*events, *openai_events("", "stop")], pause_s=0.001)(stub, request)


class House:
    """A worker with its web, whose environment holds keys, and those who talk to it."""

    def __init__(self, folder, model, collector):
        self.folder, self.data = folder, folder / "data"
        password = urllib.parse.quote(KEYS["of an address"], safe="")
        (folder / "models.toml").write_text(
            'default = "m"\n[routes.m]\nprovider = "compatible"\nmodel = "m"\nattempts = 1\n'
            f'base_url = "{model.address}/v1"\nkey_env = "OF_A_ROUTE"\n'
            '[routes.other]\nprovider = "compatible"\nmodel = "m"\nattempts = 1\n'
            f'base_url = "http://me:{password}@127.0.0.1:9/v1"\n'
        )
        self.settings = {
            "REINS_AGENT_MODULES": '["agents_impl", "tests.support.leaking_agents"]',
            "REINS_TOKEN": TOKEN,
            "REINS_RETRY_WAIT_S": "0.05",
            "REINS_RETRY_WAIT_MAX_S": "0.05",
            "REINS_MAX_FAILURES": "1000",
            "OF_A_ROUTE": KEYS["of a route"],
            SECRET: KEYS["of the environment"],
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={KEYS['of a header']}",
            "PYTHONPATH": str(ROOT),
        }
        self.worker = Worker(
            self.data, folder / "log", str(ROOT / "app.py"), "--port", "0",
            cwd=folder, settings=self.settings,
        )  # fmt: skip
        self._ask = lambda *_, **__: None

    def __enter__(self):
        said = self.worker.stdout.read_text
        port = until(lambda: re.search(r"http://127\.0\.0\.1:(\d+)", said()), "its address")[1]
        self.port = int(port)
        self._ask = functools.partial(Address(self.port).ask, Authorization=f"Bearer {TOKEN}")
        return self

    def __exit__(self, *error):
        self.worker.__exit__(*error)

    def ask(self, method, path, body=None, **headers):
        status, _, answer = self._ask(method, path, body, **headers)
        return status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def act(self, path, **body):
        who = "author" if path.endswith("/messages") else "actor"
        status, answer = self.ask("POST", path, {who: "ann", **body})
        assert status == 202, answer
        return json.loads(answer)["action_id"]

    def shell(self, *words):
        """What a command prints, its errors too."""
        env = {"PATH": "/usr/bin:/bin", "REINS_DATA": str(self.data), **self.settings}
        _, out, err = ran(["-m", "reins", *words], cwd=self.folder, env=env)
        return (out + err).encode()

    def page(self, session_id):
        """A socket in a session's room and others, which has asked for what there is not, too."""
        raw = Raw(self.port, Authorization=f"Bearer {TOKEN}").joined()
        asked = {"agent_id": session_id, "session_id": session_id, "after_seq": 0}
        raw.send("421" + json.dumps(["subscribe", asked]))
        raw.send("422" + json.dumps(["subscribe_conversation", {"conversation_id": "talk"}]))
        raw.send("423" + json.dumps(["subscribe_queue"]))
        raw.send("424" + json.dumps([KEYS["of a route"], {KEYS["of a route"]: 1}]))
        return raw

    def lines(self, session_id, kind):
        _, answer = self.ask("GET", f"/api/sessions/{session_id}/steps?limit=500")
        return [row for row in json.loads(answer)["items"] if row["kind"] == kind]


def people(house, said):
    """Keys pasted wherever a person can write; `said` are the answers."""
    for key, encode in zip((KEYS | LATER).values(), ENCODED.values(), strict=False):
        pasted = f"mine is {key}, or {encode(key)}"
        house.act("/api/sessions/leaky/interrupt", guidance=pasted)
        house.act("/api/sessions/joke/interrupt", guidance={"subject": pasted[:200]})
        house.act("/api/sessions/joke/pause", reason=pasted)
        house.act("/api/sessions/joke/resume")
        house.act("/api/conversations/talk/messages", text=pasted)
    for key in KEYS.values():
        named = urllib.parse.quote(key, safe="")
        whole = {"agent_id": "x", "agent_type": "joke", "actor": "ann", "config": {}}
        for wrong in (
            {"agent_id": key}, {"agent_type": key}, {"config": {key: key}}, {"actor": key},
            {"session_id": key}, {key: key}, {"actor": {"who": key}},
        ):  # fmt: skip
            said.append(house.ask("POST", "/api/sessions", {**whole, **wrong})[1])
        said.append(house.ask("POST", f"/api/sessions/{named}/pause", {"actor": "ann"})[1])
        said.append(house.ask("POST", "/api/sessions/joke/resume", key.encode())[1])
        said += [house.ask("GET", at.format(named))[1] for at in (
            "/api/sessions/{0}", "/api/actions/{0}", "/nowhere/{0}", "/api/sessions?{0}={0}",
            "/api/sessions?status={0}", "/api/conversations/{0}/messages", "/api/agents?q={0}",
        )]  # fmt: skip
        said.append(house.ask("GET", "/api/agents", Host=f"{named}.test")[1])
        said.append(house.ask("POST", "/api/bulk", {"actor": "ann"}, Origin=f"http://{named}")[1])
    key = KEYS["of the environment"]
    said.append(house.shell("pause", key))
    said.append(house.shell("create", "other", "--type", key, "--config", json.dumps({key: key})))
    said.append(house.shell("interrupt", "leaky", key, "--wait"))
    said.append(house.shell("transcript", key))
    said.append(house.shell(key))


def asked_items(house):
    return json.loads(house.ask("GET", "/api/inbox?state=all")[1])["items"]


def every_get(house):
    """Path and answer of every GET of the API, and of what is beside it."""
    ids = {"session_id": SESSIONS, "conversation_id": ["talk"], "seq": range(1, 9), "name": ["m"]}
    _, actions = house.ask("GET", "/api/actions?limit=100")
    ids["action_id"] = [row["action_id"] for row in json.loads(actions)["items"]]
    ids["item_id"] = [row["item_id"] for row in asked_items(house)]
    ids["path"] = ["notes.txt"]
    ids["topic"] = ["news"]
    ids["board"], ids["key"] = ["news"], ["headline"]
    ids["document_id"] = [document_id_of("notes")]
    _, facts = house.ask("GET", "/api/facts")
    ids["fact_id"] = [row["fact_id"] for row in json.loads(facts)["items"]]
    for path, verbs in DOCUMENT["paths"].items():
        if "get" in verbs and not path.endswith("/events"):
            names = re.findall(r"{(\w+)}", path)
            for values in itertools.product(*(ids[name] for name in names)):
                at = path.format(**dict(zip(names, values, strict=True)))
                yield at, house.ask("GET", at)[1]
    for at in ("/metrics", "/", "/api/openapi.json", "/api/conversations/talk/export?format=json",
               "/api/conversations/talk/export?format=markdown"):  # fmt: skip
        yield at, house.ask("GET", at)[1]


def read_for(connection, seconds):
    """All that a connection brings within the time."""
    connection.settimeout(seconds)
    got, ends_at = b"", time.monotonic() + seconds
    with contextlib.suppress(TimeoutError):
        while time.monotonic() < ends_at and (more := connection.recv(65_536)):
            got += more
    return got


def more(frames, socket):
    """The frames so far, with what has come since."""
    frames += read_for(socket, 0.5)
    return frames


def typed_in(frames):
    """The pieces of answers as a page puts them together."""
    events = re.findall(rb'42\["typing",({.*?})\]', frames)
    return "".join(json.loads(event)["text"] for event in events).encode()


def stream_of(house, session_id):
    head = (
        f"GET /api/sessions/{session_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n"
    )
    made = socket.create_connection(("127.0.0.1", house.port))
    made.sendall(head.encode())
    return made


def exits(house):
    """What comes out at each exit now."""
    yield from every_get(house)
    for session_id in SESSIONS:
        with stream_of(house, session_id) as stream:
            yield f"events of {session_id}", read_for(stream, 0.5)
        with house.page(session_id) as raw:
            yield f"frames of {session_id}", raw._buffer + read_for(raw.socket, 0.5)
    yield "status", house.shell("status", "--json") + house.shell("status")
    yield "transcript", house.shell("transcript", "talk", "--json")
    file = house.folder / "recording.json"
    yield "replay", house.shell("replay", "record", "joke", str(file))
    yield "recording", file.read_bytes()


def on_disk(house):
    """Every file of the folder, and every row of every table and of the journal."""
    for path in house.folder.rglob("*"):
        if path.is_file() and path.name not in ("models.toml", ".env"):
            data = path.read_bytes()
            if path == house.worker.stdout:  # the address, which a person is to open
                data = data.replace(urllib.parse.quote(TOKEN, safe="").encode(), b"")
            yield str(path.relative_to(house.folder)), data
    db = connect(house.data)
    for table in TABLES:
        rows = db.open_table(table.name).search().limit(None).to_list()
        rows += Reader(house.data).table(table).search().limit(None).to_list()
        for row in rows:
            said = "\n".join(str(value) for value in row.values())
            yield f"{table.name}: {row.get('seq')}", said.encode()


async def test_keys_come_out_nowhere(tmp_path):
    """Model, agent and person repeat each key in each encoding, in answers, typed answers, errors,
    states, logs and pieces of a stream: it is in no table, file, journal, log, metric, span,
    answer, frame, event, prompt, recording or output of a command.
    """
    async with ModelStub() as model:
        model.default = functools.partial(scripted, itertools.cycle(SAID))
        with Collector() as collector:
            await asyncio.to_thread(look_everywhere, tmp_path, model, collector)


def look_everywhere(folder, model, collector):
    found = {}

    def look(place, data, keys=KEYS):
        if here := sorted(found_in(data, keys)):
            found[place] = here, data[:300]

    said = []
    with House(folder, model, collector) as house:
        house.act("/api/conversations", conversation_id="talk", title="; ".join(KEYS.values()))
        for agent_type in SESSIONS:
            config = {
                "leaky": {"note": SAID[0]},
                "joke": {"subject": KEYS["of a route"]},
                "persona": {"conversation_id": "talk", "name": "Pat", "cooldown_s": 0,
                            "tone": KEYS["of the web"]},
                "task": {"goal": SAID[0], "tools": ["write_file"], "approvals": "allow_medium"},
            }[agent_type]  # fmt: skip
            house.act("/api/sessions", agent_id=agent_type, agent_type=agent_type, config=config)
        house.act("/api/topics/news", message=SAID[0])
        house.ask("PUT", "/api/boards/news/headline", {"actor": "ann", "value": SAID[0]})
        house.act("/api/documents", source="notes", text=SAID[0])
        house.act("/api/facts", subject="ann", relation="says", object="much", text=SAID[0][:300],
                  scope="shared")  # fmt: skip
        with house.page("joke") as live, stream_of(house, "leaky") as stream:
            people(house, said)
            until(lambda: len(house.lines("leaky", "tick")) > 14, "it has said all")
            until(lambda: len(house.lines("joke", "tick")) > 14, "so has the model")
            until(lambda: asked_items(house), "the task asks a person")
            look("live events", read_for(stream, 0.5))
            frames = bytearray(live._buffer)
            until(lambda: len(typed_in(more(frames, live.socket))) > 1_000, "it is typed")
            look("live frames", bytes(frames))
        for number, answer in enumerate(said):
            look(f"answer {number}", answer)
        for place, data in exits(house):
            look(place, data)
        look("what was typed", typed := typed_in(frames))
        assert len(typed) > 1_000
        assert found == {}
        check_that_it_was_said(house, model)
        for number, seen in enumerate(model.seen):
            look(f"prompt {number}", json.dumps(seen.body).encode())

        # In clear until now, on record too: nobody knew that it is a key.
        assert any(found_in(data, LATER) for _, data in every_get(house))
        (folder / ".env").write_text(f"A_LATER_KEY={LATER['known later']}\n")
        house.act("/api/environment/reload")
        until(lambda: not list(found_in(house.ask("GET", "/api/agents")[1], LATER)), "known")
        for place, data in exits(house):
            look(f"{place}, later", data, KEYS | LATER)
        assert house.worker.stop() == 0
        for place, data in on_disk(house):
            look(place, data)
    for span in collector.spans():
        look(f"span {span.name}", repr(span).encode())
    assert found == {}


def check_that_it_was_said(house, model):
    """The marks stand where the keys would."""
    rows = house.lines("leaky", "tick")
    assert all(HIDDEN in rows[0][part] for part in ("text",))
    assert HIDDEN in json.dumps(rows[0]["payload"])
    assert any(HIDDEN in row["error"] for row in house.lines("leaky", "error"))
    assert sum(HIDDEN in row["text"] for row in house.lines("joke", "tick")) > len(ENCODED)
    assert sum(HIDDEN in json.dumps(row) for row in house.lines("leaky", "guidance")) >= len(KEYS)
    assert HIDDEN in house.ask("GET", "/api/sessions/task/files/notes.txt")[1].decode()
    assert HIDDEN in asked_items(house)[0]["args"]["question"]
    log = house.worker.stderr.read_text()
    for line in ("cannot log in with", "Exception in thread of", "it is "):
        assert re.search(f"{line}.*{re.escape(HIDDEN)}", log), line
    assert any(HIDDEN in json.dumps(seen.body) for seen in model.seen)

"""What a person is told of each way in which a model can fail: the log, the list, the record."""

import asyncio
import shutil

from agents import Runtime
from reins.llm.errors import SHARED
from reins.llm.wire.failures import ADVICE
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from tests.integration.web.support import Api
from tests.support.model_stub import (
    BODY,
    ModelStub,
    answers,
    breaks,
    fails,
    never,
    openai_events,
    raw,
    says,
    streams,
)
from tests.support.waiting import until

SUBJECT = "the-secret-subject"
KEY = "sk-very-secret"
QUOTA = {"error": {"message": "no", "code": "insufficient_quota"}}
CASES = {
    "limited": (fails(429, Retry_After="7"), "rate_limited", "it answered 429"),
    "overloaded": (fails(503), "overloaded", "it answered 503"),
    "server": (fails(500), "server", "it answered 500"),
    "no-key": (fails(401), "auth", "it answered 401"),
    "no-credit": (fails(402), "auth", "it answered 402"),
    "no-quota": (says(QUOTA, 429), "auth", "quota"),
    "bad-request": (fails(400), "bad_request", "it answered 400"),
    "unknown-model": (fails(404), "not_found", "it answered 404"),
    "breaks": (breaks, "unreachable", "connection broke"),
    "dies": (streams(openai_events(finish_reason=None), end="die"), "unreachable", "broke"),
    "stops": (streams(openai_events(finish_reason=None)), "unreachable", "stopped before its end"),
    "silent": (never, "timeout", "no answer within 0.5 s"),
    "page": (raw(b"<html>hello</html>", "text/html"), "garbage", "the answer is not a stream"),
    "corrupt": (streams(['{"id": "x', *openai_events()]), "garbage", "cannot be read"),
    "cut-off": (answers("half of", "length"), "truncated", ""),
    "filtered": (answers("no", "content_filter"), "refused", ""),
    "too-long": (answers("x" * 70_000), "too_long", "65536"),
    "empty": (answers(" \n "), "empty", "an empty answer"),
}
NOBODY = "nobody-there"


async def test_each_error_is_told(tmp_path, empty_folder, monkeypatch, unused_tcp_port):
    """Log, list, session and record say the same: what happened, where, and what to do; and none
    quotes the prompt or the key. The session goes on trying."""
    async with ModelStub() as stub:

        async def as_named(stub, request):
            return await CASES[request[BODY]["model"]][0](stub, request)

        stub.default = as_named
        file = tmp_path / "models.toml"
        addresses = dict.fromkeys(CASES, stub.address)
        addresses[NOBODY] = f"http://127.0.0.1:{unused_tcp_port}"
        routes = "\n".join(route(name, address) for name, address in addresses.items())
        file.write_text('default = "offline"\n' + routes)
        monkeypatch.setenv("A_KEY", KEY)
        monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
        shutil.copytree(empty_folder, tmp_path / "data")
        settings = load_settings(models=file, heartbeat_s=60, retry_wait_s=60, stop_grace_s=1)
        await asyncio.to_thread(look_at, settings)


def route(name, address):
    return f"""
[routes.{name}]
provider = "compatible"
base_url = "{address}/v1"
model = "{name}"
key_env = "A_KEY"
attempts = 1
attempt_s = 0.5
"""


def look_at(settings):
    runtime = Runtime(settings)
    thread = RuntimeThread(runtime)
    thread.start()
    try:
        with Api(settings, runtime) as api:
            expected = {name: (kind, said) for name, (_, kind, said) in CASES.items()}
            expected[NOBODY] = ("unreachable", "nothing listens at")
            for name in expected:
                wanted = {"subject": SUBJECT, "route": name}
                api.done("/api/sessions", {"agent_id": name, "actor": "ann", "config": wanted})
            for name, (kind, said) in expected.items():
                until(lambda name=name: api.get(f"/api/sessions/{name}")["seq"] >= 2)
                check(api, name, kind, said)
    finally:
        thread.stop()


def check(api, name, kind, said):
    row = api.get(f"/api/sessions/{name}/steps")["items"][1]
    waits = {"waits_for": "model"} if kind in SHARED else {}
    text = "waits for the model (try 1)" if waits else "tick failed (1 in a row)"
    assert (row["kind"], row["text"]) == ("error", text), name
    assert row["payload"] == {"error_type": "ModelError", **waits}
    error = row["error"]
    its_type = "" if waits else "ModelError: "
    assert error.startswith(f"{its_type}compatible {name} at http://127.0.0.1:"), error
    assert said in error, error
    assert error.endswith(ADVICE[kind])
    session = api.get(f"/api/sessions/{name}")
    failures = 0 if waits else 1
    assert (session["status"], session["failures"], session["error"]) == (
        "running",
        failures,
        error,
    )
    [call] = api.get(f"/api/sessions/{name}/steps/2/calls")["items"]
    assert (call["error_kind"], call["route"], call["attempt"]) == (kind, name, 1)
    assert call["error"] in error
    for text in (error, call["error"]):
        assert SUBJECT not in text
        assert KEY not in text

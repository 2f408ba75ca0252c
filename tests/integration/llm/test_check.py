"""`reins models check` says in words what is wrong with a route, and what to do."""

import asyncio
import os
import re
import sys
from pathlib import Path

import orjson
import pytest

from reins.cli.main import main
from reins.llm import ModelConfigError, ModelError, RouteCheck
from reins.llm.baml.prompts import PROMPTS
from reins.llm.check import check_plan
from tests.support.callers import KEY, route
from tests.support.model_stub import ModelStub, breaks, fails, openai, says

JOKE = {"subject": "cats", "told": []}


async def run(tmp_path: Path, text: str, *words: str) -> tuple[int, str, str]:
    """The command in a process: exit code, what it printed, and its complaints."""
    (tmp_path / "models.toml").write_text(text)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REINS_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "reins", "models", *words,
        cwd=tmp_path, env={**clean, "PYTHONPATH": str(PROMPTS.parent), "KEY": KEY},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert KEY not in (out + err).decode()
    return process.returncode, out.decode(), err.decode()


async def test_all_is_well(tmp_path: Path, stub: ModelStub) -> None:
    """A line for each route, and 0."""
    text = 'default = "a"\n[routes.demo]\nprovider = "offline"\n' + route("a", stub)
    code, out, err = await run(tmp_path, text, "check")
    assert (code, err) == (0, "")
    demo, a = out.splitlines()
    assert demo.startswith("demo: ok: offline model")
    assert a.startswith(f"a: ok: compatible a-model at {stub.address}/v1  (")
    assert a.endswith(" ms)")
    assert (len(stub.seen), stub.seen[0].body["model"]) == (1, "a-model")


@pytest.fixture
def here(tmp_path: Path, monkeypatch, capsys):
    """The command in this process, with a file of routes in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("REINS_", "OPENAI_"))]:
        monkeypatch.delenv(name)

    def run_here(text: str, *words: str) -> tuple[int, str, str]:
        (tmp_path / "models.toml").write_text(text)
        code = main(["models", *words])
        return code, *capsys.readouterr()

    return run_here


def test_each_line_says_what_is_wrong(here) -> None:
    """A route that cannot even be opened hides no other, and the exit says that something is."""
    text = (
        'default = "ok"\n[routes.keyless]\nprovider = "openai"\nmodel = "m"\n'
        '[routes.ok]\nprovider = "offline"\n'
        '[routes.gone]\nprovider = "compatible"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    code, out, _ = here(text, "check")
    assert code == 1
    keyless, ok, gone = out.splitlines()
    assert "OPENAI_API_KEY is not set" in keyless
    assert ok.startswith("ok: ok:")
    assert "nothing listens at 127.0.0.1:9 (connection refused)" in gone
    code, out, _ = here(text, "check", "ok")
    assert (code, len(out.splitlines())) == (0, 1)
    code, out, err = here(text, "check", "nope")
    assert (code, out) == (2, "")
    assert "no route 'nope'; there are keyless, ok, gone" in err


def test_a_wrong_file_is_named_and_no_command_prints_the_help(here, monkeypatch) -> None:
    """A file that cannot be used is named; without a command the help is printed."""
    code, _, err = here("[routes.a]\nprovider = 'bard'", "check")
    assert code == 2
    assert "models.toml: routes.a.provider" in err
    code, _, err = here("x = " + "[" * 9_000, "check")
    assert (code, len(err.splitlines())) == (2, 1)
    monkeypatch.setenv("REINS_BOGUS", "1")
    code, _, err = here("", "check")
    assert code == 2
    assert "REINS_BOGUS" in err
    monkeypatch.delenv("REINS_BOGUS")
    code, out, err = here("")
    assert (code, out) == (2, "")
    assert "check" in err


def test_whatever_a_route_raises_hides_no_other(here, monkeypatch, capsys) -> None:
    """Each line is printed as it comes, and quotes nothing of what was raised."""
    lines: list[str] = []

    async def raises(name: str, *_: object) -> RouteCheck:
        lines.append(capsys.readouterr().out)
        if name == "b":
            raise ValueError("PWSECRET")
        return RouteCheck(name, ok=True, message="ok")

    monkeypatch.setattr("reins.cli.models.check_plan", raises)
    text = 'default = "a"\n' + "".join(f"[routes.{n}]\nprovider = 'offline'\n" for n in "abc")
    code, out, err = here(text, "check")
    assert (code, err) == (1, "")
    assert lines[1] == "a: ok\n"
    assert re.fullmatch(r"b: it cannot be tried \(ValueError at test_check.py:\d+\).*\n", lines[2])
    assert out == "c: ok\n"


async def test_whatever_a_route_raises_hides_no_other_of_the_models(
    routed, stub: ModelStub, monkeypatch
) -> None:
    """The same, where the routes are open."""
    model = await routed('default = "a"\n' + route("a", stub) + route("b", stub))
    real = check_plan

    async def raises(name: str, *given: object) -> RouteCheck:
        if name == "a":
            raise ValueError("PWSECRET")
        return await real(name, *given)

    monkeypatch.setattr("reins.llm.router.check_plan", raises)
    a, b = await model.check()
    assert (a.ok, b.ok) == (False, True)
    assert "ValueError" in a.message
    assert "PWSECRET" not in a.message


async def test_a_check_survives_any_retry_after(routed, stub: ModelStub) -> None:
    """A header of absurd numbers is as good as none."""
    stub.default = fails(429, Retry_After="Mon, 01 Jan 2024 00:00:00 +99999999999999999999")
    model = await routed(route("a", stub))
    (found,) = await model.check("a")
    assert "limit of requests or tokens" in found.message


def test_a_key_in_the_env_file_is_found(here, tmp_path: Path) -> None:
    """A key in `.env` beside the settings is found."""
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-from-the-file\n")
    entry = '[routes.a]\nprovider = "openai"\nmodel = "m"\nkey_env = "{}"\n'
    entry += 'base_url = "http://127.0.0.1:9/v1"\n'
    _, out, _ = here(entry.format("OPENAI_API_KEY"), "check")
    assert "nothing listens at" in out
    _, out, _ = here(entry.format("OTHER_KEY"), "check")
    assert "OTHER_KEY is not set" in out


UNKNOWN = {"error": {"message": "The model `a-model` does not exist", "code": "model_not_found"}}
QUOTA = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
CREDIT = {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}


def refuses(body: dict, status: int):
    return says(orjson.dumps(body).decode(), status)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (fails(401), "the key is not accepted.*HTTP 401"),
        (fails(403), "the key is not accepted.*HTTP 403"),
        (refuses(UNKNOWN, 404), "does not know the model 'a-model'.*HTTP 404"),
        (refuses(UNKNOWN, 400), "does not know the model 'a-model'.*HTTP 400"),
        (says("nothing here", 404), "does not know that path.*/v1.*HTTP 404"),
        (says("<html>hello</html>"), "is not a model.*base_url"),
        (refuses(QUOTA, 429), "no credit left.*HTTP 429"),
        (refuses(CREDIT, 400), "no credit left.*HTTP 400"),
        (refuses({}, 402), "no credit left.*HTTP 402"),
        (refuses({}, 429), "limit of requests or tokens.*HTTP 429"),
        (fails(500), "fault on its side.*HTTP 500"),
        (fails(503), "overloaded.*HTTP 503"),
        (breaks, "connection broke in the middle"),
    ],
)
async def test_what_a_check_says(routed, stub: ModelStub, reply, said: str) -> None:
    """Each way to fail in words, with neither key nor prompt."""
    model = await routed(route("a", stub))
    stub.default = reply
    (found,) = await model.check("a")
    assert (found.name, found.ok) == ("a", False)
    assert KEY not in found.message
    assert re.search(said, found.message), found.message


async def test_a_model_that_says_nothing_useful_works(routed, stub: ModelStub) -> None:
    """An answer that was cut off, refused or empty shows a model at work."""
    model = await routed(route("a", stub))
    for body in (openai("", "length"), openai("", "content_filter"), openai("")):
        stub.default = says(body)
        (found,) = await model.check("a")
        assert found.ok
        assert found.latency_ms > 0


async def test_a_check_is_beside_all_limits_and_ends_a_backoff(routed, stub: ModelStub) -> None:
    """A route that backs off is tried all the same, and used again when it works."""
    stub.default = fails(500)
    model = await routed(route("a", stub, breaker_failures=1, deadline_s=1.0))
    with pytest.raises(ModelError):
        await model.call("TellAJoke", **JOKE)
    assert model.routes()[0].state == "backing_off"
    assert not (await model.check())[0].ok
    assert model.routes()[0].state == "backing_off"
    stub.default = says(openai())
    assert (await model.check())[0].ok
    assert model.routes()[0].state == "ready"
    await model.call("TellAJoke", **JOKE)
    assert model.routes()[0].calls == 2, "checks are not counted"
    with pytest.raises(ModelConfigError, match="no model route 'b'"):
        await model.check("b")
    assert (await model.check("offline"))[0].ok

"""`make model` without its model: how server and Reins are started, and how both end."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest

from examples.small_model.starting import NAME, NotServedError, routes_file, served
from reins.llm.routes.models_file import read_config
from reins.llm.settings import RouteSpec
from tests.support.waiting import until
from tests.support.worker import ROOT

SERVER = """
import os, pathlib, sys
print("http://127.0.0.1:9", flush=True)
sys.stdin.read()
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
"""
START = """
import sys
from examples.small_model.__main__ import main
sys.exit(main(["--port", "0"], sys.argv[1:]))
"""


@pytest.fixture
def started(tmp_path):
    """The starter with a server of ours, once Reins is there; its output and its address."""
    ended, out = tmp_path / "ended", tmp_path / "out"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REINS_")}
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", START, sys.executable, "-c", SERVER, str(ended)],
            cwd=ROOT, env={**clean, "REINS_DATA": str(tmp_path / "data")},
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        until(lambda: b"Reins is at" in out.read_bytes() or process.poll() is not None)
        assert process.poll() is None, out.read_text()
        yield process, out, ended
    finally:
        for child in psutil.Process(process.pid).children() if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_reins_and_then_the_server(started, number):
    """Both are gone, Reins by its own stop, and the exit code says that all went well."""
    process, out, ended = started
    address = out.read_text().split("Reins is at ")[1].split()[0]
    with urllib.request.urlopen(f"{address}api/system") as answer:
        system = json.load(answer)
    assert "135M" in system["model"]["route"]
    children = psutil.Process(process.pid).children()
    assert len(children) == 2
    process.send_signal(number)
    assert process.wait(60) == 0, out.read_text()
    assert int(ended.read_text()) in {child.pid for child in children}
    assert not any(child.is_running() for child in children)


def test_the_server_ends_where_the_starter_is_killed(started):
    """It outlives nobody: its standard input ends with the starter."""
    process, _, ended = started
    reins = [each for each in psutil.Process(process.pid).children() if "reins" in each.cmdline()]
    process.kill()
    process.wait()
    until(ended.exists)
    for each in reins:
        each.terminate()
        each.wait(60)


def test_a_server_that_does_not_start_is_told(tmp_path):
    """With what it said, and the command that shows why."""
    with (
        pytest.raises(NotServedError, match=r"it said 'no model'.* -c print"),
        served(sys.executable, "-c", "print('no model')"),
    ):
        pass


def test_the_routes_are_labelled(tmp_path):
    """The model's name says what it is wherever it is shown."""
    file = routes_file(tmp_path, "http://127.0.0.1:9", small='json_schema = "tools"', plain="")
    config = read_config(file, {}, RouteSpec("default", "offline", "offline"))
    assert config.default == "small"
    assert [config.routes[name].json_schema for name in ("small", "plain")] == ["tools", None]
    assert config.routes["small"].model == NAME
    assert "demonstration" in NAME
    assert "135M" in NAME

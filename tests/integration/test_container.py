"""The steps of the Dockerfile, run in a folder by another user: there is no engine in a test."""

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reins.settings import Settings
from reins.unusable import EXIT_UNUSABLE
from tests.support.program import ROOT
from tests.support.waiting import until

USER = 10001
GRACE_S = Settings.model_fields["stop_grace_s"].default


def steps(text):
    """The instructions with what follows each, in their order."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


STEPS = steps((ROOT / "Dockerfile").read_text())


def last(instruction):
    return [rest for name, rest in STEPS if name == instruction][-1]


def test_it_is_not_root_and_says_how_it_is():
    """The last stage has a user by number, a probe, a volume for the data, and the port."""
    assert last("USER") == f"{USER}:{USER}"
    assert "/health/live" in last("HEALTHCHECK")
    settings = dict(part.split("=", 1) for part in shlex.split(last("ENV")))
    assert last("VOLUME") == settings["REINS_DATA"]
    assert last("EXPOSE") == settings["REINS_PORT"] == str(Settings.model_fields["port"].default)


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", ".devcontainer/devcontainer.json"])
def test_images_have_bare_names(name):
    """No host of a registry stands in a file: whoever builds chooses where images come from."""
    text = (ROOT / name).read_text()
    images = re.findall(r"^\s*(?:FROM|image:|\"image\":)\s*\"?([^\s\",]+)", text, re.MULTILINE)
    assert images
    assert not [image for image in images if "." in image.partition("/")[0].partition(":")[0]]


def test_compose_fits_the_image():
    """Data on a volume, started again, stopped in peace; the collector only where asked for."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    reins, collector = compose["services"]["reins"], compose["services"]["collector"]
    assert reins["volumes"] == [f"data:{last('VOLUME')}"]
    assert "data" in compose["volumes"]
    assert reins["restart"] == "unless-stopped"
    assert reins["ports"] == [f"127.0.0.1:{last('EXPOSE')}:{last('EXPOSE')}"]
    assert (
        int(reins["stop_grace_period"].rstrip("s")) > Settings.model_fields["stop_grace_s"].default
    )
    assert collector["profiles"] == ["telemetry"]
    known = {f"REINS_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in reins["environment"] if name.startswith("REINS_")} <= known


def test_the_development_container_sets_up_by_make():
    """Its commands are targets of the Makefile."""
    described = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    make, *targets = described["postCreateCommand"].split()
    text = (ROOT / "Makefile").read_text()
    assert make == "make"
    assert all(re.search(rf"^{target}:", text, re.MULTILINE) for target in targets)


def test_the_unit_of_systemd():
    """It runs `reins run`, and is not started again for what a start cannot mend."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read(ROOT / "docs" / "reins.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("/bin/reins run")
    assert service["RestartPreventExitStatus"] == str(EXIT_UNUSABLE)
    assert float(service["TimeoutStopSec"]) > GRACE_S


class Stage:
    """What the Dockerfile does, with a folder for `/` and, on this machine, another user."""

    def __init__(self, root, python):
        self.root = root
        self.folder = root / "nowhere"
        tools = root / "tools"
        tools.mkdir()
        (tools / "python").symlink_to(python)
        # Of this machine only how it reaches the packages; caches are of the user of this test.
        network = r"(?i)(PIP|UV|SSL|NODE|NPM)_(?!.*CACHE)\w+|\w+_PROXY"
        self.environ = {k: v for k, v in os.environ.items() if re.fullmatch(network, k)}
        self.environ |= {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(root)}

    def here(self, text):
        """The text with its paths in the folder."""
        return re.sub(r"(?<![\w.*-])/(?=(?:src|opt|srv)\b)", f"{self.root}/", text)

    def do(self, name, rest):
        match name:
            case "FROM":
                self.folder = self.root
            case "WORKDIR":
                self.folder = Path(self.here(rest))
                self.run("mkdir", "-p", self.folder, cwd=self.root)
            case "ENV":
                for part in shlex.split(self.here(rest)):
                    key, value = part.split("=", 1)
                    self.environ[key] = value.replace("$PATH", self.environ["PATH"])
            case "COPY":
                self.copy(rest.split())
            case "RUN":
                self.run("sh", "-euc", self.here(rest), cwd=self.folder)
            case _:
                assert name in ("USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD")

    def copy(self, words):
        if words[0] == "--from=build":
            assert words[1] == words[2], "both stages are in one folder here"
            assert Path(self.here(words[1])).exists()
            return
        context = context_of_the_build()
        *sources, target = words
        assert target == "./" if len(sources) > 1 else target == "."
        for path in context:
            if sources == ["."] or path in sources:
                to = self.folder / path
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, to)
        self.run_as_root("chown", "-R", f"{USER}:{USER}", self.folder)

    def run_as_root(self, *command):
        subprocess.run([str(part) for part in command], check=True, timeout=60)

    def run(self, *command, cwd):
        done = subprocess.run(
            [str(part) for part in command], cwd=cwd, env=self.environ, user=USER, group=USER,
            extra_groups=[], check=False, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


def context_of_the_build():
    """The files that `.dockerignore` lets in, of those that git has."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    kept_out = [line for line in lines if line and not line.startswith(("!", "#", "*"))]
    assert lines[1] == "*"
    found = []
    for pattern in let_in:
        for path in ROOT.glob(pattern):
            found += [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    names = [str(path.relative_to(ROOT)) for path in found]
    assert names
    return [
        name for name in names
        if "__pycache__" not in name and not name.startswith(tuple(f"{out}/" for out in kept_out))
    ]  # fmt: skip


def a_python_for_anybody():
    """An interpreter that another user can run and make environments with."""
    for python in dict.fromkeys((Path(sys.executable).resolve(), Path("/usr/bin/python3"))):
        try:
            subprocess.run(
                [python, "-c", "import ensurepip, sys; assert sys.version_info >= (3, 11)"],
                user=USER, group=USER, extra_groups=[], check=True, cwd="/", timeout=30,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    return None


@pytest.fixture
def root():
    """A folder that the other user can reach: pytest's own are closed to it."""
    if os.geteuid() != 0:
        pytest.skip("NOT ROOT: the Dockerfile's steps were not run as another user")
    found = Path("/tmp") / f"reins-container-{os.getpid()}"
    found.mkdir()
    os.chown(found, USER, USER)
    yield found
    shutil.rmtree(found)


def test_the_dockerfiles_steps(root):
    """Each step is done as it stands; then the program runs, is healthy, and stops."""
    python = a_python_for_anybody()
    if python is None:
        pytest.skip("NO PYTHON FOR ANOTHER USER: the Dockerfile's steps were not run")
    stage = Stage(root, python)
    for name, rest in STEPS:
        stage.do(name, rest)
    with socket.create_server(("127.0.0.1", 0)) as free:
        stage.environ["REINS_PORT"] = str(free.getsockname()[1])
    said = root / "said"
    with said.open("w") as out:
        run = subprocess.Popen(
            json.loads(last("ENTRYPOINT")) + json.loads(last("CMD")), cwd=stage.folder,
            env=stage.environ, user=USER, group=USER, extra_groups=[], stdout=out, stderr=out,
        )  # fmt: skip
    try:
        until(lambda: "Reins is at http" in said.read_text() or run.poll() is not None, "a start")
        assert run.poll() is None, said.read_text()
        probe = json.loads(last("HEALTHCHECK").partition(" CMD ")[2])
        stage.run(*probe, cwd=stage.folder)
        run.send_signal(signal.SIGTERM)
        assert run.wait(30) == 0, said.read_text()
    finally:
        run.kill()
        run.wait()
    with pytest.raises(AssertionError, match="refused"):
        stage.run(*probe, cwd=stage.folder)

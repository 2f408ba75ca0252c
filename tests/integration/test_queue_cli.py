"""The shell's commands, each a process of its own, against a real data folder and worker."""

import json
import os
import signal
import subprocess
import sys

import pytest

from reins.cli import queue as queue_cli
from store.queue import reading as queue_reading
from store.reading import Reader
from tests.integration.store.support import ROOT, child
from tests.support.program import Program
from tests.support.waiting import until

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("REINS_")}


EVIL = "hi \x1b[2J\x1b]0;owned\x07\x9b1m \u202eabc\u2066\r\n12:00:00  #9     ann: forged\x7f"


def start(*arguments):
    return Program(
        ["-m", "queue_imp", *arguments],
        cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def shell(*arguments, code=0):
    """What a command printed; its error output where it is meant to fail."""
    process = start(*arguments)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, (out, err)
    assert "Traceback" not in err
    return (out if code == 0 else err).strip()


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """A folder with a worker on it."""
    folder = tmp_path_factory.mktemp("cli")
    code = """
    import sys, agents
    sys.exit(agents.main(["--data", sys.argv[1]]))
    """
    process = child(code, folder)
    until(lambda: (folder / "owner.json").exists() or process.poll() is not None)
    yield folder
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_each_command_of_a_life_gives_its_receipt(worker):
    """Create, watch, interrupt, pause, resume, reload and destroy, each with its receipt."""
    given = ("--data", worker, "--wait", 30)
    config = '{"heartbeat_s": 0.2}'
    assert "applied at #1" in shell(
        "create", "agent1", "--subject", "cats", "--config", config, *given
    )
    watching = start("watch", "agent1", "--data", worker, "--json", "--until-end")
    assert "applied" in shell("interrupt", "agent1", '{"subject": "dogs"}', *given)
    assert "applied" in shell("interrupt", "agent1", "tell some about birds", "--now", *given)
    assert "applied" in shell("pause", "agent1", "--reason", "lunch", *given)
    [row] = json.loads(shell("status", "agent1", "--json", "--data", worker))
    assert row["status"] == "paused"
    assert "applied" in shell("resume", "agent1", *given)
    assert "applied" in shell("reload", *given)
    assert "applied" in shell("destroy", "agent1", "--reason", "done", *given)
    out, _ = watching.communicate(timeout=30)
    assert watching.returncode == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert (rows[0]["kind"], rows[-1]["kind"]) == ("status", "final")
    assert {"tick", "guidance"} <= {row["kind"] for row in rows}
    table = shell("status", "--data", worker).splitlines()
    assert table[0].split()[:4] == ["STATUS", "MOOD", "AGENT", "SESSION"]
    assert table[1].split()[:2] == ["stopped", "done"]


def test_many_are_created_by_one_command(worker):
    """An id or an outcome each, in order; what one of them is refused for is told at the end."""
    given = ("--data", worker, "--config", '{"heartbeat_s": 60}')
    lines = shell("create", "many1", "many2", "many3", *given, "--wait", 30).splitlines()
    assert [line.split()[1:] for line in lines] == [["applied", "at", "#1"]] * 3
    again = shell("create", "many4", "many2", *given, "--wait", 30, code=1)
    assert "session many2 exists and is running" in again
    assert "many4" in shell("status", "--data", worker)
    assert "entry 1: session_id is 'x', as in entry 0" in shell("create", "x", "x", *given, code=1)
    one = shell("create", "x", "y", "--session", "z", *given, code=1)
    assert "--session names one session; 2 agents were given" in one


def test_a_conversation_is_held_and_followed_from_a_shell(worker, monkeypatch, capsys):
    """Create one, speak in it, let a persona answer, follow what is said."""
    monkeypatch.setenv("REINS_DATA", str(worker))

    def told(*arguments, code=0):
        assert queue_cli.main(list(arguments)) == code
        return "".join(capsys.readouterr())

    assert "applied" in told("conversation", "tea", "--title", "Tea", "--wait")
    following = start("transcript", "tea", "--data", worker, "--follow", "--json")
    config = '{"name": "Ada", "conversation_id": "tea"}'
    assert "applied" in told("create", "ada", "--type", "persona", "--config", config, "--wait")
    assert "applied" in told("post", "tea", "Ada, do you take milk?", "--actor", "bob", "--wait")
    said = [json.loads(following.stdout.readline()) for _ in range(2)]
    assert [(row["number"], row["author"], row["agent_id"]) for row in said] == [
        (1, "bob", None), (2, "Ada", "ada"),
    ]  # fmt: skip
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=30)
    assert following.returncode == 0
    lines = told("transcript", "tea").splitlines()
    assert "#1     bob: Ada, do you take milk?" in lines[0]
    assert "Ada (ada) (demo): " in lines[1]
    assert "exists" in told("conversation", "tea", "--wait", code=1)
    for verb in (("transcript", "nowhere"), ("post", "nowhere", "hello", "--wait")):
        assert "there is no conversation nowhere" in told(*verb, code=1)


def test_a_rejected_action(worker):
    """With `--wait` a rejected action is exit code 1 and says why."""
    err = shell("pause", "nobody", "--data", worker, "--wait", code=1)
    assert "was rejected: there is no session nobody" in err


def test_without_a_worker_actions_wait_and_the_status_says_how_to_begin(tmp_path):
    """Actions are taken in and wait; status says how to begin; waiting ends with what to do."""
    assert "no sessions yet" in shell("status", "--data", tmp_path)
    action_id = shell("--data", tmp_path, "create", "it's", "--actor", "ann")
    err = shell("pause", "it's", "--data", tmp_path, "--wait", "0.1", code=1)
    assert "python -m agents" in err
    rows = queue_reading.everything(Reader(tmp_path))
    assert rows[0]["action_id"] == action_id
    assert (rows[0]["agent_id"], rows[0]["actor"]) == ("it's", "ann")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", ""), "agent_id is ''"),
        (("create", "x" * 10_000), "256 at the most"),
        (("create", "a\nb"), "no line breaks"),
        (("create", "a", "--config", "{"), "--config is '{'; expected JSON"),
        (("create", "a", "--config", '{"b": {"c": 1, "c": 2}}'), "the key 'c' comes twice"),
        (("create", "a", "--config", "[1]"), "expected a dict"),
        (("interrupt", "a", "{broken"), "expected JSON"),
        (("interrupt", "a", ""), "guidance is ''"),
    ],
)
def test_wrong_arguments(tmp_path, monkeypatch, capsys, arguments, said):
    """One line that says what is wrong, and exit code 1."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path))
    assert queue_cli.main(list(arguments)) == 1
    err = capsys.readouterr().err
    assert err.startswith("reins: ")
    assert said in err
    assert len(err) < 500


def test_a_pipe_that_closes(worker):
    """`watch | head -1` ends quietly."""
    shell("create", "piped", "--config", '{"heartbeat_s": 0.2}', "--data", worker, "--wait")
    watching = start("watch", "piped", "--data", worker)
    assert watching.stdout.readline()
    watching.stdout.close()
    assert watching.wait(timeout=30) == 0
    assert watching.stderr.read() == ""
    watching.stderr.close()


def test_ctrl_c_ends_a_watch(worker):
    """Ctrl-C is how a watch ends: quietly, exit code 0."""
    watching = start("watch", "nobody-yet", "--data", worker)
    assert "waiting for session" in watching.stderr.readline()
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=30)
    assert (watching.returncode, err) == (0, "")


def test_a_folder_that_cannot_be_used(capsys):
    """One line, and the exit code that every program of ours has for it."""
    assert queue_cli.main(["pause", "a", "--data", "/proc/nowhere"]) == 2
    assert "cannot be used" in capsys.readouterr().err


@pytest.fixture(scope="module")
def evil(worker):
    """Everything that a person may write holds what a terminal would obey."""
    given = ("--data", worker, "--wait", 30)
    shell("create", "evil", "--subject", "cats", "--config", '{"heartbeat_s": 3600}', *given)
    shell("pause", "evil", "--reason", EVIL, *given)
    shell("interrupt", "evil", json.dumps({"subject": EVIL}), *given)
    shell("destroy", "evil", "--reason", EVIL, *given)
    shell("conversation", "evil", "--title", EVIL, *given)
    shell("post", "evil", f"{EVIL} \u7f8e\u54b2", "--actor", "Zoë", *given)
    return worker


@pytest.mark.parametrize(
    "verb", [("watch", "evil", "--until-end"), ("transcript", "evil"), ("status",)]
)
def test_a_terminal_gets_text_and_json_gets_all(evil, verb):
    """No control, no mark of direction and no forged line in text; in JSON everything."""
    for as_json in ((), ("--json",)):
        out = shell(*verb, "--data", evil, *as_json)
        assert out.replace("\n", "").isprintable()
        assert "\n12:00:00  #9" not in out
        if verb[0] == "status":
            assert "evil" in out
            continue  # what was written last is a joke
        assert "owned" in out
        if as_json:
            assert json.dumps(EVIL)[1:-1].replace("\x7f", "\\u007f") in out.replace("\\\\", "\\")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "shift_jis"])
def test_output_that_is_not_utf_8_loses_signs_alone(evil, encoding):
    """Not the command: every line comes, and the help does too."""
    # A new interpreter: the tests' own are forks of one that has begun.
    settings = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    for verb in (("transcript", "evil", "--data", evil), ("status", "--data", evil), ("--help",)):
        ran = subprocess.run(
            [sys.executable, "-m", "queue_imp", *verb],
            cwd=ROOT, env=ENVIRONMENT | settings, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, b"")
        out = ran.stdout.decode(encoding)
        assert "forged" in out or "evil" in out or "Commands" in out
        assert "\x1b" not in out


def test_what_a_person_typed_is_shown_in_errors_too(evil):
    """An id, an option, the reason of a rejection."""
    for verb in (("transcript", EVIL), ("pause", EVIL), ("status", f"--{EVIL}"), (EVIL,)):
        process = start(*verb, "--data", evil) if verb != (EVIL,) else start(*verb)
        _, err = process.communicate(timeout=60)
        assert process.returncode in (1, 2)
        assert err.replace("\n", "").isprintable(), ascii(err)

"""Commands that hold another command, and commands that do not."""

import time

import pytest

from reins.tools.programs import holds_a_command


@pytest.mark.parametrize(
    "argv",
    [
        ["sh"],
        ["bash", "-s"],
        ["env", "-S", "sh -c 'rm -rf .'"],
        ["git", "-c", "alias.x=!rm -rf .", "x"],
        ["git", "x"],
        ["rbash", "-c", "x"],
        ["awk", 'BEGIN{system("x")}'],
        ["gawk", 'BEGIN{print | "sh"}'],
        ["find", ".", "-exec", "rm", "{}", ";"],
        ["xargs", "rm"],
        ["bash", "--rcfile", "x", "-i"],
        ["bash", "-o", "errexit", "s.sh"],
        ["bash", "+x", "-c", "ls"],
        ["bash.real", "-c", "x"],
        ["perl", "-e", "x"],
        ["perl5.36", "-ne", "x"],
        ["ruby", "-e", "1"],
        ["node", "-e", "1"],
        ["node", "--eval=1"],
        ["vim", "-c", "!x"],
        ["make", "SHELL=/x"],
        ["make", "-f", "-"],
        ["make", "-sf-"],
        ["make", "--eval=x: ; rm"],
        ["timeout", "9", "ls"],
        ["nice", "ls"],
        ["nohup", "ls"],
        ["sudo", "ls"],
        ["su", "-c", "x"],
        ["script", "-c", "x"],
        ["watch", "x"],
        ["parallel", "x"],
        ["ssh", "h", "x"],
        ["/usr/bin/python3.13t", "-c", "x"],
        ["python3", "-"],
        ["python3"],
        ["python3", "-cimport os", "-m", "pytest"],
        ["python3", "-m", "timeit", "x"],
        ["python3", "/dev/stdin"],
        ["sh", "/proc/self/fd/0"],
        ["sh", "-es"],
        ["tar", "cIf", "p", "a"],
        ["tar", "--to-com=sh", "-xf", "a"],
        ["tar", "-I", "p", "-cf", "a"],
        ["sed", "1e id"],
        ["sed", "s/a/b/e"],
        ["sed", "-n", "p", "f", "-e", "1e id"],
        ["sed", "--expression=1e id"],
        ["sed", "p\n1e id"],
        ["npx", "x"],
        ["npm", "exec", "x"],
        ["uv", "run", "x"],
        ["rsync", "-ae", "sh", "x"],
        ["flock", "f", "ls"],
        ["gdb", "x"],
        ["ash", "-c", "x"],
        ["busybox", "sh"],
        ["ld-linux-x86-64.so.2", "/bin/sh"],
        ["git", "rebase", "--exec", "x"],
        ["git", "rebase", "-x", "x"],
        ["git", "clone", "--upl=x", "y"],
        ["git", "clone", "ext::sh", "x"],
        ["git", "grep", "-Osh", "x"],
        ["git", "bisect", "run", "x"],
        ["git", "-p", "log"],
        ["git", "submodule", "foreach", "x"],
        ["rg", "--pre", "sh", "x"],
        ["go", "test", "--exec=sh"],
        ["sort", "--compress-prog=sh"],
        ["sqlite3", "db", ".shell x"],
        ["php", "-r", "x"],
        ["unknown", "sh", "-c", "x"],
        ["unknown", "--x=sh -c ls"],
        ["m4"],
        ["ed"],
        ["cmake", "-E", "env", "x"],
        ["gcc", "-wrapper", "sh", "x"],
        ["zip", "-TT", "sh"],
        ["split", "--filter=sh"],
        ["ipython3", "-c", "x"],
        ["pypy3", "-c", "x"],
    ],
    ids=" ".join,
)
def test_what_runs_another_command(argv):
    """Shells, wrappers, code in an argument, options that name a program, aliases, inner lines."""
    assert holds_a_command(argv)


@pytest.mark.parametrize(
    "argv",
    [
        ["ls"],
        ["bash", "script.sh"],
        ["bash", "-eux", "script.sh", "-c"],
        ["grep", "-c", "x"],
        ["git", "status"],
        ["git", "-C", "d", "log", "--oneline"],
        ["git", "commit", "-m", "use sh -c x"],
        ["git", "commit", "-am", "x"],
        ["git", "switch", "-c", "b"],
        ["git", "clone", "https://x/y"],
        ["python3", "-m", "pytest", "-q"],
        ["python3", "-m", "unittest", "discover", "-s", "tests"],
        ["python3", "x.py", "-c"],
        ["python3", "--version"],
        ["pytest", "-q"],
        ["make", "test"],
        ["make", "-j4", "-C", "d"],
        ["cargo", "test"],
        ["npm", "test"],
        ["npm", "ci"],
        ["node", "x.js"],
        ["sed", "-n", "1,10p", "f"],
        ["sed", "-i", "s/a/b/g", "f"],
        ["sed", "-E", "-e", "s|a|b|;2d", "f"],
        ["awk", "{print $1}", "f"],
        ["tar", "-xzf", "a.tgz"],
        ["tar", "czf", "a.tgz", "d"],
        ["find", ".", "-name", "*.py", "-delete"],
        ["rm", "-rf", "x"],
        ["echo", "sh", "-c"],
        ["grep", "-rn", "bash -c", "."],
        ["./script.sh"],
        ["./run.py"],
        ["cat", "/bin/sh"],
        ["which", "bash"],
        ["uv", "pip", "install", "x"],
        ["go", "test", "./..."],
        ["ruby", "x.rb"],
        ["rg", "x"],
        ["sqlite3", "db", "select 1"],
        ["cmake", "-DCMAKE_EXPORT=1", "."],
        ["gcc", "-DBAR", "x.c"],
        ["touch", "made"],
        ["wc", "-l"],
        ["true"],
        ["printf", "<%s>", "a b", "$(x)", "-c"],
        ["npm", "run", "build"],
    ],
    ids=" ".join,
)
def test_what_does_not(argv):
    """Plain commands, a file that is run, and a shell's name as a text."""
    assert holds_a_command(argv) == ""


def test_a_program_that_takes_commands_from_its_input():
    """Its argument list alone does not show it."""
    assert not holds_a_command(["sqlite3", "db"], "select 1;")
    assert holds_a_command(["sqlite3", "db"], "select 1;\n.shell rm -rf x")


@pytest.mark.parametrize(
    "script", ["p" + " " * 1_990 + "!", "p;" * 999 + "!", "\n" * 1_999 + "!", "/a" * 900 + "!"]
)
def test_a_long_script_is_looked_through_at_once(script):
    """No pattern takes more than a moment, whatever it is shown."""
    began = time.thread_time()
    assert holds_a_command(["sed", script])
    assert time.thread_time() - began < 0.5

"""A plan that keeps its tree in a folder, and goes on from it: a process that tests kill.

python -m tests.support.kept_plan FOLDER
"""

import json
import os
import sys
import time
from pathlib import Path

from reins.plans import (
    Actions,
    compile_plan,
    leaves,
    loop_while,
    parallel,
    race,
    run_plan,
    sequence,
)

TURNS = 12
actions = Actions()


def log(folder, *words):
    """One line of the log, whole or not at all."""
    line = " ".join([*words, "\n"]).encode()
    with (folder / "log").open("ab", buffering=0) as file:
        file.write(line)


def worker(folder, name, key, took_s):
    def work(state, ctx):
        log(folder, "began", ctx.path)
        time.sleep(took_s)
        return state if ctx.stop.is_set() else {**state, key: state[key] + 1}

    return actions.register(name, work)


def keeping(folder, program):
    """A function that puts each tree in the place of the one before, and notes what is live."""

    def keep(tree):
        new = folder / "new"
        with new.open("w") as file:
            json.dump(tree, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / "tree")
        log(folder, "kept", *(leaf.path for leaf in leaves(program.plan, tree)))

    return keep


def main() -> None:
    folder = Path(sys.argv[1])
    for name, key, took_s in (("a", "a", 0.002), ("b", "b", 0.006), ("c", "c", 0.001)):
        worker(folder, name, key, took_s)
    worker(folder, "slow", "c", 0.02)
    turn = sequence(parallel("a", sequence("b", "b"), race("c", "slow")), "a")
    program = compile_plan(actions, loop_while(lambda state: state["a"] < 2 * TURNS, turn))
    kept = folder / "tree"
    tree = json.loads(kept.read_text()) if kept.exists() else None
    log(folder, "started")
    done = run_plan(program, {"a": 0, "b": 0, "c": 0}, tree=tree, on_step=keeping(folder, program))
    sys.stdout.write(json.dumps(done.state))


if __name__ == "__main__":
    main()

"""A program that embeds Reins keeps its own process: imports change what the decision lists."""

import os
import subprocess
import sys

CHANGES = """
import gc, os, sys
before = dict(os.environ), list(sys.meta_path), sys.getswitchinterval(), gc.get_freeze_count()
import agents
import queue_imp
hooks = [type(hook).__name__ for hook in sys.meta_path if hook not in before[1]]
assert hooks == ["_Pandas"], hooks
import pandas
assert hooks[0] not in [type(hook).__name__ for hook in sys.meta_path]
assert sys.getswitchinterval() == before[2]
assert gc.get_freeze_count() == before[3]
print(*sorted(name for name, value in os.environ.items() if before[0].get(name) != value))
"""
LISTED = "BAML_INTERNAL_LOG BAML_LOG LANCE_CPU_THREADS LANCE_LOG RUST_LIB_BACKTRACE"


def run(code: str, **environment: str) -> tuple[str, str]:
    names = LISTED.split()
    kept = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr


def test_an_embedded_runtime_changes_only_what_its_libraries_read() -> None:
    """Neither switch interval nor garbage collector change, and no other variable; one import hook
    waits for pandas, and goes with it.
    """
    assert run(CHANGES) == (LISTED, "")


def test_a_program_keeps_the_hosts_that_it_calls_directly() -> None:
    """NO_PROXY is read, and left as it stands."""
    told = "import reins.llm, os; print(os.environ['NO_PROXY'], 'no_proxy' in os.environ)"
    assert run(told, NO_PROXY="intranet,localhost") == ("intranet,localhost False", "")


def test_a_program_keeps_its_own_settings_of_lancedb() -> None:
    """Only variables that are not set are set."""
    told = "import store, os; print(os.environ['LANCE_CPU_THREADS'], os.environ['LANCE_LOG'])"
    assert run(told, LANCE_CPU_THREADS="2", LANCE_LOG="info") == ("2 info", "")


def test_a_start_takes_no_store_along_that_it_does_not_use() -> None:
    """Libraries of breakers and sockets would import Redis; who wants it has it still."""
    code = "import sys, app; print('redis' in sys.modules); import redis; print(redis.Redis)"
    assert run(code)[0].splitlines() == ["False", "<class 'redis.client.Redis'>"]

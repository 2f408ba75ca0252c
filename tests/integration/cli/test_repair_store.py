"""`reins store repair`: refuses as the start does, and goes on where a person asks it to."""

import asyncio

from reins.cli.main import main
from store.lance import damage
from store.store import Store
from tests.integration.store.support import step


async def fill(folder):
    store = Store(folder, flush_s=0.02)
    await store.start()
    await store.journal.append(step("s", 1), step("s", 2))
    await store.stop()


def test_it_refuses_until_it_is_asked(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("REINS_DATA", "unused")
    asyncio.run(fill(tmp_path))
    command = ["store", "repair", "--data", str(tmp_path)]
    assert main(command) == 0
    assert capsys.readouterr().out == "nothing else to repair\n"
    for path in (tmp_path / "agent_steps.lance" / "data").glob("*.lance"):
        path.write_bytes(bytes(path.stat().st_size))
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "journal_n 1-2" in said
    assert "reins store repair --roll-back" in said
    assert not damage.missing(tmp_path)
    assert main([*command, "--roll-back"]) == 0
    assert "missing: 2 rows of agent_steps; journal_n 1-2; s: 1-2" in capsys.readouterr().out
    assert main(command) == 0

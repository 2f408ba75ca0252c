"""`reins replay`: write a recording of a session, or do a recorded session again."""

import asyncio
from pathlib import Path
from typing import Any

import click
import orjson

from reins.cli.outcome import CommandError, Ending
from reins.history import recording
from reins.history.replay import NotReplayableError
from reins.llm import ModelConfigError
from reins.settings import load_settings
from store.errors import StoreError

EXIT_DIFFERENT = 1
EXIT_UNUSABLE = 2


class _Command(Ending):
    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (NotReplayableError, ModelConfigError, StoreError, ValueError, OSError) as error:
            raise CommandError(error, EXIT_UNUSABLE) from error


@click.group(help="Sessions done again with no model: the log must be the same.")
def replay() -> None:
    pass


@replay.command("record", cls=_Command, help="write a session's record to a file")
@click.argument("session_id")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--data", help="folder of the tables and the journal (REINS_DATA)")
def _record(*, session_id: str, file: Path, data: str | None) -> None:
    made = recording.record(session_id, data)
    file.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2))
    print(f"{file}: {len(made['rows'])} rows, {len(made['calls'])} calls")


@replay.command("run", cls=_Command, help="do a recorded session again, with no model")
@click.argument("file", type=click.Path(path_type=Path))
def _run(*, file: Path) -> int:
    settings = load_settings()
    done = asyncio.run(
        recording.replay(
            recording.load(file), settings.agent_modules, settings.tools, settings.plans
        )
    )
    print("\n".join(done.differences) or f"the same: {len(done.rows)} rows")
    return EXIT_DIFFERENT if done.differences else 0

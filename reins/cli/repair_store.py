"""`reins store repair`: a data folder mended without a worker, further than a start goes."""

from typing import Any

import click

from reins.cli.folder import data_option
from reins.cli.outcome import EXIT_USAGE, CommandError, Ending
from reins.settings import load_settings
from store.errors import StoreError
from store.lance import damage
from store.store import Store


class _Command(Ending):
    """A refusal is exit code 2, as the worker has it."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (StoreError, ValueError, OSError) as error:
            raise CommandError(error, EXIT_USAGE) from error


@click.command(
    cls=_Command,
    help="Mend a data folder that no worker uses, as a start does, and say what was done.",
)
@click.option(
    "--roll-back",
    is_flag=True,
    help="go on without acknowledged rows that cannot be read; their numbers are said and kept",
)
@data_option
def repair(*, roll_back: bool) -> None:
    settings = load_settings()
    store = Store(settings.data, durable=settings.durable)
    before = len(damage.missing(store.folder.path))
    store.repair(roll_back=roll_back)
    for repaired in store.repaired:
        print(f"{repaired.table}: {repaired.what} ({repaired.why})")
    for entry in damage.missing(store.folder.path)[before:]:
        print(f"missing: {entry}")
    if not store.repaired:
        print("nothing else to repair")

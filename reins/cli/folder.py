"""The option `--data` and the failures that all commands on a data folder share."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reins.cli.outcome import CommandError, Ending
from store.errors import StoreError

C = TypeVar("C", bound=Callable[..., Any] | click.Command)


class FolderCommand(Ending):
    """A command on a data folder: what is refused, or not found, is exit code 1 and a line."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (ValueError, StoreError, KeyError, TimeoutError) as error:
            raise CommandError(error.args[0] if isinstance(error, KeyError) else error) from error


def _use_folder(_context: click.Context, _option: click.Parameter, folder: str | None) -> None:
    if folder:
        os.environ["REINS_DATA"] = folder  # helpers and readers take it from the settings


def data_option(command: C) -> C:
    """`--data`: the folder that the helpers and readers of this process work on."""
    return click.option(
        "--data", callback=_use_folder, expose_value=False, help="data folder (REINS_DATA)"
    )(command)

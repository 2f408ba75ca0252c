"""The option `--data` and the failures that all commands on a data folder share."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reins.cli.outcome import EXIT_USAGE, CommandError, Ending
from reins.settings import SettingsError
from store.errors import QueueFullError, StoreError, in_a_line

C = TypeVar("C", bound=Callable[..., Any] | click.Command)
_UNUSABLE = (SettingsError, StoreError, OSError, MemoryError, RuntimeError)


class FolderCommand(Ending):
    """A command on a data folder; whatever fails is a line.

    Exit code 1 for what is refused, not found or not done in time; 2 for a folder, settings or a
    process that cannot do it.
    """

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:
            raise  # the reader has gone
        except (TimeoutError, QueueFullError) as error:
            raise CommandError(error) from error
        except _UNUSABLE as error:
            raise CommandError(in_a_line(error), EXIT_USAGE) from error
        except (ValueError, KeyError) as error:
            raise CommandError(error.args[0] if isinstance(error, KeyError) else error) from error


def _use_folder(_context: click.Context, _option: click.Parameter, folder: str | None) -> None:
    if folder:
        os.environ["REINS_DATA"] = folder  # helpers and readers take it from the settings


def data_option(command: C) -> C:
    """`--data`: the folder that the helpers and readers of this process work on."""
    return click.option(
        "--data", callback=_use_folder, expose_value=False, help="data folder (REINS_DATA)"
    )(command)

"""How a command ends: an exit code, and one line on standard error that says what is wrong."""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import click

from reins import logs, redaction, terminal

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # what shells say of Ctrl-C


class CommandError(click.ClickException):
    """The command failed; the message says why, the code how."""

    def __init__(self, message: object, code: int = EXIT_FAILED) -> None:
        super().__init__(str(message))
        self.code = code


class Output:
    """Standard output without keys, and without what a terminal obeys."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        clean = redaction.redactor().value(text)
        self._stream.write(terminal.shown(clean))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def print_json(value: object, *, indent: int | None = None) -> None:
    """Print a value as JSON, which holds all that it does, and nothing that a terminal obeys."""
    text = json.dumps(value, default=str, indent=indent)
    print(text.replace("\x7f", "\\u007f"), flush=True)


class Ending(click.Command):
    """A command that ends by Ctrl-C, or by a reader that has gone, without a word."""

    def __init__(
        self, *arguments: Any, exit_interrupted: int = EXIT_INTERRUPTED, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        self._exit_interrupted = exit_interrupted

    def invoke(self, context: click.Context) -> Any:
        try:
            with contextlib.redirect_stdout(Output(sys.stdout)):
                return super().invoke(context)
        except KeyboardInterrupt:
            return self._exit_interrupted
        except BrokenPipeError:
            # Nothing is left to say, at exit neither.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


def run(command: click.Command, arguments: Sequence[str] | None, *, program: str) -> int:
    """Run a command with its arguments, those of the process by default; returns the exit code."""
    redaction.know_environment(os.environ)
    terminal.lose_signs(sys.stdout)
    logs.watch_uncaught()
    try:
        code = command.main(arguments, program, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return EXIT_USAGE
    except click.UsageError as error:
        path = program if error.ctx is None else error.ctx.command_path
        message = error.format_message()
        _complain(f"{message[:1].lower()}{message[1:]} Try: {path} --help")
        return EXIT_USAGE
    except CommandError as error:
        _complain(error.format_message())
        return error.code
    except click.Abort:
        return EXIT_INTERRUPTED
    return code or 0


def _complain(message: str) -> None:
    print(f"reins: {terminal.shown(redaction.text(message))}", file=sys.stderr)

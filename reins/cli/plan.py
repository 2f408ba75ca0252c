"""`reins plan check | run`: a plan in a JSON file, looked at or run without a worker."""

import importlib
from pathlib import Path
from typing import Any

import click

from reins.cli.outcome import EXIT_USAGE, CommandError, Ending, print_json
from reins.plans import (
    Actions,
    Node,
    Ok,
    PlanError,
    PlanFormatError,
    PlanNameError,
    Program,
    compile_plan,
    from_json,
    located,
    run_plan,
    to_mermaid,
)
from reins.plans.builtin import built_in
from reins.plans.errors import listed
from reins.plans.positions import JsonTextError, line_and_column, scan
from reins.plans.program import levels, walk, width

EXIT_WRONG = 1


def _read(file: Path) -> tuple[str, Node]:
    """The text of the file, and its plan. Raises: CommandError."""
    try:
        text = file.read_text("utf-8-sig")
        return text, from_json(text)
    except PlanFormatError as error:
        raise _wrong(file, error) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is no text in UTF-8: {error}", EXIT_WRONG) from error
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}", EXIT_USAGE) from error


def _wrong(file: Path, error: PlanFormatError) -> CommandError:
    return CommandError(listed(f"{file}:{each}" for each in error.problems), EXIT_WRONG)


def _actions(named: str) -> Actions:
    """The registry that `module:name` means. Raises: CommandError."""
    module, _, name = named.partition(":")
    if not module or not name:
        raise CommandError(f"--actions is module:name, given {named!r}", EXIT_USAGE)
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # a module of the user's may raise anything
        words = f"--actions {named}: {type(error).__name__}: {error}"
        raise CommandError(words, EXIT_USAGE) from error
    if not isinstance(found, Actions):
        raise CommandError(f"--actions {named} is no Actions, given {found!r:.80}", EXIT_USAGE)
    return found


def _with_built_in(named: str) -> Actions:
    """The registry that `module:name` means, with those of the built-in actions whose names it
    leaves free. Raises: CommandError.
    """
    found, actions = _actions(named), Actions()
    actions.take(found)
    for name, action in built_in.actions.items():
        actions.actions.setdefault(name, action)
    return actions


def _compiled(file: Path, text: str, plan: Node, named: str) -> Program:
    actions = _with_built_in(named)
    try:
        return compile_plan(actions, plan)
    except PlanNameError as error:
        raise _wrong(file, located(text, error)) from error
    except PlanError as error:
        raise CommandError(f"{file}: {error}", EXIT_WRONG) from error


@click.group(help="Plans in JSON files.")
def plan() -> None:
    pass


def _state(text: str) -> Any:
    """The JSON of --state. Raises: CommandError, also for a key that comes twice."""
    try:
        return scan(text).value
    except JsonTextError as error:
        line, column = line_and_column(text, error.offset)
        raise CommandError(f"--state:{line}:{column}: {error}", EXIT_USAGE) from error


_file = click.argument("file", type=click.Path(path_type=Path))


@plan.command("check", cls=Ending, help="say what is wrong with a plan, with line and column")
@_file
@click.option("--actions", help="check the names in it, too: module:name of an Actions")
@click.option("--mermaid", is_flag=True, help="print it as a Mermaid flowchart")
def _check(*, file: Path, actions: str | None, mermaid: bool) -> None:
    text, read = _read(file)
    if actions is not None:
        _compiled(file, text, read, actions)
    if mermaid:
        print(to_mermaid(read))
        return
    nodes = sum(1 for _ in walk(read))
    print(f"{file}: {nodes} nodes, {levels(read)} levels, {width(read)} tasks at once at the most")


@plan.command("run", cls=Ending, help="run a plan here, and print the state that it leaves")
@_file
@click.option("--actions", required=True, help="its actions: module:name of an Actions")
@click.option("--state", default="{}", help="the state that it begins with, as JSON")
def _run(*, file: Path, actions: str, state: str) -> None:
    text, read = _read(file)
    program = _compiled(file, text, read, actions)
    given = _state(state)
    try:
        done = run_plan(program, given)
    except PlanError as error:
        raise CommandError(f"--state: {error}", EXIT_USAGE) from error
    if not isinstance(done.result, Ok):
        raise CommandError(f"the plan failed at {done.result.error}", EXIT_WRONG)
    print_json(done.result.value, indent=2)

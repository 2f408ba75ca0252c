"""`reins run` and `reins work`: the two entry points, whose flags they take as they are."""

import click

import agents
import app

_AS_IT_IS = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(help="run web and worker in one process", context_settings=_AS_IT_IS)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def run(flags: tuple[str, ...]) -> int:
    return app.main(list(flags), program="reins run")


@click.command(help="run the worker alone", context_settings=_AS_IT_IS)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def work(flags: tuple[str, ...]) -> int:
    return agents.main(list(flags), program="reins work")

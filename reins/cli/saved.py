"""`reins views`: the saved views of the session list, which all who open the page share."""

import json

import click

import queue_imp
from reins.cli.steer import acting, answer


@acting("views", "list the saved views of the session list, save one, or remove one")
@click.option("--save", metavar="NAME", help="save --query under this name")
@click.option("--query", metavar="Q", help="as in the page's address: q=name:shop&group=owner")
@click.option("--remove", metavar="NAME", help="remove the view of this name, for all")
def views(
    *, actor: str, wait: float | None, save: str | None, query: str | None, remove: str | None
) -> None:
    if save is not None and remove is not None:
        raise ValueError("--save and --remove were given; one view is saved or removed at a time")
    if (save is None) != (query is None):
        raise ValueError("--save and --query go together: a view is a query under a name")
    if save is not None:
        answer(queue_imp.view_save(save, actor, {"query": query}), wait_s=wait)
    elif remove is not None:
        answer(queue_imp.view_save(remove, actor, None), wait_s=wait)
    else:
        for row in queue_imp.saved_views("view"):
            print(f"{row['name']}  {json.loads(row['content'])['query']}  (by {row['saved_by']})")

"""`reins documents`: what agents read and cite: add, list, show, remove."""

import time
from pathlib import Path

import click

import queue_imp
from agent_core.actions.documents import is_address
from agent_core.actions.ids import ActionError
from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.steer import acting, answer
from reins.documents.folders import Folder, check_apart, files_in
from reins.documents.watching import Watcher
from reins.sending import writer
from store.errors import StoreError
from store.reading import reader

_COLUMNS = 80
_WATCH = "reins documents add --watch"


@click.group("documents", help="what agents read and cite: add, list, show, remove")
def documents() -> None:
    """The verbs stand below."""


@acting("add", "add a file, all files of a folder, or what is at an address")
@click.argument("source", metavar="FILE|FOLDER|URL")
@click.option("--title", help="its title, if not its own; of one document")
@click.option("--watch", is_flag=True, help="go on: add what changes, end what is gone")
@click.option("--every", type=click.FloatRange(0.1), default=2.0, help="seconds between two looks")
def add(
    *, source: str, actor: str, wait: float | None, title: str | None, watch: bool, every: float
) -> None:
    path = Path(source)
    if watch:
        if not path.is_dir():
            raise ValueError(f"--watch is of a folder; {source} is none")
        _watch(Folder(path), actor, every)
    if is_address(source) or not path.is_dir():
        answer(queue_imp.add_document(source, actor, title=title), wait_s=wait)
        return
    if title is not None:
        raise ValueError("--title is of one document; a folder was given")
    check_apart(path, reader().folder.path)
    asked = []
    for each in files_in(path):
        try:
            asked.append(queue_imp.add_document(each, actor))
        except ActionError as error:
            click.echo(terminal.shown(f"left out: {error}"), err=True)
    if not asked:
        raise ValueError(f"there is no file in {source} that can be added")
    answer(*asked, wait_s=wait)


@click.command("list", cls=FolderCommand, help="the documents, the newest first")
@data_option
@click.option("--removed", is_flag=True, help="also what was removed")
def list_(*, removed: bool) -> None:
    for row in queue_imp.list_documents(removed=removed):
        ended = "  removed" if row["state"] == "removed" else ""
        title = terminal.cut(terminal.shown(row["title"]), _COLUMNS)
        source = terminal.cut(terminal.shown(row["source"]), _COLUMNS)
        print(f"{row['document_id']}  version {row['version']}  {title}  {source}{ended}")


@click.command("show", cls=FolderCommand, help="the stored text of a document")
@data_option
@click.argument("document_id")
@click.option("--version", type=click.IntRange(1), help="if not the newest")
@click.option("--from", "from_char", type=click.IntRange(0), default=0, help="its first character")
@click.option("--to", "to_char", type=click.IntRange(0), help="the character behind its last")
def show(*, document_id: str, version: int | None, from_char: int, to_char: int | None) -> None:
    text = queue_imp.document_text(document_id, version, from_char, to_char)
    print("\n".join(terminal.shown(line) for line in text.split("\n")))


@acting("remove", "let a document be found no more; its versions stay")
@click.argument("document_id")
def remove(*, document_id: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.remove_document(document_id, actor), wait_s=wait)


def _watch(folder: Folder, actor: str, every_s: float) -> None:
    """Until it is ended: add what changes, and let be found no more what is gone."""
    while True:
        try:
            for asked in Watcher(reader(), writer(), actor, _WATCH).look(folder):
                click.echo(terminal.shown(asked.line))
        except (OSError, StoreError) as error:  # away for now
            click.echo(terminal.shown(f"not looked at: {error}"), err=True)
        time.sleep(every_s)


for verb in (add, list_, show, remove):
    documents.add_command(verb)

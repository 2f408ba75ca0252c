"""`reins mcp`: a data folder as a server of the Model Context Protocol, over stdio."""

from collections.abc import Sequence

import click

from reins.cli.folder import FolderCommand, data_option
from reins.mcp_server.desk import Desk
from reins.mcp_server.methods import Methods
from reins.mcp_server.stdio import serve
from reins.names.system_user import user_name
from store.queue.writer import writer_at
from store.reading import reader


@click.command("mcp", cls=FolderCommand, help="serve an assistant that speaks MCP, over stdio")
@data_option
@click.option(
    "--actor", default=user_name, help="who asks, in the queue (default: the system's user)"
)
@click.option("--read-only", is_flag=True, help="only the tools that look")
def mcp(*, actor: str, read_only: bool) -> None:
    store = reader()
    desk = Desk(store, writer_at(store.folder.path), actor=actor, vector_of=_vector_of)
    serve(Methods(desk, only_reads=read_only))


def _vector_of(text: str, route: str) -> Sequence[float] | None:
    from reins.search.asking import vector_of  # noqa: PLC0415 - it brings the models along

    return vector_of(text, route)

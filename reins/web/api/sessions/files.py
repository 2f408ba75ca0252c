"""The files of a session's workspace: looked at, compared with how it found them, downloaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import orjson
from flask import Response
from pydantic import Field

from reins.tools import starts, workspaces
from reins.tools.outcome import ToolError
from reins.tools.workspace import Workspace
from reins.web.api.context import api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.read import seen
from reins.web.http.download import disposition
from reins.web.http.fields import Flag, Input, Words
from reins.web.http.openapi import group
from reins.web.http.problem import Answers, RequestRefusedError, refusals
from reins.web.views.files import NOTHING, FileView, file_view, folder_view, media_type, text_of
from store import agents_config

api = group("files", "files")

_DOWNLOAD_BYTES = 64 << 20
_ROOT = "."
_INERT = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""A file is never shown by the browser as a page of this server."""


class WorkspacePath(SessionPath):
    path: Annotated[Words, Field(min_length=1, max_length=4_096)]


class FileQuery(Input):
    raw: Annotated[Flag, Field(description="the file itself, as a download")] = False


_LOOKED_AT: Answers = {
    200: {
        "description": "OK",
        "content": {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{FileView.__name__}"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@api.get(
    "/api/sessions/<segment:session_id>/files", responses={200: FileView, **refusals(404, 409)}
)
def list_session_files(path: SessionPath) -> dict[str, Any]:
    """The workspace's own folder, and every file that is not as the session found it."""
    if _folder(path.session_id) is None:
        return NOTHING
    with _opened(path.session_id) as (here, start):
        return folder_view(here, _ROOT, start)


@api.get(
    "/api/sessions/<segment:session_id>/files/<file:path>",
    responses={**_LOOKED_AT, **refusals(404, 409, 413)},
)
def get_session_file(path: WorkspacePath, query: FileQuery) -> dict[str, Any] | Response:
    """A file or folder of the workspace; with `raw` the file itself."""
    with _opened(path.session_id) as (here, start):
        if query.raw:
            return _download(here, path.path)
        folder = _is_folder(here, path.path)
        return folder_view(here, folder, start) if folder else file_view(here, path.path, start)


def _is_folder(here: Workspace, path: str) -> str | None:
    try:
        here.entries(path, most=1)
    except ToolError:
        return None
    return str(PurePosixPath(path))


@contextmanager
def _opened(session_id: str) -> Iterator[tuple[Workspace, starts.Start | None]]:
    """The workspace, and how it began. Raises: RequestRefusedError."""
    settings = api_context().bridge.settings
    folder = _folder(session_id)
    if folder is None:
        raise RequestRefusedError(
            404, f"session {session_id!r} has no workspace; one is made when a tool needs it"
        )
    try:
        with Workspace(folder) as here:
            yield here, starts.kept(starts.folder_of(session_id, settings))
    except ToolError as error:
        raise RequestRefusedError(404, str(error)) from None


def _folder(session_id: str) -> Path | None:
    """The session's workspace; None where it has none yet: nothing is made by looking.

    Raises: RequestRefusedError.
    """
    context = api_context()
    seen(context, session_id)
    settings, store = context.bridge.settings, context.bridge.store
    row = agents_config.get_agent_config(session_id, store=store) or {}
    asked = orjson.loads(row.get("config") or "{}").get("workspace")
    if not isinstance(asked, str) or not asked:
        asked = None
        if not (workspaces.root_of(settings) / workspaces.folder_name(session_id)).is_dir():
            return None
    try:
        return workspaces.open_for(session_id, asked, settings)
    except ToolError as error:
        raise RequestRefusedError(404, str(error)) from None


def _download(here: Workspace, path: str) -> Response:
    size_bytes, content = here.head(path, _DOWNLOAD_BYTES)
    if size_bytes > len(content):
        raise RequestRefusedError(
            413,
            f"{path!r} has {size_bytes:,} bytes; {_DOWNLOAD_BYTES:,} are sent at the most. "
            f"Take it from the workspace itself, {here.folder}",
        )
    stem, ending = PurePosixPath(path).stem, PurePosixPath(path).suffix[1:]
    ending = ending if ending.isascii() and ending.isalnum() else "bin"
    answer = Response(content, content_type=media_type(path))
    # Keys are taken out of texts; what is none is sent as it is.
    answer.direct_passthrough = text_of(content) is None
    answer.headers["Content-Disposition"] = disposition("file", stem, ending)
    answer.headers["Content-Security-Policy"] = _INERT
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer

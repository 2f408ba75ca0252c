"""The web: a page got as text, and a search. What comes of them is material from outside."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from reins.settings import Settings, current_settings
from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError
from reins.tools.policy import Risk
from reins.tools.web.charsets import is_text, text_of
from reins.tools.web.engines import Found, ask
from reins.tools.web.fetching import Fetcher
from reins.tools.web.local_index import look
from reins.tools.web.markdown import write
from reins.tools.web.marking import fetched, from_outside
from reins.tools.web.outside import Outside, target_of
from reins.tools.web.page import Page, Request
from reins.tools.web.statuses import status_words

_ACCEPT = {"Accept": "text/html, text/markdown, text/plain, application/json, */*;q=0.5"}
_KIND_CHARACTERS = 100
_CARRIES_MUCH = 500
"""Characters of an address beyond its host from which on it may take out what was read."""
Shape = Literal["markdown", "text", "source"]


def _shown(arguments: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    url = str(arguments.get("url", ""))
    try:
        target = target_of(url)
    except ToolError as error:
        return {"kind": "url", "url": url, "host": "", "wrong": str(error)}
    method = arguments.get("method", "GET")
    return {"kind": "url", "method": method, "url": str(target.url), "host": target.host}


def _riskier(arguments: Mapping[str, Any], _context: Context) -> Iterator[tuple[Risk, str]]:
    try:
        url = target_of(str(arguments.get("url", ""))).url
    except ToolError:
        return  # it is not asked
    carried = len(url.raw_path_qs)
    if carried > _CARRIES_MUCH:
        yield Risk.high, f"the address carries {carried:,} characters to {url.host}"


@tool(
    risk="medium",
    why="it asks a host outside",
    riskier=_riskier,
    preview=_shown,
    idempotent=True,
    outward=True,
    brings_in=True,
    timeout_s=30.0,
    attempts=2,
    breaker_failures=None,  # one host that is down says nothing of the others
)
async def http_get(
    context: Context,
    url: Annotated[str, Field(min_length=1, max_length=4_000, description="http:// or https://")],
    method: Literal["GET", "HEAD"] = "GET",
    shape: Annotated[
        Shape, Field(description="of a page: Markdown with links, text alone, or its HTML")
    ] = "markdown",
) -> str:
    """Get a page or a file of the public web as text. Nothing is sent but the address."""
    page = await fetched(
        _fetcher(current_settings()), Request(url, method, _ACCEPT, elsewhere=False)
    )
    said = await context.in_thread(_said, page=page, method=method, shape=shape)
    came = "" if page.url == url else f" (asked for {url})"
    size = "" if method == "HEAD" else f", {len(page.body):,} bytes{' and more' * page.cut}"
    kind = page.content_type[:_KIND_CHARACTERS] or "no type"
    # A server chooses its address and its type too.
    head = f"{status_words(page.status)} from {page.url}{came}: {kind}{size}"
    return from_outside(f"{head}\n{said}" if said else head)


@tool(
    risk="medium",
    why="the question goes to a search engine",
    idempotent=True,
    outward=True,
    brings_in=True,
    timeout_s=30.0,
)
async def web_search(
    context: Context,
    query: Annotated[str, Field(min_length=1, max_length=400)],
    most: Annotated[int, Field(ge=1, le=20, description="results at the most")] = 5,
) -> str:
    """Search the web; of each result its title, its address and a few of its words."""
    settings = current_settings()
    if settings.search_engine == "none":
        raise ToolError("no search engine is set up; a person has to set REINS_SEARCH_ENGINE")
    if settings.search_engine == "local":
        index, base = settings.search_index, settings.search_url
        found = await context.in_thread(look, query=query, most=most, index=index, base=base)
    else:
        found = await ask(query, most, settings, _fetcher(settings))
    if not found:
        return f"nothing was found for {query!r}"
    return from_outside("\n".join(_told(n, each) for n, each in enumerate(found, 1)))


def _fetcher(settings: Settings) -> Fetcher:
    return Fetcher(Outside(tuple(settings.http_hosts), frozenset(settings.http_inner_hosts)))


def _told(number: int, found: Found) -> str:
    return f"{number}. {found.title}\n   {found.address}\n   {found.snippet}".rstrip()


def _said(page: Page, method: str, shape: Shape) -> str:
    """The content as text; of what is none, a word. Blocks."""
    if method == "HEAD" or not page.body:
        return ""
    if not is_text(page.content_type, page.body):
        return "[binary: not shown]"
    text = text_of(page.body, page.charset)
    title, cut = "", page.cut
    if shape != "source" and _is_html(page.content_type, text):
        written = write(text, page.url, plain=shape == "text")
        title, text, cut = written.title, written.text, cut or written.cut
    if cut:
        text += "\n[cut here: there is more than is read]"
    return f"Title: {title}\n\n{text}" if title else text


def _is_html(content_type: str, text: str) -> bool:
    if content_type in ("text/html", "application/xhtml+xml"):
        return True
    begins = text[:1_000].lstrip().lower()
    return content_type in ("", "application/octet-stream") and begins.startswith(
        ("<!doctype html", "<html")
    )

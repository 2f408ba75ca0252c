"""Search engines: one question in, titles with addresses and a few words out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import Any
from urllib.parse import urlencode

import orjson

from reins.settings import Settings
from reins.tools.outcome import ToolError
from reins.tools.web.charsets import without_unseen
from reins.tools.web.fetching import Fetcher
from reins.tools.web.marking import fetched
from reins.tools.web.outside import Outside, target_of
from reins.tools.web.page import Page, Request
from reins.tools.web.statuses import status_words

_BRAVE = "https://api.search.brave.com/res/v1/web/search"
_TAVILY = "https://api.tavily.com/search"
_TITLE_CHARACTERS = 200
_SNIPPET_CHARACTERS = 500
_ADDRESS_CHARACTERS = 2_000
_OK = 200
_REFUSED = (401, 402, 403)
_TAG = re.compile(r"</?[a-z][^<>]{0,100}>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A page that was found."""

    title: str
    address: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine is asked, and where the pages stand in its answer."""

    request: Callable[[str, int, Settings], Request]
    results: tuple[str, ...]
    snippet: str
    refused: str


async def ask(query: str, most: int, settings: Settings, fetcher: Fetcher) -> list[Found]:
    """Ask the engine that the settings name. Raises: ToolError."""
    engine = ENGINES[settings.search_engine]
    request = engine.request(query, most, settings)
    target = target_of(request.url)
    # A person named this place; it alone is asked, and it leads nowhere else with the key.
    there = Outside(hosts=(target.host,), inner=frozenset({target.place}))
    page = await fetched(replace(fetcher, outside=there), request)
    if page.status in _REFUSED:
        raise ToolError(f"{target.host} answered {page.status}: {engine.refused}")
    if page.status != _OK:
        raise ToolError(f"{target.host} answered {status_words(page.status)}")
    return [
        found
        for each in _results(page, engine, target.host)
        if isinstance(each, Mapping) and (found := _found(each, engine.snippet)) is not None
    ][:most]


def _results(page: Page, engine: Engine, host: str) -> list[Any]:
    try:
        answer = orjson.loads(page.body)
    except orjson.JSONDecodeError:
        raise ToolError(
            f"{host} gave no JSON; is REINS_SEARCH_URL the address of the engine that "
            "REINS_SEARCH_ENGINE names?"
        ) from None
    for name in engine.results:
        answer = answer.get(name) if isinstance(answer, Mapping) else None
    return answer if isinstance(answer, list) else []


def _found(result: Mapping[str, Any], snippet: str) -> Found | None:
    address = str(result.get("url") or "")
    if not address.startswith(("http://", "https://")) or len(address) > _ADDRESS_CHARACTERS:
        return None
    return Found(
        line(result.get("title"), _TITLE_CHARACTERS) or address,
        line(address, _ADDRESS_CHARACTERS).replace(" ", "%20"),
        line(result.get(snippet), _SNIPPET_CHARACTERS),
    )


def line(given: object, most: int) -> str:
    """A text in one line, without tags, and no longer than that."""
    plain = without_unseen(unescape(_TAG.sub("", str(given or "")[: most * 8])))
    text = " ".join(plain.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _searxng(query: str, _most: int, settings: Settings) -> Request:
    if settings.search_url is None:
        raise ToolError("SearXNG has no address of its own; a person has to set REINS_SEARCH_URL")
    url = f"{settings.search_url.rstrip('/').removesuffix('/search')}/search"
    headers = {"Accept": "application/json"}
    if settings.search_key:
        headers["Authorization"] = f"Bearer {settings.search_key}"
    return Request(f"{url}?{urlencode({'q': query, 'format': 'json'})}", "GET", headers, None, 0)


def _brave(query: str, most: int, settings: Settings) -> Request:
    headers = {"Accept": "application/json", "X-Subscription-Token": _key(settings)}
    words = urlencode({"q": query, "count": most})
    return Request(f"{settings.search_url or _BRAVE}?{words}", "GET", headers, None, 0)


def _tavily(query: str, most: int, settings: Settings) -> Request:
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {_key(settings)}",
    }
    body = orjson.dumps({"query": query, "max_results": most})
    return Request(settings.search_url or _TAVILY, "POST", headers, body, 0)


def _key(settings: Settings) -> str:
    if not settings.search_key:
        raise ToolError(
            f"{settings.search_engine} needs a key; a person has to set REINS_SEARCH_KEY"
        )
    return settings.search_key


_KEY = "check REINS_SEARCH_KEY"
ENGINES = {
    "searxng": Engine(
        _searxng, ("results",), "content", "its settings must have json among search.formats"
    ),
    "brave": Engine(_brave, ("web", "results"), "description", _KEY),
    "tavily": Engine(_tavily, ("results",), "content", _KEY),
}

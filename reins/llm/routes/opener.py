"""Opening routes: from what was asked for to lines that calls go over."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from reins.llm.baml.prompts import CLIENTS_FILE, read_prompts, text_functions
from reins.llm.baml.runtime import Compiled
from reins.llm.embeddings.embedder import Embedder
from reins.llm.embeddings.http import HttpEmbedder
from reins.llm.embeddings.wordllama import WordEmbedder
from reins.llm.errors import ModelConfigError
from reins.llm.limits.admission import Gate
from reins.llm.limits.breaker import Breaker
from reins.llm.offline import OfflineModel
from reins.llm.redact import Redactor
from reins.llm.routes.metrics import Meter
from reins.llm.routes.models_file import WORDS, RouteTable, read_table, table_of
from reins.llm.routes.open_route import Line
from reins.llm.routes.providers import Plan, own_spec, plan, plan_offline
from reins.llm.routes.route_set import Table
from reins.llm.settings import OFFLINE, WORDLLAMA, ModelSettings, Route, RouteSpec

Refuse = Callable[[Collection[str]], str | None]
"""Why routes of these names, and no others, cannot be taken; None: they can."""


class Opener:
    """Makes tables; what a new one shares with the one before stays open and as it is."""

    def __init__(self, prompts: Path) -> None:
        self._prompts = prompts
        self.offline = OfflineModel()
        self._words: WordEmbedder | None = None
        self._embedders: list[Embedder] = []
        self._sources: Mapping[str, str] = {}

    async def table(
        self, settings: ModelSettings, old: Table | None, refuse: Refuse | None = None
    ) -> Table:
        """Open every route that is named somewhere; `refuse` has the last word.

        Raises: ModelConfigError; nothing of the old table has changed then.
        """
        asked = await asyncio.to_thread(asked_for, settings)
        files = await asyncio.to_thread(read_prompts, self._prompts)
        opened = {
            name: await self._open(asked.routes[name], settings, files, old)
            for name in _named(asked, old)
        }
        if refuse is not None and (why := refuse(asked.routes.keys())) is not None:
            raise ModelConfigError(why)
        # From here on nothing fails: limits of the old lines' gates are changed.
        before = {} if old is None else old.lines
        lines = {
            name: _line(asked.routes[name], *made, before.get(name))
            for name, made in opened.items()
        }
        embeddings = self._embedding_line(asked, lines, old)
        self._sources = files
        return Table(
            asked=asked,
            lines=lines,
            chains=_chains(asked, lines),
            embeddings=embeddings,
            functions=text_functions(files),
            prompts=self._prompts,
            redactor=_redactor(lines),
            record_prompts=settings.record_prompts,
        )

    async def with_offline(self, settings: ModelSettings, old: Table) -> Table:
        """The same table, and the demonstration in it."""
        spec = old.asked.routes[OFFLINE]
        made, compiled = await self._open(spec, settings, self._sources, None)
        lines = {**old.lines, OFFLINE: _line(spec, made, compiled, None)}
        chains = _chains(old.asked, lines)
        return replace(old, lines=lines, chains=chains, redactor=_redactor(lines))

    async def stop(self) -> None:
        """Close what tables hold open; once more does nothing."""
        embedders, self._embedders, self._words = self._embedders, [], None
        for each in embedders:
            await each.stop()
        await self.offline.stop()

    async def _open(
        self,
        spec: RouteSpec,
        settings: ModelSettings,
        files: Mapping[str, str],
        old: Table | None,
    ) -> tuple[Plan, Compiled | None]:
        if spec.provider == WORDLLAMA:
            return words_plan(), None
        made = await self.plan(spec, settings.environ)
        before = None if old is None else old.lines.get(spec.name)
        # The same again keeps its connections.
        if before and before.plan == made and before.compiled and files == self._sources:
            return made, before.compiled
        sources = {**files, CLIENTS_FILE: made.source}
        return made, await asyncio.to_thread(Compiled, sources, made.values)

    async def plan(self, spec: RouteSpec, environ: Mapping[str, str]) -> Plan:
        """The plan of a route; for the demonstration its server is started.

        It is left open by a later change of route, for the calls still in flight; `stop` closes it.
        """
        if spec.provider != OFFLINE:
            return plan(spec, environ)
        await self.offline.start()
        return plan_offline(spec, address=self.offline.address, token=self.offline.token)

    def _embedding_line(self, asked: RouteTable, lines: dict[str, Line], old: Table | None) -> Line:
        """The line of embeddings; every line that makes some gets its embedder."""
        before = old.embeddings if old else None
        for name, line in lines.items():
            if line.spec.provider == WORDLLAMA:
                lines[name] = replace(line, embedder=self._word_embedder())
            elif name == asked.embeddings:
                lines[name] = replace(line, embedder=self._http_embedder(line, before))
        if asked.embeddings is not None:
            return lines[asked.embeddings]
        same = before if before and before.spec.name == WORDS else None
        spec = RouteSpec(WORDS, WORDLLAMA, WordEmbedder.MODEL)
        line = _line(spec, words_plan(), None, same)
        return replace(line, embedder=self._word_embedder())

    def _word_embedder(self) -> Embedder:
        if self._words is None:
            self._words = WordEmbedder()
            self._embedders.append(self._words)
        return self._words

    def _http_embedder(self, line: Line, before: Line | None) -> Embedder:
        if before and before.embedder and before.plan == line.plan:
            return before.embedder
        # The one before stays open for the calls in flight, until `stop`.
        address = line.plan.values["REINS_ROUTE_ADDRESS"]
        made = HttpEmbedder(
            line.route, address=address, key=line.plan.key, timeout_s=line.spec.longest_attempt_s
        )
        self._embedders.append(made)
        return made


def asked_for(settings: ModelSettings) -> RouteTable:
    """The routes that the settings and their file name.

    Raises: ModelConfigError.
    """
    own = own_spec(settings)
    if settings.models_file is None:
        return table_of(own)
    return read_table(settings.models_file, settings.environ, own)


def _named(asked: RouteTable, old: Table | None) -> list[str]:
    """The routes to open: all but the demonstration, where nobody has named it so far."""
    used = asked.answering | (old.lines.keys() if old else set())
    return [n for n, spec in asked.routes.items() if n != OFFLINE or spec.file or n in used]


def _chains(asked: RouteTable, lines: Mapping[str, Line]) -> dict[str, tuple[Line, ...]]:
    return {
        name: tuple(lines[each] for each in asked.chain(name))
        for name, line in lines.items()
        if line.compiled is not None
    }


def _line(spec: RouteSpec, made: Plan, compiled: Compiled | None, before: Line | None) -> Line:
    """A line; gate and breaker are the old ones' where it leads to the same place."""
    if before is not None and _place(before.plan) == _place(made):
        gate, breaker = before.gate, before.breaker
        gate.limit(spec.concurrency, spec.requests_per_minute, spec.tokens_per_minute)
        breaker.limit(spec.breaker_failures, spec.breaker_rest_s)
    else:
        gate = Gate(spec.concurrency, spec.requests_per_minute, spec.tokens_per_minute)
        breaker = Breaker(spec.breaker_failures, spec.breaker_rest_s)
    meter = Meter() if before is None else before.meter
    return Line(spec, made, compiled, gate, breaker, meter)


def _place(made: Plan) -> tuple[Route, str | None]:
    return made.route, made.key


def words_plan() -> Plan:
    return Plan(Route(WORDLLAMA, WordEmbedder.MODEL, "in this process"), "", {})


def _redactor(lines: Mapping[str, Line]) -> Redactor:
    return Redactor(line.plan.key for line in lines.values() if line.plan.key)

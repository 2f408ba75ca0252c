"""Embeddings without a provider: wordllama, in a thread of this process."""

import asyncio
import functools
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reins.llm.embeddings.embedder import Embedded, count
from reins.llm.errors import ModelConfigError
from reins.llm.wire.response import Exchange

_CHUNK_BYTES = 16 * 1024
"""Texts that wordllama takes at once: padded to the longest, they hold the GIL for 2 ms or so."""


class WordEmbedder:
    """Embeds each text as 256 numbers of length 1, by the weights that come with wordllama.

    Loaded at the first use, in a thread of its own, which also does the work, one batch after the
    other. It needs no network. `stop` ends the thread.
    """

    MODEL = "l2_supercat_256"

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embeddings")
        self._model: Any = None

    async def embed(self, texts: Sequence[str], exchange: Exchange | None = None) -> Embedded:
        """Raises: ModelConfigError where wordllama is not installed."""
        loop = asyncio.get_running_loop()
        embedded = await loop.run_in_executor(self._thread, self._embed, list(texts))
        count(exchange or Exchange(), embedded)
        return embedded

    async def stop(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _embed(self, texts: list[str]) -> Embedded:
        if self._model is None:
            self._model = _load_wordllama()
        vectors: list[list[float]] = []
        tokens = 0
        for chunk in _chunks(texts):
            tokens += sum(sum(each.attention_mask) for each in self._model.tokenize(chunk))
            vectors += map(_of_length_1, self._model.embed(chunk, batch_size=len(chunk)).tolist())
        return Embedded(vectors, tokens)


@functools.cache
def _load_wordllama() -> Any:
    """Once in a process: what it has loaded is only read."""
    # Without these lines its import would log to standard error, and its tokenizer keep threads.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    root, quiet = logging.getLogger(), logging.NullHandler()
    root.addHandler(quiet)
    try:
        import wordllama  # noqa: PLC0415 - an extra, and it takes a second
    except ImportError:
        raise ModelConfigError(
            "The built-in embeddings need the package wordllama, which is not installed. Install "
            "Reins with its extra `embeddings`, or name another route under [embeddings] in "
            "models.toml."
        ) from None
    finally:
        root.removeHandler(quiet)
    # Its loader looks for the tokenizer beside the folder where the package has it, and would
    # fetch it; the folder given here is right for both files.
    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, dim=256, disable_download=True)


def _chunks(texts: list[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    longest = 0
    for text in texts:
        longest = max(longest, len(text.encode()))
        if chunk and (len(chunk) + 1) * longest > _CHUNK_BYTES:
            yield chunk
            chunk, longest = [], len(text.encode())
        chunk.append(text)
    yield chunk


def _of_length_1(vector: list[float]) -> list[float]:
    length = sum(x * x for x in vector) ** 0.5
    return [x / length for x in vector] if length else vector

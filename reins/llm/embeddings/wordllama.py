"""Embeddings without a provider: wordllama, in a thread of this process."""

import asyncio
import functools
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reins.llm.embeddings.embedder import Embedded, count
from reins.llm.errors import ModelConfigError
from reins.llm.wire.response import Exchange


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
        # Without places in the text and without padding: that takes a third of the time.
        encoded = self._model.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        numbers = [each.ids for each in encoded]
        return Embedded(_means(self._model.embedding, numbers), sum(map(len, numbers)))


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
    model = wordllama.WordLlama.load(cache_dir=folder, dim=256, disable_download=True)
    model.tokenizer.no_padding()
    return model


def _means(weights: Any, numbers: Sequence[Sequence[int]]) -> list[list[float]]:
    """Of each text the mean of its tokens' weights, made as long as 1; zeros where it has none.

    Text by text, so that what is added stays in the processor's cache.
    """
    import numpy as np  # noqa: PLC0415 - wordllama brings it

    means = np.empty((len(numbers), weights.shape[1]), np.float32)
    for mean, own in zip(means, numbers, strict=True):
        tokens = np.asarray(own, np.intp)
        np.add.reduce(weights.take(tokens, axis=0, mode="clip"), axis=0, out=mean)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    means /= np.where(lengths == 0, 1, lengths)
    vectors: list[list[float]] = means.tolist()
    return vectors

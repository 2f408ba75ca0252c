"""AgentDojo's worlds as tools of sessions: each session is in a world of its own."""

import json
import subprocess
import threading
from pathlib import Path

from reins.tools.outcome import ToolError
from tests.independent.kinds import arguments_of, policy_of
from tests.independent.schema_tool import SchemaTool

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv-agentdojo"
SERVER = Path(__file__).with_name("dojo_server.py")


class Dojo:
    """The process of the worlds. Each question waits for its answer, one after another."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [HOME / "bin" / "python", SERVER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lock = threading.Lock()
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def ask(self, do, world=None, **given):
        with self._lock:
            line = json.dumps({"do": do, "world": world, "given": given})
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def tools(self):
        """Each function of each suite as a tool; its policy is by a rule that knows no suite."""
        return [
            WorldTool(self, suite, spec)
            for suite, specs in self.ask("tools").items()
            for spec in specs
        ]


class WorldTool(SchemaTool):
    """A function of the world of the session that calls it."""

    def __init__(self, dojo, suite, spec):
        schema = spec["parameters"]
        policy = policy_of(spec["name"], arguments_of(schema))
        super().__init__(f"{suite}__{spec['name']}", spec["description"], schema, policy, suite)
        self._dojo, self._function = dojo, spec["name"]

    async def run(self, given, context):
        said = await context.in_thread(
            self._dojo.ask,
            "call",
            context.session_id,
            function=self._function,
            args=given.model_dump(mode="json"),
        )
        if "error" in said:
            raise ToolError(said["error"])
        return said["text"]

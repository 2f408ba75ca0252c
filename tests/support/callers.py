"""Callers whose books are open, and entries of a models file that lead to servers of ours."""

from reins.llm import CallRecord, Delta
from tests.support.model_stub import ModelStub

KEY = "sk-very-secret"


def route(name: str, server: ModelStub, **given: object) -> str:
    """An entry of the file, for a server of ours."""
    values = {"attempts": 1, "deadline_s": 5.0, **given}
    lines = "".join(f"{key} = {value!r}\n" for key, value in values.items())
    return (
        f'[routes.{name}]\nprovider = "compatible"\nmodel = "{name}-model"\n'
        f'base_url = "{server.address}/v1"\nkey_env = "KEY"\n{lines}\n'
    )


class Account:
    """A caller that keeps its books in the open."""

    def __init__(self, session_id="s", agent_type="joke", route=None) -> None:
        self.session_id, self.agent_type, self.route = session_id, agent_type, route
        self.reserved: dict[int, tuple[int, float]] = {}
        self.settled: list[tuple[int, int, float]] = []
        self.records: list[CallRecord] = []
        self.deltas: list[Delta] = []
        self.refuses: Exception | None = None
        self._number = 0
        self.in_line = 0

    def reserve(self, tokens: int, cost_usd: float) -> object:
        if self.refuses is not None:
            raise self.refuses
        self._number += 1
        self.reserved[self._number] = (tokens, cost_usd)
        return self._number

    def settle(self, reserved, tokens_in, tokens_out, cost_usd) -> None:
        del self.reserved[reserved]  # once, and only what was reserved
        self.settled.append((tokens_in, tokens_out, cost_usd))

    def waits(self) -> None:
        self.in_line += 1

    def goes_on(self) -> None:
        self.in_line -= 1

    def note_answer(self, *, demonstration: bool) -> None:
        """What is recorded says it."""

    def record(self, call: CallRecord) -> None:
        self.records.append(call)

    def streamed(self, delta: Delta) -> None:
        self.deltas.append(delta)

"""The only module that holds BAML's runtime. It is semi-private: tests keep its contract.

The generated client is not used for calls: it copies the whole environment for each of them
and binds one global runtime. A runtime of one's own is swapped as a whole at a reload, while calls
in flight keep theirs.
"""

import atexit
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from llm.errors import ModelConfigError

# BAML reads these when it is imported: its log would print full prompts to stdout, and its
# messages would carry Rust stack traces.
os.environ["BAML_LOG"] = "off"
os.environ["BAML_INTERNAL_LOG"] = "off"
os.environ["RUST_LIB_BACKTRACE"] = "0"
# With HTTP_PROXY set, calls to loopback, and the offline model's token, would go to the proxy.
_DIRECT = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
os.environ["NO_PROXY"] = os.environ["no_proxy"] = f"{_DIRECT},127.0.0.1,localhost,::1".lstrip(",")

from baml_py import BamlRuntime, Collector  # noqa: E402 - after the lines above
from baml_py.errors import (  # noqa: E402
    BamlClientFinishReasonError,
    BamlClientHttpError,
    BamlError,
    BamlInvalidArgumentError,
    BamlTimeoutError,
)

# Other modules take BAML's errors from here, so that nothing imports baml_py before those lines.
__all__ = [
    "Answer",
    "BamlClientFinishReasonError",
    "BamlClientHttpError",
    "BamlError",
    "BamlTimeoutError",
    "Compiled",
]

# A worker thread of BAML still gives the GIL back just after its last answer has reached us. An
# interpreter that finalises in that moment aborts (measured: up to two exits in five).
EXIT_GRACE_S = 0.02

_NO_TYPES = ModuleType("no_types")  # a string needs none, but the call insists on a module


@dataclass(slots=True)
class Answer:
    """What came back over the wire for one attempt, filled in also when it failed."""

    text: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    status: int | None = None
    retry_after: str | None = None


class Compiled:
    """Prompts and one route, compiled together. Immutable; a reload makes another."""

    def __init__(self, files: Mapping[str, str], values: Mapping[str, str]) -> None:
        """Compile.

        Raises: ModelConfigError with the compiler's message.
        """
        self._values = dict(values)
        try:
            self._runtime = BamlRuntime.from_files("baml_src", _rooted(files), self._values)
        except BamlError as error:
            raise ModelConfigError(
                f"The prompts do not compile. Mend them and reload.\n{str(error).strip()}"
            ) from None
        atexit.unregister(_let_workers_rest)
        atexit.register(_let_workers_rest)

    async def call(self, function: str, arguments: Mapping[str, object], answer: Answer) -> None:
        """Call once, into `answer`.

        Raises: BamlError of some kind; ModelConfigError when the arguments do not fit.
        """
        collector = Collector()  # a fresh one each time: a shared one keeps every call it saw
        try:
            result = await self._runtime.call_function(  # type: ignore[call-arg]
                function,
                dict(arguments),
                self._runtime.create_context_manager(),
                None,
                None,
                [collector],
                self._values,
                None,  # tags, then abort controller and watchers: required, whatever the stub says
                None,
                None,
            )
            answer.text = result.cast_to(
                _NO_TYPES, _NO_TYPES, _NO_TYPES, allow_partials=False, runtime=self._runtime
            )
        except BamlInvalidArgumentError:
            # Its message quotes the arguments.
            raise ModelConfigError(
                f"{function} does not take these arguments: {', '.join(arguments) or 'none'}, or "
                f"not of these types. Compare with its declaration in baml_src."
            ) from None
        finally:
            _collect(collector, answer)

    def render(self, function: str, arguments: Mapping[str, object]) -> str:
        """The prompt that a call would send, without sending it: for tests and a debug view."""
        request = self._runtime.build_request_sync(
            function,
            dict(arguments),
            self._runtime.create_context_manager(),
            None,
            None,
            self._values,
            False,  # noqa: FBT003 - a stream; taken by position only
        )
        content = request.body.json()["messages"][-1]["content"]
        return content if isinstance(content, str) else content[0]["text"]


def _collect(collector: Collector, answer: Answer) -> None:
    answer.tokens_in = collector.usage.input_tokens or 0
    answer.tokens_out = collector.usage.output_tokens or 0
    calls = collector.last.calls if collector.last else []
    response = calls[-1].http_response if calls else None
    # Where no connection came about, or it broke, BAML makes up a response: 500 or 0, no headers.
    if response is not None and (response.headers or response.status not in {0, 500}):
        answer.status = response.status
        answer.retry_after = response.headers.get("retry-after")


def _rooted(files: Mapping[str, str]) -> dict[str, str]:
    return {f"baml_src/{name}": source for name, source in files.items()}


def _let_workers_rest() -> None:
    time.sleep(EXIT_GRACE_S)

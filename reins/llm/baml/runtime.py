"""BAML's runtime, held by this module alone. It is semi-private: tests keep its contract.

BAML compiles the prompts, renders them as each provider's request, and parses structured answers.
It sends nothing: that is done in `reins.llm.wire`. A runtime of one's own is swapped as a whole at
a reload, while calls in flight keep theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import orjson
from baml_py import BamlRuntime, ClientRegistry

from reins.llm.baml.clients import rendering_client, streaming_client
from reins.llm.baml.errors import BamlError, BamlInvalidArgumentError
from reins.llm.errors import ModelConfigError

NOT_SENT = frozenset({"baml-original-url", "content-length", "host"})
"""Headers that BAML adds for itself, an address with its password among them."""

_NO_PARTIALS = False
_NO_TYPES = ModuleType("no_types")  # without them BAML gives classes as dicts, enums as strings


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is sent. Its repr holds no secret."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def asking_for(self, response_format: Mapping[str, Any] | None) -> "Request":
        """The same with a `response_format`, which differs from call to call: no client has it."""
        if response_format is None:
            return self
        body = orjson.loads(self.body) | {"response_format": response_format}
        return replace(self, body=orjson.dumps(body))


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
                f"The prompts do not compile. Correct them and reload.\n{str(error).strip()}"
            ) from None
        self._rendering = rendering_client()
        self._streaming = streaming_client(files)

    def request(
        self, function: str, arguments: Mapping[str, object], *, streamed: bool = False
    ) -> Request:
        """The request of a call, in its provider's dialect.

        Raises: ModelConfigError when there is no such function or its arguments do not fit.
        """
        client = self._streaming if streamed else None
        made = self._request(function, arguments, client, streamed=streamed)
        headers = {n: value for n, value in made.headers.items() if n.lower() not in NOT_SENT}
        return Request(made.url, headers, made.body.text().encode())

    def messages(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, str]]:
        """The prompt that a call would send, by role and content, without sending it.

        Raises: ModelConfigError when there is no such function or its arguments do not fit.
        """
        request = self._request(function, arguments, self._rendering)
        return [
            {"role": message["role"], "content": _content(message["content"])}
            for message in request.body.json()["messages"]
        ]

    def _request(
        self,
        function: str,
        arguments: Mapping[str, object],
        client: ClientRegistry | None = None,
        *,
        streamed: bool = False,
    ) -> Any:
        try:
            return self._runtime.build_request_sync(
                function,
                dict(arguments),
                self._runtime.create_context_manager(),
                None,
                client,
                self._values,
                streamed,
            )
        except BamlInvalidArgumentError:
            raise _wrong_arguments(function, arguments) from None
        except BamlError:
            raise ModelConfigError(
                f"There is no function {function!r} among the prompts. Add it there and reload."
            ) from None

    def render(self, function: str, arguments: Mapping[str, object]) -> str:
        """The last message of a prompt: for tests and a debug view.

        Raises: as `messages`.
        """
        return self.messages(function, arguments)[-1]["content"]

    def parse(self, function: str, text: str) -> Any:
        """Parse a text by the function's declared type, into JSON's types.

        Only after `parse_guard` has let the text pass: this can block the process for hours.

        Raises: BamlError when the text does not fit; its message quotes the text.
        """
        return self._runtime.parse_llm_response(
            function,
            text,
            _NO_TYPES,
            _NO_TYPES,
            _NO_TYPES,
            _NO_PARTIALS,
            self._runtime.create_context_manager(),
            None,
            None,
            self._values,
        )


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def _wrong_arguments(function: str, arguments: Mapping[str, object]) -> ModelConfigError:
    # BAML's message quotes the arguments.
    return ModelConfigError(
        f"{function} does not take these arguments: {', '.join(arguments) or 'none'}, or "
        f"not of these types. Compare with its declaration in baml_src."
    )


def _rooted(files: Mapping[str, str]) -> dict[str, str]:
    return {f"baml_src/{name}": source for name, source in files.items()}

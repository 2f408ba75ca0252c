"""From what BAML raises to one ModelError. Its messages quote prompts, so none is passed on."""

from llm.baml_runtime import (
    Answer,
    BamlClientFinishReasonError,
    BamlClientHttpError,
    BamlError,
    BamlTimeoutError,
)
from llm.errors import Kind, ModelError
from llm.patience import asked_s
from llm.settings import Route

ADVICE: dict[Kind, str] = {
    "rate_limited": "Wait, run fewer sessions, or raise the account's limit.",
    "overloaded": "It is overloaded; wait and try again.",
    "server": "The fault is on its side; wait and try again.",
    "unreachable": "Check that it runs, the address and the network.",
    "timeout": "It took too long; wait, or choose a quicker model or a longer deadline.",
    "auth": "Check the key, its rights and the account's credit.",
    "bad_request": "Check the model's name and whether it suits the prompt.",
    "not_found": "Check the model's name and the address (it usually ends in /v1).",
    "garbage": "That is no answer of a model; check that the address is a model's.",
    "refused": "Its safety filter stopped the answer; change the subject.",
    "truncated": "The answer was cut off at its limit of tokens; ask for less.",
    "too_long": "Ask for less text.",
    "empty": "It gave no text; try again, or another model.",
}
RETRYABLE: frozenset[Kind] = frozenset(
    {"rate_limited", "overloaded", "server", "unreachable", "timeout", "garbage", "empty"}
)
BY_STATUS: dict[int, Kind] = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "overloaded",
    425: "overloaded",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
CUT_OFF = {"length", "max_tokens"}


def failure(
    kind: Kind, route: Route, what: str, *, retryable: bool | None = None, after: str | None = None
) -> ModelError:
    """A ModelError with the route, what happened, and what to do."""
    return ModelError(
        f"{route}: {what}. {ADVICE[kind]}",
        kind=kind,
        retryable=kind in RETRYABLE if retryable is None else retryable,
        retry_after_s=asked_s(after),
    )


def classify(error: BamlError, answer: Answer, route: Route) -> ModelError:
    """Say in our terms what BAML raised; `answer` tells what truly came over the wire."""
    match error:
        case BamlTimeoutError():
            return failure("timeout", route, "no complete answer in time", after=answer.retry_after)
        case BamlClientFinishReasonError(finish_reason=reason):
            cut = (reason or "").lower() in CUT_OFF
            return failure("truncated" if cut else "refused", route, "it gave no whole answer")
        case BamlClientHttpError(status_code=status):
            return classify_http(status, str(error), answer, route)
    return failure("garbage", route, f"BAML gave {type(error).__name__}", retryable=False)


def classify_http(status: int, said: str, answer: Answer, route: Route) -> ModelError:
    if answer.status is None:
        return failure("unreachable", route, "no answer, or the connection broke")
    if answer.status < 400:  # noqa: PLR2004 - not an error of HTTP, so the body is
        return failure("garbage", route, "the answer is not of the expected shape")
    what = f"it answered {status}"
    kind = BY_STATUS.get(status) or ("server" if status >= 500 else "bad_request")  # noqa: PLR2004
    # A spent budget comes as 429 too, and does not pass by waiting.
    if kind == "rate_limited" and "insufficient_quota" in said:
        return failure("auth", route, what + ", the quota is spent")
    return failure(kind, route, what, after=answer.retry_after)

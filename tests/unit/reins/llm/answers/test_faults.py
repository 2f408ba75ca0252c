"""Errors as servers write them into a success, and the kind that each is of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.answers.faults import Fault, fault_in
from reins.llm.wire.failures import kind_of_fault, verdict_fault

ERRORS = {
    "OpenAI: rate": ({"error": {"message": "Rate limit reached for m", "type": "requests",
                                "code": "rate_limit_exceeded"}}, "rate_limited"),
    "OpenAI: quota": ({"error": {"message": "You exceeded your current quota",
                                 "type": "insufficient_quota", "code": 429}}, "auth"),
    "OpenAI: server": ({"error": {"message": "The server had an error", "type": "server_error"}},
                       "server"),
    "OpenAI: key": ({"error": {"message": "Incorrect API key", "type": "invalid_request_error",
                               "code": "invalid_api_key"}}, "auth"),
    "OpenAI: model": ({"error": {"message": "The model does not exist", "code": "model_not_found",
                                 "type": "invalid_request_error"}}, "not_found"),
    "OpenRouter": ({"error": {"code": 502, "message": "Provider returned error",
                              "metadata": {"raw": "overloaded", "provider_name": "X"}}}, "server"),
    "OpenRouter: rate": ({"error": {"code": 429, "message": "Rate limit exceeded"},
                          "user_id": "u"}, "rate_limited"),
    "OpenRouter: credits": ({"error": {"code": 402, "message": "more credits"}}, "auth"),
    "OpenRouter: moderation": ({"error": {"code": 403, "message": "flagged", "metadata":
                                {"reasons": ["x"]}}}, "auth"),
    "OpenRouter: in a choice": ({"id": "x", "choices": [{"finish_reason": "error", "error":
                                 {"code": 429, "message": "x"}, "message": {"content": ""}}]},
                                "rate_limited"),
    "Anthropic": ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
                  "overloaded"),
    "Anthropic: rate": ({"type": "error", "error": {"type": "rate_limit_error", "message": "x"}},
                        "rate_limited"),
    "Anthropic: fault": ({"type": "error", "error": {"type": "api_error", "message": "Internal"}},
                         "server"),
    "Gemini": ({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}, "overloaded"),
    "Gemini: quota": ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota"}},
                      "rate_limited"),
    "Gemini: key": ({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message":
                               "API key not valid"}}, "bad_request"),
    "Azure: filter": ({"error": {"code": "content_filter", "status": 400, "message": "filtered",
                                 "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
                      "refused"),
    "Azure: rate": ({"error": {"code": "429", "message": "Requests have exceeded the rate limit"}},
                    "rate_limited"),
    "Azure: deployment": ({"error": {"code": "DeploymentNotFound", "message": "x"}}, "not_found"),
    "Ollama": ({"error": "model 'm' not found, try pulling it first"}, "not_found"),
    "Ollama: load": ({"error": "server busy, please try again. maximum pending requests exceeded"},
                     "overloaded"),
    "Ollama: crash": ({"error": "llama runner process has terminated: exit status 2"}, "server"),
    "vLLM": ({"object": "error", "message": "The model `m` does not exist.",
              "type": "NotFoundError", "param": None, "code": 404}, "not_found"),
    "vLLM: request": ({"error": {"message": "x", "type": "BadRequestError", "code": 400}},
                      "bad_request"),
    "vLLM: five digits": ({"object": "error", "message": "NETWORK ERROR DUE TO HIGH TRAFFIC",
                           "code": 50004}, "server"),
    "FastChat": ({"text": "**SERVER ERROR**", "error_code": 50001}, "server"),
    "llama.cpp": ({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
                  "overloaded"),
    "llama.cpp: fault": ({"error": {"code": 500, "message": "x", "type": "server_error"}},
                         "server"),
    "llama.cpp: key": ({"error": {"code": 401, "message": "Invalid API Key",
                                  "type": "authentication_error"}}, "auth"),
    "LM Studio": ({"error": "Unexpected endpoint or method. (POST /chat/completions)"},
                  "not_found"),
    "LM Studio: none": ({"error": {"message": "No models loaded. Please load a model",
                                   "type": "invalid_request_error"}}, "not_found"),
    "LM Studio: crash": ({"error": "The model has crashed without additional information."},
                         "server"),
    "TGI": ({"error": "Model is overloaded", "error_type": "overloaded"}, "overloaded"),
    "Hugging Face": ({"error": "Model m is currently loading", "estimated_time": 20.0},
                     "overloaded"),
    "FastAPI": ({"detail": "Not authenticated"}, "auth"),
    "FastAPI: fields": ({"detail": [{"loc": ["body"], "msg": "field required",
                                     "type": "value_error.missing"}]}, "server"),
    "LiteLLM": ({"error": {"message": "litellm.Timeout: x", "type": None, "code": "408"}},
                "timeout"),
    "a gateway": ({"message": "Too many requests", "status": 429}, "rate_limited"),
    "a gateway's words": ({"message": "Forbidden"}, "auth"),
    "Cloudflare": ({"result": None, "success": False, "errors": [{"code": 10000, "message":
                    "Authentication error"}]}, "auth"),
    "MiniMax": ({"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
                "rate_limited"),
    "MiniMax: balance": ({"base_resp": {"status_code": 1008, "status_msg":
                          "insufficient balance"}}, "auth"),
    "Baidu": ({"error_code": 18, "error_msg": "Open api qps request limit reached"},
              "rate_limited"),
    "DashScope": ({"code": "Throttling.RateQuota", "message": "x", "request_id": "r"},
                  "rate_limited"),
    "DashScope: filter": ({"code": "DataInspectionFailed", "message": "x"}, "refused"),
    "DeepSeek": ({"error": {"message": "Insufficient Balance", "type": "unknown_error"}}, "auth"),
    "Bedrock": ({"message": "x", "type": "ThrottlingException"}, "rate_limited"),
    "nothing said": ({"error": True}, "server"),
    "an error in a list": ({"error": [{"code": 503}]}, "overloaded"),
}  # fmt: skip
NONE = [
    {}, {"choices": []}, {"error": None}, {"error": {}}, {"error": ""}, {"error": 0},
    {"error": {"code": None, "message": ""}}, {"error": {"code": 0}, "choices": [{}]},
    {"choices": [{"message": {"content": "error 500", "error": None}}]},
    {"choices": [{"content_filter_result": {"error": {"code": "content_filter_error"}}}]},
    {"base_resp": {"status_code": 0, "status_msg": "success"}}, {"message": {"content": "hi"}},
    {"type": "message", "content": []}, {"message": "it runs", "status": "ok"},
    {"object": "chat.completion.chunk", "choices": []}, {"detail": None}, {"status": "completed"},
    {"content": "x", "type": "error_log"}, {"choices": "x"}, {"choices": [1, None]},
]  # fmt: skip


@pytest.mark.parametrize(("value", "kind"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_read_by_what_it_says(value: dict, kind: str) -> None:
    """By its name, its status or its words, whichever server wrote it; none of it is quoted."""
    fault = fault_in(value)
    assert fault is not None
    found, what = verdict_fault(fault)
    assert found == kind, fault
    assert what.startswith("its answer is an error")
    assert len(what) < 40


@pytest.mark.parametrize("value", NONE, ids=str)
def test_what_is_no_error(value: dict) -> None:
    """Empty errors, reports of filters and texts about errors are none."""
    assert fault_in(value) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["error", "errors", "code", "message", "choices", "detail", "type", "base_resp",
             "status_code", "delta", "success", "metadata"]
        ),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["error", "choices", "base_resp", "detail"]), JSON))
def test_any_value_is_read(value: dict) -> None:
    """Whatever stands there, reading it raises nothing."""
    fault = fault_in(value)
    if fault is not None:
        kind_of_fault(fault)


def test_a_long_error_is_bounded() -> None:
    """Of an error a few kilobytes are looked at."""
    fault = fault_in({"error": {"message": "x" * 1_000_000, "code": "y" * 1_000_000}})
    assert fault is not None
    assert len(fault.words) + len(fault.names) < 5_000
    nested: object = {"code": 503}
    for _ in range(500):
        nested = {"error": [nested]}
    assert isinstance(fault_in({"error": nested}), Fault)

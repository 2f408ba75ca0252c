"""The words by which servers call their errors, and the kind that each word means."""

import re

from reins.llm.errors import Kind

SEPARATORS = re.compile(r"[^a-z0-9]+")

BY_NAME: dict[str, Kind] = {
    # Without what separates words, in the order in which they count.
    "insufficientquota": "auth",
    "insufficientbalance": "auth",
    "paymentrequired": "auth",
    "billing": "auth",
    "creditbalance": "auth",
    "ratelimit": "rate_limited",
    "toomanyrequests": "rate_limited",
    "throttl": "rate_limited",
    "resourceexhausted": "rate_limited",
    "quotaexceeded": "rate_limited",
    "overloaded": "overloaded",
    "unavailable": "overloaded",
    "serverbusy": "overloaded",
    "timeout": "timeout",
    "timedout": "timeout",
    "deadlineexceeded": "timeout",
    "contentfilter": "refused",
    "contentpolicy": "refused",
    "contentmanagement": "refused",
    "moderation": "refused",
    "safety": "refused",
    "datainspection": "refused",
    "authentication": "auth",
    "unauthenticated": "auth",
    "unauthorized": "auth",
    "invalidapikey": "auth",
    "permission": "auth",
    "forbidden": "auth",
    "accessdenied": "auth",
    "notfound": "not_found",
    "nosuchmodel": "not_found",
}
BY_COMMON_NAME: dict[str, Kind] = {
    # Some give these to errors of any kind, so that status and words count before.
    "invalid": "bad_request",
    "badrequest": "bad_request",
    "validation": "bad_request",
    "unprocessable": "bad_request",
    "unsupported": "bad_request",
}
_WORDS: tuple[tuple[Kind, str], ...] = (
    ("auth", r"insufficient.{0,20}(?:balance|quota|credit|fund)|credit balance|out of credit"),
    ("auth", r"more credits|billing|payment required|exceeded your current quota"),
    ("rate_limited", r"rate.?limit|too many requests|throttl|quota|\bqps\b"),
    ("rate_limited", r"(?:requests|tokens) per (?:second|minute|hour|day)"),
    ("overloaded", r"overload|(?:at|over|no|insufficient) capacity|high (?:traffic|demand|load)"),
    ("overloaded", r"loading(?: the)? model|(?:currently|still|is|being) load(?:ing|ed)"),
    ("overloaded", r"unavailable|\bbusy\b|try again later"),
    ("timeout", r"timed? ?out|deadline exceeded"),
    ("refused", r"content.{0,12}(?:policy|filter|management)|moderation|\bsafety\b|flagged"),
    ("refused", r"inappropriate|sensitive"),
    ("auth", r"api.?key|unauthori[sz]ed|authenticat|forbidden|permission|access (?:is )?denied"),
    ("auth", r"(?:invalid|expired|missing) token|credentials?\b"),
    ("not_found", r"not found|not exist|no such|unknown model|unexpected endpoint|pulling it"),
    ("not_found", r"no models? (?:is )?loaded|model (?:is |was )?(?:not loaded|unloaded)"),
    ("bad_request", r"invalid|bad request|unsupported|not supported|must be|is required"),
    ("bad_request", r"too long|maximum"),
)
BY_WORDS = tuple((re.compile(words, re.IGNORECASE), kind) for kind, words in _WORDS)

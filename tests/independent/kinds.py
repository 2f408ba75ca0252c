"""A policy for a tool of which nothing is known but its name and the names of its arguments.

General words of English alone, none of them from a suite of tests. What is not understood counts as
writing and as sending out.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reins.tools.policy import Policy, Risk

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

_READS = (
    "get list read search find fetch view show check query lookup look count describe browse "
    "inspect compare calculate compute convert is has display retrieve select filter preview "
    "verify estimate analyze analyse summarize translate predict determine solve"
)
_WRITES = (
    "create add update set edit write append rename move copy change modify put insert save mark "
    "reschedule schedule assign tag make start stop enable disable open close turn adjust"
)
_SENDS = (
    "send post share invite email mail message publish forward reply notify tweet comment upload "
    "submit call book reserve order buy purchase pay transfer donate subscribe"
)
_DESTROYS = "delete remove cancel drop destroy erase wipe purge clear revoke reset kill terminate"
_ADDRESSES = (
    "url uri link to recipient recipients email emails cc bcc phone participants address webhook "
    "endpoint"
)
"""Arguments by which a call reaches somebody."""
_VALUABLE = (
    "password passphrase credential credentials secret token permission permissions role access "
    "money payment transaction amount price iban"
)
"""A call that writes these, or about these, is of high risk."""


READS, WRITES, SENDS, DESTROYS, ADDRESSES, VALUABLE = (
    frozenset(each.split()) for each in (_READS, _WRITES, _SENDS, _DESTROYS, _ADDRESSES, _VALUABLE)
)


def words_of(name: str) -> list[str]:
    return [each.lower() for each in _WORD.findall(name)]


def policy_of(name: str, arguments: Iterable[str]) -> Policy:
    """By the first word of the name that is understood; by the words of the arguments."""
    words, named = words_of(name), {*arguments}
    reaches = any(ADDRESSES & {*words_of(each)} for each in named)
    valuable = bool(VALUABLE & {*words, *(word for each in named for word in words_of(each))})
    verb = next((each for each in words if each in READS | WRITES | SENDS | DESTROYS), "")
    if verb in READS:
        return Policy(
            risk=Risk.low, why="it reads", idempotent=True, outward=reaches, brings_in=True
        )
    if verb in DESTROYS:
        return Policy(risk=Risk.high, why="it destroys", outward=reaches, brings_in=True)
    risk = Risk.high if valuable else Risk.medium
    if verb in WRITES:
        return Policy(risk=risk, why="it writes", outward=reaches, brings_in=True)
    why = "it sends" if verb in SENDS else "nobody knows what it does"
    return Policy(risk=risk, why=why, outward=True, brings_in=True)


def arguments_of(schema: Mapping[str, Any]) -> list[str]:
    return [*schema.get("properties", {})]

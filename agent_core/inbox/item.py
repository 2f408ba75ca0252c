"""An item of the inbox: a call that needs a person's approval, or a question to one."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import orjson

from agent_core.session.decisions import Aspects, Risk

MAX_ITEM_BYTES = 256 * 1024
_QUESTION_CHARS = 200
_CALL_CHARS = 160
_IN_ARGS = "argv_in_args"


def new_id() -> str:
    """The id of an item that is about to be asked."""
    return f"itm_{uuid.uuid4().hex}"


def call_hash(tool: str, args: Mapping[str, Any], touches: str = "", spec: str = "") -> str:
    """A digest of a call and of what it would change: an approval holds for this and no other.

    `touches` is the tool's own digest of what it would find there (a file's content, say), `spec`
    a digest of what the tool says of itself: another tool of that name is another call.
    """
    parts = orjson.dumps([tool, dict(args), touches, spec], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(parts).hexdigest()


@dataclass(frozen=True, slots=True)
class Call:
    """A call as rules look at it."""

    session_id: str
    agent_id: str
    agent_type: str
    tool: str
    args: Mapping[str, Any]
    risk: Risk
    aspects: Aspects = field(default_factory=Aspects)


@dataclass(frozen=True, slots=True)
class Item:
    """A call, or a question, as it is asked.

    `thought` is the agent's own reason, `preview` what a person needs to see (`{"kind": "diff" |
    "argv" | "url" | "text" | "fields", …}`), `reasons` say why the risk is what it is. A question
    is in `args["question"]`. Without `expires_in_s` it waits for ever.
    """

    kind: Literal["approval", "question"]
    session_id: str
    agent_id: str
    agent_type: str
    tool: str
    args: Mapping[str, Any]
    call_hash: str
    risk: Risk = "low"
    reasons: Sequence[str] = ()
    thought: str = ""
    preview: Mapping[str, Any] = field(default_factory=dict)
    aspects: Aspects = field(default_factory=Aspects)
    root_session_id: str | None = None
    expires_in_s: float | None = None
    item_id: str = field(default_factory=new_id)

    @property
    def call(self) -> Call:
        """The call, as rules look at it."""
        return Call(
            self.session_id, self.agent_id, self.agent_type, self.tool, self.args, self.risk,
            self.aspects,
        )  # fmt: skip

    def brief(self) -> dict[str, Any]:
        """The item as the payload of the tick that asks has it."""
        reasons = [*self.reasons]
        return {"item_id": self.item_id, "kind": self.kind, "risk": self.risk, "reasons": reasons}

    def _aspects(self) -> str:
        """As they are stored: tokens that stand in the arguments are not there twice."""
        argv = self.aspects.argv
        if argv is None or self.args.get("argv") != [*argv]:
            return as_json(self.aspects)
        return as_json({**asdict(self.aspects), "argv": None, _IN_ARGS: True})

    def check(self) -> None:
        """Raises: ValueError where it is larger than an item may be."""
        self.row(0)

    def row(self, asked_at: int) -> dict[str, Any]:
        """The item's first row. Raises: ValueError where it is larger than an item may be."""
        expires_us = None if self.expires_in_s is None else int(self.expires_in_s * 1e6)
        row: dict[str, Any] = {
            "item_id": self.item_id,
            "kind": self.kind,
            "session_id": self.session_id,
            "root_session_id": self.root_session_id or self.session_id,
            "agent_id": self.agent_id,
            "agent_type": self.agent_type,
            "tool": self.tool,
            "args": as_json(self.args),
            "call_hash": self.call_hash,
            "aspects": self._aspects(),
            "risk": self.risk,
            "reasons": as_json([*self.reasons]),
            "thought": self.thought,
            "preview": as_json(self.preview),
            "state": "asked",
            "asked_at": asked_at,
            "expires_at": None if expires_us is None else asked_at + expires_us,
            **dict.fromkeys(_LATER),
        }
        size_bytes = sum(len(value.encode()) for value in row.values() if isinstance(value, str))
        if size_bytes > MAX_ITEM_BYTES:
            raise ValueError(
                f"the item has {size_bytes} bytes; the inbox takes {MAX_ITEM_BYTES}. "
                "Keep what is large in a file, and cut the preview."
            )
        return row


_LATER = (
    "decided_by", "decided_at", "decided_action", "decision", "reason", "final_args", "answer",
    "rule_id", "outcome_seq",
)  # fmt: skip


def as_json(value: object) -> str:
    return orjson.dumps(value).decode()


def aspects_of(row: Mapping[str, Any]) -> Aspects:
    """The aspects of a stored item."""
    found = orjson.loads(row["aspects"] or "{}")
    argv = orjson.loads(row["args"])["argv"] if found.get(_IN_ARGS) else found.get("argv")
    return Aspects(
        argv=None if argv is None else tuple(argv),
        paths=tuple(found.get("paths", ())),
        hosts=tuple(found.get("hosts", ())),
        shell=bool(found.get("shell")),
        code=bool(found.get("code")),
        call=str(found.get("call", "")),
        spec=str(found.get("spec", "")),
    )


def call_of(row: Mapping[str, Any]) -> Call:
    """The call of a stored item, with the arguments that were decided on."""
    return Call(
        row["session_id"], row["agent_id"], row["agent_type"], row["tool"],
        orjson.loads(row["final_args"] or row["args"]), row["risk"], aspects_of(row),
    )  # fmt: skip


def _in_short(row: Mapping[str, Any]) -> str:
    """The call in a line: its tool, and the command, file or host that it is about."""
    aspects = aspects_of(row)
    about = " ".join(aspects.argv or aspects.paths or aspects.hosts)
    line = " ".join(f"{row['tool']} {about}".split())
    return line if len(line) <= _CALL_CHARS else f"{line[: _CALL_CHARS - 1]}…"


def waits_for(row: Mapping[str, Any]) -> dict[str, Any]:
    """For what the session of an open item waits, as its snapshot has it."""
    if row["kind"] == "question":
        question = str(orjson.loads(row["args"]).get("question", ""))[:_QUESTION_CHARS]
        reason = question or "a person's answer"
    else:
        reason = _in_short(row)
    return {
        "kind": row["kind"],
        "since": row["asked_at"],
        "reason": reason,
        "until": row["expires_at"],
        "item_id": row["item_id"],
    }

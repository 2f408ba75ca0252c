"""The inbox from a shell: `reins inbox`, `reins decide` and `reins rules`."""

import json
import time
from typing import Any, get_args

import click

import queue_imp
from agent_core.actions.deciding import Choice, why_alone
from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import print_json
from reins.cli.steer import acting, answer, parsed
from store import approval_rules
from store.inbox import STATES
from store.times import iso

_ARGS_COLUMNS = 2_000
_FILTERS = ("session", "kind", "tool")


def _filtered(function: Any) -> Any:
    """The filters of the inbox, as options."""
    function = click.option("--tool", help="of this tool alone")(function)
    kinds = click.Choice(["approval", "question"])
    function = click.option("--kind", type=kinds, help="of this kind alone")(function)
    return click.option("--session", help="of this session alone")(function)


@click.command("inbox", cls=FolderCommand, help="list what waits for a person")
@data_option
@click.option(
    "--state", default="open", type=click.Choice(["open", "all", *STATES]), show_default=True
)
@_filtered
@click.option("--json", "as_json", is_flag=True, help="a JSON object per item")
def inbox(
    *, state: str, session: str | None, kind: str | None, tool: str | None, as_json: bool
) -> None:
    items = queue_imp.inbox_items(state, session_id=session, kind=kind, tool=tool)
    for item in items:
        if as_json:
            print_json(item)
        else:
            print(terminal.hanging(_lines(item)), flush=True)
    if not items and not as_json:
        print("nothing waits for you" if state == "open" else f"no items that are {state}")


def _lines(item: dict[str, Any]) -> str:
    """An item in a few lines: what is asked, by whom, how risky it is and why."""
    args = item["final_args"] or item["args"]
    reasons = "; ".join(json.loads(item["reasons"] or "[]"))
    risk = f"{item['risk']} risk" + (f": {reasons}" if reasons else "")
    said = [f"{item['item_id']}  {item['state']:<9} {item['kind']} of {item['session_id']}"]
    shown = terminal.cut(args, _ARGS_COLUMNS)
    if left := len(args) - len(shown):
        shown += f" [{left:,} characters left out; --json shows all]"
    said.append(f"  {item['tool']} {shown}")
    said.append(f"  {risk}; asked {iso(item['asked_at'])}")
    if item["thought"]:
        said.append(f"  its reason: {terminal.cut(' '.join(item['thought'].split()), 500)}")
    if item["expires_at"] and item["state"] == "asked":
        said.append(f"  expires {iso(item['expires_at'])}")
    if item["decided_by"]:
        why = " ".join((item["reason"] or item["answer"] or "").split())
        said.append(f"  {item['decision']} by {item['decided_by']}" + (f": {why}" if why else ""))
    return "\n".join(said)


@acting("decide", "decide about an item of the inbox: approve, edit, reject or answer")
@click.argument("item_id", required=False)
@click.argument("decision", required=False)
@click.argument("words", nargs=-1, metavar="[WORDS]...")
@click.option("--args", "args_json", help="the whole arguments of an edit, as JSON")
@click.option("--reason", help="the reason of a rejection")
@click.option(
    "--always",
    type=click.Choice(["session", "agent", "type"]),
    help="remember it as a rule for this session, agent or type",
)
@click.option("--argv", "argv", help="what of the command the rule fixes, as a JSON list")
@click.option("--more", is_flag=True, help="further tokens may follow those of --argv")
@click.option("--path", "paths", multiple=True, help="a pattern of paths that the rule fixes")
@click.option("--host", "hosts", multiple=True, help="a host that the rule fixes, or *.name")
@click.option("--all", "many", is_flag=True, help="decide every open item that fits the filters")
@_filtered
def decide(
    *,
    item_id: str | None,
    decision: str | None,
    words: tuple[str, ...],
    actor: str,
    wait: float | None,
    args_json: str | None,
    reason: str | None,
    many: bool,
    **rest: Any,
) -> None:
    filters = {name: rest.pop(name) for name in _FILTERS}
    if many:  # the item's place is that of the decision
        words = tuple(word for word in (decision, *words) if word)
        if _choice(item_id) not in ("approve", "reject"):
            raise click.UsageError("--all takes approve or reject")
        _decide_all(_choice(item_id), reason or " ".join(words) or None, actor, wait, filters)
        return
    if item_id is None or decision is None:
        raise click.UsageError("name an item and a decision: decide ITEM approve")
    if any(filters.values()):
        raise click.UsageError("--session, --kind and --tool go with --all")
    chosen, text = _choice(decision), " ".join(words) or None
    args = parsed(args_json, "--args") if args_json else None
    if text is not None and (chosen in ("approve", "edit") or (chosen == "reject" and reason)):
        raise click.UsageError(f"{chosen} takes no such words: {text!r}")
    if chosen == "reject":
        reason, text = reason or text, None
    answer(
        queue_imp.inbox_decide(
            item_id, actor, chosen, args=args, text=text, reason=reason, remember=_rule(**rest)
        ),
        wait_s=wait,
    )


def _decide_all(
    chosen: Choice,
    reason: str | None,
    actor: str,
    wait: float | None,
    filters: dict[str, Any],
) -> None:
    session_id = filters.pop("session")
    found = queue_imp.inbox_items(session_id=session_id, **filters)
    alone = [why for item in found if (why := why_alone(item, chosen)) is not None]
    items = [item for item in found if why_alone(item, chosen) is None]
    action_ids = queue_imp.inbox_decide_many(items, actor, chosen, reason=reason)
    failed = 0
    until = time.monotonic() + (wait or 0)
    for item, action_id in zip(items, action_ids, strict=True):
        said = action_id
        if wait:
            left_s = max(0.0, until - time.monotonic())
            receipt = queue_imp.wait_for_action(action_id, left_s)
            said += f" {receipt['outcome']}" + (f": {receipt['error']}" * bool(receipt["error"]))
            failed += receipt["outcome"] == "rejected"
        print(f"{item['item_id']} {said}", flush=True)
    for why in alone:
        print(why, flush=True)
    if not found:
        print("nothing waits for you that fits")
    if failed:
        raise ValueError(f"{failed} of {len(items)} decisions were rejected")
    if alone:
        raise ValueError(f"{len(alone)} of {len(found)} items were left out: of high risk")


def _choice(decision: str | None) -> Choice:
    for choice in get_args(Choice):
        if choice == decision:
            found: Choice = choice
            return found
    expected = ", ".join(get_args(Choice))
    raise click.UsageError(f"decision is {decision!r}; expected one of {expected}")


def _rule(
    *,
    always: str | None,
    argv: str | None,
    more: bool,
    paths: tuple[str, ...],
    hosts: tuple[str, ...],
) -> dict[str, Any] | None:
    """The `remember` of a decision, of its options."""
    if always is None:
        if argv or more or paths or hosts:
            raise click.UsageError("--argv, --more, --path and --host go with --always")
        return None
    return {
        "scope": always,
        "argv": parsed(argv, "--argv") if argv else None,
        "more": more,
        "paths": list(paths) or None,
        "hosts": list(hosts) or None,
    }


@acting("rules", "list the rules of approval, or revoke one")
@click.option("--revoke", metavar="RULE", help="let this rule hold no longer")
@click.option("--json", "as_json", is_flag=True, help="a JSON object per rule")
def rules(*, actor: str, wait: float | None, revoke: str | None, as_json: bool) -> None:
    if revoke is not None:
        answer(queue_imp.rule_revoke(revoke, actor), wait_s=wait)
        return
    found = approval_rules.list_rules()
    for rule in found:
        if as_json:
            print_json(rule)
        else:
            print(terminal.hanging(_rule_lines(rule)), flush=True)
    if not found and not as_json:
        print("no rules; a decision becomes one: decide ITEM approve --always session")


def _rule_lines(rule: dict[str, Any]) -> str:
    fixed = {name: part for name, part in json.loads(rule["fixed"]).items() if part}
    where = f"{rule['scope']} {rule['scope_id']}"
    by = f"by {rule['created_by']} at {iso(rule['created_at'])}, from {rule['item_id']}"
    said = terminal.cut(json.dumps(fixed, ensure_ascii=False), 2_000)
    return f"{rule['rule_id']}  {rule['effect']} {rule['tool']} for {where}\n  {said}\n  {by}"

"""The inbox: each item is what the log of its session says of it."""

from collections.abc import Iterator

import orjson

from reins.verifying.facts import Facts, about
from reins.verifying.finding import Finding
from store import approval_rules, inbox
from store.lance.tables import Row

_PLACE = ("item_id", "session_id", "state", "journal_n")
_COLUMNS = ("item_id", "session_id", "state", "decision", "rule_id")


def items_in_log(facts: Facts) -> Iterator[Finding]:
    """Each item was asked by a row, and has the state that the rows after it lead to."""
    said = dict(facts.logs.asked)
    for row in _items(facts).values():
        known = said.pop(row["item_id"], None)
        if known is None:
            message = "no row of the log asks it"
        elif known.session_id != row["session_id"]:
            message = f"session {known.session_id} asked it"
        elif known.state != row["state"]:
            message = f"it is {row['state']}; its session's log leads to {known.state}"
        else:
            continue
        yield Finding("items_in_log", message, about(row, *_PLACE))
    for item_id, known in said.items():
        message = "a row asks it, and it is not there"
        found = {"item_id": item_id, "session_id": known.session_id, "seq": known.seq}
        yield Finding("items_in_log", message, found)


def rules_have_items(facts: Facts) -> Iterator[Finding]:
    """Each rule was made by a decision that names it, and fits its table."""
    made = {row["rule_id"]: row for row in _items(facts).values() if row["rule_id"]}
    for rule_id, rule in _rules(facts).items():
        item = made.pop(rule_id, None)
        allows = item is not None and item["decision"] in ("approve", "edit")
        if item is None:
            message = "no decision made the rule"
        elif allows != (rule["effect"] == "allow"):
            message = f"the rule is to {rule['effect']}; the decision was {item['decision']}"
        elif not isinstance(orjson.loads(rule["fixed"]), dict):
            message = "the rule does not say what it fixes"
        else:
            continue
        yield Finding("rules_have_items", message, {"rule_id": rule_id})
    for rule_id, item in made.items():
        message = "a decision made the rule, and it is not there"
        yield Finding("rules_have_items", message, {"rule_id": rule_id, **about(item, *_PLACE)})


def _items(facts: Facts) -> dict[str, Row]:
    """The newest row of each item."""
    rows = facts.snapshot.rows(inbox.TABLE, _COLUMNS)
    return {found.row["item_id"]: {**found.row, "journal_n": found.number} for found in rows}


def _rules(facts: Facts) -> dict[str, Row]:
    rows = facts.snapshot.rows(approval_rules.TABLE)
    return {found.row["rule_id"]: found.row for found in rows}

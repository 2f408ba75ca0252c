"""The join of branches where no combiner is named: the keys that each has changed."""

from typing import Any

from reins.plans.json_value import same

_GONE = object()


class ConflictError(ValueError):
    """Two branches gave one key different values."""


def joined(state: Any, states: dict[int, Any]) -> Any:
    """The state with what the branches changed, by their places; order plays no part.

    Raises: ConflictError with the branches and the key.
    """
    if isinstance(state, dict) and all(isinstance(each, dict) for each in states.values()):
        return _joined_keys(state, states)
    changed = {index: each for index, each in states.items() if not same(state, each)}
    first = next(iter(changed), None)
    if first is None:
        return state
    for index, each in changed.items():
        if not same(each, changed[first]):
            raise _conflict(first, index, "the state, which is no object")
    return changed[first]


def _joined_keys(state: dict[str, Any], states: dict[int, Any]) -> dict[str, Any]:
    made, by = dict(state), dict[str, int]()
    for index, each in states.items():
        for key, value in _changes(state, each).items():
            if key in by and not same(made.get(key, _GONE), value):
                raise _conflict(by[key], index, f"the key {key!r}")
            by.setdefault(key, index)
            if value is _GONE:
                made.pop(key, None)
            else:
                made[key] = value
    return made


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    gone = {key: _GONE for key in before if key not in after}
    return gone | {
        key: value
        for key, value in after.items()
        if key not in before or not same(before[key], value)
    }


def _conflict(one: int, other: int, what: str) -> ConflictError:
    return ConflictError(
        f"branches {one} and {other} both changed {what}; name a combiner, "
        f"or let each branch change keys of its own"
    )

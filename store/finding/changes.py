"""Where a field of the agents' state changed in a log, without reading each state as JSON."""

import orjson
import pyarrow as pa
import pyarrow.compute as pc

_VALUE = r'(?P<value>"(?:[^"\\]|\\.)*"|[^\s,\[\]{}"]+|[\[{])'
_AGENT = '"agent":{'


def changed(states: pa.Array, field: str) -> pa.Array:
    """For each snapshot, oldest first: true where the agent's field is not what it was before it.

    False for the first one: there is nothing before it.
    """
    values = _quickly(states, field)
    if values is None:
        values = pa.array([_value(each, field) for each in states.to_pylist()], pa.string())
    if not len(values):
        return pa.array([], pa.bool_())
    # One that was not there and one that is there differ, two that are not there do not.
    filled = pc.fill_null(values, "")
    return pa.concat_arrays([pa.array([False]), pc.not_equal(filled[1:], filled[:-1])])


def _quickly(states: pa.Array, field: str) -> pa.Array | None:
    """The field's values as text, found by their key; None where that would not be exact.

    A key stands between quotes that no text can hold unescaped. It must be the agent's own, not
    one in a part of its state, and its values plain: a list's end is not to be found like this.
    """
    for snapshot in {states[0].as_py(), states[-1].as_py()} if len(states) else ():
        if not _is_found_first(snapshot, field):
            return None
    pattern = f'"{field}":{_VALUE}'
    values = pc.struct_field(pc.extract_regex(states, pattern), "value")
    nested = pc.is_in(values, pa.array(["[", "{"]))
    return None if pc.any(nested).as_py() else values


def _is_found_first(snapshot: str, field: str) -> bool:
    """True if the first key of that name is the agent's own, or if there is none."""
    begin = snapshot.find(f'"{field}":')
    if begin < 0:
        return True
    own = snapshot.find(_AGENT)
    if own < 0 or begin < own:
        return False
    before = orjson.loads(snapshot)["agent"]
    names = list(before)
    if field not in names:
        return False
    earlier = names[: names.index(field)]
    return not any(isinstance(before[name], dict | list) for name in earlier)


def _value(snapshot: str, field: str) -> str | None:
    agent = orjson.loads(snapshot).get("agent")
    if not isinstance(agent, dict) or field not in agent:
        return None
    return orjson.dumps(agent[field]).decode()

"""States as they follow from rows of the log."""

import pytest

from reins.verifying.states import _derived


@pytest.mark.parametrize("state", ["", "{", "[]", "{}", '{"agent_type":"joke","errnr":null}'])
def test_a_snapshot_with_damaged_bytes_leads_to_none(state):
    """It is a finding, not a fault of whoever looks."""
    assert _derived({"state": state, "session_id": "a", "agent_id": "a", "seq": 1}, 7) is None

"""A command's output: what it writes is safe for a terminal, and holds no key."""

import io
import json

from reins import redaction
from reins.cli.outcome import Output
from reins.redaction import HIDDEN

KEY = "sk-proj-9dKfPq27XzLm"


def test_a_terminal_is_told_nothing_but_text():
    """Escapes, bells and marks that turn a line's direction are replaced; lines and tabs stay."""
    written = io.StringIO()
    print("a\tb\n\x1b[2J\x1b]0;owned\x07 \u202eabc\r \x9b1m é", file=Output(written))
    assert written.getvalue() == "a\tb\n\ufffd[2J\ufffd]0;owned\ufffd \ufffdabc\ufffd \ufffd1m é\n"


def test_no_key_is_written():
    """Also within JSON, which stays JSON; anything else of the stream is the stream's own."""
    redaction.know(KEY)
    written = io.StringIO()
    output = Output(written)
    print(f"it is {KEY}", file=output)
    print(json.dumps({"state": json.dumps({KEY: [KEY]})}), file=output, flush=True)
    plain, row = written.getvalue().splitlines()
    assert plain == f"it is {HIDDEN}"
    assert json.loads(json.loads(row)["state"]) == {HIDDEN: [HIDDEN]}
    assert not output.isatty()

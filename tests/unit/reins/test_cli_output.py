"""A command's output: what it writes is safe for a terminal, and holds no key."""

import contextlib
import io
import json
import sys

from reins import redaction
from reins.cli.outcome import Output, print_json
from reins.redaction import HIDDEN

KEY = "sk-proj-9dKfPq27XzLm"


def test_a_terminal_is_told_nothing_but_text():
    """Escapes, bells and marks that turn a line's direction are shown; lines and tabs stay."""
    written = io.StringIO()
    print("a\tb\n\x1b[2J\x1b]0;owned\x07 \u202eabc\r \x9b1m é", file=Output(written))
    assert written.getvalue() == (
        "a\tb\n\u241b[2J\u241b]0;owned\u2407 <U+202E>abc\u240d \u241b[1m é\n"
    )


def test_json_says_all_and_moves_nothing(capsys):
    """Read again, it is what it was; what is written holds only plain ASCII."""
    value = {"text": "".join(map(chr, (*range(0xA0), 0x202E, 0x2028, 0x1F600))), "at": 3}
    with contextlib.redirect_stdout(Output(sys.stdout)):
        print_json(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert text.removesuffix("\n").isprintable()
    assert text.isascii()


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

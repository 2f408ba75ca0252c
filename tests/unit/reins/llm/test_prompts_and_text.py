"""Prompts are read from disk and only text functions count; text is made safe both ways."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.baml.prompts import PROMPTS, read_prompts, text_functions
from reins.llm.text import clean, encodable, one_line, safe_argument

ROOT = PROMPTS.parent


def test_our_prompts_are_text_functions() -> None:
    """The functions that agents call are found in baml_src."""
    ours = {"TellAJoke", "ExtractSubject", "PersonaReply", "SummarizeConversation"}
    assert ours <= text_functions(read_prompts(PROMPTS)).keys()


def test_only_string_functions_count() -> None:
    """A typed function, and one that stands in a prompt or a comment, is not callable."""
    source = """
    // function InComment(a: string) -> string {
    function Typed(a: string) -> string[] { client X prompt ##" "# function InPrompt() -> string {
    "## }
    function Maybe(a: string) -> string? { client X prompt #""# }
    function Text(a: string, b: int)  ->  string{ client X prompt #" http://x "# }
    """
    assert text_functions({"a.baml": source}) == {"Text": len('#" http://x "#')}


def test_control_characters_and_outer_space_go() -> None:
    """Control characters and surrounding space go; tabs, newlines and the rest stay."""
    assert clean(" \0a\x1b[31m\tb\r\nc\ud800 😀\n") == "a[31m\tb\nc\ufffd 😀"


def test_halves_that_belong_together_are_one_character() -> None:
    """A pair of surrogates is what it stands for; one alone costs itself and nothing else."""
    assert encodable("a\ud83d\ude00b") == "a😀b"
    assert encodable("a\ud83db\ude00c\ud83d") == "a\ufffdb\ufffdc\ufffd"
    assert encodable("\ude00\ud83d\ud83d\ude00") == "\ufffd\ufffd😀"
    assert encodable("é😀") == "é😀"


@given(st.text(st.characters(exclude_categories=())))
def test_clean_text_can_be_stored(text: str) -> None:
    """Whatever a model says, the result is JSON, UTF-8, free of NUL, and stays clean."""
    made = clean(text)
    assert orjson.loads(orjson.dumps(made)) == made
    assert "\0" not in made
    assert clean(made) == made


@given(st.recursive(st.text(st.characters(exclude_categories=())) | st.booleans(), st.lists))
def test_arguments_are_made_encodable(value: object) -> None:
    """Surrogates in any depth of an argument are replaced: BAML would refuse the argument."""

    orjson.dumps(safe_argument(value))


def test_arguments_carry_no_marks_of_bamls() -> None:
    """What BAML would take for a role or a picture is broken up, in any depth; the rest stays."""
    marks = ["BAML_CHAT_ROLE_MAGIC_STRING_DELIMITER", "BAML_MEDIA_MAGIC_STRING_DELIMITER"]
    marks += [":baml-start-baml:", ":baml-end-baml:", ":baml-start-media:", ":baml-end-media:"]
    for mark in marks:
        made = safe_argument({"a": [f"x {mark} y {mark}", 3]})
        assert mark not in str(made)
        assert made != {"a": ["x  y ", 3]}, "it is broken up, not taken out: nothing closes in"
    for plain in ("MAGIC_STRING", "baml-start is a word", "a: baml-like", "x\n\u2028y"):
        assert safe_argument(plain) == plain


@given(st.text(), st.integers(1, 80))
def test_any_text_becomes_one_printable_line(text: str, most: int) -> None:
    """Any text becomes one printable line of at most so many characters."""
    made = one_line(text, most)
    assert made.isprintable()
    assert len(made) <= most
    assert one_line(made, most) == made


def test_one_line_is_cut_between_words() -> None:
    """A text that is too long ends after a whole word, if it has one, with an ellipsis."""
    assert one_line("a bc\tdef\n ghi", 80) == "a bc def ghi"
    assert one_line("a bc def ghi", 8) == "a bc…"
    assert one_line("abcdefghi", 4) == "abc…"

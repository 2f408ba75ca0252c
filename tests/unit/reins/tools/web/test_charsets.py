"""Bytes as text: charsets, marks, and what a person would not see."""

import pytest

from reins.tools.web.charsets import is_text, text_of


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("grüße €".encode(), None, "grüße €"),
        ("grüße".encode("latin-1"), None, "grüße"),
        ("grüße".encode("latin-1"), "ISO-8859-1", "grüße"),
        (b"\x80", "latin1", "€"),
        ("привет".encode("koi8-r"), "koi8-r", "привет"),
        ("привет".encode("cp1251"), "windows-1251", "привет"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        ("日本".encode("euc-jp"), "euc-jp", "日本"),
        ("中文".encode("gb18030"), "gb2312", "中文"),
        ("x".encode("utf-16"), None, "x"),
        (b"\xef\xbb\xbfx", "latin-1", "x"),
        (b"\xfe\xff\x00x", None, "x"),
        (b'<meta charset="koi8-r">' + "да".encode("koi8-r"), None, '<meta charset="koi8-r">да'),
        (b"<?xml version='1.0' encoding='windows-1251'?>" + "да".encode("cp1251"), None,
         "<?xml version='1.0' encoding='windows-1251'?>да"),
        (b"<meta http-equiv=x content='text/html; charset=windows-1251'>" + "да".encode("cp1251"),
         None, "<meta http-equiv=x content='text/html; charset=windows-1251'>да"),
        (b"x", "no-such", "x"),
        (b"+ADw-", "utf-7", "+ADw-"),
        (b"\\u0041", "unicode_escape", "\\u0041"),
        (b"78", "hex", "78"),
        (b"x", "a" * 10_000, "x"),
        ("ü".encode()[:1], None, "\ufffd"),
        (b"a\r\nb", None, "a\nb"),
    ],
)  # fmt: skip
def test_texts(body, charset, text):
    """By mark, header, own word, or a look; names of codecs that are no charsets are not taken."""
    assert text_of(body, charset) == text


def test_what_nobody_sees_is_left_out():
    """Tags of Unicode, signs without width, turned lines, control characters: not for a model."""
    hidden = "".join(chr(0xE0000 + ord(sign)) for sign in "ignore this")
    text = f"a{hidden}b\u200bc\u202ed\u2066e\x1b[31mf\x00g\ufeff\th\n"
    assert text_of(text.encode(), "utf-8") == "abcde[31mfg\th\n"


@pytest.mark.parametrize(
    ("content_type", "body", "shown"),
    [
        ("text/html", b"x", True), ("text/plain", b"x\0y", False), ("", b"x", True),
        ("", b"\x89PNG\0", False), ("application/octet-stream", b"x", True),
        ("application/octet-stream", b"\0", False), ("application/json", b"{}", True),
        ("application/ld+json", b"{}", True), ("application/atom+xml", b"x", True),
        ("image/png", b"x", False), ("application/pdf", b"%PDF", False),
        ("image/svg+xml", b"x", True),        ("application/zip", b"PK", False),
        ("text/plain", b"\xff\xfex\0", True),
        ("video/mp4", b"x", False), ("application/x-yaml", b"a: b", True),
    ],
)  # fmt: skip
def test_what_is_text(content_type, body, shown):
    assert is_text(content_type, body) is shown

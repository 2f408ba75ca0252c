"""Pages as Markdown and as text; hostile ones too."""

import time

import pytest

from reins.tools.web.markdown import write
from reins.tools.web.markup import End, Start, Text, pieces

PAGE = """<!doctype html><html><head><title> A &amp; B
 page</title><style>p {}</style><script>var a = "<p>no</p>";</script><base href="/d/"></head>
<body><nav><a href="/">Home</a> <a href="#x">skip</a></nav>
<h1>Big <a href="one.html">title</a></h1>
<p>Hello <b>bold</b>, see <a href='/x?(a)=1&amp;b=2'> the  docs </a>and <code>x = 1</code>.<br>Next
<ul><li>one<li>two <ul><li>inner</li></ul></li><li><p>three</p></li></ul><ol start=3><li>c<li>d</ol>
<pre><code>def f():
    return "&lt;x&gt;"
</code></pre><blockquote><p>quoted</p><p>more</p></blockquote>
<table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td><td><p>2</p><ul><li>x</ul></td></tr></table>after
<div hidden>SECRET <div>x</div> y</div><div style="display: none">NO</div><svg><text>z</text></svg>
<img alt="a cat" src=x><a href="javascript:x()">js</a>
<h2>End</h2>1 < 2 & 3 <!-- not this --></body></html>"""
MARKDOWN = """[Home](http://x.example/) skip

# Big [title](http://x.example/d/one.html)

Hello bold, see [the docs](http://x.example/x?%28a%29=1&b=2) and `x = 1`.
Next

- one
- two
  - inner
- three

3. c
4. d

```
def f():
    return "<x>"
```

> quoted

> more

| a | b\\|c |
| --- | --- |
| 1 | 2 x |

after [picture: a cat]js

## End

1 < 2 & 3"""


def test_a_page_as_markdown():
    """Headings, lists, links, code, quotes, tables; no scripts, and nothing that is hidden."""
    found = write(PAGE, "http://x.example/a/b")
    assert found.title == "A & B page"
    assert found.text == MARKDOWN
    assert not found.cut


def test_a_page_as_text():
    """The same without marks and addresses."""
    text = write(PAGE, "http://x.example/a/b", plain=True).text
    assert text.startswith("Home skip\n\nBig title\n\nHello bold, see the docs and x = 1.\nNext\n")
    assert "- one" in text
    assert "http" not in text
    assert "```" not in text
    assert "a b|c\n1 2 x\n" in text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("just text", "just text"),
        ("a<p>b", "a\n\nb"),
        ("<p>a<p>b", "a\n\nb"),
        ("<pre>```\nx</pre>", "````\n```\nx\n````"),
        ("<pre>a<br>b <b>c</b></pre>", "```\na\nb c\n```"),
        ("<ul><li></li><li>x</li></ul>", "- x"),
        ("</ul></li></table></td></pre></a>x", "x"),
        ("<a href=x>one<p>two</p></a>", "[one](http://h.example/x)\n\ntwo"),
        ("<a href=x><a href=y>z</a>", "[z](http://h.example/y)"),
        ("<a href='data:text/html,x'>d</a><a href=mailto:a@b>m</a>", "dm"),
        ("<a href='http://[bad'>x</a>", "x"),
        ("<table><tr><td>a<table><tr><td>b</table><td>c</table>", "| a b | c |\n| --- | --- |"),
        ("<td>loose<td>cells", "loose cells"),
        ("<blockquote><ul><li>x</ul></blockquote>", "> - x"),
        ("<li>no list", "- no list"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("<h1>a</h1><h1></h1>b", "# a\n\nb"),
        ("&lt;p&gt; &amp;amp; &#x41;&#0;&bogus;", "<p> &amp; A\ufffd&bogus;"),
        ("<textarea><p>x</textarea>y", "<p>xy"),
        ("<p title='a>b' x=\"c>d\">e", "e"),
        ("<P CLASS=x>A</P>", "A"),
        ("<!-- a > b -->c<!doctype x>d<!-->e<?php f ?>g", "cdeg"),
        ("<script>a</SCRIPT >b", "b"),
        ("<title>t</title>x<title>u</title>", "x"),
    ],
)
def test_pieces_of_pages(html, text):
    assert write(html, "http://h.example/").text == text


@pytest.mark.parametrize("html", ["a<b", "a<b c", 'a<b c="d', "a<!--b", "a<!b", "a</b", "a<?b"])
def test_a_tag_that_never_ends_ends_the_page(html):
    assert [*pieces(html)] == [Text("a")]


def test_what_is_no_tag_is_text():
    assert [*pieces("1<2 <3>< b <")] == [Text("1<2 <3>< b <")]


def test_a_tag_has_its_attributes():
    html = """<A HREF='/x?a=1&amp;b=2' href=second Alt  =  "q" data-x=y hidden/>z</a b=c>"""
    assert [*pieces(html)] == [
        Start("a", {"href": "/x?a=1&b=2", "alt": "q", "hidden": ""}), Text("z"), End("a"),
    ]  # fmt: skip


HOSTILE = {
    "nested": "<div>", "lists": "<ul><li>x", "quotes": "<blockquote>x",
    "tables": "<table><tr><td>x", "never closed": "<p><b id=1><i id=2>x", "links": "<a href=x>y",
    "blocks in links": "<a href=x>y<p>",
    "attributes": "<p" + " a=1" * 200 + ">", "less": "<", "signs": "&amp", "ends": "</div>",
    "no ends": "<a ", "quoted": "<a b='", "comments": "<!-- x", "pre": "<pre>x",
    "hidden": "<div hidden>", "drawings": "<svg>", "scripts": "<script>", "titles": "<title>x",
    "blanks": " ", "breaks": "<br>",
    "equals": "<a =", "slashes": "<a /", "code": "<code>`",
}  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_page_takes_more_than_its_length(piece):
    """Twice as long takes about twice the time, whatever is nested or left open in it."""
    sizes = [20_000, 80_000]
    took = []
    for size in sizes:
        html = piece * (size // len(piece))
        began = time.process_time()
        found = write(html, "http://h.example/")
        took.append(time.process_time() - began)
        assert len(found.text) < 40 * size
    assert took[1] < 12 * took[0] + 0.2, took


def test_a_page_of_too_many_tags_is_cut():
    found = write("<br>x" * 110_000)
    assert found.cut
    assert found.text.count("x") == 100_000

"""Text from elsewhere shows as it is in Markdown that we write."""

from __future__ import annotations

from html import unescape

import pytest
from markdown_it import MarkdownIt

from gradus.escaping import escaped


@pytest.mark.parametrize(
    "text",
    [
        "plain", "a < b && c > d", "<script>alert(1)</script>", "&amp; &lt;", "**bold** _soft_ ~~gone~~ `code`", "[here](http://x) ![x](y)",
        "# heading", "a | b", "back\\slash \\* `", "**split\nover** lines\r\nand\u2028more",
    ],
)  # fmt: skip
def test_text_shows_as_it_is(text: str) -> None:
    rendered = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(f"|a|\n|-|\n|{escaped(text)}|\n")
    (cell,) = (line.removeprefix("<td>").removesuffix("</td>") for line in rendered.splitlines() if line.startswith("<td>"))
    assert "<" not in cell
    assert unescape(cell) == " ".join(text.splitlines())


def test_no_sign_of_html_is_left_to_the_reader() -> None:
    assert escaped("<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt;"

"""HTML: the main content alone, and its structure byte for byte where it is code."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradus.collect.readers import FileReading, options_of, read_file
from gradus.config import load_config

OPTIONS = options_of(load_config().collect)
STORY = "".join(f"<p>Paragraph {n} of the story tells a good deal about the things that it is about, in whole sentences.</p>" for n in range(4))


def read(path: Path, page: str | bytes) -> FileReading:
    path.write_bytes(page if isinstance(page, bytes) else page.encode())
    return read_file(path, OPTIONS)


def markdown(path: Path, body: str) -> str:
    reading = read(path / "a.html", f"<html><head><title>T</title></head><body>{body}</body></html>")
    assert reading.found is not None, reading
    return reading.found.text.strip()


def test_menus_banners_and_advertisements_are_left_out(tmp_path: Path) -> None:
    menu = '<nav><a href="/">Home</a></nav><div id="header"><ul class="menu"><li><a href="/a">Products</a></li></ul></div>'
    clutter = '<div class="ads">Buy it now!</div><div class="cookie-consent">We use cookies</div>'
    clutter += "<aside>Read on elsewhere</aside><footer>Imprint</footer>"
    text = markdown(tmp_path, f'{menu}<div id="page"><div class="text"><h1>Story</h1>{STORY}</div></div>{clutter}')
    assert text.startswith("# Story\n\nParagraph 0")
    assert "Paragraph 3 of the story" in text
    for word in ("Home", "Products", "Buy", "cookies", "elsewhere", "Imprint"):
        assert word not in text


def test_code_keeps_every_blank_and_its_language(tmp_path: Path) -> None:
    code = "def f(x):\n\tif x:\n        return  '''a   b'''\n\n\n    # <tag> & ``` more"
    escaped = code.replace("&", "&amp;").replace("<", "&lt;")
    spans = escaped.replace("def", '<span class="k">def</span>').replace("return", "<b>return</b>")
    for block in (
        f'<pre><code class="language-python">{escaped}\n</code></pre>',
        f'<div class="highlight-python notranslate"><div class="highlight"><pre><span></span>{spans}\n</pre></div></div>',
        f'<table><tr><td class="linenos"><pre>1\n2</pre></td><td class="code"><pre class="brush: python">{spans}</pre></td></tr></table>',
    ):
        assert f"````python\n{code}\n````" in markdown(tmp_path, f"<main><h1>A</h1>{block}</main>")


def test_highlighted_comments_and_sections_with_telling_names_stay(tmp_path: Path) -> None:
    code = '<pre><code class="hljs python"><span class="hljs-comment"># why</span>\nx = 1</code></pre>'
    text = markdown(
        tmp_path, f'<main><section id="comments"><h2>Comments</h2>{code}</section><div id="menu"><h2>Menu</h2><p>On menus.</p></div></main>'
    )
    assert text == "## Comments\n\n```python\n# why\nx = 1\n```\n\n## Menu\n\nOn menus."


def test_a_column_of_links_goes_and_a_page_of_links_stays(tmp_path: Path) -> None:
    links = "".join(f'<li><a href="{n}.html">Chapter number {n}</a></li>' for n in range(9))
    text = markdown(tmp_path, f"<table><tr><td><b>Contents</b><ul>{links}</ul></td><td><h1>Story</h1>{STORY}</td></tr></table>")
    assert text.startswith("# Story")
    assert "Chapter" not in text
    assert markdown(tmp_path, f"<h1>All</h1><ul>{links}</ul>").count("- Chapter number") == 9


def test_code_inside_a_list_is_indented_as_a_whole(tmp_path: Path) -> None:
    text = markdown(tmp_path, "<main><ol start=3><li>Run<pre>if a:\n    b\n</pre></li><li><p>Then</p><p>rest</p></li></ol></main>")
    assert text == "3. Run\n\n   ```\n   if a:\n       b\n   ```\n4. Then\n\n   rest"


def test_headings_emphasis_lists_and_links(tmp_path: Path) -> None:
    body = '<h1>One<a class="headerlink" href="#one">¶</a></h1><h3>Three</h3><p>A <b>bold</b>, <em>slanted</em>\nand '
    body += "<code>a|b_c</code> *word*.<br>Next</p>"
    body += "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"
    body += '<p><a href="https://example.org/x">out</a> <a href="in.html">in</a></p><img src="x" alt="no">'
    assert markdown(tmp_path, f"<main>{body}</main>").split("\n\n") == [
        "# One",
        "### Three",
        "A **bold**, *slanted* and `a|b_c` *word*.  \nNext",
        "- a\n  - b\n- c",
        "[out](https://example.org/x) in",
    ]


def test_tables_keep_their_cells_in_their_columns(tmp_path: Path) -> None:
    table = "<table><caption>Costs</caption><colgroup><col></colgroup><tr><th>a</th><th>b</th><th>c</th></tr>"
    table += "<tr><td rowspan=2>1</td><td>x|y</td><td><code>p|q</code></td></tr><tr><td colspan=2>wide</td></tr><tr><td>short</td></tr></table>"
    text = markdown(tmp_path, f"<main>{table}</main>")
    assert text == "Costs\n\n| a | b | c |\n| --- | --- | --- |\n| 1 | x\\|y | `p\\|q` |\n|  | wide |  |\n| short |  |  |"


def test_definitions_details_and_formulas(tmp_path: Path) -> None:
    short = "<dl><dt>Term</dt><dd>Its <i>meaning</i>.</dd><dt><code>x</code></dt><dt>y</dt><dd><p>Both.</p></dd></dl>"
    long = "<dl><dt>Function</dt><dd><p>Does it.</p><pre>f()</pre></dd></dl>"
    formula = '<p>So <math alttext="a^2"><mi>a</mi><mn>2</mn></math>.</p>'
    text = markdown(tmp_path, f"<main>{short}{long}<details><summary>More</summary><p>Hidden.</p></details>{formula}</main>")
    assert text.split("\n\n") == [
        "- **Term**: Its *meaning*.\n- `x`, **y**: Both.",
        "**Function**",
        "Does it.",
        "```\nf()\n```",
        "**More**",
        "Hidden.",
        "So $a^2$.",
    ]


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="iso-8859-1">', "cp1252"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">', "koi8-r"),
        ("", "utf-8"),
        ("", "utf-16"),
    ],
)
def test_the_declared_character_set_is_used(tmp_path: Path, head: str, encoding: str) -> None:
    word = "Слово" if encoding == "koi8-r" else "Größe"
    reading = read(tmp_path / "a.html", f"<html><head>{head}</head><body><p>{word} here</p></body></html>".encode(encoding))
    assert reading.found is not None, reading
    assert reading.found.text.strip() == f"{word} here"


@pytest.mark.parametrize(
    ("page", "status", "reason"),
    [
        ("<p>eins</p>\n<p>Größe</p>".encode("cp1252"), "not UTF-8", "line 2: byte 0xf6"),
        (b'<meta charset="utf-8">\n<p>\xff</p>', "not UTF-8", "line 2"),
        (b'<meta charset="klingon"><p>a</p>', "not UTF-8", "unknown character set 'klingon'"),
        (b"<html><body><script>1</script></body></html>", "empty", "a page without text"),
        (b"<div>" * 3000 + b"deep", "broken", "nested too deeply"),
    ],
)
def test_a_page_that_gives_nothing_says_why(tmp_path: Path, page: bytes, status: str, reason: str) -> None:
    reading = read(tmp_path / "a.html", page)
    assert (reading.status, reading.found) == (status, None)
    assert reason in reading.reason


def test_title_and_licence_are_taken_from_the_page(tmp_path: Path) -> None:
    page = '<html><head><title> My\n page </title><link rel="license" href="https://example.org/by"></head><body><p>Text</p></body></html>'
    found = read(tmp_path / "a.html", page).found
    assert found is not None
    assert (found.title, found.licence) == ("My page", "https://example.org/by")

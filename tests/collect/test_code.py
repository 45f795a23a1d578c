"""Code is kept byte for byte, from a file through 01_collect and 02_extract into an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradus.collect.code import code_lines
from gradus.collect.gather import gather
from gradus.collect.text import normalise
from gradus.config import load_config
from gradus.extract.work import extract_all

BLOCKS = {
    "trailing spaces": "```python\ndef f(x):   \n    return x  \n```",
    "tabs": "```make\nall:\t\n\techo a\t b \t\n```",
    "blank lines at the end": "```text\nfirst\n\n\n\nlast\n  \n\n```",
    "a fence of four holding three": "````markdown\n```python\nx = 1  \n```\t\n````",
    "decomposed letters": "```python\nname = 'e\u0301'\n```",
    "a fence in a list": "- First the base part:\n\n  ```sh\n  pip install base  \n  \tindented\t\n\n\n  ```\n\n- Then the rest of it.",
}
PAGE = "# Guide to widgets\n\nA widget is set up with these lines, which you copy.  \n\n{}\n\nThat is all that there is to do for it.\n"


def answers_of(path: Path) -> str:
    config = load_config(settings=["collect.python_docs=[]", f"collect.folders=[{path.parent}]"])
    documents = gather(config.collect, "2026-01-01T00:00:00+00:00").documents
    return "\n".join(example.answer for example in extract_all(documents, config.extract).examples)


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_code_of_markdown_arrives_in_the_answer_byte_for_byte(block: str, tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(PAGE.format(block), encoding="utf-8")
    assert f"which you copy.\n\n{block}\n\nThat is all" in answers_of(tmp_path / "guide.md")


def test_code_of_html_arrives_in_the_answer_byte_for_byte(tmp_path: Path) -> None:
    code = "  x = 1  \n\ty\t\n\n\n"
    body = f"<h1>Guide to widgets</h1><p>A widget is set up with these lines.</p><pre>\n{code}\n</pre><p>That is all that there is to do for it.</p>"
    (tmp_path / "guide.html").write_text(f"<html><body><main>{body}</main></body></html>", encoding="utf-8")
    assert f"\n{code}\n```" in answers_of(tmp_path / "guide.html")


def test_only_code_keeps_its_spaces() -> None:
    text = "Prose e\u0301  \n\n- item\t\n   \n    indented  \n\n>>> f()  \n1  \n\n~~~\nopen  "
    assert normalise(text) == "Prose \u00e9\n\n- item\n\n    indented  \n\n>>> f()  \n1  \n\n~~~\nopen  "
    assert normalise(normalise(text)) == normalise(text)


def test_code_is_fenced_indented_or_a_session_up_to_the_next_blank_line() -> None:
    lines = ["a", "```", ">>> b", "```", "c", ">>> d", "e", "", "f", "    g", " \th"]
    assert list(code_lines(lines)) == [False, True, True, True, False, True, True, False, False, True, True]

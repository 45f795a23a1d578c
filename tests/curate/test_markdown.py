"""Answers are taken apart where Markdown says, and lose nothing."""

from __future__ import annotations

import pytest

from gradus.curate.markdown import dissect, segments

ANSWER = """## Sorting

Use `numpy.sort` or the
method; both are **stable**.

**Parameters**

- `a` : array
  to be sorted
1. first

| kind | speed |
|------|-------|
| heap | 3     |

~~~python
# no heading
```
x = a @ b
~~~

The end."""


def test_parts_of_an_answer() -> None:
    found = dissect(ANSWER)
    assert found.paragraphs == ("Use   or the\nmethod; both are **stable**.", "The end.")
    assert found.items == (": array\nto be sorted", "first")
    assert found.inline_code == ("numpy.sort", "a")
    assert found.code_blocks == ("~~~python\n# no heading\n```\nx = a @ b\n~~~\n",)
    assert found.tables == (("| kind | speed |", "|------|-------|", "| heap | 3     |"),)
    assert (found.headings, found.bold, found.open_fence, found.empty_sections) == (2, 2, False, 0)
    assert found.last_line == "The end."


@pytest.mark.parametrize("text", [ANSWER, ANSWER + "\n```\nopen", "a\r\n```\r\nb\r\n```\r\nc", "```\x0b\x1c```", "", "\n\n"])
def test_segments_put_together_are_the_text(text: str) -> None:
    assert "".join(part.text for part in segments(text)) == text


def test_an_open_fence_is_seen() -> None:
    assert dissect("Text.\n\n```python\nx = 1").open_fence
    assert not dissect("Text with ``` inside ``` a line.").open_fence


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("**Returns**", 1),
        ("**Notes**\n\n**Returns**\n\nA number.", 1),
        ("# Title\n\n## Part\n\nText.", 0),
        ("## Part\n\n## Other\n\nText.", 1),
        ("**Example**\n\n```python\nx\n```", 0),
    ],
)
def test_empty_sections(text: str, empty: int) -> None:
    assert dissect(text).empty_sections == empty

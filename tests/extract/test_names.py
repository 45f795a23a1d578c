"""Names of code in the prose of docstrings, and Sphinx's field lists."""

from __future__ import annotations

import pytest

from gradus.extract.names import Names
from gradus.extract.sections import sections_of

NAMES = Names.of("pkg.mod.take", "(a, axis=None, *, max_size: dict[str, int] = {}, **options) -> list[int]")


def test_parameters_of_a_signature() -> None:
    assert NAMES.parameters == {"a", "axis", "", "max_size", "options"}, "the bare `*` has no name"


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Call notify() first.", "Call `notify()` first."),
        ("Calls sys.exit(1) or SIG_DFL.", "Calls `sys.exit(1)` or `SIG_DFL`."),
        ("Returns True, False or None.", "Returns `True`, `False` or `None`."),
        ("None of them is read.", "None of them is read."),
        ("If axis is None, the axis argument is ignored.", "If `axis` is `None`, the `axis` argument is ignored."),
        ("Along the axis of a wheel.", "Along the axis of a wheel."),
        ("If water is hot.", "If water is hot."),
        ("Uses max_size and pkg.mod.give.", "Uses `max_size` and `pkg.mod.give`."),
        ("Raises a ValueError when n=3.", "Raises a `ValueError` when `n=3`."),
        ("The *axis* is *very* long.", "The `axis` is *very* long."),
        ("The value(s), e.g. of python.org or NumPy.", "The value(s), e.g. of python.org or NumPy."),
        ("`a_b` and [x_y](https://x_y.example) and **a_b** (int).", "`a_b` and [x_y](https://x_y.example) and **a_b** (int)."),
        ("```python\nfoo_bar()\n```", "```python\nfoo_bar()\n```"),
        ("In /usr/lib/foo_bar and a_b/c.", "In /usr/lib/foo_bar and a_b/c."),
    ],
)
def test_only_what_is_code_for_certain_is_marked(text: str, marked: str) -> None:
    assert NAMES.marked(text) == marked
    assert NAMES.marked(marked) == marked, "marking twice changes nothing"


SPHINX = """Fetch a page.

:param url: where it is
:type url: str
:param int tries: how often to try,
    at most
:param timeout: (optional) seconds to wait
:return: the page
:rtype: pkg.Page
:raises ValueError: when the address is none
"""


def test_sphinx_fields_are_sections_like_those_of_other_styles() -> None:
    sections = {section.name: section for section in sections_of(SPHINX, "fetch")}
    assert [(item.name, item.type, item.blocks[0].text) for item in sections["parameters"].items] == [
        ("url", "str", "where it is"),
        ("tries", "int", "how often to try, at most"),
        ("timeout", "optional", "seconds to wait"),
    ]
    assert [(item.name, item.blocks[0].text) for item in sections["returns"].items] == [("pkg.Page", "the page")]
    assert [(item.name, item.blocks[0].text) for item in sections["raises"].items] == [("ValueError", "when the address is none")]
    assert sections["parameters"].start == SPHINX.index(":param url")
    assert [line.text for line in sections["description"].lines] == ["Fetch a page."]


def test_a_section_in_two_styles_spans_both() -> None:
    text = "Fetch.\n\n:param url: where it is\n\nMore about it.\n\nParameters\n----------\ntries : int\n    How often.\n"
    parameters = next(section for section in sections_of(text, "fetch") if section.name == "parameters")
    assert [item.name for item in parameters.items] == ["tries", "url"]
    assert text[parameters.start : parameters.end].startswith(":param url")
    assert text[parameters.start : parameters.end].endswith("How often.")


def test_fences_of_markdown_docstrings_keep_their_code() -> None:
    text = "Do it.\n\nExample:\n    ```py\n    >>> do(\n    ...     1,\n    ... )\n\n    [\n        1\n    ]\n    ```\n\n> [!WARNING]\n> Not twice.\n"
    sections = {section.name: section for section in sections_of(text, "do")}
    assert [block.text for block in sections["examples"].blocks] == ["```python\n>>> do(\n...     1,\n... )\n\n[\n    1\n]\n```"]
    assert [block.text for block in sections["description"].blocks] == ["Do it.", "**Warning:** Not twice."]

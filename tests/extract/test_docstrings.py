"""reStructuredText of docstrings as Markdown: inline, blocks, sections."""

from __future__ import annotations

import pytest

from gradus.extract.block import join
from gradus.extract.blocks import TOPIC, parse_text
from gradus.extract.inline import to_markdown
from gradus.extract.sections import related_of, sections_of
from gradus.signatures import short_call


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use ``x`` or `y`.", "Use `x` or `y`."),
        ("See :func:`~numpy.linalg.svd` and :class:`array`.", "See `svd` and `array`."),
        ("See :ref:`the guide <guide>`.", "See the guide."),
        ("Read `the docs <https://a.b/c>`_ first.", "Read [the docs](https://a.b/c) first."),
        ("As shown [1]_, it (see [2]_) works ([3]_).", "As shown, it (see) works."),
        ("Called by __init__() with *args and **kwargs.", "Called by `__init__()` with `*args` and `**kwargs`."),
        ("It is *not* **bold** x**2.", "It is *not* **bold** `x**2`."),
        ("Returns <class 'int'> if a < b > c.", "Returns `<class 'int'>` if a < b > c."),
        ("Split 32\\ :sup:`2` values.", "Split 32^2 values."),
        ("The operators '+' and '**'.", "The operators `+` and `**`."),
        ("The `src' and ``dst'' files.", "The `src` and `dst` files."),
        ("A ``code with ` inside``.", "A `` code with ` inside ``."),
        ("New in :pep:`604`.", "New in PEP 604."),
        ("Mean |x| of :math:`\\alpha_1`.", "Mean of `\\alpha_1`."),
    ],
)
def test_inline_markup(text: str, expected: str) -> None:
    assert " ".join(to_markdown(text).split()) == expected


def test_quotes_of_topics_are_code() -> None:
    assert to_markdown('The "for" statement', quotes_are_code=True) == "The `for` statement"
    assert to_markdown('The "for" statement') == 'The "for" statement'


def markdown(text: str) -> str:
    return join(parse_text(text))


def test_paragraphs_lists_and_code() -> None:
    text = (
        "A paragraph over\ntwo lines of a well-\nknown kind::\n\n    x = 1\n    if x:\n        y = 2\n\n"
        "* one ``a``\n  goes on\n\n  - inner\n* two\n\n1. first\n2. second\n"
    )
    assert markdown(text) == (
        "A paragraph over two lines of a well-known kind:\n\n```python\nx = 1\nif x:\n    y = 2\n```\n\n"
        "- one `a` goes on\n\n  - inner\n- two\n\n1. first\n2. second"
    )


def test_doctests_keep_their_bytes_and_share_a_fence() -> None:
    text = ">>> f(\n...     1)\n   1\n\n>>> g()\n2\n\nThen:\n\n>>> h()\n"
    assert markdown(text) == "```python\n>>> f(\n...     1)\n   1\n\n>>> g()\n2\n```\n\nThen:\n\n```python\n>>> h()\n```"


def test_directives() -> None:
    text = (
        "Text.\n\n.. versionadded:: 1.2\n   Gone.\n.. note::\n\n   Mind `this`.\n\n.. deprecated:: 3.0 Use `b`.\n\n"
        ".. math::\n\n    a_1 + b\n\n.. code-block:: python\n\n    f(1)\n\n.. [1] A book.\n\n.. _target:\n\nEnd."
    )
    assert markdown(text) == (
        "Text.\n\n**Note:** Mind `this`.\n\n**Deprecated since version 3.0.** Use `b`.\n\n```math\na_1 + b\n```\n\n```python\nf(1)\n```\n\nEnd."
    )


def test_definition_lists_entries_and_fields_become_named_items() -> None:
    assert markdown("sep\n    The separator.\nmaxsplit\n    How many.") == "- **sep**: The separator.\n- **maxsplit**: How many."
    assert markdown("run(...): Runs a command,\n    and waits.\nPIPE: A pipe.") == "- **`run(...)`**: Runs a command, and waits.\n- **PIPE**: A pipe."
    assert markdown("- quoting - when to quote\n- *x* is free") == "- **quoting**: when to quote\n- *x* is free"
    assert markdown(":param int n: how many\n:type n: int\n:returns: the sum") == "- **n**: how many\n\n**Returns:** the sum"


def test_simple_tables_become_markdown_tables() -> None:
    table = "====  =======\nName  Meaning\n====  =======\na     first\nb     second\n      line\n====  ======="
    assert markdown(table) == "| Name | Meaning |\n| --- | --- |\n| a | first |\n| b | second line |"


def test_headings_and_prose_that_looks_like_markup() -> None:
    assert markdown("Main API\n========\n\ntext") == "### Main API\n\ntext"
    assert markdown("Sizes:\n\n# is no heading") == "Sizes:\n\n\\# is no heading"


def test_topics_describe_methods_below_their_signatures() -> None:
    text = 'object.__len__(self)\n\n   Called by "len()".\n\nEnd.'
    assert join(parse_text(text, TOPIC)) == "- **`object.__len__(self)`**: Called by `len()`.\n\nEnd."


NUMPY = """f(a, b)

Do something.

More about it.

Parameters
----------
a, b : {'x', 'y'}, optional
    First line
    of two.

    .. versionadded:: 1.0
*args
    The rest.

Returns
-------
out : ndarray
    The result.

See Also
--------
g : Another.
h, i : Two more,
    which are long.
j

Examples
--------
>>> f(1)
1
"""
GOOGLE = """Do something.

Args:
    a (array): First line
      of two.
    n (int, optional): How many.
      Default: ``1``.
Returns:
    tuple(array, array): Both.

    With more.

After all.

Example:

    >>> f(1)
    1
"""


@pytest.mark.parametrize("arrow", ["->", "-->", "=>"])
def test_a_leading_signature_is_no_part_of_the_description(arrow: str) -> None:
    (description,) = sections_of(f"f(a [, b]) {arrow} f object\n\nReturn an f object.", "f")
    assert join(description.blocks) == "Return an f object."


def test_what_is_bound_is_left_out_of_the_calls_of_methods_only() -> None:
    assert short_call("C.make", "(cls, name=None)", 80, method=True) == "C.make(name=None)"
    assert short_call("pkg.register", "(cls, name=None)", 80, method=False) == "pkg.register(cls, name=None)"
    assert short_call("C.run", "(self, /, a)", 80, method=True) == "C.run(a)"


def test_numpy_sections() -> None:
    sections = {section.name: section for section in sections_of(NUMPY, "f")}
    assert list(sections) == ["description", "parameters", "returns", "related", "examples"]
    assert [(i.name, i.type, join(i.blocks)) for i in sections["parameters"].items] == [
        ("a, b", "{'x', 'y'}, optional", "First line of two."),
        ("*args", "", "The rest."),
    ]
    assert [i.name for i in related_of(sections["related"])] == ["g", "h, i"]
    assert join(sections["description"].blocks) == "Do something.\n\nMore about it."
    for section in sections.values():
        assert section.lines[-1].text.strip() in NUMPY[section.start : section.end]
    assert NUMPY[sections["returns"].start : sections["returns"].end].startswith("Returns\n-------\nout")


def test_google_sections() -> None:
    sections = {section.name: section for section in sections_of(GOOGLE, "f")}
    assert list(sections) == ["description", "parameters", "returns", "examples"]
    assert [(i.name, i.type, join(i.blocks)) for i in sections["parameters"].items] == [
        ("a", "array", "First line of two."),
        ("n", "int, optional", "How many. Default: `1`."),
    ]
    assert "After all." in join(sections["description"].blocks), "text after a section belongs to the description"
    assert join(sections["examples"].blocks) == "```python\n>>> f(1)\n1\n```"

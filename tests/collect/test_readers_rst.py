"""reStructuredText, with what only Sphinx knows, and without what leads out of the file."""

from __future__ import annotations

from pathlib import Path

from gradus.collect.readers import options_of, read_file
from gradus.config import load_config

OPTIONS = options_of(load_config().collect)


def markdown(path: Path, text: str) -> str:
    (path / "a.rst").write_text(text, encoding="utf-8")
    reading = read_file(path / "a.rst", OPTIONS)
    assert reading.found is not None, reading
    return reading.found.text.strip()


def test_structure_survives(tmp_path: Path) -> None:
    text = "=====\nTitle\n=====\n\nPart\n----\n\nA *slanted*, **bold** and ``a_b`` text.\n\n- one\n- two\n\n  1. inner\n\nSo:\n\n  * in\n\n"
    text += "Example::\n\n    def f():\n\n        return 1\n\n== ==\nA  B\n== ==\n1  x\n== ==\n\n>>> f()\n1\n\nterm\n  meaning\n"
    assert markdown(tmp_path, text).split("\n\n") == [
        "# Title",
        "## Part",
        "A *slanted*, **bold** and `a_b` text.",
        "- one\n- two",
        "  1. inner",
        "So:",
        "- in",
        "Example:",
        "```\ndef f():",
        "    return 1\n```",
        "| A | B |\n| --- | --- |\n| 1 | x |",
        "```python\n>>> f()\n1\n```",
        "- **term**: meaning",
    ]


def test_roles_and_directives_of_sphinx_are_met_half_way(tmp_path: Path) -> None:
    text = ".. toctree::\n   :maxdepth: 2\n\n   other\n\n.. currentmodule:: numpy\n\nT\n=\n\n"
    text += "See :func:`numpy.sum`, :class:`~numpy.ndarray`, :py:meth:`!run`, :ref:`the guide <guide>`, :pep:`8` and :unheard:`of it`.\n\n"
    text += ".. code-block:: c\n   :linenos:\n\n   int  a;\n\n.. versionadded:: 1.5\n   It.\n\n.. function:: f(a, b=1)\n   :noindex:\n\n   Does.\n\n"
    text += ".. tab-set::\n\n   .. tab-item:: One\n\n      Inside.\n\n.. note:: Mind it.\n\n.. unheard-of:: of\n\n   Kept.\n"
    assert markdown(tmp_path, text).split("\n\n") == [
        "# T",
        "See `numpy.sum`, `ndarray`, `run`, the guide, PEP 8 and `of it`.",
        "```c\nint  a;\n```",
        "New in version 1.5: It.",
        "`f(a, b=1)`",
        "Does.",
        "**One**",
        "Inside.",
        "**Note**",
        "Mind it.",
        "**of**",
        "Kept.",
    ]


def test_broken_markup_stays_text_and_never_an_error_message(tmp_path: Path) -> None:
    text = "Title\n==\n\nAn *open emphasis, a |lost| one, an unknown_ one and a `broken role:`x.\n\n.. image::\n\n- a\n b\n"
    result = markdown(tmp_path, text)
    assert "Title" in result
    assert "lost one, an unknown one" in result
    for word in ("system-message", "System Message", "WARNING", "ERROR", "problematic", "|lost|"):
        assert word not in result


def test_no_other_file_and_no_raw_html_gets_in(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret plan", encoding="utf-8")
    text = "Text.\n\n.. include:: secret.txt\n\n.. literalinclude:: secret.txt\n\n.. csv-table::\n   :file: secret.txt\n\n"
    text += ".. raw:: html\n   :file: secret.txt\n\n.. raw:: html\n\n   <b>bad</b>\n\n.. code-block:: text\n\n   kept\n"
    result = markdown(tmp_path, text)
    assert result == "Text.\n\n```\nkept\n```"

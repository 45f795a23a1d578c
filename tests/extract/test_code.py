"""Code keeps its bytes, whatever is around it, and every span holds its answer."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from gradus.extract.block import Block, join
from gradus.extract.code import as_code
from gradus.extract.draft import Draft

from .reading import document, pairs, read

SNIPPETS = [
    "def f(x):\n    if x:\n        return 1\n    return 2",
    "all:\n\tgcc -o a a.c\n\n\tstrip a",
    "  indented first line\nthen less",
    "a\n\n\n\nb",
    "~~~\nnot a fence\n~~~",
    "````\nfour\n````",
    "# not a heading\n\n- not a list\n\n| not | a table |",
    "Q: not a question?\nA: not an answer",
    "**Is this a question?**",
    "<details><summary>Is this one?</summary>no</details>",
    "x = [\n\t1,\n        2,\n]",
    "\t\ttabs\n    spaces",
    "$ make \\\n    install  # TODO",
    "[a](#b) ![c](d.png) <b>e</b>",
]


def _fence(code: str, mark: str = "`") -> str:
    return mark * (max([2, *(len(run) for run in re.findall(rf"{mark}+", code))]) + 1)


WRAPPED = {
    "fenced": lambda code: f"{_fence(code)}text\n{code}\n{_fence(code)}",
    "tildes": lambda code: f"{_fence(code, '~')}text\n{code}\n{_fence(code, '~')}",
    "longer end": lambda code: f"{_fence(code)}text\n{code}\n{_fence(code)}``",
    "indented": lambda code: "\n".join("    " + line if line else "" for line in code.split("\n")),
    "in a list": lambda code: "\n".join(
        ["1. Do this:", "", *("   " + x if x else "" for x in f"{_fence(code)}text\n{code}\n{_fence(code)}".split("\n"))]
    ),
}


@pytest.mark.parametrize("wrap", WRAPPED)
@pytest.mark.parametrize("code", SNIPPETS)
def test_code_in_an_answer_is_the_code_of_the_source(code: str, wrap: str) -> None:
    if wrap == "indented" and code[0].isspace():
        code = "first\n" + code
    found = pairs(f"# Doc\n\n## How is it done?\n\nLike this:\n\n{WRAPPED[wrap](code)}\n\nDone.\n")
    assert [question for question, _ in found] == ["How is it done?"]
    assert [token.content for token in MarkdownIt().parse(found[0][1]) if token.type == "fence"] == [code + "\n"]


@pytest.mark.parametrize("code", [code for code in SNIPPETS if not code.startswith("  ")])
def test_code_below_a_bold_question_in_a_list_loses_the_indent_of_the_list_only(code: str) -> None:
    inner = "\n".join("  " + line if line else "" for line in f"{_fence(code)}text\n{code}\n{_fence(code)}".split("\n"))
    found = pairs(f"# Doc\n\n## Help\n\n- **How is it done?**\n\n  So:\n\n{inner}\n")
    assert [question for question, _ in found] == ["How is it done?"]
    assert f"{code}\n" in found[0][1]


def test_spans_hold_the_words_of_their_answers() -> None:
    text = (
        "# Foo\n\nFoo is a tool.\n\n## Help\n\n- **Is it free?** It costs\n  nothing.\n- **Is it safe?**\n\n  It is.\n\n"
        "<details><summary>Can I sell it?</summary>\n\n"
        "You can.\n\n</details>\n\n| Question | Answer |\n|---|---|\n| Is it old? | Quite old. |\n\nEpoch\n: One pass.\n"
    )
    drafts = [item for item in read(text) if isinstance(item, Draft)]
    assert len(drafts) == 6
    source = document(text).text
    for draft in drafts:
        assert all(word in source[draft.start : draft.end] for word in draft.answer.split()), draft
        assert len(source[draft.start : draft.end]) < len(draft.answer) * 3 + 80, "a span is no wider than it must be"


def test_links_within_the_page_and_pictures_leave_text_only() -> None:
    text = "## How is it done?\n\nAs [below](#x) and [there](other.md), see [docs][d] ![p](p.png) and `[a](#b)`.\n\n[d]: https://docs.example\n"
    assert pairs(text)[0][1] == "As below and there, see [docs](https://docs.example)  and `[a](#b)`."


def test_neighbouring_code_shares_its_fence_however_long_that_is() -> None:
    blocks = [Block("code", as_code(code, "text"), 0, 0) for code in ("```", "a\n```\nb")]
    assert join(blocks) == "````text\n```\n\na\n```\nb\n````"

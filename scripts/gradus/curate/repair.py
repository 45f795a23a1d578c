"""Mend damaged text outside code: mojibake, control characters, odd white space. Code is left byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import ftfy

from gradus.code_spans import code_spans
from gradus.curate.markdown import segments
from gradus.records import Example

# ftfy mends the encoding; what it may change besides (quotes, entities, full-width forms, ligatures) is the author's choice.
_MOJIBAKE = ftfy.TextFixerConfig(
    unescape_html=False, fix_latin_ligatures=False, fix_character_width=False, uncurl_quotes=False, fix_line_breaks=False,
    remove_terminal_escapes=False, remove_control_chars=False, normalization=None, explain=False,
)  # fmt: skip
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2060-\u2064\ufeff\ufff9-\ufffb]")
_LINE_END = re.compile(r"\r\n?|[\u2028\u2029]")
_ODD_SPACE = re.compile(r"[\u00a0\u2000-\u200a\u202f\u205f]")
_TRAILING = re.compile(r"(?<=\S)(?:[ \t]|[ \t]{3,})(?=\n)")  # two spaces are a line break in Markdown
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")


def _fix_encoding(text: str) -> str:
    return text if text.isascii() else ftfy.fix_text(text, _MOJIBAKE)


def _fix_white_space(text: str) -> str:
    text = _ODD_SPACE.sub(" ", _LINE_END.sub("\n", text))
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text))


REPAIRS: dict[str, Callable[[str], str]] = {
    "mojibake": _fix_encoding,
    "control characters": lambda text: _CONTROL.sub("", text),
    "white space": _fix_white_space,
}


def repair(text: str) -> tuple[str, frozenset[str]]:
    """The text with its prose mended, and the names of the repairs that changed something."""
    pieces: list[str] = []
    used: set[str] = set()
    for piece, code in _prose_and_code(text):
        if not code:
            for name, mend in REPAIRS.items():
                before, piece = piece, mend(piece)
                used |= {name} if piece != before else set()
        pieces.append(piece)
    return "".join(pieces).strip(), frozenset(used)


def repair_example(example: Example) -> tuple[Example, frozenset[str]]:
    """The example with question, answer and earlier turns mended, and the names of the repairs."""
    question, of_question = repair(example.question)
    answer, of_answer = repair(example.answer)
    turns = [(turn, *repair(turn.content)) for turn in example.context]
    context = tuple(replace(turn, content=content) for turn, content, _ in turns)
    used = of_question.union(of_answer, *(names for *_, names in turns))
    return replace(example, question=question, answer=answer, context=context), used


def _prose_and_code(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is code (a fenced block or an inline span)."""
    pieces: list[tuple[str, bool]] = []
    for part in segments(text):
        position = 0
        for start, end in () if part.code else code_spans(part.text):
            pieces += [(part.text[position:start], False), (part.text[start:end], True)]
            position = end
        pieces.append((part.text[position:], part.code))
    return pieces

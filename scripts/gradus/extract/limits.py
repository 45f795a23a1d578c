"""Length limits and checks of answers, so that none ends in the middle of something."""

from __future__ import annotations

import re

from gradus.fences import OPEN, fence_marks, fenced_lines

_ABBREVIATIONS = ("e.g", "i.e", "etc", "cf", "vs", "al", "fig", "eq", "no", "resp", "approx", "incl", "sec", "ref", "aka", "a.k.a")
_SENTENCE_END = re.compile(
    "".join(rf"(?<!\b{re.escape(word)})" for word in _ABBREVIATIONS) + r"(?<!\s[A-Z])[.!?][\"')\]]?(?=\s+[\"'`(*\[]*\w|\s*$)", re.IGNORECASE
)
_ITEM = re.compile(r"([-*+]|\d+[.)]) ")
_GLUE = frozenset("a an the of to is are in on for and or by with from that it as be this not no if when all any at can".split())
_DRAWING = re.compile(r"-{6,}|_{6,}|(?<!\|)\|[ _]*\|(?! )|(?<= )\|\s+\||\+--")
_ROLE = re.compile(r"(?<!`):[a-z]+:`[^`\s]")
_LEFT_OVER = re.compile(r"^\.\. [\w-]+::|\|\w+\||(?<!:)::$|``\w", re.MULTILINE)


def pieces_of(answer: str) -> list[str]:
    """Split Markdown at blank lines and list items of the outermost level, never inside a fence; joined by '' it is the same."""
    pieces = [""]
    lines = answer.splitlines(keepends=True)
    inside = fenced_lines(lines)
    for number, line in enumerate(lines):
        outer = not (inside[number] and number and inside[number - 1]) and not line[0].isspace()
        new_item = outer and _ITEM.match(line) is not None
        if pieces[-1] and (new_item or outer and pieces[-1].endswith("\n\n")):
            pieces.append("")
        pieces[-1] += line
    return pieces


def first_sentence(text: str) -> str:
    """The first sentence of a paragraph of Markdown; a full stop inside a code span ends none."""
    masked = re.sub(r"`[^`]*`", lambda match: "`" + "x" * (len(match[0]) - 2) + "`", text)
    match = _SENTENCE_END.search(masked)
    return text[: match.end()] if match else text


def cut(answer: str, limit: int) -> str:
    """The longest beginning of at most `limit` characters that ends with a whole paragraph, item or code block.

    A first paragraph that is too long by itself is cut at a sentence. Returns '' when nothing whole fits.
    """
    if len(answer) <= limit:
        return answer
    kept: list[str] = []
    pieces = pieces_of(answer)
    for piece in pieces:
        if len("".join([*kept, piece]).rstrip()) > limit:
            break
        kept.append(piece)
    whole = without_dangling("".join(_without_torn_list(kept, pieces[len(kept)])))
    return whole or without_dangling("".join(kept)) or _sentences(pieces[0], limit)


def _without_torn_list(kept: list[str], next_piece: str) -> list[str]:
    """Without the list that the cut tears when fewer than three of its items are left."""
    if not _ITEM.match(next_piece):
        return kept
    items = next((n for n, piece in enumerate(reversed(kept)) if not _ITEM.match(piece)), len(kept))
    return kept[: len(kept) - items] if items < 3 else kept


def _sentences(paragraph: str, limit: int) -> str:
    if re.match(r"\s*(`{3,}|~{3,}|\||#)", paragraph):
        return ""
    kept = ""
    while kept != paragraph.rstrip():
        sentence = first_sentence(paragraph[len(kept) :])
        if len(kept + sentence) > limit or not _SENTENCE_END.search(sentence[-3:]):
            break
        kept += sentence
    return kept if kept.count("`") % 2 == 0 and kept.count("**") % 2 == 0 else ""


def without_dangling(answer: str) -> str:
    """Without headings, labels and announcing paragraphs (`…:`) at the end, which nothing follows any more."""
    pieces = pieces_of(answer.rstrip())
    while pieces and _announces(pieces[-1]):
        pieces.pop()
    return "".join(pieces).rstrip()


def _announces(piece: str) -> bool:
    text = piece.strip()
    if text.startswith(("```", "~~~")):
        return False
    return not text or text.endswith(":") or bool(re.fullmatch(r"#{1,6} .*|\*\*[^*]+\*\*:?", text))


def fault_of(answer: str) -> str:
    """What is wrong with the form of an answer made by rules, '' when nothing is."""
    lines = answer.split("\n")
    marks = list(fence_marks(lines))
    prose = "\n".join(line for line, mark in zip(lines, marks, strict=True) if mark == "text")
    if marks[-1] in OPEN:
        return "a code fence is not closed"
    if _ROLE.search(prose) or _LEFT_OVER.search(re.sub(r"`[^`\n]+`", "", prose)):
        return "markup that was not understood"
    if _DRAWING.search(re.sub(r"^\|.*\|$|`[^`\n]+`", "", prose, flags=re.MULTILINE)):
        return "a drawing made of characters"
    if any(_stripped(piece).count("`") % 2 or _stripped(piece).count("**") % 2 for piece in prose.split("\n")):
        return "a code span or emphasis is not closed"
    words = re.findall(r"[A-Za-z']+", prose)
    if "opens" not in marks and len(words) > 4 and not _ITEM.search(prose) and not _GLUE.intersection(word.lower() for word in words):
        return "a list of names without a sentence"
    if re.search(r"^\s*([-*+]|\d+[.)])\s*$", prose, re.MULTILINE):
        return "an empty list item"
    return ""


def _stripped(line: str) -> str:
    """A line with a letter for every well-formed code span."""
    return re.sub(r"(?<!`)``[^\n]+?``(?!`)", "x", re.sub(r"(?<!`)`[^`\n]+`(?!`)", "x", line))

"""What stands on a page but belongs to no answer: navigation, contents, badges, notices, placeholders."""

from __future__ import annotations

import re

from gradus.extract.block import Block
from gradus.extract.draft import Drop

_LINK = r"(?:\[[^\[\]]*\]\([^()]*\)|<https?://[^>]*>|https?://\S+)"
_IMAGE = r"!\[[^\]]*\]\([^()]*\)"
_LINK_ITEM = re.compile(rf"\s*(?:[-*+]|\d+[.)])\s+(?:\d+(?:\.\d+)*\.?\s+)?{_LINK}\s*[.,;]?\s*")
_ANCHOR_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+\[[^\]]*\]\(#[^)]*\)\s*")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+\S")
_NAVIGATION_WORD = (
    r"(?:previous|prev|next|back|home|index|up|top|menu|search|contents|docs|documentation|log ?in|sign ?(?:in|up)|blog|about|contact|"
    r"skip to (?:main )?content|back to top|edit (?:this page|on github)|on this page|in this (?:article|section)|share(?: this)?|print|"
    r"toggle (?:navigation|menu)|view source|show source|last (?:updated|modified)\b.{0,40}|page \d+(?: (?:of|/) \d+)?|\d+ / \d+)"
)
_SEPARATOR = r"[\s|·•»›>/←→«‹\-–—:,\u00a0]"
_NAVIGATION = re.compile(rf"{_SEPARATOR}*(?:(?:{_NAVIGATION_WORD}|{_LINK}){_SEPARATOR}*)+", re.IGNORECASE)
# Possessive (`++`): of a text that is neither, not every other way to part its blanks is tried, of which there are too many.
_CRUMB = r"[\w .&'()-]{1,40}+"
_BREADCRUMBS = re.compile(rf"{_CRUMB}(?:\s*+[»›]\s*{_CRUMB}){{1,8}}|(?:home|docs|start)(?:\s*+[>/]\s*{_CRUMB}){{1,8}}", re.IGNORECASE)
_PICTURES = re.compile(rf"(?:\[?\s*+{_IMAGE}\s*+(?:\]\([^()]*\))?\s*+)++")
_LICENCE = re.compile(
    r"(?:(?:copyright\b\s*)?(?:©|\(c\)|&copy;)|copyright \d{4}|all rights reserved|SPDX-|(?:this (?:work|page|document|file|project|"
    r"site|software) is )?"
    r"(?:licen[sc]ed|released|distributed) under\b|unless required by applicable law|permission is hereby granted)",
    re.IGNORECASE,
)
_COOKIE = re.compile(
    r"\b(?:we|this (?:site|website|page)) uses? cookies|\bcookies?\b.{0,80}\b(?:accept|consent|agree|preferences)\b", re.IGNORECASE | re.DOTALL
)
_DOTTED = re.compile(r".{2,80}?(?:\s?\.){4,}\s*\d{1,4}\s*")
_PLACEHOLDER = re.compile(
    r"\W*(?:(?:todo|tbd|tba|tbc|fixme|xxx+|wip|n/?a|none|coming soon|under construction|work in progress|placeholder|empty|"
    r"(?:more )?(?:details|content|text|documentation|information|answer)?\s*(?:is |are )?(?:to be|will be) (?:done|written|added|"
    r"defined|announced|provided|completed|decided|confirmed)"
    r"(?: (?:later|soon|here))?|(?:your |the |an )?(?:answer|text|content|description)(?: goes| comes)? here|"
    r"(?:please )?(?:insert|add|enter|write|type|put|describe|provide|fill(?: in)?)\b[^.\n]{0,60}\bhere|fill (?:this )?in|"
    r"this (?:section|page) (?:is (?:empty|incomplete|under construction|intentionally left blank)|needs? (?:work|content)))\W*)?"
    r"|\W*lorem ipsum.*|\W{0,4}(?:todo|tbd|fixme)\b(?::|\s-|\s).{0,200}",
    re.IGNORECASE | re.DOTALL,
)
_NOTE = re.compile(r"\W*(?:todo|tbd|fixme|lorem ipsum|coming soon)\b", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"(?:for [^.\n]{1,60}, |full |more )?(?:please )?(?:see|refer to|read|check(?: out)?|visit|go to|click|consult|"
    r"documentation is(?: available)? (?:at|on|in))\s+(?:\S+\s+){0,3}?(?:above|below|here|next (?:section|page)|\[[^\]]*\]\([^)]*\)|"
    r"<?https?://\S+)(?:\s+\S+){0,4}?\.?",
    re.IGNORECASE,
)
CONTENTS = re.compile(
    r"(table of )?contents|toc|inhalt(sverzeichnis)?|index|(on|in) this (page|article|guide|document)|quick ?links|navigation|menu", re.IGNORECASE
)
_CHANGELOG = re.compile(
    r"change ?log|changes|history|(?:document )?(?:revision|version|release) history|release notes|what'?s (?:new|changed)(?: in .*)?|"
    r"unreleased|breaking changes|bug ?fixes|changed in .*"
    r"|(?:version |release )?\[?v?\d+\.\d+(?:\.\d+)*\S*\]?(?:\s*[-–(]?\s*\d{4}-\d\d-\d\d\)?|\s*\(.*\))?",
    re.IGNORECASE,
)
_LICENCES = re.compile(
    r"licen[sc]es?(?: (?:and|&) copyright)?|copyright(?: notice)?|legal(?: notice)?|imprint|acknowledge?ments?|credits|citation|"
    r"citing.*|references|bibliography|(?:further |see )?(?:links|reading)|see also|related (?:links|pages|articles)",
    re.IGNORECASE,
)


def without_furniture(blocks: list[Block], *, placeholders: bool = False) -> tuple[list[Block], list[Drop]]:
    """The blocks that may stand in an answer, and one reason for every other.

    Args:
        placeholders: whether paragraphs such as `TODO: more` go, too.
    """
    reasons = [_furniture(block) or (placeholders and _is_note_to_self(block) and "a placeholder" or "") for block in blocks]
    kept = [block for block, reason in zip(blocks, reasons, strict=True) if not reason]
    return kept, [Drop(reason) for reason in reasons if reason]


def section_furniture(title: str, above: tuple[str, ...]) -> str:
    """Why nothing is asked about a section with this heading, '' when something may be."""
    if CONTENTS.fullmatch(title):
        return "a table of contents"
    if any(_CHANGELOG.fullmatch(name) for name in (title, *above)):
        return "a changelog"
    return "a licence, credits or references" if _LICENCES.fullmatch(title) else ""


def is_placeholder(text: str) -> bool:
    """Whether a text only keeps the place of one."""
    return bool(_PLACEHOLDER.fullmatch(re.sub(r"[<>\[\](){}*_`]", "", text).strip()))


def points_elsewhere(text: str) -> bool:
    """Whether a text says no more than where to look."""
    return bool(_ELSEWHERE.fullmatch(text.strip()))


def _furniture(block: Block) -> str:
    text = block.text.strip()
    if block.kind == "list":
        return _list_furniture(text)
    if block.kind not in ("paragraph", "quote"):
        return ""
    bare = text.lstrip("#> ").strip("*_ ")
    if _PICTURES.fullmatch(text):
        return "a badge or picture"
    lines = [line for line in bare.split("\n") if line.strip()]
    if sum(bool(_DOTTED.fullmatch(line)) for line in lines) * 10 >= len(lines) * 7:
        return "a table of contents"
    if len(bare) < 500 and (_NAVIGATION.fullmatch(bare) or all(len(line) < 120 and _BREADCRUMBS.fullmatch(line.strip()) for line in lines)):
        return "navigation"
    if _LICENCE.match(bare):
        return "a licence or copyright line"
    if _COOKIE.search(bare) and len(bare) < 600:
        return "a cookie notice"
    return ""


def _is_note_to_self(block: Block) -> bool:
    """Whether a paragraph is a placeholder beside other text (`TODO: more`)."""
    return block.kind == "paragraph" and bool(_NOTE.match(block.text)) and is_placeholder(block.text)


def _list_furniture(text: str) -> str:
    lines = [line for line in text.split("\n") if line.strip()]
    if sum(bool(_ANCHOR_ITEM.fullmatch(line)) for line in lines) * 10 >= len(lines) * 7:
        return "a table of contents"
    if sum(bool(_LINK_ITEM.fullmatch(line)) for line in lines) * 10 >= len(lines) * 7:
        return "a list of links"
    items = [re.sub(r"^\s*(?:[-*+]|\d+[.)])\s+", "", line).strip("*_ ") for line in lines if _ITEM.match(line)]
    if len(items) == len(lines) > 1 and all(item.endswith("?") for item in items):
        return "a list of questions without answers"
    return "navigation" if items and len(items) == len(lines) and all(_NAVIGATION.fullmatch(item) for item in items) else ""

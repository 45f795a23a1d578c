"""Inline reStructuredText, as docstrings use it, as inline Markdown (CommonMark)."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      ``(?P<literal>[^`].*?)``(?!`)
    | (?<![\w`]) (?::[\w-]+)? :(?P<role>[\w-]+): `(?P<content>[^`]+)`
    | `(?P<label>[^`<]+?) \s* <(?P<target>[^`>]+)>`__?
    | ``(?P<tex>[^`'\n]{1,60})''
    | `(?P<old>[^`'\s]{1,40})'
    | '(?P<symbol>[^\w\s'`]{1,4})'(?!\.?\w|[(\[])
    | `(?P<single>[^`]+)` (?:__?(?!\w))?
    | (?P<mark>\s* \[(?:\d+|\#\w*|\*)\]_ | (?<=[a-z]) \s \[\d\](?=[.,;)]))
    | \[(?P<citation>[A-Za-z][\w.]*)\]_
    """,
    re.VERBOSE,
)
_QUOTED = re.compile(r'(?<![\w"])"(?P<quoted>[^"\n]{1,80})"(?![\w"])')
_EMPHASISED = re.compile(r"(?<![\w*])(\*{1,2})(?=\S)([^*`]+?)(?<=\S)\1(?![\w*])")
_BARE = re.compile(
    r"""
      (?<![\w`*.]) [\w.]{0,60}?__\w{1,40}__ (?:\.\w+)* (?:\(\))?  # __name__, object.__init__()
    | (?<![\w`]) _\w+ (?:\(\))?                                 # _private
    | (?<![\w`*)]) \\?\*{1,2}[A-Za-z_]\w* (?![\w*])             # *args, **kwargs, \*args
    | (?<![\w`*]) [\w.()\[\]+/-]{0,40}[\w)\]] \*{1,2} [\w(\[](?:[\w.()\[\]*+/-]{0,40}[\w)\]])?  # x**2, 2*(a+b)
    | (?<![\w*`]) \*{2,3} (?![\w*`])                             # the operator **
    | </?[A-Za-z!][^<>`]{0,60}>                                 # <class 'int'>
    """,
    re.VERBOSE,
)


def to_markdown(text: str, *, quotes_are_code: bool = False) -> str:
    """One line of reStructuredText, a paragraph already joined, as Markdown.

    Roles and literals become code, links Markdown links, footnote marks go. Outside of code, what CommonMark would
    swallow or read as emphasis (`__name__`, `*args`, `<class 'x'>`) becomes code as well.

    Args:
        quotes_are_code: read `"x"` as code, the way pydoc's topics write literals.
    """
    parts, position = [], 0
    for match in _QUOTED.finditer(text) if quotes_are_code else ():  # first, for such a literal may hold any other mark
        parts += [_marks(text[position : match.start()]), code(match["quoted"])]
        position = match.end()
    line = "".join([*parts, _marks(text[position:])]).strip()
    line = re.sub(r"\[(`[^`\n]+`)\](?![(\[])", r"\1", line)  # the links of Hugging Face's and MkDocs' references
    return re.sub(r"\s*\((?:[,;\s]|and)*\)(?=[\s.,;:]|$)", "", line) if "]_" in text else line


def joined(lines: list[str]) -> str:
    """Lines of a paragraph as one; a line that ends in a hyphen inside a word needs no space."""
    text = "\n".join(line.strip() for line in lines)
    return " ".join(re.sub(r"(?<=\w-)\n(?=[a-z])(?!and\b|or\b)", "", text).split())


def code(text: str) -> str:
    """A code span; its fence is longer than any run of backticks inside."""
    text = " ".join(text.split())
    if "`" not in text:
        return f"`{text}`" if text else ""
    fence = "`" * (max(len(run) for run in re.findall(r"`+", text)) + 1)
    return f"{fence} {text} {fence}"


def label(name: str) -> str:
    """A bold name, as code where Markdown would misread it: `**start**`, ``**`*args`**``."""
    plain = re.fullmatch(r"[A-Za-z][\w.]*(, [A-Za-z][\w.]*)*", name) and "__" not in name
    return f"**{name}**" if plain else f"**{code(name)}**"


def _token(match: re.Match[str]) -> str:
    found = match.groupdict()
    if found["mark"]:
        return ""
    if found["citation"]:
        return f"[{found['citation']}]"
    if found["role"]:
        return _role(found["role"], found["content"])
    if found["label"]:
        target = found["target"]
        return f"[{found['label']}]({target})" if re.match(r"https?:|mailto:", target) else found["label"]
    if found["single"]:
        return found["single"] if match[0].endswith("_") else _role("", found["single"])
    return code(found["literal"] or found["tex"] or found["old"] or found["symbol"])


def _role(role: str, content: str) -> str:
    """`~a.b.c` shows `c`, `text <target>` shows the text; references to pages are prose, the rest is code."""
    titled = re.fullmatch(r"(.+?)\s*<[^>]*>", content)
    shown = titled[1] if titled else content.lstrip("!")
    shown = shown[1:].rpartition(".")[2] if shown.startswith("~") else shown
    if role in ("pep", "rfc"):
        return f"{role.upper()} {shown}"
    if role in ("sup", "sub"):
        return f"^{shown}" if shown.isdigit() else shown
    return shown if role in ("ref", "doc", "term") and " " in shown else code(shown)


def _marks(text: str) -> str:
    """Roles, literals, links and footnote marks."""
    parts, position = [], 0
    for match in _TOKEN.finditer(text):
        parts += [_plain(text[position : match.start()]), _token(match)]
        position = match.end()
    return "".join([*parts, _plain(text[position:])])


def _plain(text: str) -> str:
    """Text between tokens: undo escapes, and put into code what Markdown would misread. Emphasis stays."""
    text = re.sub(r"\\\s", "", text)
    text = re.sub(r"\|\w+\|_?(?![|\w])", "", text)  # substitutions have no text of their own
    parts, position = [], 0
    for match in _EMPHASISED.finditer(text):
        parts += [_guard(text[position : match.start()]), match[0]]
        position = match.end()
    return "".join([*parts, _guard(text[position:])])


def _guard(text: str) -> str:
    return _BARE.sub(lambda match: code(match[0].lstrip("\\")), text)

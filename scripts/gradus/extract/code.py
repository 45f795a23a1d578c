"""What in a docstring is code, and fences around it."""

from __future__ import annotations

import ast
import re
import warnings

from gradus.fences import fenced

_SHELL = re.compile(r"(\$|%) \S|(python3?|pip|make|cd|export|mpirun|mlx\.\w+) \S")
_COLUMNS = re.compile(r"\S( {2,}|\t)\S")


def as_code(text: str, language: str = "") -> str:
    """A fenced block; the language is found when it is not given."""
    return fenced(text, language or language_of(text))


def language_of(text: str) -> str:
    """`python`, `bash` or `text`."""
    if ">>> " in text or is_python(text):
        return "python"
    lines = [line for line in text.split("\n") if line.strip()]
    return "bash" if lines and all(_SHELL.match(line) or line.startswith((" ", "#")) for line in lines) else "text"


def may_be_python(text: str) -> bool:
    """A cheap first look: no line of prose (four small words in a row outside of comments and strings)."""
    return not re.search(r"^(?!\s*#)[^\"'#]*\b[a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}\b(?!.*:$)", text, re.MULTILINE)


def is_python(text: str) -> bool:
    """Whether the text is Python that does something: it parses, and is more than bare names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return any(not _is_bare(node) for node in tree.body)


def _is_bare(node: ast.stmt) -> bool:
    """A name, a constant, a tuple of them or `word: word`: prose can look like that."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    if isinstance(node, ast.Expr):
        return all(isinstance(inner, ast.Name | ast.Constant | ast.Tuple | ast.Attribute | ast.expr_context) for inner in ast.walk(node.value))
    return False


def looks_like_code(text: str) -> bool:
    """Whether an indented block is code: a doctest, Python, shell commands or aligned columns."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or re.match(r"[-*•]\s|\d+[.)]\s", lines[0]):
        return False
    if lines[0].startswith(">>>"):
        return not any(re.match(r"[A-Z][a-z]+ .*[a-z]{3}", line) for line in lines)
    return is_python(text) or "::=" in lines[0] or all(_SHELL.match(line) for line in lines) or looks_like_table(lines)


def looks_like_prose(text: str) -> bool:
    """Whether an indented block reads as sentences, a list, definitions or signatures rather than as code."""
    first = text.split("\n")[0]
    if re.match(r"[-*•+]\s|\(?\w{1,2}[.)]\s|\.\. |:\w+", first) or re.fullmatch(r"(\w+ )?[\w.]+\(.*\)", first):
        return True
    words = re.findall(r"[A-Za-z']+", text)
    small = sum(word.islower() and len(word) > 1 for word in words)
    return len(words) > 3 and small * 2 > len(words) and not re.search(r"[=;{}]|\)$", first)


def looks_like_table(lines: list[str]) -> bool:
    """Whether most lines have a gap of two or more spaces inside (not after a full stop): aligned columns."""
    gaps = sum(bool(_COLUMNS.search(re.sub(r"(?<=[.!?:;,])\s{2}(?=\S)", " ", line.strip()))) for line in lines)
    return len(lines) > 1 and gaps * 3 >= len(lines) * 2

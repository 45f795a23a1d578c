"""Names of code in the prose of a docstring, put into code spans where they are code for certain."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from gradus.fences import fenced_lines
from gradus.signatures import split_arguments

_APART = re.compile(
    r"(?P<code>(?P<fence>`+)(?!`).+?(?<!`)(?P=fence)(?!`)|(?<![\w*])\*(?P<emphasised>[A-Za-z_][\w.]*(?:\(\))?)\*(?![\w*])|"
    r"(?<!\*)\*\*[\w., `*]+\*\*(?=[ :]|$)|!?\[[^\]]*\]\([^)]*\)|<?https?://\S+)"
)
"""What is left as it is: code spans, bold labels, links, addresses."""
_EXCEPTIONS = (
    r"(?:[A-Z][a-z]+)+(?:Error|Exception|Warning)|OSError|IOError|EOFError|KeyboardInterrupt|StopIteration|SystemExit|GeneratorExit|NotImplemented"
)
_OPERAND = r"(?:'[^'\s]*'|\"[^\"\s]*\"|-?\d+(?:\.\d+)?\w*|[A-Za-z_][\w.]*(?:\(\))?)"
_ADDRESS_END = r"(?:com|org|net|html|edu)\b"
_NAME = re.compile(
    rf"""(?x) (?<![\w`/\\@$%{{<&~'\"-]) (?<!\w\.) (?:
      (?P<call> \.?(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*\(\))
    | (?P<arguments> (?P<called>(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\((?!e?s\))[\w\ ,.=*'\"+:-]{{1,60}}\))
    | (?P<certain> (?:[A-Za-z]\w*\.)*[A-Za-z]\w*_\w*[A-Za-z0-9](?:\.[A-Za-z_]\w*)*
        | [a-z]\w*=(?!=){_OPERAND} | True | False | None(?!\ of\b) | {_EXCEPTIONS})
    | (?P<dotted> (?P<root>[A-Za-z_]\w+)(?:\.(?!{_ADDRESS_END})[A-Za-z_]\w*)+)
    | (?P<argument> [A-Za-z_]\w+)(?=\ (?:parameter|argument|keyword\ argument|option)\b)
    | (?<=\b[Ii]f\ )(?P<condition>[A-Za-z_]\w+)(?=\ (?:is|are|has|was)\b)
    | (?<=\b[Ww]hen\ )(?P<time>[A-Za-z_]\w+)(?=\ (?:is|are)\b)
    | (?<=\bparameter\ )(?P<parameter>[A-Za-z_]\w+)\b | (?<=\bargument\ )(?P<said>[A-Za-z_]\w+)\b
    ) (?![\w`/\\@$%}}>(=]|\.[\w(]|-\w|'\w)"""
)
_ALIASES = frozenset(("np", "mx", "self", "cls"))
_OF_PARAMETERS = ("argument", "condition", "time", "parameter", "said")


@dataclass(frozen=True)
class Names:
    """What is known about the object whose docstring is read."""

    name: str
    """Its dotted name; what begins with the same module is a name, too."""
    parameters: frozenset[str]

    @staticmethod
    def of(name: str, signature: str) -> Names:
        """From the dotted name and a signature such as `(a, *, key=None)`."""
        arguments = split_arguments(signature.partition(" ->")[0].strip()[1:-1])
        return Names(name, frozenset(re.match(r"\W*(\w*)", argument)[1] for argument in arguments))  # type: ignore[index]

    def marked(self, markdown: str) -> str:
        """The same Markdown with code spans around names; code, tables, links and bold labels stay as they are."""
        lines = markdown.split("\n")
        inside = fenced_lines(lines)
        return "\n".join(line if code or line.startswith("|") else self._line(line) for line, code in zip(lines, inside, strict=True))

    def _line(self, line: str) -> str:
        parts, position = [], 0
        for match in _APART.finditer(line):
            parts += [_NAME.sub(self._shown, line[position : match.start()]), self._emphasised(match["emphasised"]) or match[0]]
            position = match.end()
        return "".join([*parts, _NAME.sub(self._shown, line[position:])])

    def _emphasised(self, name: str | None) -> str:
        """`*data*`, as many docstrings write a parameter, as code; '' when it is emphasis."""
        known = name and (name in self.parameters or re.search(r"_|\w\.\w|\(\)", name) or name in ("True", "False", "None"))
        return f"`{name}`" if known else ""

    def _shown(self, match: re.Match[str]) -> str:
        return f"`{match[0]}`" if self._is_code(match.groupdict()) else match[0]

    def _is_code(self, found: dict[str, str | None]) -> bool:
        """Calls, names with underscores, constants, exceptions and `key=value` are; others where the name is known."""
        if called := found["called"]:
            return "." in called or "_" in called or called == self.name.rpartition(".")[2]
        if root := found["root"]:
            return root in _ALIASES or root == self.name.partition(".")[0] or root in sys.stdlib_module_names
        parameter = next((found[key] for key in _OF_PARAMETERS if found[key]), None)
        return parameter is None or parameter in self.parameters

"""Wordings that ask the same: a question of one form can be asked in each of the others of its family."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

# What a slot takes: {name} one span of inline code, {x} words on one line without a mark that ends a sentence.
_SLOTS = {"name": r"`[^`\n]+`", "other": r"`[^`\n]+`", "x": r"[^\n?!.;:]+(?:`[^`\n]*`[^\n?!.;:]*)*"}


@dataclass(frozen=True)
class Family:
    """Forms of one question. Only those written to be understood alike stand together."""

    forms: tuple[str, ...]

    def others(self, question: str) -> list[str]:
        """The question in the other forms of this family; empty when it has none of its forms."""
        for form in self.forms:
            match = _pattern(form).fullmatch(question)
            if match:
                return [other.format(**match.groupdict()) for other in self.forms if other != form]
        return []


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """A form as a regular expression with its slots as groups."""
    escaped = re.escape(form)
    for slot, pattern in _SLOTS.items():
        escaped = escaped.replace(rf"\{{{slot}\}}", f"(?P<{slot}>{pattern})")
    return re.compile(escaped)


FAMILIES = (
    Family(("How do I {x}?", "How can I {x}?", "How would one {x}?", "Show me how to {x}.", "What is the way to {x}?")),
)


def rewordings(question: str) -> list[str]:
    """The question in other words, in the order of the templates; empty when no template fits."""
    return next((others for family in FAMILIES if (others := family.others(question))), [])
